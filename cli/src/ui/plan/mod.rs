//! The output of a plan.

mod all;
mod files;
mod json;
mod now;
mod rows;
mod tables;
mod text;

use rekey_engine::plan::Plan;
use rekey_engine::upgrade::Status;

use super::json::lines;
use super::{Output, output};

pub(super) use json::findings;

impl Output {
    /// What a run would do, beside a run that is unfinished; as text table by table, or `all` SSTables
    /// one by one.
    pub(crate) fn plan(self, plan: &Plan, unfinished: Option<&Status>, all: bool) {
        match self {
            Self::Text => {
                text::plan(plan, unfinished, all).for_each(|piece| output::out(&piece));
            }
            Self::Json => {
                lines(unfinished.map(json::unfinished));
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
