//! What somebody has named, and where a node would load nothing: nothing is done about it, and nothing
//! is wrong.

use std::path::{Path, PathBuf};

use super::archive::directories;
use super::data_dir::may_be_table;
use super::discover::Selection;
use crate::Result;
use crate::io::{EntryKind, Storage};
use crate::sstable::{TableDir, parse_file_name};

/// The named tables, or the named keyspace, that have a directory and in none of the data directories an
/// SSTable. What cannot be listed may have some.
#[must_use]
pub fn without_sstables(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    selection: &Selection,
) -> Vec<String> {
    let Some(keyspace) = &selection.keyspace else { return vec![] };
    let has_some = |table: Option<&str>| {
        data_dirs.iter().map(|data_dir| data_dir.join(keyspace)).any(|path| {
            has_some(storage, &path, |name| table.is_none_or(|table| table == name)).unwrap_or(true)
        })
    };
    let is_there = |table: Option<&str>| {
        data_dirs.iter().any(|data_dir| {
            let tables = directories(storage, &data_dir.join(keyspace)).unwrap_or_default();
            table.is_none_or(|table| tables.iter().any(|entry| table_of(&entry.name) == table))
        })
    };
    if !selection.names_tables() {
        return if has_some(None) { vec![] } else { vec![keyspace.clone()] };
    }
    let tables = selection.tables.iter().map(String::as_str);
    let empty = tables.filter(|table| is_there(Some(table)) && !has_some(Some(table)));
    empty.map(|table| format!("{keyspace}.{table}")).collect()
}

/// Whether a table of a keyspace, or an index of it, has an SSTable. A keyspace that is not there has none.
fn has_some(storage: &dyn Storage, keyspace: &Path, is_it: impl Fn(&str) -> bool) -> Result<bool> {
    if storage.stat(keyspace)?.is_none() {
        return Ok(false);
    }
    for table in directories(storage, keyspace)? {
        if !may_be_table(&table.name) || !is_it(&table_of(&table.name)) {
            continue;
        }
        let path = keyspace.join(&table.name);
        for entry in storage.list(&path)? {
            let is_index = entry.kind == EntryKind::Directory && entry.name.starts_with('.');
            if parse_file_name(&entry.name).is_some()
                || is_index && !storage.list(&path.join(&entry.name))?.is_empty()
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn table_of(folder: &str) -> String {
    TableDir::new(Path::new(""), "", folder).table
}
