//! Finds tables and their SSTables below the data directories (FORMATS.md 1.5).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::STATE_DIRECTORY;
use super::archive::{Archive, ArchiveKind, directories};
use super::data_dir::{Search, may_be_keyspace, may_be_table, unseen};
use crate::io::{Entry, EntryKind, FileId, Storage};
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
    /// Files of SSTables that no node loads: with names that this program does not know, or in
    /// folders that are none of a table's. They may be under any key.
    pub strangers: Vec<Error>,
    /// Folders of snapshots and backups of the selected tables, which are not looked into.
    pub archives: Vec<Archive>,
    /// The products whose nodes may have everything that lies here, selected or not.
    pub products: Products,
}

/// Finds the selected tables. The data directories must be canonical.
///
/// Nothing is passed over in silence: what cannot be looked at is [`Discovery::unreadable`], and
/// files of SSTables where no node loads them are [`Discovery::strangers`]. A directory that is
/// there by two paths, such as a bind mount, counts once.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when a named keyspace or table is nowhere, and
/// [`crate::ErrorKind::Io`] when a data directory cannot be listed.
pub fn discover(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    selection: &Selection,
) -> Result<Discovery> {
    let mut walk = Walk::new(storage, selection);
    for data_dir in data_dirs {
        walk.data_dir(data_dir)?;
    }
    let Walk { mut found, tables, keyspace_is_there, .. } = walk;
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

pub(crate) fn stranger(path: &Path) -> Error {
    Error::unsupported("an SSTable of a version from before 2.2, or a foreign file")
        .at(path)
        .hint("let a node of the version that wrote it upgrade it, or move it away")
}

type Identity = (String, String, Option<String>, Option<String>);

/// A walk through data directories.
struct Walk<'a> {
    storage: &'a dyn Storage,
    selection: &'a Selection,
    found: Discovery,
    tables: BTreeMap<Identity, Vec<TableDir>>,
    keyspace_is_there: bool,
    /// The directories of tables so far.
    seen: BTreeSet<FileId>,
}

impl<'a> Walk<'a> {
    fn new(storage: &'a dyn Storage, selection: &'a Selection) -> Self {
        let found = Discovery {
            tables: vec![],
            unreadable: vec![],
            strangers: vec![],
            archives: vec![],
            products: Products::ALL,
        };
        let (tables, seen) = (BTreeMap::new(), BTreeSet::new());
        Self { storage, selection, found, tables, keyspace_is_there: false, seen }
    }

    fn data_dir(&mut self, data_dir: &Path) -> Result<()> {
        let entries = self.storage.list(data_dir)?;
        let mut search = Search::new(self.storage, data_dir);
        search.files(data_dir, &entries);
        for entry in &entries {
            if self.selection.takes_keyspace(&entry.name) {
                self.note_unseen(&entry.name, data_dir, entry);
            }
            if entry.kind != EntryKind::Directory || entry.name == STATE_DIRECTORY {
                continue;
            }
            if may_be_keyspace(data_dir, &entry.name) {
                self.keyspace(data_dir, &entry.name);
            } else {
                search.below(&data_dir.join(&entry.name));
            }
        }
        if self.selection.keyspace.is_none() {
            self.found.strangers.extend(search.into_errors());
        }
        Ok(())
    }

    fn keyspace(&mut self, data_dir: &Path, keyspace: &str) {
        let is_taken = self.selection.takes_keyspace(keyspace);
        self.keyspace_is_there |= is_taken;
        let path = data_dir.join(keyspace);
        let entries = match self.storage.list(&path) {
            Ok(entries) => entries,
            Err(error) => {
                if is_taken {
                    self.found.unreadable.push((keyspace.to_owned(), error));
                }
                return;
            }
        };
        let mut search = Search::new(self.storage, data_dir);
        search.files(&path, &entries);
        for entry in &entries {
            let name = TableDir::new(data_dir, keyspace, &entry.name);
            if is_taken && self.selection.takes_table(&name.table) {
                self.note_unseen(&name.to_string(), &path, entry);
            }
            if entry.kind != EntryKind::Directory {
                continue;
            }
            if may_be_table(&entry.name) {
                self.table(name, is_taken);
            } else {
                search.below(&path.join(&entry.name));
            }
        }
        if is_taken && !self.selection.names_tables() {
            self.found.strangers.extend(search.into_errors());
        }
    }

