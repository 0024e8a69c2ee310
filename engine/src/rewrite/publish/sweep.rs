//! Removes what a killed run has left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::copies::is_pending;
use crate::io::{EntryKind, Storage};
use crate::journal::{JOURNAL_FILE, MARKER_FILE, ROTATIONS_FILE};
use crate::plan::{REPORTS_DIRECTORY, REWRITTEN_FILE, STATE_DIRECTORY};
use crate::rewrite::staging::StagingArea;
use crate::{Error, Result};

/// What [`sweep`] does not remove.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "a wish that callers make")]
pub struct Keep {
    /// Staging directories.
    pub staged: BTreeSet<PathBuf>,
    /// The marker of the run that the data directory belongs to: as long as there is a journal.
    pub marker: bool,
}

/// Removes what a killed run left in the state directory below a data directory, except what is to
/// be kept, the journal, the record of rotations, the reports, and what copies in snapshots and backups may
/// still need. Removes the state directory too, if it is then empty. Needs the exclusive lease.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when a link is in its place, and [`crate::ErrorKind::Io`].
pub fn sweep(storage: &dyn Storage, data_dir: &Path, keep: &Keep) -> Result<()> {
    let state = data_dir.join(STATE_DIRECTORY);
    let entries = storage.list(data_dir)?;
    let Some(entry) = entries.iter().find(|entry| entry.name == STATE_DIRECTORY) else {
        return Ok(());
    };
    if entry.is_link || entry.kind != EntryKind::Directory {
        return Err(Error::invalid(
            "a link or a file stands in the place of this program's directory",
        )
        .at(state)
        .hint("find out who put it there, and remove it"));
    }
    let mut is_empty = true;
    for entry in storage.list(&state)? {
        let path = state.join(&entry.name);
        let is_directory = entry.kind == EntryKind::Directory && !entry.is_link;
        if is_directory {
            // A killed run may have removed the record of a replacement without making that
            // durable: the record must not come back when the files it needs were removed or
            // swapped in.
            storage.sync_directory(&path)?;
        }
        let is_kept = keep.staged.contains(&path)
            || entry.name == JOURNAL_FILE
            || entry.name == ROTATIONS_FILE
            || entry.name == REPORTS_DIRECTORY
            || entry.name == REWRITTEN_FILE
            || (keep.marker && entry.name == MARKER_FILE);
        if is_kept || is_pending(storage, &path)? {
            is_empty = false;
        } else if is_directory {
            StagingArea::left(path).remove(storage)?;
        } else {
            storage.remove_file(&path)?;
        }
    }
    if is_empty { storage.remove_directory(&state) } else { Ok(()) }
}
