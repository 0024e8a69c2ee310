//! A plan in words.

use std::fmt::Write as _;
use std::iter::{once, once_with};

use rekey_engine::plan::{Finding, Plan, Room, Severity, Target};
use rekey_engine::upgrade::Status;

use super::all;
use super::rows::{block, head};
use super::tables::tables;
use crate::ui::paint::To;
use crate::ui::target;
use crate::ui::text::{bytes, hint, sstables, verdict};
use crate::ui::wrap::prose;

/// A plan in pieces, with `all` SSTable by SSTable.
pub(super) fn plan<'p>(
    plan: &'p Plan,
    unfinished: Option<&Status>,
    all: bool,
) -> Box<dyn Iterator<Item = String> + 'p> {
    let mut first = unfinished.map(being).unwrap_or_default();
    for (log, judged) in &plan.logs {
        let _ = writeln!(first, "{}: {} first", log.display(), verdict(judged));
    }
    let about = once_with(|| prose(about(plan), To::Out));
    if all {
        return Box::new(once(first).chain(all::sstables(&plan.sstables)).chain(about));
    }
    let blocks = once_with(|| tables(plan)).flatten().map(|table| block(&table));
    let end = once("\n".to_owned());
    Box::new(once(first).chain(once_with(head)).chain(blocks).chain(end).chain(about))
}

/// That a run is unfinished, in a line.
fn being(status: &Status) -> String {
    let total = status.total;
    let left = total.sstables.saturating_sub(total.swapped).saturating_sub(total.failed);
    format!(
        "unfinished run: of {} {} swapped in, {} failed, {left} left (see: status)\n",
        sstables(total.sstables),
        total.swapped,
        total.failed,
    )
}

/// What concerns the whole plan.
fn about(plan: &Plan) -> String {
    let mut text = String::new();
    findings(&mut text, &plan.findings);
    let rewrites: Vec<_> = plan.rewrites().collect();
    let total = rewrites.iter().map(|rewrite| rewrite.facts.data_bytes).sum();
    for target in plan.targets.distinct() {
        text.push_str(&target::line(target));
        choice(&mut text, target);
    }
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
    let copies: usize = rewrites.iter().map(|rewrite| rewrite.sstable.copies.len()).sum();
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
        "space on the disk of {}:\n  needed: up to {} at a time, {} more in the end\n  free: {}, {} of \
         it left to others",
        room.data_dir.display(),
        bytes(room.at_a_time),
        bytes(room.for_good),
        bytes(room.free),
        bytes(room.reserve),
    );
    if room.kept_by_links > 0 {
        let kept = bytes(room.kept_by_links);
        let _ = write!(text, "\n  kept: {kept} of old files live on in snapshots and backups");
    }
    text
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
fn choice(text: &mut String, target: &Target) {
    let Some(choice) = target.choice() else { return };
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
    prose(text, To::Err)
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

/// Keys that are shown one by one.
const MOST_KEYS: usize = 20;
