//! A census in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rekey_engine::Error;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::KeyCensus;

use crate::ui::text::{align, bytes, table};

/// Where a key is in use, or may be.
pub(super) fn in_use(key: &KeyRef, census: &KeyCensus) -> String {
    let mut text = String::new();
    let _ = match census.keys.get(key) {
        Some(row) => writeln!(
            text,
            "{key} is in use: {} chunks, {}, in {} SSTables of {}",
            row.chunks,
            bytes(row.bytes),
            row.sstables,
            row.tables.iter().cloned().collect::<Vec<_>>().join(" ")
        ),
        None => writeln!(text, "{key}: no chunk header names it"),
    };
    unknown(&mut text, census);
    text
}

fn unknown(text: &mut String, census: &KeyCensus) {
    let mut unknown: BTreeMap<String, (&Error, usize)> = BTreeMap::new();
    for error in &census.unknown {
        unknown.entry(error.fact()).or_insert((error, 0)).1 += 1;
    }
    for (error, count) in unknown.values() {
        let _ = match count.saturating_sub(1) {
            0 => writeln!(text, "unknown: {}", error.chain()),
            more => writeln!(text, "unknown: {} (and {more} more)", error.chain()),
        };
    }
    if !census.unknown.is_empty() {
        let _ = writeln!(
            text,
            "{} SSTables could not be read: any key may still be in use there",
            census.unknown.len()
        );
    }
}

pub(super) fn census(census: &KeyCensus) -> String {
    let mut text = String::new();
    let mut table = table(&["key", "chunks", "bytes", "sstables", "tables"]);
    for (key, row) in &census.keys {
        table.add_row([
            key.to_string(),
            row.chunks.to_string(),
            bytes(row.bytes),
            row.sstables.to_string(),
            row.tables.iter().cloned().collect::<Vec<_>>().join(" "),
        ]);
    }
    align(&mut table, &[1, 2, 3]);
    let _ = writeln!(text, "{table}\n");
    if census.not_encrypted.sstables > 0 {
        let _ = writeln!(
            text,
            "not encrypted: {} SSTables, {}",
            census.not_encrypted.sstables,
            bytes(census.not_encrypted.bytes)
        );
    }
    if census.clear_chunks.chunks > 0 {
        let _ = writeln!(
            text,
            "in clear although the table is encrypted (min_compress_ratio): {} chunks in {} \
             SSTables",
            census.clear_chunks.chunks, census.clear_chunks.sstables
        );
    }
    unknown(&mut text, census);
    if census.counted_archives > 0 {
        let _ = writeln!(
            text,
            "counted, too: {} folders of snapshots and backups",
            census.counted_archives
        );
    }
    if !census.archives.is_empty() {
        let _ = writeln!(
            text,
            "not counted: {} folders of snapshots and backups, which keep the keys that they were \
             written with (--snapshots, --backups)",
            census.archives.len()
        );
    }
    text
}
