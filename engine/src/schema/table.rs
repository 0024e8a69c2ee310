//! A table of the schema, merged from all of its SSTables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::limits::Limits;
use super::merge::{Found, FoundCell, Merge};
use super::open::Opener;
use crate::io::{EntryKind, Storage};
use crate::sstable::{Component, TableDir};
use crate::txn::DirectoryView;
use crate::wire::WireError;
use crate::{Error, Result};

/// Its rows, and where they are from.
#[derive(Debug, Default)]
pub(super) struct Table {
    name: &'static str,
    rows: Vec<Found>,
    /// The Data.db files, by the numbers that rows have.
    files: Vec<Arc<Path>>,
}

impl Table {
    /// Reads what a node that starts now would load of `keyspace.name`.
    ///
    /// # Errors
    /// As [`Opener::add`], and [`crate::ErrorKind::Unsupported`] or that of the log for what would keep a
    /// node from loading all of it.
    pub(super) fn read(
        opener: &Opener<'_>,
        data_dirs: &[PathBuf],
        keyspace: &str,
        name: &'static str,
        limits: Limits,
        now: i64,
    ) -> Result<Self> {
        let directories = directories(opener.storage, data_dirs, keyspace, name)?;
        Self::merged(opener, directories, name, limits, now)
    }

    /// Reads what lies in a snapshot of a table, or in its backups.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn read_archive(
        opener: &Opener<'_>,
        archive: PathBuf,
        name: &'static str,
        limits: Limits,
        now: i64,
    ) -> Result<Self> {
        Self::merged(opener, vec![vec![archive]], name, limits, now)
    }

    fn merged(
        opener: &Opener<'_>,
        directories: Vec<Vec<PathBuf>>,
        name: &'static str,
        mut limits: Limits,
        now: i64,
    ) -> Result<Self> {
        let (mut merge, mut files) = (Merge::default(), Vec::<Arc<Path>>::new());
        for directories in directories {
            let view = DirectoryView::of(opener.storage, &directories)?;
            if let Some(refused) = view.refused.into_iter().next() {
                return Err(refused);
            }
            if let Some(unknown) = view.unknown.into_iter().next() {
                return Err(Error::unsupported(
                    "an SSTable of a version from before 2.2, or a foreign file",
                )
                .at(unknown)
                .hint("let a node of the version that wrote it upgrade it, or move it away"));
            }
            for sstable in view.live {
                opener.add(&sstable, files.len(), &mut merge, &mut limits)?;
                files.push(sstable.path(&Component::Data).into());
            }
        }
        let rows = merge.finish(now).map_err(|error| {
            let path = files.first().map(|file| file.to_path_buf()).unwrap_or_default();
            Error::corrupt(format!("the SSTables of the table do not fit together: {error}"))
                .at(path)
        })?;
        Ok(Self { name, rows, files })
    }

    /// Whether there is no SSTable.
    pub(super) const fn is_missing(&self) -> bool {
        self.files.is_empty()
    }

    /// The rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = View<'_>> {
        self.rows.iter().map(|row| View { table: self, row })
    }
}

/// A row as values by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    table: &'a Table,
    row: &'a Found,
}

