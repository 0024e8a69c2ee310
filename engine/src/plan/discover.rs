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
    for data_dir in data_dirs {
        for directory in table_dirs(storage, data_dir, selection)? {
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
    check_names(&tables.keys().map(|(k, t, ..)| (k.as_str(), t.as_str())).collect(), selection)?;
    tables
        .into_values()
        .map(|directories| {
            let paths: Vec<_> = directories.iter().map(|d| d.path.clone()).collect();
            let view = DirectoryView::of(storage, &paths)?;
            Ok(Table { directories, view })
        })
        .collect()
}

fn table_dirs(
    storage: &dyn Storage,
    data_dir: &Path,
    selection: &Selection,
) -> Result<Vec<TableDir>> {
    let mut found = Vec::new();
    for keyspace in directories(storage, data_dir)? {
        if keyspace.name == STATE_DIRECTORY || !selection.takes_keyspace(&keyspace.name) {
            continue;
        }
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
    Ok(found)
}

fn directories(storage: &dyn Storage, path: &Path) -> Result<Vec<Entry>> {
    let mut entries = storage.list(path)?;
    entries.retain(|entry| entry.kind == EntryKind::Directory);
    Ok(entries)
}

fn check_names(found: &Vec<(&str, &str)>, selection: &Selection) -> Result<()> {
    let nowhere = |what: String| {
        Err(Error::invalid(format!("{what} has no directory below the data directories"))
            .cure("check the name, and that --data-dir is the directory that holds keyspaces"))
    };
    if let Some(keyspace) = &selection.keyspace
        && !found.iter().any(|(name, _)| name == keyspace)
    {
        return nowhere(format!("keyspace '{keyspace}'"));
    }
    for table in &selection.tables {
        if !found.iter().any(|(_, name)| name == table) {
            return nowhere(format!("table '{table}'"));
        }
    }
    Ok(())
}
