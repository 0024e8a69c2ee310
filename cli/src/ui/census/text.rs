//! A census in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rekey_engine::Error;
use rekey_engine::evidence::{KeyUses, Moment, Place, Role, Use};
use rekey_engine::plan::KeyCensus;
use rekey_engine::upgrade::Gathered;

use crate::ui::paint::To;
use crate::ui::text::{bytes, files, looked_at, sstables};
use crate::ui::wrap::prose;

pub(super) fn census(gathered: &Gathered) -> String {
    let Gathered { census, evidence, .. } = gathered;
    let mut text = keys(&evidence.keys);
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
    for finding in &evidence.findings {
        let line = format!("weak: {} ({})\n", finding.message, files(finding.files));
        text.push_str(&prose(line, To::Out));
    }
    text.push_str(&beside(gathered));
    // Data directories are among what is above.
    let there = evidence.directories.iter().filter(|own| own.is_there && own.role != Role::Data);
    text.extend(there.map(looked_at));
    archives(&mut text, census);
    text
}

/// A line for each key, and below it one for each place: the names of keys may be long.
fn keys(keys: &[KeyUses]) -> String {
    let mut text = line(&["where", "files", "bytes", "oldest", "newest", "tables"]);
    for key in keys {
        let _ = match &key.state {
            Some(state) => writeln!(text, "{} ({state})", key.key),
            None => writeln!(text, "{}", key.key),
        };
        for row in rows(key) {
            text.push_str(&line(&row.each_ref().map(String::as_str)));
        }
    }
    text.push('\n');
    text
}

fn line([place, files, bytes, oldest, newest, tables]: &[&str; 6]) -> String {
    let line =
        format!("  {place:<20} {files:>7} {bytes:>11}  {oldest:<10}  {newest:<10}  {tables}");
    format!("{}\n", line.trim_end())
}

/// What could not be looked at, and the data directories.
pub(super) fn beside(gathered: &Gathered) -> String {
    let mut text = String::new();
    unknown(&mut text, &gathered.unknown);
    for (data_dir, count) in &gathered.census.looked_at {
        let _ = writeln!(text, "looked at: {}, {}", data_dir.display(), sstables(*count));
    }
    text
}

/// A row for each place, live data first; many snapshots are one row.
fn rows(key: &KeyUses) -> Vec<[String; 6]> {
    let mut by_place: BTreeMap<(Place, Option<&String>), Vec<&Use>> = BTreeMap::new();
    for own in &key.uses {
        by_place.entry((own.place, own.tag.as_ref())).or_default().push(own);
    }
    let snapshots = by_place.keys().filter(|(place, _)| *place == Place::Snapshot).count();
    if snapshots > MOST_SNAPSHOTS {
        let mut together = Vec::new();
        by_place.retain(|(place, _), uses| {
            let is_other = *place != Place::Snapshot;
            if !is_other {
                together.append(uses);
            }
            is_other
        });
        by_place.insert((Place::Snapshot, None), together);
    }
    let rows = by_place.into_iter().map(|((place, tag), uses)| {
        let sum = |of: fn(&Use) -> u64| uses.iter().map(|own| of(own)).fold(0, u64::saturating_add);
        let name = match (place, tag) {
            (Place::Snapshot, Some(tag)) => format!("snapshot {tag}"),
            (Place::Snapshot, None) => format!("{snapshots} snapshots"),
            (Place::Backup, _) => "backups".to_owned(),
            (place, _) => place.name().replace('_', " "),
        };
        let tables: BTreeSet<&str> = uses.iter().filter_map(|own| own.table.as_deref()).collect();
        [
            name,
            sum(|own| own.files).to_string(),
            bytes(sum(|own| own.bytes)),
            day(uses.iter().filter_map(|own| own.oldest).min()),
            day(uses.iter().filter_map(|own| own.newest).max()),
            tables.into_iter().collect::<Vec<_>>().join(" "),
        ]
    });
    rows.collect()
}

/// The day of a moment, in UTC.
fn day(moment: Option<Moment>) -> String {
    let text = moment.map(|moment| moment.to_string()).unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn unknown(text: &mut String, all: &[Error]) {
    let mut unknown: BTreeMap<String, (&Error, usize)> = BTreeMap::new();
    for error in all {
        unknown.entry(error.fact()).or_insert((error, 0)).1 += 1;
    }
    for (error, count) in unknown.values() {
        let _ = match count.saturating_sub(1) {
            0 => writeln!(text, "unknown: {}", error.chain()),
            more => writeln!(text, "unknown: {} (and {more} more)", error.chain()),
        };
    }
    if !all.is_empty() {
        let _ = writeln!(
            text,
            "{} could not be looked at: any key may still be in use there",
            all.len()
        );
    }
}

fn archives(text: &mut String, census: &KeyCensus) {
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
}

/// Snapshots that are shown one by one.
const MOST_SNAPSHOTS: usize = 20;
