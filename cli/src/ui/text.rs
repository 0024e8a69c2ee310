//! Results as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::iter::{once, once_with};
use std::time::Duration;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use indicatif::BinaryBytes;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{
    Action, Facts, Finding, KeyCensus, Plan, PlannedSSTable, Severity, Shape, SkipReason,
};
use rekey_engine::txn::{Recovery, Verdict};
use rekey_engine::upgrade::{Outcome, Report};
use rekey_engine::{Error, ErrorKind};

/// A plan in pieces: a long table has its head again from time to time, since one of 100,000 lines
/// would take more memory than the plan.
pub(super) fn plan(plan: &Plan) -> impl Iterator<Item = String> {
    let mut logs = String::new();
    for (log, verdict) in &plan.logs {
        let _ = writeln!(logs, "{}: {} first", log.display(), words(verdict));
    }
    let pieces = plan.sstables.chunks(MOST_LINES).map(planned);
    // Even an empty plan has the head of its table.
    let none = plan.sstables.is_empty().then(|| planned(&[]));
    once(logs).chain(none).chain(pieces).chain(once_with(|| about(plan)))
}

fn planned(sstables: &[PlannedSSTable]) -> String {
    let mut table = table(&["table", "sstable", "bytes", "now", "key", "action", "space"]);
    for planned in sstables {
        let facts = planned.facts.as_ref();
        let action = match &planned.action {
            Action::Rewrite { new } => format!("rewrite as {new}"),
            Action::Skip(reason) => format!("skip: {}", reason.words()),
            Action::Refuse(_) => "refused, see below".to_owned(),
            _ => String::new(),
        };
        let space = match &planned.action {
            Action::Rewrite { .. } => bytes(planned.space.most),
            _ => String::new(),
        };
        table.add_row([
            planned.table.clone(),
            planned.sstable.descriptor.to_string(),
            facts.map_or_else(String::new, |facts| bytes(facts.data_bytes)),
            facts.map_or_else(String::new, now),
            facts.map_or_else(String::new, keys),
            action,
            space,
        ]);
    }
    align(&mut table, &[2, 6]);
    format!("{table}\n\n")
}

/// What concerns the whole plan.
fn about(plan: &Plan) -> String {
    let mut text = String::new();
    findings(&mut text, &plan.findings);
    let rewrites: Vec<_> = plan.rewrites().collect();
    let total = rewrites.iter().map(|(_, facts, _)| facts.data_bytes).sum();
    let _ = writeln!(text, "target: {}", target(plan));
    choice(&mut text, plan);
    if let Some(flavor) = plan.flavor {
        let _ = writeln!(text, "transaction logs: {flavor}");
    }
    let _ = writeln!(
        text,
        "{} of {} SSTables to rewrite, {}",
        rewrites.len(),
        plan.sstables.len(),
        bytes(total)
    );
    text
}

/// What every SSTable is to become, in a few words.
fn target(plan: &Plan) -> String {
    let target = &plan.target;
    let class = match target.params().class() {
        Some(class) => class.simple_name().to_owned(),
        None => "uncompressed".to_owned(),
    };
    match (target.encryptor(), target.key()) {
        (Some(options), Some(key)) => {
            format!("{class}, {} {} bits, {key}", options.transformation(), options.strength())
        }
        _ => format!("{class}, in clear"),
    }
}

/// Why the target key was taken, and the others were not.
fn choice(text: &mut String, plan: &Plan) {
    let Some(choice) = plan.target.choice() else { return };
    let _ = writeln!(text, "  this key: {}", choice.reason);
    for (id, why) in choice.others.iter().take(MOST_KEYS) {
        let _ = writeln!(text, "  not {id}: {why}");
    }
    let more = choice.others.len().saturating_sub(MOST_KEYS);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more keys");
    }
}

/// What a plan warns of, for a command that does not show the plan.
pub(super) fn warnings(plan: &Plan) -> String {
    let mut text = String::new();
    let warning = |finding: &&Finding| finding.severity == Severity::Warning;
    findings(&mut text, plan.findings.iter().filter(warning));
    text
}

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

