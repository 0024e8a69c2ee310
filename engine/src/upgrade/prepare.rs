//! What comes before a run, in the one order in which a refusal leaves everything as it was.
//!
//! ```text
//! the journal is of these data directories, and of these arguments
//! logs and copies brought to rest, by their own rules
//! plan, with a key that is perhaps not there yet: nothing blocks it, and it can go on with what is staged
//! the key is made, and the plan is made with it
//! which key the rotation goes to is on record
//! ```
//!
//! Only the run that follows removes what is staged and cannot be gone on with.

use super::rest::{Recovered, recover};
use super::{PlanRequest, Session, place, plan, resume, rotation};
use crate::Result;
use crate::keys::KeyCreation;
use crate::plan::{Plan, Target};

/// Everything that a run needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// What is to be done; its target has the key.
    pub plan: Plan,
    /// What an interrupted operation had left, and what became of that.
    pub recovered: Recovered,
    /// Whether the key was made just now.
    pub key: KeyCreation,
    /// Whether the run goes on with one that is unfinished.
    pub goes_on: bool,
}

/// Prepares a run: looks whether it may go on with an unfinished one, brings the tables to rest, plans,
/// and makes the key, if it is to be made.
///
/// # Errors
/// What refuses the run: then nothing that is staged was touched, and no key was made. See
/// [`recover`], [`plan`] and [`Target::make_key`]; and what is wrong with the record of rotations.
pub fn prepare(session: &Session, request: &PlanRequest<'_>) -> Result<Prepared> {
    session.require_exclusive()?;
    let place = place(session)?;
    if let Some(history) = place.history(session.storage())?
        && !history.is_at_rest()
    {
        resume::check_request(session, &history, request, &place.journal())?;
    }
    let recovered = recover(session, request.selection)?;
    let mut plan = plan(session, request)?;
    let mut goes_on = check(session, &plan)?;
    let mut key = KeyCreation::AlreadyThere;
    if request.target.may_be_made()
        && let Some(owner) = session.data_dirs().first()
    {
        let mut target: Target = request.target.clone();
        key = target.make_key(request.sources, owner)?;
        plan = super::plan(session, &PlanRequest { target: &target, ..*request })?;
        goes_on = check(session, &plan)?;
    }
    // All keys are there, and are held where they are wiped.
    request.sources.disconnect();
    rotation::record(session, &plan.target)?;
    Ok(Prepared { plan, recovered, key, goes_on })
}

/// Whether a run that nothing refuses goes on with another one.
fn check(session: &Session, plan: &Plan) -> Result<bool> {
    if let Some(finding) = plan.blocker() {
        return Err(finding.error.clone());
    }
    let place = place(session)?;
    match place.history(session.storage())? {
        Some(history) => {
            resume::left(session, plan, &history, &place.journal()).map(|left| left.is_some())
        }
        None => Ok(false),
    }
}
