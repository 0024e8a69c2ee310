//! Snapshots and incremental backups (FORMATS.md 1.5).

use std::path::{Path, PathBuf};

use super::census::Place;
use crate::io::{Entry, EntryKind, Storage};
use crate::sstable::TableDir;
use crate::txn::DirectoryView;
use crate::{Error, Result};

/// A snapshot of a table, or its incremental backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The table.
    pub table: TableDir,
    /// The folder.
    pub path: PathBuf,
    /// What it holds.
    pub kind: ArchiveKind,
}

/// Kinds of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArchiveKind {
    /// `snapshots/<tag>`.
    Snapshot,
    /// `backups`.
    Backup,
}

/// Which archives a command is about, beside what a node would load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a choice that callers make")]
pub struct Archives {
    /// Snapshots.
    pub snapshots: bool,
    /// Incremental backups.
    pub backups: bool,
}

impl Archives {
    /// All of them.
    pub const ALL: Self = Self { snapshots: true, backups: true };

    /// Whether those of a kind are among them.
    #[must_use]
    pub const fn take(self, kind: ArchiveKind) -> bool {
        match kind {
            ArchiveKind::Snapshot => self.snapshots,
            ArchiveKind::Backup => self.backups,
        }
    }
}

impl Archive {
    /// What lies in it: the SSTables of the table, and of its indices in folders below.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when a folder cannot be listed.
    pub fn view(&self, storage: &dyn Storage) -> Result<DirectoryView> {
        let mut folders = vec![self.path.clone()];
        let inner = directories(storage, &self.path)?;
        let indices = inner.iter().filter(|entry| entry.name.starts_with('.'));
        folders.extend(indices.map(|entry| self.path.join(&entry.name)));
        DirectoryView::of(storage, &folders)
    }

    /// Where its SSTables are said to lie.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.kind {
            ArchiveKind::Snapshot => {
                let tag = self.path.file_name().unwrap_or_default();
                Place::Snapshot(tag.to_string_lossy().into_owned())
            }
            ArchiveKind::Backup => Place::Backup,
        }
    }

    /// The table whose SSTables lie in one of its folders: the table itself, or an index of it.
    pub(super) fn table_of(&self, folder: &Path) -> TableDir {
        let name = folder.strip_prefix(&self.path).ok().and_then(Path::to_str);
        match name.and_then(|name| name.strip_prefix('.')) {
            Some(index) => self.table.index(index),
            None => self.table.clone(),
        }
    }

    /// What lies in it, if it can be re-encrypted where it lies.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for one that is reached through a symbolic link, which may
    /// lead to another file system or to files of somebody else, and for one with a transaction log;
    /// and as [`Self::view`].
    pub(super) fn view_to_replace(&self, storage: &dyn Storage) -> Result<DirectoryView> {
        let path = std::fs::canonicalize(&self.path)
            .map_err(|e| Error::io("cannot resolve the directory", &self.path, e))?;
        if path != self.path {
            return Err(Error::unsupported(format!(
                "it is reached through a symbolic link, from {}",
                path.display()
            ))
            .at(&self.path)
            .hint("put it in the place of the link, or re-encrypt it where it is restored to"));
        }
        let view = self.view(storage)?;
        match view.logs.first() {
            None => Ok(view),
            Some((log, _)) => Err(Error::unsupported(
                "a transaction log lies in a snapshot or a backup, which have none",
            )
            .at(log)
            .hint("find out what it is of, and move it away")),
        }
    }
}

/// The directories in a directory.
pub(super) fn directories(storage: &dyn Storage, path: &Path) -> Result<Vec<Entry>> {
    let mut entries = storage.list(path)?;
    entries.retain(|entry| entry.kind == EntryKind::Directory);
    Ok(entries)
}
