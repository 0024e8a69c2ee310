//! `recover`: what an interrupted operation has left is finished or undone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::find::find;
use super::resumable::take_back;
use super::session::{Exclusive, Session};
use crate::journal::History;
use crate::plan::{Selection, discover};
use crate::rewrite;
use crate::txn::{self, Recovery};
use crate::{Error, ErrorKind, Result};

/// What [`recover`] has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Transaction logs that it has finished or undone.
    pub logs: Vec<Recovery>,
    /// Copies in snapshots and backups, by their Data.db, whose replacement it has finished.
    pub copies: Vec<PathBuf>,
    /// Copies that could not be replaced: what was put back, and what could be neither.
    pub warnings: Vec<Error>,
    /// The last of these: any key may be in use there, and what is staged for them stays.
    pub stuck: Vec<Error>,
}

/// Brings the selected tables to rest before a plan: finishes or undoes the transaction logs that
/// an interrupted operation left, by their own rules, and takes back for the next run what it has
/// staged. Copies in snapshots and backups that a killed run was about to replace are replaced first,
/// whatever is selected. Nothing that is staged is removed: that is for a run that nothing refuses any
/// more.
///
/// # Errors
/// [`ErrorKind::Internal`] for a session that only reads, and [`ErrorKind::Io`] when a log cannot be
/// carried out. A log that cannot be judged is left alone, and its table is refused by the plan. What
/// is wrong with the journal; [`ErrorKind::Invalid`] if it is of other data directories.
pub fn recover(session: &Session, selection: &Selection) -> Result<Recovered> {
    let found = find(session)?;
    bring_to_rest(session.exclusive()?, selection, found.history())
}

/// The same, with the journal that was found.
pub(super) fn bring_to_rest(
    session: Exclusive<'_>,
    selection: &Selection,
    history: Option<&History>,
) -> Result<Recovered> {
    let mut recovered = finish_copies(session)?;
    recovered.logs = finish_logs(session, selection, history)?;
    Ok(recovered)
}

/// Replaces copies that a killed run was about to replace.
pub(super) fn finish_copies(session: Exclusive<'_>) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    for data_dir in session.session().data_dirs() {
        let finished = rewrite::finish_copies(session.storage(), data_dir)?;
        recovered.copies.extend(finished.new);
        recovered.stuck.extend(finished.stuck.iter().map(|(_, error)| error.clone()));
        let stuck = finished.stuck.into_iter().map(|(_, error)| error);
        recovered.warnings.extend(finished.old.into_iter().chain(stuck));
    }
    Ok(recovered)
}

/// The staging directories of replacements that were cut off.
pub(super) fn pending_copies(session: &Session) -> Result<BTreeSet<PathBuf>> {
    let mut pending = BTreeSet::new();
    for data_dir in session.data_dirs() {
        pending.extend(rewrite::pending_copies(session.storage(), data_dir)?);
    }
    Ok(pending)
}

pub(super) fn partly_replaced(staging: &Path) -> Error {
    Error::new(
        ErrorKind::Interrupted,
        "a run was cut off while it replaced copies in snapshots and backups, one of which may have \
         old files and new ones",
    )
    .at(staging)
    .hint("run upgradesstables again, or abandon the run: either finishes that first")
}

/// Finishes or undoes transaction logs.
pub(super) fn finish_logs(
    session: Exclusive<'_>,
    selection: &Selection,
    history: Option<&History>,
) -> Result<Vec<Recovery>> {
    let storage = session.storage();
    let mut done = Vec::new();
    for table in discover(storage, session.session().data_dirs(), selection)?.tables {
        if table.view.refused.is_empty() {
            if let Some(history) = history {
                take_back(storage, history, &table.paths())?;
            }
            done.extend(txn::recover(storage, &table.paths())?);
        }
    }
    Ok(done)
}
