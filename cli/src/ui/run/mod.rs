//! The output of a run or a verification, during its work and at its end.

mod bars;
mod events;
mod json;
mod pace;
mod text;

use rekey_engine::event::Observer;
use rekey_engine::plan::Target;
use rekey_engine::upgrade::{Alteration, Recovered, Report};

use super::json::{lines, warning};
use super::{Output, command_line, output};

/// What rewriting does to bytes.
pub(crate) const BOTH_PASSES: &str = "to write and to read back";

impl Output {
    /// The result of a run towards a target, or of a verification.
    pub(crate) fn report(self, report: &Report, target: Option<&Target>, seconds: f64) {
        match self {
            Self::Text => output::out(&text::report(report, seconds)),
            Self::Json => {
                lines(report.warnings.iter().map(warning));
                lines(json::untold(report));
                output::keep_summary(json::summary(report, target, seconds));
            }
        }
    }

    /// The tables to alter after a run.
    pub(crate) fn alterations(self, tables: &[Alteration]) {
        match self {
            Self::Text => output::err(&text::alterations(tables)),
            Self::Json => lines(tables.iter().map(json::alteration)),
        }
    }

    /// What was recovered before anything else.
    pub(crate) fn recovered(self, recovered: &Recovered) {
        match self {
            Self::Text => output::err(&text::recovered(recovered)),
            Self::Json => lines(json::recovered(recovered)),
        }
    }

    /// Prints the command that resumes a run that has left work.
    pub(crate) fn go_on(self, why: &str) {
        self.note(&format!("{why}:\n  {}", command_line::own()));
    }

    /// The observer of a run; `work` is what is done to bytes: "to read".
    pub(crate) fn observer(self, work: &'static str) -> Box<dyn Observer> {
        match self {
            Self::Text => Box::new(bars::Bars::new(work)),
            Self::Json => Box::new(events::Events::default()),
        }
    }
}
