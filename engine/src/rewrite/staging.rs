//! Where new SSTables are built: below each data directory, outside any table directory.
//!
//! ```text
//! <data dir>/.sstablerekey/<keyspace>.<table>-<id>.<old SSTable>/Data.db.staged, ...
//! <data dir>/.sstablerekey/journal                     in the first one, unless it is elsewhere
//! <data dir>/.sstablerekey/run                         in each, while a run is unfinished
//! <data dir>/.sstablerekey/rotations                   beside it; stays when the run is over
//! ```
//!
//! A node that starts beside the leftovers of a killed run must not stumble over them. It walks
//! the whole data directory and refuses files that end in `.db` without an SSTable's name, so the
//! staged ones end in `.staged`; and it must be able to enter the directories, so they have the
//! owner and the mode of the data directory. Whatever is there belongs to this program: a run
//! that holds the lease may remove what the journal does not want kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::copies::is_pending;
use crate::io::{EntryKind, Storage};
use crate::journal::{JOURNAL_FILE, MARKER_FILE, ROTATIONS_FILE};
use crate::plan::STATE_DIRECTORY;
use crate::sstable::Component;
use crate::{Error, Result};

/// The staging directory of one SSTable.
#[derive(Debug)]
pub struct StagingArea {
    path: PathBuf,
}

impl StagingArea {
    /// Creates it, with the state directory above it, which stays until the run is over.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn create(storage: &dyn Storage, data_dir: &Path, path: PathBuf) -> Result<Self> {
        create_state_directory(storage, data_dir)?;
        storage.create_directory(&path, Some(data_dir))?;
        Ok(Self { path })
    }

    /// One that an earlier run has left.
    #[must_use]
    pub const fn left(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes its name and those in it durable.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn sync_names(&self, storage: &dyn Storage, data_dir: &Path) -> Result<()> {
        storage.sync_directory(&self.path)?;
        storage.sync_directory(&data_dir.join(STATE_DIRECTORY))?;
        storage.sync_directory(data_dir)
    }

    /// Removes the files of all components but these.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn keep_only(&self, storage: &dyn Storage, components: &[Component]) -> Result<()> {
        let kept: Vec<_> = components.iter().map(|component| self.file(component)).collect();
        for entry in storage.list(&self.path)? {
            let path = self.path.join(&entry.name);
            if !kept.contains(&path) {
                storage.remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Where a component is staged.
    #[must_use]
    pub fn file(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.staged"))
    }

    /// Where the old file of a component is kept while copies of it are replaced.
    pub(super) fn replaced(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.replaced"))
    }

    /// A second name of a file that is about to take the place of another one.
    pub(super) fn link(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.link"))
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with whatever is left in it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn remove(&self, storage: &dyn Storage) -> Result<()> {
        remove_flat(storage, &self.path)
    }
}

/// Creates the state directory below a data directory, if it is not there.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub fn create_state_directory(storage: &dyn Storage, data_dir: &Path) -> Result<PathBuf> {
    let state = data_dir.join(STATE_DIRECTORY);
    storage.create_directory(&state, Some(data_dir))?;
    Ok(state)
}

/// What [`sweep`] leaves where it is.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "a wish that callers make")]
pub struct Keep {
    /// Staging directories.
    pub staged: BTreeSet<PathBuf>,
    /// What says whose run the data directory is of: as long as there is a journal.
    pub marker: bool,
}

/// Removes what a killed run left in the state directory below a data directory, but for what is to be
/// kept, the journal, the record of rotations, and what copies in snapshots and backups may still need;
/// and the state directory, if nothing is left in it. Needs the exclusive lease.
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
            // A run that was killed may have taken back the record of a replacement and not made that
            // durable: it must not come back when what it needs was removed or swapped in.
            storage.sync_directory(&path)?;
        }
        let is_kept = keep.staged.contains(&path)
            || entry.name == JOURNAL_FILE
            || entry.name == ROTATIONS_FILE
            || (keep.marker && entry.name == MARKER_FILE);
        if is_kept || is_pending(storage, &path)? {
            is_empty = false;
        } else if is_directory {
            remove_flat(storage, &path)?;
        } else {
            storage.remove_file(&path)?;
        }
    }
    if is_empty { storage.remove_directory(&state) } else { Ok(()) }
}

fn remove_flat(storage: &dyn Storage, directory: &Path) -> Result<()> {
    for entry in storage.list(directory)? {
        storage.remove_file(&directory.join(entry.name))?;
    }
    storage.remove_directory(directory)
}
