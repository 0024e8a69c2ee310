//! Finds tables and their SSTables below the data directories (FORMATS.md 1.5).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::STATE_DIRECTORY;
use crate::io::{Entry, EntryKind, Storage};
use crate::sstable::TableDir;
use crate::txn::DirectoryView;
use crate::{Error, Result};

/// Which tables a command is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// One keyspace, or all.
    pub keyspace: Option<String>,
    /// Some of its tables, or all.
    pub tables: Vec<String>,
}

impl Selection {
    fn takes_keyspace(&self, name: &str) -> bool {
        self.keyspace.as_ref().is_none_or(|keyspace| keyspace == name)
    }

    fn takes_table(&self, name: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|table| table == name)
    }

    /// Whether tables were named one by one.
    #[must_use]
    pub fn names_tables(&self) -> bool {
        !self.tables.is_empty()
    }
}

/// A table, or one of its secondary indices, with its directories in all data directories.
#[derive(Debug)]
pub struct Table {
    /// Its directories.
    pub directories: Vec<TableDir>,
    /// What a node would load from them.
    pub view: DirectoryView,
}

impl Table {
    /// `keyspace.table` or `keyspace.table.index`.
    #[must_use]
    pub fn name(&self) -> String {
        self.directories.first().map(ToString::to_string).unwrap_or_default()
    }

    /// The paths of its directories.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.directories.iter().map(|directory| directory.path.clone()).collect()
    }

    /// The data directory that a table directory lies in.
    #[must_use]
    pub fn data_dir_of(&self, path: &Path) -> Option<&Path> {
        self.directories
            .iter()
            .find(|directory| directory.path == path)
            .map(|directory| directory.data_dir.as_path())
    }
}

/// Finds the selected tables. The data directories must be canonical.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when a named keyspace or table is nowhere, and
/// [`crate::ErrorKind::Io`].
pub fn discover(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    selection: &Selection,
) -> Result<Vec<Table>> {
    let mut tables: BTreeMap<_, Vec<TableDir>> = BTreeMap::new();
    let mut keyspace_is_there = false;
    for data_dir in data_dirs {
        let (keyspaces, found) = table_dirs(storage, data_dir, selection)?;
        keyspace_is_there |= keyspaces > 0;
        for directory in found {
            let (keyspace, table, id, index) = directory.identity();
            let identity = (
                keyspace.to_owned(),
                table.to_owned(),
                id.map(str::to_owned),
                index.map(str::to_owned),
            );
            tables.entry(identity).or_default().push(directory);
        }
    }
    let names = tables.keys().map(|(_, table, ..)| table.as_str()).collect();
    check_names(keyspace_is_there, &names, selection)?;
    tables
        .into_values()
        .map(|directories| {
            let paths: Vec<_> = directories.iter().map(|d| d.path.clone()).collect();
            let mut view = DirectoryView::of(storage, &paths)?;
            view.refused.extend(paths.iter().filter_map(|path| refuse_link(path)));
            Ok(Table { directories, view })
        })
        .collect()
}

/// The number of selected keyspaces, and the directories of the selected tables in them.
fn table_dirs(
    storage: &dyn Storage,
    data_dir: &Path,
    selection: &Selection,
) -> Result<(usize, Vec<TableDir>)> {
    let (mut keyspaces, mut found) = (0_usize, Vec::new());
    for keyspace in directories(storage, data_dir)? {
        if keyspace.name == STATE_DIRECTORY || !selection.takes_keyspace(&keyspace.name) {
            continue;
        }
        keyspaces = keyspaces.saturating_add(1);
        for entry in directories(storage, &data_dir.join(&keyspace.name))? {
            let table = TableDir::new(data_dir, &keyspace.name, &entry.name);
            if !selection.takes_table(&table.table) {
                continue;
            }
            for inner in directories(storage, &table.path)? {
                // `.name` is an index; `backups` and `snapshots` are not live data.
                if let Some(index) = inner.name.strip_prefix('.') {
                    found.push(table.index(index));
                }
            }
            found.push(table);
        }
    }
    Ok((keyspaces, found))
}

/// A transaction log needs the canonical path of its directory, staging needs its file system,
/// and a table with two names would be worked on twice at a time.
fn refuse_link(path: &Path) -> Option<Error> {
    match std::fs::canonicalize(path) {
        Ok(canonical) if canonical == path => None,
        Ok(canonical) => Some(
            Error::unsupported(format!(
                "the table is reached through a symbolic link, from {}, which is not handled by \
                 this release",
                canonical.display()
            ))
            .at(path)
            .cure("put a bind mount in the place of the link, or use a node-side upgrade"),
        ),
        Err(error) => Some(Error::io("cannot resolve the directory", path, error)),
    }
}

fn directories(storage: &dyn Storage, path: &Path) -> Result<Vec<Entry>> {
    let mut entries = storage.list(path)?;
    entries.retain(|entry| entry.kind == EntryKind::Directory);
    Ok(entries)
}

fn check_names(keyspace: bool, tables: &Vec<&str>, selection: &Selection) -> Result<()> {
    let nowhere = |what: String| {
        Err(Error::invalid(format!("{what} has no directory below the data directories"))
            .cure("check the name, and that --data-dir is the directory that holds keyspaces"))
    };
    if let (Some(name), false) = (&selection.keyspace, keyspace) {
        return nowhere(format!("keyspace '{name}'"));
    }
    for table in &selection.tables {
        if !tables.iter().any(|name| name == table) {
            return nowhere(format!("table '{table}'"));
        }
    }
    Ok(())
}
