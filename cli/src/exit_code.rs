//! What the process returns. The numbers are part of the interface; scripts rely on them.

use std::fmt;
use std::process::ExitCode;

use rekey_engine::evidence::Answer;
use rekey_engine::plan::{Plan, SystemPlan};
use rekey_engine::upgrade::Report;
use rekey_engine::{Error, ErrorKind};

/// A documented exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u8);

/// Done.
pub(crate) const DONE: Code = Code(0);
/// Failed.
pub(crate) const FAILED: Code = Code(1);
/// Usage or configuration.
pub(crate) const USAGE: Code = Code(2);
/// Some SSTables failed, the rest were done.
pub(crate) const SOME_FAILED: Code = Code(3);
/// The window is too short: as a run that is ended by it, that leaves some SSTables.
pub(crate) const TOO_LONG: Code = SOME_FAILED;
/// Nobody can tell whether the key is in use, or it is not, once the node has been started.
pub(crate) const UNCERTAIN: Code = SOME_FAILED;
/// The key is still in use.
pub(crate) const IN_USE: Code = Code(4);
/// A node or another run holds the data.
pub(crate) const BUSY: Code = Code(5);
/// A key or a key server is unavailable.
pub(crate) const KEY_UNAVAILABLE: Code = Code(6);
/// Not enough space.
pub(crate) const NO_SPACE: Code = Code(7);
/// What was read back differs from what was read first.
pub(crate) const MISMATCH: Code = Code(8);
/// Stopped on request, by a deadline, a limit or SIGTERM; running again resumes.
pub(crate) const STOPPED: Code = Code(75);
/// Interrupted; running again resumes.
pub(crate) const INTERRUPTED: Code = Code(130);

impl Code {
    /// As the shell sees it.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

/// The status for an error that ended the command.
pub(crate) fn of_error(error: &Error) -> Code {
    of_kind(error.kind())
}

/// The status for a report: a mismatch takes precedence; if nothing was done, the status of the
/// common cause; otherwise "some failed".
pub(crate) fn of_report(report: &Report) -> Code {
    match (report.failures().next(), report.failure_kind()) {
        (None, _) => DONE,
        (Some(_), Some(kind)) => of_kind(kind),
        (Some(_), None) => SOME_FAILED,
    }
}

/// The status for a plan: that of what blocks it; otherwise what the run would end with if nothing
/// else failed.
pub(crate) fn of_plan(plan: &Plan, files: Option<&SystemPlan>) -> Code {
    if let Some(blocker) = plan.blocker() {
        return of_error(&blocker.error);
    }
    let mut foreseen = Report::foreseen(plan);
    let mut does_something = plan.rewrites().next().is_some();
    if let Some(files) = files {
        foreseen.join(files.foreseen());
        does_something |= files.changes().next().is_some();
    }
    match foreseen.failures().next() {
        Some(_) if does_something => SOME_FAILED,
        _ => of_report(&foreseen),
    }
}

/// The status for an answer of `may-destroy`: only a yes is a success.
pub(crate) const fn of_answer(answer: Answer) -> Code {
    match answer {
        Answer::Yes => DONE,
        Answer::AfterNextStart | Answer::Unknown => UNCERTAIN,
        Answer::No => IN_USE,
    }
}

fn of_kind(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => USAGE,
        ErrorKind::Busy => BUSY,
        ErrorKind::KeyUnavailable => KEY_UNAVAILABLE,
        ErrorKind::NoSpace => NO_SPACE,
        ErrorKind::Mismatch => MISMATCH,
        ErrorKind::Interrupted => INTERRUPTED,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_number() {
        for (kind, number) in [
            (ErrorKind::Invalid, 2),
            (ErrorKind::Unsupported, 1),
            (ErrorKind::KeyUnavailable, 6),
            (ErrorKind::Corrupt, 1),
            (ErrorKind::Busy, 5),
            (ErrorKind::NoSpace, 7),
            (ErrorKind::Io, 1),
            (ErrorKind::Mismatch, 8),
            (ErrorKind::Interrupted, 130),
            (ErrorKind::Internal, 1),
        ] {
            assert_eq!(of_kind(kind), Code(number), "{kind:?}");
        }
        assert_eq!(of_report(&Report::default()), DONE);
    }
}
