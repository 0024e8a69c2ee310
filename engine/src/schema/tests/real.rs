//! The schemas of `testdata/schema` against what CQL said of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::{Limits, Schema, TableKind, read};
use super::{local_keys, testdata};
use crate::Result;
use crate::io::LocalStorage;
use crate::options::OptionMap;

/// All: drained, and killed after the last statement.
const FORMATS: [&str; 7] = ["me", "nb", "oa", "da", "killed/nb", "killed/oa", "killed/da"];
/// Of nodes that ran, and were drained.
const NODES: [&str; 3] = ["nb", "oa", "da"];

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn schema_of(data_dirs: &[PathBuf]) -> Result<Schema> {
    read(&LocalStorage, data_dirs, &local_keys(), Limits::default(), now())
}

fn data_dir(format: &str) -> PathBuf {
    testdata().join("schema").join(format)
}

/// What CQL said, by table.
fn expected(format: &str) -> BTreeMap<String, Vec<Value>> {
    let text = fs::read(data_dir(format).join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    let rows = |rows: &Value| rows.as_array().unwrap().clone();
    all.as_object().unwrap().iter().map(|(table, of)| (table.clone(), rows(of))).collect()
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_else(|| panic!("{column} of {row}")).to_owned()
}

fn id(row: &Value, column: &str) -> String {
    text(row, column).replace('-', "")
}

fn map(of: &Value) -> BTreeMap<String, String> {
    let pairs = of.as_object().unwrap().iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn pairs(of: &OptionMap) -> BTreeMap<String, String> {
    of.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Sorted, since a node's order is that of tokens.
fn sorted<T: Ord>(rows: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = rows.collect();
    all.sort();
    all
}

#[test]
fn every_table_and_view_has_the_id_and_the_compression_that_cql_says() {
    for format in FORMATS {
        let (schema, said) = (schema_of(&[data_dir(format)]).unwrap(), expected(format));
        assert!(schema.is_found());
        let tables = said["system_schema.tables"].iter().map(|row| {
            let key = (text(row, "keyspace_name"), text(row, "table_name"), id(row, "id"));
            (key, None, map(&row["compression"]))
        });
        let views = said["system_schema.views"].iter().map(|row| {
            let key = (text(row, "keyspace_name"), text(row, "view_name"), id(row, "id"));
            (key, Some(text(row, "base_table_name")), map(&row["compression"]))
        });
        let own = schema.tables().iter().filter_map(|table| {
            let of = match &table.kind {
                TableKind::Table => None,
                TableKind::View { of } => Some(of.clone()),
                TableKind::Index { .. } => return None,
            };
            let key = (table.keyspace.clone(), table.name.clone(), table.id.clone());
            Some((key, of, pairs(&table.compression)))
        });
        assert_eq!(sorted(own), sorted(tables.chain(views)), "{format}");
        for table in schema.tables() {
            assert!(!table.origins.is_empty() && table.origins.iter().all(|file| file.is_file()));
        }
    }
}

#[test]
fn what_was_made_again_is_found_and_what_was_dropped_is_not() {
    for format in NODES {
        let schema = schema_of(&[data_dir(format)]).unwrap();
        for (keyspace, table) in [
            ("app", "dropped"),
            ("app", "view_dropped"),
            ("away", "t"),
            ("again", "u"),
            ("MixedCase", "table"),
            ("mixedcase", "Table"),
        ] {
            assert!(schema.table(keyspace, table).is_none(), "{keyspace}.{table}");
        }
        let again = schema.table("again", "t").unwrap();
        assert_eq!(again.compression.get("chunk_length_in_kb"), Some("4"));
        assert_eq!(schema.by_id(&again.id.to_uppercase()), Some(again));
        assert!(schema.table("app", "returns").unwrap().params().unwrap().class().is_none());
        let secret = schema.table("app", "secret").unwrap();
        assert_eq!(secret.params().unwrap().options().get("secret_key_file"), Some("keys/two"));
        // A change writes the whole row again: what counts is in a later SSTable than the first.
        let users = schema.table("app", "users").unwrap();
        assert_eq!(users.compression.get("lz4_compressor_type"), Some("high"));
        assert_ne!(users.origins, schema.table("app", "events").unwrap().origins);
        let view = schema.table("app", "users_by_name").unwrap();
        assert_eq!(view.kind, TableKind::View { of: "users".to_owned() });
        // The index of Cassandra's own kind has SSTables, the storage-attached one has none.
        let indexes = schema.tables().iter().filter_map(|table| match &table.kind {
            TableKind::Index { of } => Some((of.as_str(), table.name.as_str(), &table.id)),
            _ => None,
        });
        let mixed = schema.table("MixedCase", "Table").unwrap();
        assert_eq!(
            sorted(indexes),
            [("Table", "ByValue", &mixed.id), ("users", "by_email", &users.id)]
        );
    }
}

#[test]
fn keyspaces_indexes_types_and_dropped_columns_are_what_cql_says() {
    for format in FORMATS {
        let (schema, said) = (schema_of(&[data_dir(format)]).unwrap(), expected(format));
        let rows = |table: &str| said[&format!("system_schema.{table}")].iter();
        let keyspaces = rows("keyspaces").map(|row| {
            let durable = row["durable_writes"].as_bool().unwrap();
            (text(row, "keyspace_name"), durable, map(&row["replication"]))
        });
        let own = schema.keyspaces().iter();
        let own = own.map(|of| (of.name.clone(), of.durable_writes, pairs(&of.replication)));
        assert_eq!(sorted(own), sorted(keyspaces), "{format}");

        let key = |row: &Value, name: &str| {
            (text(row, "keyspace_name"), text(row, "table_name"), text(row, name))
        };
        let indexes = rows("indexes")
            .map(|row| (key(row, "index_name"), text(row, "kind"), map(&row["options"])));
        let own = schema.indexes().iter().map(|of| {
            let key = (of.keyspace.clone(), of.table.clone(), of.name.clone());
            (key, of.kind.clone(), pairs(&of.options))
        });
        assert_eq!(sorted(own), sorted(indexes), "{format}");

        let dropped =
            rows("dropped_columns").map(|row| (key(row, "column_name"), text(row, "type")));
        let own = schema.dropped_columns().iter();
        let own = own.map(|of| {
            let key = (of.keyspace.clone(), of.table.clone(), of.name.clone());
            (key, of.class.clone())
        });
        assert_eq!(sorted(own), sorted(dropped), "{format}");

        let types = rows("types").map(|row| {
            let texts = |column: &str| -> Vec<String> {
                let texts = row[column].as_array().unwrap().iter();
                texts.map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let fields: Vec<_> =
                texts("field_names").into_iter().zip(texts("field_types")).collect();
            (text(row, "keyspace_name"), text(row, "type_name"), fields)
        });
        let own = schema.types().iter();
        let own = own.map(|of| (of.keyspace.clone(), of.name.clone(), of.fields.clone()));
        assert_eq!(sorted(own), sorted(types), "{format}");
    }
}

#[test]
fn a_node_says_who_it_is() {
    for format in NODES {
        let (schema, said) = (schema_of(&[data_dir(format)]).unwrap(), expected(format));
        let (local, row) = (schema.local().unwrap(), &said["system.local"][0]);
        let same = |own: &Option<String>, column: &str| {
            assert_eq!(own.as_ref(), Some(&text(row, column)), "{column}");
        };
        same(&local.cluster_name, "cluster_name");
        same(&local.release_version, "release_version");
        same(&local.data_center, "data_center");
        same(&local.rack, "rack");
        assert_eq!(local.host_id, Some(id(row, "host_id")));
        assert_eq!(local.schema_version, Some(id(row, "schema_version")));
        assert_eq!(local.started, row["gossip_generation"].as_i64());
        assert_eq!(local.versions["release_version"], text(row, "release_version"));
        assert_eq!(local.versions["cql_version"], text(row, "cql_version"));
    }
}

#[test]
fn the_order_of_data_directories_makes_no_difference_and_without_any_there_is_no_schema() {
    let (root, data) = (tempfile::tempdir().unwrap(), data_dir("oa"));
    let (one, other) = (root.path().join("one"), root.path().join("other"));
    // Every second SSTable is in the other directory.
    for keyspace in ["system_schema", "system"] {
        for table in fs::read_dir(data.join(keyspace)).unwrap() {
            let table = table.unwrap();
            let mut ids: Vec<String> = vec![];
            for file in sorted(fs::read_dir(table.path()).unwrap().map(|file| file.unwrap().path()))
            {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let id = name.split('-').nth(1).unwrap().to_owned();
                if ids.last() != Some(&id) {
                    ids.push(id);
                }
                let to = if ids.len().is_multiple_of(2) { &one } else { &other };
                let to = to.join(keyspace).join(table.file_name());
                fs::create_dir_all(&to).unwrap();
                fs::copy(file, to.join(name)).unwrap();
            }
        }
    }
    let canonical = |path: &Path| path.canonicalize().unwrap();
    let (one, other) = (canonical(&one), canonical(&other));
    let shown = |schema: &Schema| {
        let tables = schema
            .tables()
            .iter()
            .map(|table| (&*table.keyspace, &*table.name, &*table.id, pairs(&table.compression)));
        format!("{:?}", tables.collect::<Vec<_>>())
    };
    let whole = shown(&schema_of(&[data]).unwrap());
    for data_dirs in [vec![one.clone(), other.clone()], vec![other, one.clone()]] {
        assert_eq!(shown(&schema_of(&data_dirs).unwrap()), whole);
    }
    assert_ne!(shown(&schema_of(std::slice::from_ref(&one)).unwrap()), whole);
    let none = schema_of(&[canonical(root.path())]).unwrap();
    assert!(!none.is_found() && none.tables().is_empty() && none.local().is_none());
}
