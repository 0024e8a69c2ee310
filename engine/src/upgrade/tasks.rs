//! The SSTables of a plan are rewritten: one task each.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::report::{Outcome, Report};
use super::resumable::{Resumable, name_of};
use super::session::Session;
use super::watch::watch;
use crate::event::{Event, Observer};
use crate::journal::{Ending, Journal, Record};
use crate::pipeline::{self, Limits, Step};
use crate::plan::{Inspector, Plan, PlannedRewrite};
use crate::rewrite::{Resumed, Rewrite, RewriteJob, RewriteStage};
use crate::{Error, ErrorKind, Result};

/// A plan, and what it is carried out with.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    pub(super) rewrites: &'a [PlannedRewrite<'a>],
    pub(super) threads: NonZeroUsize,
    pub(super) journal: &'a Journal,
}

/// Why a run that has begun so many SSTables has ended before all was done, if so.
pub(super) fn ending(session: &Session, begun: u64, report: &Report) -> Option<Ending> {
    let control = session.control();
    let mut failures = report.failures().peekable();
    failures.peek()?;
    if !failures.any(|error| error.kind() == ErrorKind::Interrupted) {
        return Some(Ending::Failures);
    }
    let is_over = control.time_left(Instant::now()).is_some_and(|left| left.is_zero());
    Some(match () {
        () if control.is_stopped() => Ending::Asked,
        () if !is_over && !control.has_room(begun) => Ending::Limit,
        // Or what is left would not have been done by then.
        () => Ending::Deadline,
    })
}

/// Tells the journal now and then how far the run is, for `status`.
struct Pulse<'a> {
    journal: &'a Journal,
    every: Duration,
    last: Instant,
    rewritten: u64,
    read_back: u64,
}

impl<'a> Pulse<'a> {
    fn new(session: &Session, journal: &'a Journal) -> Self {
        let (every, last) = (session.progress_every(), Instant::now());
        Self { journal, every, last, rewritten: 0, read_back: 0 }
    }

    fn see(&mut self, step: &Step<'_, RewriteStage<'_>>) {
        let Step::Advanced { stage, bytes } = step else { return };
        let sum = if stage.is_read_back() { &mut self.read_back } else { &mut self.rewritten };
        *sum = sum.saturating_add(*bytes);
        if self.last.elapsed() >= self.every {
            self.last = Instant::now();
            let Self { rewritten, read_back, .. } = *self;
            let _not_needed = self.journal.tell(&Record::Progress { rewritten, read_back });
        }
    }
}

impl Run<'_> {
    /// Rewrites the SSTables. Returns the staging directories to keep, and why it has ended before all
    /// was done, if so.
    ///
    /// # Errors
    /// Only when the plan has no flavor.
    pub(super) fn carry_out(
        &self,
        left: Resumable,
        observer: &mut dyn Observer,
        report: &mut Report,
    ) -> Result<(BTreeSet<PathBuf>, Option<Ending>)> {
        let Self { session, plan, rewrites, threads, journal } = *self;
        let Resumable { mut resumed, dropped, .. } = left;
        for (sstable, error) in dropped {
            let _said_again_then = journal.tell(&Record::Dropped { sstable, why: error.chain() });
        }
        let flavor = plan.flavor.ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the plan does not know whose logs to write")
        })?;
        let job = |target| RewriteJob {
            storage: session.storage(),
            inspector: Inspector::new(session.storage(), session.lease(), session.is_mapped()),
            target,
            ring: &plan.ring,
            flavor,
            journal,
            control: session.control(),
            checkpoint: session.checkpoint(),
            range_bytes: session.range_bytes(),
        };
        // Every byte is read twice: once from the old file, once from the new.
        let mut bytes = 0_u64;
        let mut directories = Vec::with_capacity(rewrites.len());
        let mut tasks = Vec::with_capacity(rewrites.len());
        for PlannedRewrite { sstable, facts, new, target } in rewrites {
            let (directory, name) = name_of(&sstable.sstable);
            let resumed = resumed.remove(&(directory.to_owned(), name));
            let done = resumed.as_ref().map_or(0, Resumed::bytes_done);
            bytes = bytes.saturating_add(facts.data_bytes.saturating_mul(2).saturating_sub(done));
            // An earlier version may have chosen another name.
            let there = resumed.as_ref().map(|resumed| resumed.directory().to_owned());
            directories.push(there.unwrap_or_else(|| sstable.staging_path()));
            tasks.push(Rewrite::new(job(target), sstable, facts, new, resumed));
        }
        observer.event(&Event::Started { sstables: tasks.len(), bytes });
        let (mut pulse, mut begun) = (Pulse::new(session, journal), 0_u64);
        pipeline::run(&tasks, Limits { threads }, session.control(), |index, step| {
            pulse.see(&step);
            begun = begun.saturating_add(u64::from(matches!(step, Step::Began)));
            let Some(PlannedRewrite { sstable, facts, new, .. }) = rewrites.get(index) else {
                return;
            };
            if let Some(result) = watch(observer, &sstable.table, facts, step) {
                let outcome = match result {
                    Ok(()) => Outcome::Rewritten { new: (*new).clone() },
                    Err(error) => Outcome::Failed(error),
                };
                report.add(&sstable.table, &sstable.sstable, outcome);
                report.replaced(tasks.get(index).map_or(0, Rewrite::copies_replaced));
                report.warn(tasks.get(index).map(Rewrite::warnings));
                report.tell(observer, facts.data_bytes);
            }
        });
        let ended = tasks.iter().zip(directories);
        let kept = ended.filter(|(task, _)| task.is_kept()).map(|(_, directory)| directory);
        Ok((kept.collect(), ending(session, begun, report)))
    }
}
