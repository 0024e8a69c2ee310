//! A plan in words.

use std::fmt::Write as _;
use std::iter::{once, once_with};
use std::path::PathBuf;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Facts, Finding, Plan, PlannedSSTable, Room, Severity, Shape};

use crate::ui::target;
use crate::ui::text::{align, bytes, hint, sstables, table, verdict};

/// A plan in pieces: a long table repeats its head from time to time, since a table of 100,000
/// lines would take more memory than the plan.
pub(super) fn plan(plan: &Plan) -> impl Iterator<Item = String> {
    let mut logs = String::new();
    for (log, judged) in &plan.logs {
        let _ = writeln!(logs, "{}: {} first", log.display(), verdict(judged));
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
            Action::Rewrite { new } => {
                let place = if planned.is_live { "as" } else { "in its place, as" };
                format!("rewrite {place} {new}{}", and_copies(planned))
            }
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
            name(planned),
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
    text.push_str(&target::line(&plan.target));
    choice(&mut text, plan);
    if let Some(flavor) = plan.flavor {
        let _ = writeln!(text, "transaction logs: {flavor}");
    }
    let _ = writeln!(
        text,
        "{} of {} to rewrite, {}",
        rewrites.len(),
        sstables(plan.sstables.len()),
        bytes(total)
    );
    for room in &plan.rooms {
        let _ = writeln!(text, "{}", space(room));
    }
    let copies: usize = rewrites.iter().map(|(planned, ..)| planned.copies.len()).sum();
    if copies > 0 {
        let _ = writeln!(text, "in snapshots and backups {copies} copies of them to replace");
    }
    if let Some(left) = archives_left(plan) {
        let _ = writeln!(text, "{left}");
    }
    text
}

/// What a run takes of a file system, and what is available.
fn space(room: &Room) -> String {
    let mut text = format!(
        "space on the disk of {}: up to {} at a time, {} more in the end, {} free ({} of it left to \
         others)",
        room.data_dir.display(),
        bytes(room.at_a_time),
        bytes(room.for_good),
        bytes(room.free),
        bytes(room.reserve),
    );
    if room.kept_by_links > 0 {
        let kept = bytes(room.kept_by_links);
        let _ = write!(text, "; {kept} of old files live on in snapshots and backups");
    }
    text
}

/// An SSTable by its name; with the folder below its table's, if it is in an archive.
fn name(planned: &PlannedSSTable) -> String {
    let name = planned.sstable.descriptor.to_string();
    let directory = &planned.sstable.directory;
    let table = directory.strip_prefix(&planned.data_dir).unwrap_or(directory).iter();
    let folder: PathBuf = table.skip(2).collect();
    if planned.is_live { name } else { folder.join(name).display().to_string() }
}

/// The other copies of an SSTable.
fn and_copies(planned: &PlannedSSTable) -> String {
    match planned.copies.len().saturating_sub(usize::from(!planned.is_live)) {
        0 => String::new(),
        1 => ", and 1 copy".to_owned(),
        copies => format!(", and {copies} copies"),
    }
}

/// What is left unchanged because it was not requested.
pub(super) fn archives_left(plan: &Plan) -> Option<String> {
    (plan.archived_left > 0).then(|| {
        format!(
            "left as they are, under their old keys: {} in snapshots and backups (--snapshots, \
             --backups)",
            sstables(plan.archived_left)
        )
    })
}

/// Why the target key was chosen, and the others were not.
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
    // The cipher is in the next column.
    let name = |key: &KeyRef| match key {
        KeyRef::LocalFile { file, .. } => file.clone(),
        other => other.to_string(),
    };
    facts.keys.iter().map(|used| name(&used.key)).collect::<Vec<_>>().join("\n")
}

/// Lines of a plan's table before its head is repeated.
const MOST_LINES: usize = 1000;
/// Keys that are shown one by one.
const MOST_KEYS: usize = 20;