    fn table(&mut self, table: TableDir, keyspace_is_taken: bool) {
        let entries = self.storage.list(&table.path);
        narrow(entries.as_deref().unwrap_or_default(), &mut self.found.products);
        if !keyspace_is_taken || !self.selection.takes_table(&table.table) {
            return;
        }
        let name = table.to_string();
        let directories = entries.and_then(|entries| {
            // Refused by the path through a link, it is not seen by its own, yet.
            let table = canonical(table)?;
            let id = self.storage.identity(&table.path)?;
            match id.is_some_and(|id| !self.seen.insert(id)) {
                true => Ok(vec![]),
                false => self.with_indices(table, &entries),
            }
        });
        match directories {
            Ok(directories) => {
                for directory in directories {
                    self.tables.entry(directory.identity()).or_default().push(directory);
                }
            }
            Err(error) => self.found.unreadable.push((name, error)),
        }
    }

    /// A table's directory, which has some entries, and those of its indices. Notes its archives, and
    /// what else is there.
    fn with_indices(&mut self, table: TableDir, entries: &[Entry]) -> Result<Vec<TableDir>> {
        let mut all = Vec::new();
        let mut search = Search::new(self.storage, &table.data_dir);
        for entry in entries {
            let path = table.path.join(&entry.name);
            self.note_unseen(&table.to_string(), &table.path, entry);
            if entry.kind != EntryKind::Directory {
                continue;
            }
            match (entry.name.as_str(), entry.name.strip_prefix('.')) {
                ("backups", _) => self.archive(&table, path, ArchiveKind::Backup, &mut search),
                ("snapshots", _) => {
                    let tags = self.storage.list(&path)?;
                    search.files(&path, &tags);
                    for tag in &tags {
                        self.note_unseen(&table.to_string(), &path, tag);
                        if tag.kind == EntryKind::Directory {
                            let tag = path.join(&tag.name);
                            self.archive(&table, tag, ArchiveKind::Snapshot, &mut search);
                        }
                    }
                }
                (_, Some(index)) => {
                    all.push(canonical(table.index(index))?);
                    self.beside(&table, &path, false, &mut search);
                }
                _ => search.below(&path),
            }
        }
        self.found.strangers.extend(search.into_errors());
        all.push(table);
        Ok(all)
    }

    fn archive(
        &mut self,
        table: &TableDir,
        path: PathBuf,
        kind: ArchiveKind,
        search: &mut Search<'_>,
    ) {
        let is_empty = self.beside(table, &path, true, search);
        if kind == ArchiveKind::Snapshot || !is_empty {
            self.found.archives.push(Archive { table: table.clone(), path, kind });
        }
    }

    /// Looks for what lies in a folder beside SSTables, and the folders of indices if it may have
    /// any. Whether it is empty. One that cannot be listed is an error of whoever looks at its
    /// SSTables.
    fn beside(
        &mut self,
        table: &TableDir,
        path: &Path,
        has_indices: bool,
        search: &mut Search<'_>,
    ) -> bool {
        let Ok(entries) = self.storage.list(path) else { return false };
        for entry in &entries {
            self.note_unseen(&table.to_string(), path, entry);
            let inner = path.join(&entry.name);
            match entry.kind {
                EntryKind::Directory if has_indices && entry.name.starts_with('.') => {
                    self.beside(table, &inner, false, search);
                }
                EntryKind::Directory => search.below(&inner),
                _ => {}
            }
        }
        entries.is_empty()
    }

    fn note_unseen(&mut self, name: &str, directory: &Path, entry: &Entry) {
        let unseen = unseen(directory, entry).map(|error| (name.to_owned(), error));
        self.found.unreadable.extend(unseen);
    }
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
    .hint("put a bind mount in the place of the link, or use a node-side upgrade"))
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
        let are = match (others.split_at_checked(MOST_NAMES), others.as_slice()) {
            (None, []) => format!("there is no {what}"),
            (None, all) => format!("there are: {}", all.join(", ")),
            (Some((some, rest)), _) => {
                format!("there are: {} and {} more", some.join(", "), rest.len())
            }
        };
        Err(Error::invalid(format!("{what} '{name}' has no directory below the data directories"))
            .hint(did_you_mean(
                meant,
                format_args!(
                    "{are}; check the name, and that --data-dir is the directory that holds \
                     keyspaces"
                ),
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
    let mut names = BTreeSet::new();
    for data_dir in data_dirs {
        let path = keyspace.map_or_else(|| data_dir.clone(), |keyspace| data_dir.join(keyspace));
        for entry in directories(storage, &path).unwrap_or_default() {
            match keyspace {
                Some(keyspace) if may_be_table(&entry.name) => {
                    names.insert(TableDir::new(data_dir, keyspace, &entry.name).table);
                }
                None if may_be_keyspace(data_dir, &entry.name) => {
                    names.insert(entry.name);
                }
                _ => {}
            }
        }
    }
    names.into_iter().collect()
}

/// Names that are shown where one is wrong.
const MOST_NAMES: usize = 10;