impl View<'_> {
    /// The partition key, read by `read`.
    pub(super) fn key<T>(&self, read: impl FnOnce(&[u8]) -> Result<T, WireError>) -> Result<T> {
        read(&self.row.key).map_err(|error| self.damaged("partition key", &error))
    }

    /// A value of the clustering.
    pub(super) fn clustering<T>(
        &self,
        number: usize,
        read: impl FnOnce(&[u8]) -> Result<T, WireError>,
    ) -> Result<T> {
        let value = self.row.clustering.get(number).and_then(Option::as_deref);
        let value = value.ok_or_else(|| self.lacks("clustering"))?;
        read(value).map_err(|error| self.damaged("clustering", &error))
    }

    /// The value of a column that is no collection, or a frozen one, if the row has it.
    pub(super) fn value<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&[u8]) -> Result<T, WireError>,
    ) -> Result<Option<T>> {
        let Some(cells) = self.row.columns.get(column.as_bytes()) else { return Ok(None) };
        match cells.as_slice() {
            [FoundCell { path: None, value }] => {
                read(value).map(Some).map_err(|error| self.damaged(column, &error))
            }
            _ => Err(self.lacks(column)),
        }
    }

    /// The same of a column that every row has.
    pub(super) fn required<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&[u8]) -> Result<T, WireError>,
    ) -> Result<T> {
        self.value(column, read)?.ok_or_else(|| self.lacks(column))
    }

    /// All columns that are no collections, by name.
    pub(super) fn values(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.row.columns.iter().filter_map(|(name, cells)| match cells.as_slice() {
            [FoundCell { path: None, value }] => Some((&**name, value.as_slice())),
            _ => None,
        })
    }

    /// The SSTables that it is from.
    pub(super) fn origins(&self) -> Vec<Arc<Path>> {
        self.row
            .origins
            .iter()
            .filter_map(|number| self.table.files.get(*number))
            .cloned()
            .collect()
    }

    fn damaged(&self, column: &str, error: &WireError) -> Error {
        let name = self.table.name;
        self.error(format!("column '{column}' of a row of '{name}' cannot be read: {error}"))
    }

    fn lacks(&self, column: &str) -> Error {
        let name = self.table.name;
        self.error(format!("a row of '{name}' does not have one value in column '{column}'"))
    }

    /// An error with the newest of the files.
    pub(super) fn error(&self, what: String) -> Error {
        let origin = self.row.origins.last().and_then(|number| self.table.files.get(*number));
        let file = origin.or_else(|| self.table.files.first());
        let file = file.map(|file| file.to_path_buf()).unwrap_or_default();
        Error::corrupt(what)
            .at(file)
            .hint("restore the table from a backup, or start the node once")
    }
}

/// The folders of a table's snapshots, with their tags, and of its backups.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when a directory cannot be listed.
pub(super) fn archives(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keyspace: &str,
    name: &str,
) -> Result<Vec<(Option<String>, PathBuf)>> {
    let mut found = Vec::new();
    for table in directories(storage, data_dirs, keyspace, name)?.into_iter().flatten() {
        for entry in folders(storage, &table)? {
            let folder = table.join(&entry);
            match entry.as_str() {
                "backups" => found.push((None, folder)),
                "snapshots" => {
                    let tags = folders(storage, &folder)?.into_iter();
                    found.extend(tags.map(|tag| (Some(tag.clone()), folder.join(tag))));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn folders(storage: &dyn Storage, directory: &Path) -> Result<Vec<String>> {
    let entries = storage.list(directory)?.into_iter();
    let folders = entries.filter(|entry| entry.kind == EntryKind::Directory);
    Ok(folders.map(|entry| entry.name).collect())
}

/// The directories of a table, those with one id together: a transaction log is about all of them.
/// The id is the same everywhere, so that there should be one; if there are more, all are read, and the
/// later rows count.
fn directories(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keyspace: &str,
    name: &str,
) -> Result<Vec<Vec<PathBuf>>> {
    let mut found: Vec<(Option<String>, Vec<PathBuf>)> = Vec::new();
    for data_dir in data_dirs {
        let is_keyspace =
            |entry: &crate::io::Entry| entry.kind == EntryKind::Directory && entry.name == keyspace;
        if !storage.list(data_dir)?.iter().any(is_keyspace) {
            continue;
        }
        for entry in storage.list(&data_dir.join(keyspace))? {
            let table = TableDir::new(data_dir, keyspace, &entry.name);
            if entry.kind != EntryKind::Directory || table.table != name {
                continue;
            }
            // Logs name directories by their canonical paths.
            let path = std::fs::canonicalize(&table.path)
                .map_err(|error| Error::io("cannot resolve the directory", &table.path, error))?;
            match found.iter_mut().find(|(id, _)| *id == table.table_id) {
                Some((_, paths)) if paths.contains(&path) => {}
                Some((_, paths)) => paths.push(path),
                None => found.push((table.table_id, vec![path])),
            }
        }
    }
    Ok(found.into_iter().map(|(_, paths)| paths).collect())
}
