//! Where new SSTables are built: below each data directory, outside any table directory.
//!
//! ```text
//! <data dir>/.sstablerekey/<keyspace>.<table>-<id>.<new SSTable>/Data.db.staged, ...
//! ```
//!
//! A node that starts beside the leftovers of a killed run must not stumble over them. It walks
//! the whole data directory and refuses files that end in `.db` without an SSTable's name, so the
//! staged ones end in `.staged`; and it must be able to enter the directories, so they have the
//! owner and the mode of the data directory. Whatever is there belongs to this program: a run
//! that holds the lease may remove it.

use std::path::{Path, PathBuf};

use crate::io::{EntryKind, Storage};
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
    pub fn create(storage: &dyn Storage, data_dir: &Path, name: &str) -> Result<Self> {
        let state = data_dir.join(STATE_DIRECTORY);
        let path = state.join(name);
        for directory in [&state, &path] {
            storage.create_directory(directory)?;
            storage.copy_attributes(data_dir, directory)?;
        }
        Ok(Self { path })
    }

    /// Where a component is staged.
    #[must_use]
    pub fn file(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.staged"))
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

/// Removes the state directory below a data directory, with what a killed run left in it. Needs
/// the exclusive lease.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when a link is in its place, and [`crate::ErrorKind::Io`].
pub fn sweep(storage: &dyn Storage, data_dir: &Path) -> Result<()> {
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
        .cure("find out who put it there, and remove it"));
    }
    for entry in storage.list(&state)? {
        let path = state.join(&entry.name);
        if entry.kind == EntryKind::Directory && !entry.is_link {
            remove_flat(storage, &path)?;
        } else {
            storage.remove_file(&path)?;
        }
    }
    storage.remove_directory(&state)
}

fn remove_flat(storage: &dyn Storage, directory: &Path) -> Result<()> {
    for entry in storage.list(directory)? {
        storage.remove_file(&directory.join(entry.name))?;
    }
    storage.remove_directory(directory)
}
