//! A census as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::collections::BTreeSet;
use std::iter::once;

use rekey_engine::Error;
use rekey_engine::evidence::{KeyUses, Place, Use};
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{CensusRow, KeyCensus};
use rekey_engine::upgrade::Gathered;
use serde_json::{Value, json};

use crate::ui::json::{error, path};

pub(super) fn census(gathered: &Gathered) -> impl Iterator<Item = Value> {
    let findings = gathered.evidence.findings.iter().map(|finding| {
        json!({
            "type": "weakness",
            "kind": finding.kind.name(),
            "message": finding.message,
            "path": finding.path,
            "files": finding.files,
            "bytes": finding.bytes,
        })
    });
    let keys = gathered.evidence.keys.iter().map(key);
    keys.chain(findings).chain(gathered.unknown.iter().map(unknown))
}

fn key(key: &KeyUses) -> Value {
    let in_sstables = || key.uses.iter().filter(|own| is_of_sstables(own.place));
    let sum = |of: fn(&Use) -> u64| key.uses.iter().map(of).fold(0, u64::saturating_add);
    let tables: BTreeSet<&String> = in_sstables().filter_map(|own| own.table.as_ref()).collect();
    json!({
        "type": "key",
        "key": key.key,
        "state": key.state,
        "chunks": sum(|own| own.chunks),
        "bytes": sum(|own| own.bytes),
        "sstables": in_sstables().map(|own| own.files).fold(0, u64::saturating_add),
        "tables": tables,
        "oldest": key.uses.iter().filter_map(|own| own.oldest).min(),
        "newest": key.uses.iter().filter_map(|own| own.newest).max(),
        "places": key.uses.iter().map(place).collect::<Vec<_>>(),
    })
}

fn place(own: &Use) -> Value {
    json!({
        "place": own.place.name(),
        "tag": own.tag,
        "table": own.table,
        "sstables": if is_of_sstables(own.place) { own.files } else { 0 },
        "files": own.files,
        "bytes": own.bytes,
        "oldest": own.oldest,
        "newest": own.newest,
        "path": own.path,
    })
}

const fn is_of_sstables(place: Place) -> bool {
    matches!(place, Place::Live | Place::Snapshot | Place::Backup)
}

pub(super) fn summary(gathered: &Gathered) -> Value {
    let Gathered { census, evidence, .. } = gathered;
    json!({
        "type": "summary",
        "keys": evidence.keys.len(),
        "not_encrypted_sstables": census.not_encrypted.sstables,
        "not_encrypted_bytes": census.not_encrypted.bytes,
        "clear_chunks": census.clear_chunks.chunks,
        "unknown_sstables": gathered.unknown.len(),
        "archives_counted": census.counted_archives,
        "archives_not_counted": census.archives.len(),
        "looked_at": looked_at(census),
        "directories": evidence.directories,
    })
}

/// Which SSTables are under a key, or may be.
pub(super) fn in_use(key: &KeyRef, gathered: &Gathered) -> impl Iterator<Item = Value> {
    let census = &gathered.census;
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
        "unknown_sstables": gathered.unknown.len(),
        "archives": census.counted_archives,
    });
    once(line).chain(gathered.unknown.iter().map(unknown))
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
