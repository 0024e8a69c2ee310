//! A census as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::iter::once;

use rekey_engine::Error;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{CensusRow, KeyCensus};
use serde_json::{Value, json};

use crate::ui::json::{error, path};

pub(super) fn census(census: &KeyCensus) -> impl Iterator<Item = Value> {
    let keys = census.keys.iter().map(|(key, row)| {
        json!({
            "type": "key",
            "key": key,
            "chunks": row.chunks,
            "bytes": row.bytes,
            "sstables": row.sstables,
            "tables": row.tables,
            "places": places(row),
        })
    });
    keys.chain(census.unknown.iter().map(unknown))
}

pub(super) fn summary(census: &KeyCensus) -> Value {
    json!({
        "type": "summary",
        "keys": census.keys.len(),
        "not_encrypted_sstables": census.not_encrypted.sstables,
        "not_encrypted_bytes": census.not_encrypted.bytes,
        "clear_chunks": census.clear_chunks.chunks,
        "unknown_sstables": census.unknown.len(),
        "archives_counted": census.counted_archives,
        "archives_not_counted": census.archives.len(),
        "looked_at": looked_at(census),
    })
}

/// Where a key is in use, or may be.
pub(super) fn in_use(key: &KeyRef, census: &KeyCensus) -> impl Iterator<Item = Value> {
    let row = census.keys.get(key);
    let line = json!({
        "type": "use",
        "key": key,
        "in_use": row.is_some(),
        "chunks": row.map_or(0, |row| row.chunks),
        "sstables": row.map_or(0, |row| row.sstables),
        "tables": row.map(|row| &row.tables),
        "places": row.map(places),
        "looked_at": looked_at(census),
        "unknown_sstables": census.unknown.len(),
        "archives": census.counted_archives,
    });
    once(line).chain(census.unknown.iter().map(unknown))
}

/// Where the SSTables of a key are.
fn places(row: &CensusRow) -> Vec<Value> {
    let places = row.places.iter();
    places
        .map(|((place, table), sstables)| {
            let (name, tag) = (place.name(), place.tag());
            json!({"place": name, "tag": tag, "table": table, "sstables": sstables})
        })
        .collect()
}

/// The data directories that a census is about.
fn looked_at(census: &KeyCensus) -> Vec<Value> {
    let looked_at = census.looked_at.iter();
    looked_at.map(|(dir, count)| json!({"data_dir": path(dir), "sstables": count})).collect()
}

/// What a census could not examine.
fn unknown(unknown: &Error) -> Value {
    let mut line = error(unknown);
    line["type"] = json!("unknown");
    line
}
