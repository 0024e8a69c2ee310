//! The output of a plan.

mod json;
mod text;

use rekey_engine::plan::Plan;

use super::json::lines;
use super::{Output, output};

impl Output {
    pub(crate) fn plan(self, plan: &Plan) {
        match self {
            Self::Text => text::plan(plan).for_each(|piece| output::out(&piece)),
            Self::Json => {
                lines(json::plan(plan));
                output::keep_summary(json::summary(plan));
            }
        }
    }

    /// What a plan warns of, for a command that does not show the plan.
    pub(crate) fn warnings(self, plan: &Plan) {
        match self {
            Self::Text => output::err(&text::warnings(plan)),
            Self::Json => lines(json::warnings(plan)),
        }
    }

    /// Says how many SSTables in snapshots and backups a run was not asked to re-encrypt. A plan
    /// has this in its summary.
    pub(crate) fn archives_left(self, plan: &Plan) {
        if let Some(left) = text::archives_left(plan) {
            self.note(&left);
        }
    }
}
