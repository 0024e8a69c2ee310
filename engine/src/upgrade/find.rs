//! The first state of a run: its journal is located and read, once.

use super::session::Session;
use super::state_dir::StateDir;
use super::status::{Status, summary};
use crate::Result;
use crate::journal::History;

/// A session that knows whether a run is unfinished.
#[derive(Debug)]
pub struct Found<'s> {
    pub(super) session: &'s Session,
    pub(super) state_dir: StateDir,
    pub(super) history: Option<History>,
}

/// Looks for the journal of an unfinished run.
///
/// # Errors
/// What is wrong with the journal, and where journals lie that should not;
/// [`crate::ErrorKind::Invalid`] for one of other data directories.
pub fn find(session: &Session) -> Result<Found<'_>> {
    let state_dir = StateDir::of(session)?;
    let history = state_dir.history(session.storage())?;
    Ok(Found { session, state_dir, history })
}

impl Found<'_> {
    /// What the journal says of a run that was not finished; `None` when there is none.
    #[must_use]
    pub const fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// How far that run is; `None` when there is none.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        summary(self.history.as_ref()?, self.state_dir.directory().to_owned(), None)
    }
}
