//! `prepare`: what comes before a run, in the one order in which a refusal leaves everything as it was.
//!
//! ```text
//! Found      the journal is of these data directories
//!   |        ... and of these arguments
//! AtRest     logs and copies are brought to rest, by their own rules
//!   |        plan, with a key that is perhaps not there yet: nothing blocks it, and it can resume what is staged
//!   |        the key is made, if something is written with it, and the plan is made with it
//!   |        which key the rotation goes to is on record
//! Prepared   run
//! ```
//!
//! Each state is made of the one before, so there is no other order. Only the run removes what is staged and
//! cannot be resumed.

use super::find::{Found, find};
use super::plan::plan;
use super::recover::{Recovered, bring_to_rest};
use super::request::PlanRequest;
use super::resumable::{self, Resumable};
use super::rotations;
use super::session::{Exclusive, Session};
use super::state_dir::StateDir;
use crate::Result;
use crate::journal::History;
use crate::keys::{KeyCreation, KeyRef};
use crate::plan::Plan;

/// A run that nothing refuses.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared<'s> {
    /// What is to be done; its targets have their keys.
    pub plan: Plan,
    /// What an interrupted operation had left, and what became of that.
    pub recovered: Recovered,
    /// The keys that were made just now.
    pub made: Vec<(KeyRef, KeyCreation)>,
    pub(super) session: Exclusive<'s>,
    pub(super) state_dir: StateDir,
    /// The run that is resumed, and what it has left for the plan.
    pub(super) unfinished: Option<(History, Resumable)>,
}

impl Prepared<'_> {
    /// The run that this one resumes, if any.
    #[must_use]
    pub fn resumes(&self) -> Option<&History> {
        self.unfinished.as_ref().map(|(history, _)| history)
    }
}

/// Prepares a run: checks whether it may resume an unfinished one, brings the tables to rest, plans, and
/// makes the key, if it is to be made.
///
/// # Errors
/// As [`find`] and [`Found::prepare`].
pub fn prepare<'s>(session: &'s Session, request: &PlanRequest<'_>) -> Result<Prepared<'s>> {
    find(session)?.prepare(request)
}

impl<'s> Found<'s> {
    /// Prepares a run with the journal that was found.
    ///
    /// # Errors
    /// What refuses the run: then nothing that is staged was touched, and no key was made. See
    /// [`super::recover()`], [`plan()`] and [`crate::plan::Target::make_key`]; and what is wrong with the record of
    /// rotations.
    pub fn prepare(self, request: &PlanRequest<'_>) -> Result<Prepared<'s>> {
        self.bring_to_rest(request)?.plan(request)
    }

    fn bring_to_rest(self, request: &PlanRequest<'_>) -> Result<AtRest<'s>> {
        let Self { session, state_dir, history } = self;
        let writer = session.exclusive()?;
        if let Some(history) = history.as_ref().filter(|history| !history.is_at_rest()) {
            resumable::check_request(session, history, request, &state_dir.journal())?;
        }
        let recovered = bring_to_rest(writer, request.selection, history.as_ref())?;
        Ok(AtRest { session: writer, state_dir, history, recovered })
    }
}

/// The tables are at rest: what an interrupted operation had left is finished or undone.
struct AtRest<'s> {
    session: Exclusive<'s>,
    state_dir: StateDir,
    history: Option<History>,
    recovered: Recovered,
}

impl<'s> AtRest<'s> {
    fn plan(self, request: &PlanRequest<'_>) -> Result<Prepared<'s>> {
        let session = self.session.session();
        let mut plan = plan(session, request)?;
        let mut resumable = self.resumable(&plan)?;
        let mut made = Vec::new();
        // A key that nothing is written with would only be one more to look after.
        if request.targets.may_be_made()
            && plan.rewrites().next().is_some()
            && let Some(owner) = session.data_dirs().first()
        {
            let mut targets = request.targets.clone();
            made = targets.make_keys(request.sources, owner)?;
            plan = super::plan::plan(session, &PlanRequest { targets: &targets, ..*request })?;
            resumable = self.resumable(&plan)?;
        }
        // All keys are there, and are held where they are wiped.
        request.sources.disconnect();
        rotations::record(session, &plan.targets)?;
        let Self { session, state_dir, history, recovered } = self;
        // A run at rest, of another plan, is over with this one.
        let unfinished = history.zip(resumable);
        Ok(Prepared { plan, recovered, made, session, state_dir, unfinished })
    }

    /// What the unfinished run has left for a plan that nothing blocks.
    fn resumable(&self, plan: &Plan) -> Result<Option<Resumable>> {
        if let Some(finding) = plan.blocker() {
            return Err(finding.error.clone());
        }
        match &self.history {
            Some(history) => {
                let session = self.session.session();
                resumable::of_plan(session, plan, history, &self.state_dir.journal())
            }
            None => Ok(None),
        }
    }
}