pub(super) fn report(report: &Report, seconds: f64) -> String {
    let mut text = String::new();
    let (mut rewritten, mut verified, mut failed, mut left) = (0, 0, 0, 0);
    let mut skipped = Vec::new();
    // One cause may fail many SSTables; it is said once.
    let mut failures: BTreeMap<String, (&Error, usize)> = BTreeMap::new();
    for sstable in &report.sstables {
        match &sstable.outcome {
            Outcome::Rewritten { .. } => rewritten += 1,
            Outcome::Verified { .. } => verified += 1,
            Outcome::Skipped(reason) => skipped.push(*reason),
            Outcome::Failed(error) if error.kind() == ErrorKind::Interrupted => left += 1,
            Outcome::Failed(error) => {
                failed += 1;
                failures.entry(error.fact()).or_insert((error, 0)).1 += 1;
            }
            _ => {}
        }
    }
    for (error, count) in failures.values() {
        let _ = match count.saturating_sub(1) {
            0 => writeln!(text, "failed: {}", error.chain()),
            more => writeln!(text, "failed: {} (and {more} more)", error.chain()),
        };
        hint(&mut text, error);
    }
    for sstable in &report.sstables {
        for warning in &sstable.warnings {
            let _ = writeln!(text, "warning: {}", warning.chain());
        }
    }
    let mut parts = Vec::new();
    if rewritten > 0 {
        parts.push(format!("{rewritten} rewritten, read back and swapped in"));
    }
    if verified > 0 {
        parts.push(format!("{verified} verified: every chunk decrypts, all checksums hold"));
    }
    for reason in [SkipReason::UnderTargetKey, SkipReason::NotEncrypted, SkipReason::AsTarget] {
        let count = skipped.iter().filter(|skipped| **skipped == reason).count();
        if count > 0 {
            parts.push(format!("{count} skipped ({})", reason.words()));
        }
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if left > 0 {
        parts.push(format!("{left} left for the next run"));
    }
    if parts.is_empty() {
        parts.push("no SSTables found".to_owned());
    }
    let _ = writeln!(
        text,
        "{} SSTables: {} ({})",
        report.sstables.len(),
        parts.join("; "),
        duration(seconds)
    );
    text
}

pub(super) fn recovered(recovered: &[Recovery]) -> String {
    recovered
        .iter()
        .map(|done| format!("{}: {}\n", done.log.display(), words(&done.verdict)))
        .collect()
}

fn findings<'a>(text: &mut String, findings: impl IntoIterator<Item = &'a Finding>) {
    for finding in findings {
        let _ = write!(text, "{}: {}", finding.severity.name(), finding.error.chain());
        let named = finding.error.path().is_some();
        let _ = match finding.sstables.as_slice() {
            [] => writeln!(text),
            [_] if named => writeln!(text),
            [_, rest @ ..] if named => writeln!(text, " (and {} more)", rest.len()),
            [only] => writeln!(text, " ({only})"),
            [first, rest @ ..] => writeln!(text, " ({first} and {} more)", rest.len()),
        };
        hint(text, &finding.error);
    }
}

fn hint(text: &mut String, error: &Error) {
    if let Some(advice) = error.advice().filter(|_| error.kind() != ErrorKind::Internal) {
        let _ = writeln!(text, "  hint: {advice}");
    }
}

fn now(facts: &Facts) -> String {
    let class = match &facts.shape {
        Shape::Uncompressed => return "uncompressed".to_owned(),
        Shape::Chunked { class, .. } | Shape::Foreign { class, .. } => class.clone(),
        _ => return String::new(),
    };
    let length = facts.header.as_ref().map_or(0, |header| header.chunk_length.bytes() / 1024);
    match facts.shape.encryptor() {
        Some(options) => format!(
            "{class} {} {} bits, {length} KiB chunks",
            options.transformation(),
            options.strength(),
        ),
        None => format!("{class}, {length} KiB chunks"),
    }
}

fn keys(facts: &Facts) -> String {
    // The cipher stands in the column beside it.
    let name = |key: &KeyRef| match key {
        KeyRef::LocalFile { file, .. } => file.clone(),
        other => other.to_string(),
    };
    facts.keys.iter().map(|used| name(&used.key)).collect::<Vec<_>>().join("\n")
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::RollForward => "the interrupted swap is finished".to_owned(),
        Verdict::RollBack => "the interrupted swap is undone".to_owned(),
        Verdict::Refuse(reason) => format!("cannot be finished or undone ({reason})"),
        _ => String::new(),
    }
}

fn duration(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration.as_secs() >= 60 => span(duration),
        _ => format!("{seconds:.1} s"),
    }
}

/// A span of time in the two largest units, which is as much as an estimate can say.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

pub(super) fn bytes(count: u64) -> String {
    BinaryBytes(count).to_string()
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let line = LineStyle::new('─', '─', '─', '─');
    table.load_style(TableStyle::new().header_separator(line)).set_header(header.iter().copied());
    table
}

pub(super) fn align(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Lines of a plan's table before its head comes again.
const MOST_LINES: usize = 1000;
/// Keys that are shown one by one.
const MOST_KEYS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_two_largest_units() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(of(0), "0 s");
        assert_eq!(of(59), "59 s");
        assert_eq!(of(725), "12 min 5 s");
        assert_eq!(of(6600), "1 h 50 min");
        assert_eq!(of(90_000), "1 d 1 h");
        assert_eq!(duration(1.25), "1.2 s");
        assert_eq!(duration(61.9), "1 min 1 s");
    }
}
