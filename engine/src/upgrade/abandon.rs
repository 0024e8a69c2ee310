//! `abandon`: the unfinished part of a run is undone.

use super::recover::{Recovered, finish_copies, finish_logs};
use super::session::Session;
use super::state_dir::StateDir;
use super::sweep::sweep;
use crate::io::Storage;
use crate::plan::Selection;
use crate::rewrite::Keep;
use crate::{Error, ErrorKind, Result};

/// What [`abandon`] has done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Abandoned {
    /// What was finished or undone.
    pub recovered: Recovered,
    /// Whether there was a journal.
    pub had_journal: bool,
}

/// Undoes the unfinished part of a run, of all tables: finishes or undoes transaction logs, finishes
/// copies in snapshots and backups that are partly replaced, removes all that is staged, then the
/// journal, also one that cannot be read. SSTables that were swapped in stay as they are.
///
/// # Errors
/// [`ErrorKind::Internal`] for a session that only reads, [`ErrorKind::Io`], and
/// [`ErrorKind::Invalid`] for a journal of other data directories.
pub fn abandon(session: &Session) -> Result<Abandoned> {
    let writer = session.exclusive()?;
    let state_dir = StateDir::of(session)?;
    check_whose(session.storage(), &state_dir)?;
    let mut recovered = finish_copies(writer)?;
    recovered.logs = finish_logs(writer, &Selection::default(), None)?;
    sweep(writer, &Keep { marker: true, ..Keep::default() })?;
    let had_journal = state_dir.remove_journal(session.storage())?;
    sweep(writer, &Keep::default())?;
    Ok(Abandoned { recovered, had_journal })
}

/// One that cannot be read is of these data directories if it lies in one of them.
fn check_whose(storage: &dyn Storage, state_dir: &StateDir) -> Result<()> {
    match state_dir.read(storage) {
        Ok(_) => state_dir.history(storage).map(|_| ()).or_else(|error| match error.kind() {
            // It leads elsewhere, and nobody follows it.
            ErrorKind::Corrupt => Ok(()),
            _ => Err(error),
        }),
        Err(_) if state_dir.is_below() || state_dir.is_marked(storage)? => Ok(()),
        Err(error) => Err(Error::invalid(format!(
            "nobody can tell whose run the journal is of ({})",
            error.chain()
        ))
        .at(state_dir.journal())
        .hint("if it is of no other node, remove it, then abandon again")),
    }
}
