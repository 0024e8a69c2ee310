//! The output of a run or a verification, during its work and at its end.

mod bars;
mod events;
mod json;
mod pace;
mod record;
mod text;

use std::path::Path;

use rekey_engine::Error;
use rekey_engine::event::Observer;
use rekey_engine::plan::{Plan, Targets};
use rekey_engine::schema::Local;
use rekey_engine::upgrade::{Alteration, Recovered, Report};

use super::json::{lines, warning};
use super::{Output, command_line, loudness, output};

pub(crate) use record::{RunRecord, Times};

/// What rewriting does to bytes.
pub(crate) const BOTH_PASSES: &str = "to write and to read back";

impl Output {
    /// The result of a run towards targets, or of a verification.
    pub(crate) fn report(self, report: &Report, targets: Option<&Targets>, seconds: f64) {
        match self {
            Self::Text => output::out(&text::report(report, seconds)),
            Self::Json => {
                lines(report.warnings.iter().map(warning));
                lines(json::untold(report));
                output::keep_summary(json::summary(report, targets, seconds));
            }
        }
    }

    /// What a run is about to do, and on which node, as far as that says it.
    pub(crate) fn before(self, plan: &Plan, local: Option<&Local>) {
        match self {
            Self::Text if loudness::is_quiet() => {}
            Self::Text => output::err(&text::before(plan, local)),
            Self::Json => lines([json::before(plan, local)]),
        }
    }

    /// Where the report of a run is.
    pub(crate) fn kept(self, path: &Path) {
        match self {
            Self::Text => output::out(&format!("report: {}\n", path.display())),
            Self::Json => {
                if let Some(summary) = output::take_summary() {
                    output::keep_summary(json::with_report(summary, path));
                }
            }
        }
    }

    /// A warning of something that does not change the outcome.
    pub(crate) fn warn(self, error: &Error) {
        match self {
            Self::Text => output::err(&text::warn(error)),
            Self::Json => lines([warning(error)]),
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
