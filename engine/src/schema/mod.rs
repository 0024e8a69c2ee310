//! What a node's schema says of its tables, read from the node's files (FORMATS.md 11).
//!
//! The schema decides how the *next* SSTable of a table is written; what an SSTable is, only itself
//! says. A node keeps its schema in tables of the keyspace `system_schema`, and flushes them at each
//! change, so that a stopped node's files have all of it, drained or not.
//!
//! The same is read from CQL ([`Schema::parse_cql`]) where those tables cannot be had.
//!
//! This is no reader of data: it takes what a small table has, whole, and refuses the rest.

mod cql;
mod encrypted_keys;
mod facts;
mod limits;
mod merge;
mod open;
mod peers;
mod rows;
mod table;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use encrypted_keys::archived_keys;
pub use encrypted_keys::{NodeKeyTables, encrypted_keys};
pub use facts::{DroppedColumn, Index, Keyspace, Local, TableKind, TableSchema, UserType};
pub use limits::Limits;
pub use peers::{Peer, peers};

use self::open::Opener;
use self::table::Table;
use crate::Result;
use crate::io::Storage;
use crate::keys::KeyProvider;
use crate::sstable::TableDir;

/// The schema of a node, and what the node says of itself.
#[derive(Debug, Default)]
pub struct Schema {
    is_found: bool,
    tables: Vec<TableSchema>,
    /// The places of tables and views in `tables`, by keyspace and name.
    by_name: BTreeMap<(String, String), usize>,
    /// The same by id.
    by_id: BTreeMap<String, usize>,
    keyspaces: Vec<Keyspace>,
    indexes: Vec<Index>,
    dropped_columns: Vec<DroppedColumn>,
    types: Vec<UserType>,
    local: Option<Local>,
}

/// Reads the schema as a node that starts now would: through its transaction logs, from all of its data
/// directories and the one of its local system tables, if it has one, `now` being the time by which cells
/// expire. Keys are asked for only if an SSTable of the
/// schema is encrypted.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`], [`crate::ErrorKind::Unsupported`] and
/// [`crate::ErrorKind::KeyUnavailable`] with the SSTable, and [`crate::ErrorKind::Io`]. A schema is
/// read whole, or not at all: what is missing in half of one may be what counts.
pub fn read(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keys: &dyn KeyProvider,
    limits: Limits,
    now: SystemTime,
) -> Result<Schema> {
    let opener = Opener { storage, keys };
    let now = seconds(now);
    let read = |keyspace, name| Table::read(&opener, data_dirs, keyspace, name, limits, now);
    let of_schema = |name| read("system_schema", name);
    let of_tables = of_schema("tables")?;
    let mut schema = Schema {
        is_found: !of_tables.is_missing(),
        indexes: facts::indexes(&of_schema("indexes")?)?,
        keyspaces: facts::keyspaces(&of_schema("keyspaces")?)?,
        dropped_columns: facts::dropped_columns(&of_schema("dropped_columns")?)?,
        types: facts::types(&of_schema("types")?)?,
        local: Local::read(&read("system", "local")?)?,
        ..Schema::default()
    };
    schema.add(facts::tables(&of_tables)?);
    schema.add(facts::views(&of_schema("views")?)?);
    schema.add_indexes();
    Ok(schema)
}

/// Reads only what the node says of itself; none where it has never run.
///
/// # Errors
/// As [`read`], of `system.local`.
pub fn local(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keys: &dyn KeyProvider,
    limits: Limits,
    now: SystemTime,
) -> Result<Option<Local>> {
    let opener = Opener { storage, keys };
    Local::read(&Table::read(&opener, data_dirs, "system", "local", limits, seconds(now))?)
}

fn seconds(now: SystemTime) -> i64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

impl Schema {
    /// Whether there was one. Without it nothing is known of any table, and all others are empty.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        self.is_found
    }

    /// The tables and views, and indices with SSTables of their own, each sorted by keyspace and name.
    #[must_use]
    pub fn tables(&self) -> &[TableSchema] {
        &self.tables
    }

    /// A table or a view by its name.
    #[must_use]
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&TableSchema> {
        let place = self.by_name.get(&(keyspace.to_owned(), name.to_owned()))?;
        self.tables.get(*place)
    }

    /// A table or a view by the hexadecimal digits in the name of its directory.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&TableSchema> {
        self.tables.get(*self.by_id.get(&id.to_ascii_lowercase())?)
    }

    /// The table or view whose SSTables lie in a directory: one of the same name and another id is
    /// another one. In a schema from a file, and in names of directories from before 2.1, there may be no
    /// id; then the name counts. An index has the options of its table.
    #[must_use]
    pub fn row_of(&self, directory: &TableDir) -> Option<&TableSchema> {
        let named = || self.table(&directory.keyspace, &directory.table);
        match &directory.table_id {
            Some(id) => self.by_id(id).or_else(|| named().filter(|named| named.id.is_empty())),
            None => named(),
        }
    }

    fn add(&mut self, tables: Vec<TableSchema>) {
        for table in tables {
            let place = self.tables.len();
            self.by_name.insert((table.keyspace.clone(), table.name.clone()), place);
            if !table.id.is_empty() {
                self.by_id.insert(table.id.clone(), place);
            }
            self.tables.push(table);
        }
    }

    /// The SSTables of an index are written with the options of its table. An index of a class of its
    /// own has none.
    fn add_indexes(&mut self) {
        let mut with_sstables = Vec::new();
        for index in self.indexes.iter().filter(|index| index.kind != "CUSTOM") {
            let Some(table) = self.table(&index.keyspace, &index.table) else { continue };
            let kind = TableKind::Index { of: table.name.clone() };
            with_sstables.push(TableSchema { name: index.name.clone(), kind, ..table.clone() });
        }
        self.tables.extend(with_sstables);
    }

    /// The keyspaces.
    #[must_use]
    pub fn keyspaces(&self) -> &[Keyspace] {
        &self.keyspaces
    }

    /// The indices of all kinds.
    #[must_use]
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// The columns that tables had.
    #[must_use]
    pub fn dropped_columns(&self) -> &[DroppedColumn] {
        &self.dropped_columns
    }

    /// The user-defined types.
    #[must_use]
    pub fn types(&self) -> &[UserType] {
        &self.types
    }

    /// The same with what a node says of itself.
    #[must_use]
    pub fn with_local(self, local: Option<Local>) -> Self {
        Self { local, ..self }
    }

    /// What the node says of itself.
    #[must_use]
    pub const fn local(&self) -> Option<&Local> {
        self.local.as_ref()
    }
}

#[cfg(test)]
mod tests;
