//! Bringing data directories to rest: what an interrupted operation has left is finished or undone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::place::Place;
use super::{Session, resume};
use crate::journal::History;
use crate::plan::{Selection, discover};
use crate::rewrite::{self, Keep};
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
    session.require_exclusive()?;
    let history = super::unfinished(session)?;
    let mut recovered = finish_copies(session)?;
    recovered.logs = finish_logs(session, selection, history.as_ref())?;
    Ok(recovered)
}

fn finish_copies(session: &Session) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    for data_dir in session.data_dirs() {
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

fn finish_logs(
    session: &Session,
    selection: &Selection,
    history: Option<&History>,
) -> Result<Vec<Recovery>> {
    let storage = session.storage();
    let mut done = Vec::new();
    for table in discover(storage, session.data_dirs(), selection)?.tables {
        if table.view.refused.is_empty() {
            if let Some(history) = history {
                resume::take_back(storage, history, &table.paths())?;
            }
            done.extend(txn::recover(storage, &table.paths())?);
        }
    }
    Ok(done)
}

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
    session.require_exclusive()?;
    let place = super::place(session)?;
    check_whose(session, &place)?;
    let mut recovered = finish_copies(session)?;
    recovered.logs = finish_logs(session, &Selection::default(), None)?;
    sweep(session, &Keep { marker: true, ..Keep::default() })?;
    let had_journal = place.remove_journal(session.storage())?;
    sweep(session, &Keep::default())?;
    Ok(Abandoned { recovered, had_journal })
}

/// One that cannot be read is of these data directories if it lies in one of them.
fn check_whose(session: &Session, place: &Place) -> Result<()> {
    let storage = session.storage();
    match place.read(storage) {
        Ok(_) => place.history(storage).map(|_| ()).or_else(|error| match error.kind() {
            // It leads elsewhere, and nobody follows it.
            ErrorKind::Corrupt => Ok(()),
            _ => Err(error),
        }),
        Err(_) if place.is_below() || place.is_marked(storage)? => Ok(()),
        Err(error) => Err(Error::invalid(format!(
            "nobody can tell whose run the journal is of ({})",
            error.chain()
        ))
        .at(place.journal())
        .hint("if it is of no other node, remove it, then abandon again")),
    }
}

/// Removes what is staged, but for what is to be kept.
pub(super) fn sweep(session: &Session, keep: &Keep) -> Result<()> {
    session
        .data_dirs()
        .iter()
        .try_for_each(|data_dir| rewrite::sweep(session.storage(), data_dir, keep))
}
