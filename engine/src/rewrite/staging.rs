//! Where new SSTables are built: below each data directory, outside any table directory.
//!
//! ```text
//! <data dir>/.sstablerekey/<keyspace>.<table>.<new SSTable>/Data.db, TOC.txt, ...
//! ```
//!
//! The files bear component names only, so that nothing takes them for SSTables. Whatever is
//! there belongs to this program: a run that holds the lease may remove it.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::io::{EntryKind, Storage};
use crate::plan::STATE_DIRECTORY;
use crate::sstable::Component;

/// The staging directory of one SSTable.
#[derive(Debug)]
pub struct StagingArea {
    state: PathBuf,
    path: PathBuf,
}

impl StagingArea {
    /// Creates it, with the directory above it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn create(storage: &dyn Storage, data_dir: &Path, name: &str) -> Result<Self> {
        let state = data_dir.join(STATE_DIRECTORY);
        storage.create_directory(&state)?;
        let path = state.join(name);
        storage.create_directory(&path)?;
        Ok(Self { state, path })
    }

    /// Where a component is staged.
    #[must_use]
    pub fn file(&self, component: &Component) -> PathBuf {
        self.path.join(component.name())
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
        remove_flat(storage, &self.path)?;
        // The last one out takes the directory above with it; others may still be in it.
        if storage.list(&self.state)?.is_empty() {
            let _another_may_have_been_quicker = storage.remove_directory(&self.state);
        }
        Ok(())
    }
}

/// Removes what a killed run left below a data directory. Needs the exclusive lease.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub fn sweep(storage: &dyn Storage, data_dir: &Path) -> Result<()> {
    let state = data_dir.join(STATE_DIRECTORY);
    let there = storage
        .list(data_dir)?
        .iter()
        .any(|entry| entry.name == STATE_DIRECTORY && entry.kind == EntryKind::Directory);
    if !there {
        return Ok(());
    }
    for entry in storage.list(&state)? {
        if entry.kind == EntryKind::Directory {
            remove_flat(storage, &state.join(entry.name))?;
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
