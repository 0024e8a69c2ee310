//! A census in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rekey_engine::Error;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{KeyCensus, Place};

use crate::ui::text::{align, bytes, sstables, table};

/// Where a key is in use, or may be.
pub(super) fn in_use(key: &KeyRef, census: &KeyCensus) -> String {
    let mut text = String::new();
    let _ = match census.keys.get(key) {
        Some(row) => writeln!(
            text,
            "{key} is in use: {} chunks, {}, in {} of {}",
            row.chunks,
            bytes(row.bytes),
            sstables(row.sstables),
            row.tables.iter().cloned().collect::<Vec<_>>().join(" ")
        ),
        None => writeln!(text, "{key}: no chunk header names it"),
    };
    if let Some(row) = census.keys.get(key) {
        places(&mut text, "", row.places.iter());
    }
    unknown(&mut text, census);
    looked_at(&mut text, census);
    text
}

/// Where SSTables are, a line for each snapshot.
fn places<'a>(
    text: &mut String,
    before: &str,
    counts: impl Iterator<Item = (&'a (Place, String), &'a u64)>,
) {
    let mut by_place: BTreeMap<&Place, Vec<String>> = BTreeMap::new();
    for ((place, table), count) in counts {
        by_place.entry(place).or_default().push(format!("{table} ({})", sstables(*count)));
    }
    for (place, tables) in by_place.iter().take(MOST_PLACES) {
        let name = match place {
            Place::Snapshot(tag) => format!("snapshot {tag}"),
            Place::Backup => "backups".to_owned(),
            _ => "live".to_owned(),
        };
        let _ = writeln!(text, "  {before}{name}: {}", tables.join(", "));
    }
    let more = by_place.len().saturating_sub(MOST_PLACES);
    if more > 0 {
        let _ = writeln!(text, "  {before}{more} more snapshots or backups");
    }
}

fn looked_at(text: &mut String, census: &KeyCensus) {
    for (data_dir, count) in &census.looked_at {
        let _ = writeln!(text, "looked at: {}, {}", data_dir.display(), sstables(*count));
    }
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
            "{} could not be looked at: any key may still be in use there",
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
    for (key, row) in &census.keys {
        // The tables with live SSTables are listed in the table.
        let archived = row.places.iter().filter(|((place, _), _)| *place != Place::Live);
        places(&mut text, &format!("{key} in "), archived);
    }
    if census.not_encrypted.sstables > 0 {
        let _ = writeln!(
            text,
            "not encrypted: {}, {}",
            sstables(census.not_encrypted.sstables),
            bytes(census.not_encrypted.bytes)
        );
    }
    if census.clear_chunks.chunks > 0 {
        let _ = writeln!(
            text,
            "in clear although the table is encrypted (min_compress_ratio): {} chunks in {}",
            census.clear_chunks.chunks,
            sstables(census.clear_chunks.sstables)
        );
    }
    unknown(&mut text, census);
    looked_at(&mut text, census);
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

/// Snapshots that are shown one by one.
const MOST_PLACES: usize = 20;
