//! Where files of SSTables lie below a directory, as far as it tells what the directory is.

use std::path::{Path, PathBuf};

use super::{LOST_AND_FOUND, Search, is_table_name, may_be_keyspace, may_be_table, unseen};
use crate::io::{Entry, EntryKind, Storage};
use crate::plan::STATE_DIRECTORY;
use crate::sstable::parse_file_name;
use crate::{Error, Result};

/// What was found below a directory.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Whether nothing is in it, but for what a file system or this program keeps there.
    pub(super) is_empty: bool,
    /// Whether a system keyspace with SSTables is there: then nothing else was looked at.
    pub(super) has_system: bool,
    /// Whether there are folders in it that are named as those of tables are.
    pub(super) has_tables_at_top: bool,
    /// Folders `<keyspace>/<table>-<32 hex digits>`.
    pub(super) tables: usize,
    /// Those of them with SSTables, live or in snapshots and backups.
    pub(super) in_tables: usize,
    /// Folders `<keyspace>/<table>` with SSTables, as they were usual before 2.1.
    pub(super) plain: Vec<PathBuf>,
    /// Other folders with files of SSTables.
    pub(super) elsewhere: Vec<PathBuf>,
    /// The first thing that could not be looked at.
    pub(super) unreadable: Option<Error>,
}

impl Shape {
    /// # Errors
    /// [`crate::ErrorKind::Io`] when the directory itself cannot be listed.
    pub(super) fn of(storage: &dyn Storage, data_dir: &Path) -> Result<Self> {
        let entries = storage.list(data_dir)?;
        let is_own = |name: &str| matches!(name, STATE_DIRECTORY | LOST_AND_FOUND);
        let mut shape = Self {
            is_empty: entries.iter().all(|entry| is_own(&entry.name)),
            has_tables_at_top: folders(&entries).any(|folder| is_table_name(&folder.name)),
            ..Self::default()
        };
        let is_system = |folder: &&Entry| SYSTEM_KEYSPACES.contains(&folder.name.as_str());
        if folders(&entries).filter(is_system).any(|keyspace| {
            let keyspace = data_dir.join(&keyspace.name);
            let tables = storage.list(&keyspace).unwrap_or_default();
            folders(&tables).any(|table| {
                is_table_name(&table.name)
                    && has_sstables(&storage.list(&keyspace.join(&table.name)).unwrap_or_default())
            })
        }) {
            shape.has_system = true;
            return Ok(shape);
        }
        let mut search = Search::new(storage, data_dir);
        search.files(data_dir, &entries);
        for folder in folders(&entries).filter(|folder| !is_own(&folder.name)) {
            let path = data_dir.join(&folder.name);
            if may_be_keyspace(data_dir, &folder.name) {
                shape.keyspace(storage, &path, &mut search);
            } else {
                search.below(&path);
            }
        }
        let unseen = entries.iter().find_map(|entry| unseen(data_dir, entry));
        shape.unreadable =
            shape.unreadable.or_else(|| search.unreadable.into_iter().next()).or(unseen);
        shape.elsewhere.extend(search.found.into_iter().map(|(folder, _)| folder));
        Ok(shape)
    }

    fn keyspace(&mut self, storage: &dyn Storage, keyspace: &Path, search: &mut Search<'_>) {
        let entries = match storage.list(keyspace) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.get_or_insert(error);
                return;
            }
        };
        search.files(keyspace, &entries);
        let first_unseen = entries.iter().find_map(|entry| unseen(keyspace, entry));
        self.unreadable = self.unreadable.take().or(first_unseen);
        for folder in folders(&entries) {
            let path = keyspace.join(&folder.name);
            if is_table_name(&folder.name) {
                self.tables = self.tables.saturating_add(1);
                match has_any(storage, &path) {
                    Ok(any) => self.in_tables = self.in_tables.saturating_add(usize::from(any)),
                    Err(error) => drop(self.unreadable.get_or_insert(error)),
                }
            } else if may_be_table(&folder.name)
                && storage.list(&path).is_ok_and(|entries| has_sstables(&entries))
            {
                self.plain.push(path);
            } else {
                search.below(&path);
            }
        }
    }
}

/// Whether a table's folder has files of SSTables, live, of an index, or in its archives.
fn has_any(storage: &dyn Storage, table: &Path) -> Result<bool> {
    let entries = storage.list(table)?;
    if has_sstables(&entries) {
        return Ok(true);
    }
    let mut search = Search::new(storage, table);
    for folder in folders(&entries) {
        search.below(&table.join(&folder.name));
        if !search.found.is_empty() {
            return Ok(true);
        }
    }
    search.unreadable.into_iter().next().map_or(Ok(false), Err)
}

fn has_sstables(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| entry.kind == EntryKind::File && parse_file_name(&entry.name).is_some())
}

fn folders(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.kind == EntryKind::Directory)
}

/// Keyspaces that only nodes have: the local ones, and those of the cluster, which lie on every
/// disk.
const SYSTEM_KEYSPACES: [&str; 9] = [
    "system",
    "system_schema",
    "system_auth",
    "system_distributed",
    "system_traces",
    "system_cluster_metadata",
    "dse_system",
    "dse_system_local",
    "hcd_system",
];
