//! Finds tables and their SSTables below the data directories (FORMATS.md 1.5).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::STATE_DIRECTORY;
use super::archive::{Archive, ArchiveKind, directories};
use crate::io::{Entry, EntryKind, Storage};
use crate::options::{did_you_mean, meant};
use crate::sstable::{Products, TableDir, parse_file_name};
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

/// What lies below the data directories.
#[derive(Debug)]
pub struct Discovery {
    /// The selected tables.
    pub tables: Vec<Table>,
    /// What should have been looked at and could not be: any key may be in use there.
    pub unreadable: Vec<(String, Error)>,
    /// Files that look like the data of SSTables that this program cannot name. No node loads
    /// them, but they may be under any key.
    pub strangers: Vec<Error>,
    /// Folders of snapshots and backups of the selected tables, which are not looked into.
    pub archives: Vec<Archive>,
    /// The products whose nodes may have everything that lies here, selected or not.
    pub products: Products,
}

/// Finds the selected tables. The data directories must be canonical.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when a named keyspace or table is nowhere, and
/// [`crate::ErrorKind::Io`] when a data directory cannot be listed.
pub fn discover(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    selection: &Selection,
) -> Result<Discovery> {
    let mut found = Discovery {
        tables: vec![],
        unreadable: vec![],
        strangers: vec![],
        archives: vec![],
        products: Products::ALL,
    };
    let mut tables: BTreeMap<_, Vec<TableDir>> = BTreeMap::new();
    let mut keyspace_is_there = false;
    for data_dir in data_dirs {
        let (is_there, directories) = table_dirs(storage, data_dir, selection, &mut found)?;
        keyspace_is_there |= is_there;
        for directory in directories {
            tables.entry(directory.identity()).or_default().push(directory);
        }
    }
    if found.unreadable.is_empty() {
        let names: Vec<&str> = tables.keys().map(|(_, table, ..)| table.as_str()).collect();
        check_names(storage, data_dirs, keyspace_is_there, &names, selection)?;
    }
    for directories in tables.into_values() {
        let paths: Vec<_> = directories.iter().map(|d| d.path.clone()).collect();
        match DirectoryView::of(storage, &paths) {
            Ok(view) => found.tables.push(Table { directories, view }),
            Err(error) => {
                let name = directories.first().map(ToString::to_string).unwrap_or_default();
                found.unreadable.push((name, error));
            }
        }
    }
    for table in &found.tables {
        for path in &table.view.unknown {
            found.strangers.push(stranger(path));
        }
    }
    Ok(found)
}

pub(super) fn stranger(path: &Path) -> Error {
    Error::unsupported("an SSTable of a version from before 2.2, or a foreign file")
        .at(path)
        .cure("let a node of the version that wrote it upgrade it, or move it away")
}

/// Whether a selected keyspace is there, and the directories of the selected tables.
fn table_dirs(
    storage: &dyn Storage,
    data_dir: &Path,
    selection: &Selection,
    found: &mut Discovery,
) -> Result<(bool, Vec<TableDir>)> {
    let (mut is_there, mut selected) = (false, Vec::new());
    for keyspace in directories(storage, data_dir)? {
        if keyspace.name == STATE_DIRECTORY {
            continue;
        }
        let takes_keyspace = selection.takes_keyspace(&keyspace.name);
        is_there |= takes_keyspace;
        for entry in directories(storage, &data_dir.join(&keyspace.name))? {
            let table = TableDir::new(data_dir, &keyspace.name, &entry.name);
            let entries = storage.list(&table.path);
            narrow(entries.as_deref().unwrap_or_default(), &mut found.products);
            if !takes_keyspace || !selection.takes_table(&table.table) {
                continue;
            }
            let directories =
                entries.and_then(|entries| with_indices(storage, table.clone(), entries, found));
            match directories {
                Ok(directories) => selected.extend(directories),
                Err(error) => found.unreadable.push((table.to_string(), error)),
            }
        }
    }
    Ok((is_there, selected))
}

/// A table's directory, which has some entries, and those of its indices.
fn with_indices(
    storage: &dyn Storage,
    table: TableDir,
    entries: Vec<Entry>,
    found: &mut Discovery,
) -> Result<Vec<TableDir>> {
    let table = canonical(table)?;
    let mut all = Vec::new();
    for inner in entries.into_iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let path = table.path.join(&inner.name);
        match inner.name.as_str() {
            "backups" if !storage.list(&path)?.is_empty() => {
                let kind = ArchiveKind::Backup;
                found.archives.push(Archive { table: table.clone(), path, kind });
            }
            "snapshots" => {
                let tags = directories(storage, &path)?;
                found.archives.extend(tags.into_iter().map(|tag| Archive {
                    table: table.clone(),
                    path: path.join(tag.name),
                    kind: ArchiveKind::Snapshot,
                }));
            }
            name => {
                if let Some(index) = name.strip_prefix('.') {
                    all.push(canonical(table.index(index))?);
                }
            }
        }
    }
    all.push(table);
    Ok(all)
}

/// Refuses links: a transaction log needs the canonical path of its directory, staging needs its
/// file system, the lease its data directory, and a table with two names would be worked on twice.
fn canonical(directory: TableDir) -> Result<TableDir> {
    let path = std::fs::canonicalize(&directory.path)
        .map_err(|e| Error::io("cannot resolve the directory", &directory.path, e))?;
    if path == directory.path {
        return Ok(directory);
    }
    Err(Error::unsupported(format!(
        "the table is reached through a symbolic link, from {}, which is not handled by this \
         release",
        path.display()
    ))
    .at(directory.path)
    .cure("put a bind mount in the place of the link, or use a node-side upgrade"))
}

/// Takes what lies in a directory into account for the products that may have written it. What
/// cannot be listed tells nothing.
fn narrow(entries: &[Entry], products: &mut Products) {
    for entry in entries {
        if let Some((descriptor, _)) = parse_file_name(&entry.name) {
            *products = products.and(Products::of_id(&descriptor.id));
            if let Some(version) = descriptor.version() {
                *products = products.and(version.products);
            }
        }
    }
}

fn check_names(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keyspace_is_there: bool,
    tables: &[&str],
    selection: &Selection,
) -> Result<()> {
    let nowhere = |what: &str, name: &str, others: Vec<String>| {
        let meant = meant(name, others.iter().map(String::as_str));
        Err(Error::invalid(format!("{what} '{name}' has no directory below the data directories"))
            .cure(did_you_mean(
                meant,
                "check the name, and that --data-dir is the directory that holds keyspaces",
            )))
    };
    let keyspace = match &selection.keyspace {
        Some(name) if !keyspace_is_there => {
            return nowhere("keyspace", name, names_in(storage, data_dirs, None));
        }
        keyspace => keyspace.as_deref(),
    };
    for table in &selection.tables {
        if !tables.contains(&table.as_str()) {
            return nowhere("table", table, names_in(storage, data_dirs, keyspace));
        }
    }
    Ok(())
}

/// The names of all keyspaces, or of the tables of one, to find what was meant by one that is not
/// there. What cannot be listed is not there either.
fn names_in(storage: &dyn Storage, data_dirs: &[PathBuf], keyspace: Option<&str>) -> Vec<String> {
    let mut names = Vec::new();
    for data_dir in data_dirs {
        let path = keyspace.map_or_else(|| data_dir.clone(), |keyspace| data_dir.join(keyspace));
        for entry in directories(storage, &path).unwrap_or_default() {
            names.push(match keyspace {
                Some(keyspace) => TableDir::new(data_dir, keyspace, &entry.name).table,
                None => entry.name,
            });
        }
    }
    names
}
