//! What the schema says, as types.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::table::{Table, View};
use super::values::{boolean, int, list, map, name, text, uuid};
use crate::Result;
use crate::options::{CompressionParams, OptionMap};

/// What a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// A table of its own.
    Table,
    /// A materialized view.
    View {
        /// The table that it shows, of the same keyspace.
        of: String,
    },
    /// A secondary index that has SSTables of its own, in a folder of its table's directory.
    Index {
        /// The table, of the same keyspace.
        of: String,
    },
}

/// A table, a view, or an index with SSTables of its own. Those of the node's own keyspaces have rows,
/// too, by which no node goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSchema {
    /// Its keyspace.
    pub keyspace: String,
    /// Its name; that of an index without its table's.
    pub name: String,
    /// The 32 hexadecimal digits in the name of its directory; of an index, those of its table. Empty
    /// where a schema as CQL does not say.
    pub id: String,
    /// What it is.
    pub kind: TableKind,
    /// Its `compression`, with the whole name of the class; a schema as CQL may have its last part, or
    /// nothing. An index has its table's.
    pub compression: OptionMap,
    /// The Data.db files that this is from, or the file with the schema as CQL.
    pub origins: Vec<Arc<Path>>,
}

impl TableSchema {
    /// Its compression as it would be given for a target.
    ///
    /// # Errors
    /// As [`CompressionParams::from_cql_options`]: the database may have what this program does not
    /// take.
    pub fn params(&self) -> Result<CompressionParams> {
        CompressionParams::from_cql_options(&self.compression)
    }

    fn read(row: View<'_>, kind: TableKind) -> Result<Self> {
        Ok(Self {
            keyspace: row.key(name)?,
            name: row.clustering(0, text)?,
            id: row.required("id", uuid)?,
            kind,
            compression: options(row, "compression")?.unwrap_or_default(),
            origins: row.origins(),
        })
    }
}

/// A keyspace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyspace {
    /// Its name.
    pub name: String,
    /// Whether writes go to the commit log, too.
    pub durable_writes: bool,
    /// Class and options of its replication.
    pub replication: OptionMap,
}

/// An index of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// The keyspace of its table.
    pub keyspace: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `KEYS`, `COMPOSITES`, or `CUSTOM`: one of a class that keeps no SSTables of its own.
    pub kind: String,
    /// Its options, `target` and `class_name` among them.
    pub options: OptionMap,
}

/// A column that a table had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedColumn {
    /// The keyspace of the table.
    pub keyspace: String,
    /// The table.
    pub table: String,
    /// The column.
    pub name: String,
    /// Its CQL type.
    pub class: String,
}

/// A user-defined type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserType {
    /// Its keyspace.
    pub keyspace: String,
    /// Its name.
    pub name: String,
    /// Names and CQL types of its fields.
    pub fields: Vec<(String, String)>,
}

/// What a node says of itself in `system.local`, of its last start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Local {
    /// The name of the cluster.
    pub cluster_name: Option<String>,
    /// The node's id in it: 32 hexadecimal digits.
    pub host_id: Option<String>,
    /// The version of the database that ran last.
    pub release_version: Option<String>,
    /// The node's data center.
    pub data_center: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
    /// The version of the schema that it had: 32 hexadecimal digits. Of a node that was not drained it
    /// may be an older one than its tables have.
    pub schema_version: Option<String>,
    /// `gossip_generation`: when the node was started last, in seconds since 1970. It is flushed at once.
    pub started: Option<i64>,
    /// All columns whose names end in `_version` and that are texts: `dse_version` tells a product.
    pub versions: BTreeMap<String, String>,
    /// The Data.db files that this is from.
    pub origins: Vec<Arc<Path>>,
}

impl Local {
    pub(super) fn read(table: &Table) -> Result<Option<Self>> {
        let mut rows = table.rows();
        let Some(row) = rows.find(|row| row.key(text).is_ok_and(|key| key == "local")) else {
            return Ok(None);
        };
        let mut versions = BTreeMap::new();
        for (column, value) in row.values() {
            if let (Ok(column), Ok(value)) = (text(column), text(value))
                && column.ends_with("_version")
                && column != "schema_version"
            {
                versions.insert(column, value);
            }
        }
        Ok(Some(Self {
            cluster_name: row.value("cluster_name", text)?,
            host_id: row.value("host_id", uuid)?,
            release_version: row.value("release_version", text)?,
            data_center: row.value("data_center", text)?,
            rack: row.value("rack", text)?,
            schema_version: row.value("schema_version", uuid)?,
            started: row.value("gossip_generation", int)?.map(i64::from),
            versions,
            origins: row.origins(),
        }))
    }
}

pub(super) fn keyspaces(table: &Table) -> Result<Vec<Keyspace>> {
    let keyspace = |row: View<'_>| {
        Ok(Keyspace {
            name: row.key(name)?,
            durable_writes: row.value("durable_writes", boolean)?.unwrap_or(true),
            replication: options(row, "replication")?.unwrap_or_default(),
        })
    };
    table.rows().map(keyspace).collect()
}

pub(super) fn tables(table: &Table) -> Result<Vec<TableSchema>> {
    table.rows().map(|row| TableSchema::read(row, TableKind::Table)).collect()
}

pub(super) fn views(table: &Table) -> Result<Vec<TableSchema>> {
    let view = |row: View<'_>| {
        let of = row.required("base_table_name", text)?;
        TableSchema::read(row, TableKind::View { of })
    };
    table.rows().map(view).collect()
}

pub(super) fn indexes(table: &Table) -> Result<Vec<Index>> {
    let index = |row: View<'_>| {
        Ok(Index {
            keyspace: row.key(name)?,
            table: row.clustering(0, text)?,
            name: row.clustering(1, text)?,
            kind: row.required("kind", text)?,
            options: options(row, "options")?.unwrap_or_default(),
        })
    };
    table.rows().map(index).collect()
}

pub(super) fn dropped_columns(table: &Table) -> Result<Vec<DroppedColumn>> {
    let column = |row: View<'_>| {
        Ok(DroppedColumn {
            keyspace: row.key(name)?,
            table: row.clustering(0, text)?,
            name: row.clustering(1, text)?,
            class: row.required("type", text)?,
        })
    };
    table.rows().map(column).collect()
}

pub(super) fn types(table: &Table) -> Result<Vec<UserType>> {
    let of = |row: View<'_>| {
        let names = row.required("field_names", list)?;
        let types = row.required("field_types", list)?;
        if names.len() != types.len() {
            return Err(row.error("a type has not as many fields as types of them".to_owned()));
        }
        let fields = names.into_iter().zip(types).collect();
        Ok(UserType { keyspace: row.key(name)?, name: row.clustering(0, text)?, fields })
    };
    table.rows().map(of).collect()
}

fn options(row: View<'_>, column: &'static str) -> Result<Option<OptionMap>> {
    let Some(pairs) = row.value(column, map)? else { return Ok(None) };
    let options = OptionMap::from_pairs(pairs);
    options.map(Some).map_err(|error| row.error(format!("column '{column}': {error}")))
}
