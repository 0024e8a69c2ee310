//! Where new SSTables are built: below each data directory, outside any table directory.
//!
//! ```text
//! <data dir>/.sstablerekey/<keyspace>.<table>.<new SSTable>/Data.db, TOC.txt, ...
//! ```
//!
//! The files bear component names only, so that nothing takes them for SSTables. Whatever is
//! there belongs to this program: a run that holds the lease may remove it.

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
    /// Creates it, with the directory above it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn create(storage: &dyn Storage, data_dir: &Path, name: &str) -> Result<Self> {
        let state = data_dir.join(STATE_DIRECTORY);
        storage.create_directory(&state)?;
        let path = state.join(name);
        storage.create_directory(&path)?;
        Ok(Self { path })
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

    /// Removes it with whatever is left in it. The directory above stays for the others, who may
    /// be about to create theirs: [`sweep`] takes it when the run is over.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn remove(&self, storage: &dyn Storage) -> Result<()> {
        remove_flat(storage, &self.path)
    }
}

/// Removes what a run left below a data directory, killed or not. Needs the exclusive lease.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a symbolic link, since what it leads to is not this
/// program's, and [`crate::ErrorKind::Io`].
pub fn sweep(storage: &dyn Storage, data_dir: &Path) -> Result<()> {
    let state = data_dir.join(STATE_DIRECTORY);
    let there = storage
        .list(data_dir)?
        .iter()
        .any(|entry| entry.name == STATE_DIRECTORY && entry.kind == EntryKind::Directory);
    if !there {
        return Ok(());
    }
    refuse_link(&state)?;
    for entry in storage.list(&state)? {
        let path = state.join(entry.name);
        if entry.kind == EntryKind::Directory {
            refuse_link(&path)?;
            remove_flat(storage, &path)?;
        } else {
            storage.remove_file(&path)?;
        }
    }
    storage.remove_directory(&state)
}

fn refuse_link(path: &Path) -> Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(Error::invalid("a symbolic link stands in the place of this program's files")
            .at(path)
            .cure("remove the link; staging needs the file system of the data directory itself"));
    }
    Ok(())
}

fn remove_flat(storage: &dyn Storage, directory: &Path) -> Result<()> {
    for entry in storage.list(directory)? {
        storage.remove_file(&directory.join(entry.name))?;
    }
    storage.remove_directory(directory)
}
