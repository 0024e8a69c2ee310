//! What a run or a verification has done, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rekey_engine::plan::{Plan, SkipReason};
use rekey_engine::schema::Local;
use rekey_engine::upgrade::{Alteration, Outcome, Recovered, Report};
use rekey_engine::{Error, ErrorKind};

use super::json::{is_file, to_do};
use crate::ui::loudness::is_quiet;
use crate::ui::text::{bytes, duration, hint, sstables, verdict};

pub(super) fn report(report: &Report, seconds: f64) -> String {
    let mut text = String::new();
    let (mut rewritten, mut verified, mut failed, mut left) = (0, 0, 0, 0);
    let (mut replaced, mut deleted) = (0, 0);
    let mut skipped = Vec::new();
    // One cause may fail many SSTables; it is printed once.
    let mut failures: BTreeMap<String, (&Error, usize)> = BTreeMap::new();
    for sstable in &report.sstables {
        match &sstable.outcome {
            Outcome::Rewritten { .. } => rewritten += 1,
            Outcome::Verified { .. } => verified += 1,
            Outcome::Replaced => replaced += 1,
            Outcome::Deleted => deleted += 1,
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
    let of_sstables = report.sstables.iter().flat_map(|sstable| &sstable.warnings);
    for warning in report.warnings.iter().chain(of_sstables) {
        let _ = writeln!(text, "warning: {}", warning.chain());
    }
    let mut parts = Vec::new();
    if rewritten > 0 {
        parts.push(format!("{rewritten} rewritten, read back and swapped in"));
    }
    if replaced > 0 {
        parts.push(format!("{replaced} re-encrypted in their place, and read back"));
    }
    if deleted > 0 {
        parts.push(format!("{deleted} deleted, which the node makes anew"));
    }
    let of_tables = report.sstables.iter().filter(|line| !is_file(&line.table));
    let copies: usize = of_tables.clone().map(|line| line.copies).sum();
    if copies > 0 {
        parts.push(format!("{copies} copies in snapshots and backups replaced"));
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
    let tables = of_tables.count();
    let of = match (tables, report.sstables.len().saturating_sub(tables)) {
        (count, 0) => sstables(count),
        (0, files) => beside(files),
        (count, files) => format!("{} and {}", sstables(count), beside(files)),
    };
    let _ = writeln!(text, "{of}: {} ({})", parts.join("; "), duration(seconds));
    text
}

/// A number of files beside the tables, in words.
fn beside(count: usize) -> String {
    if count == 1 {
        "1 file beside the tables".to_owned()
    } else {
        format!("{count} files beside the tables")
    }
}

/// What a run is about to do.
pub(super) fn before(plan: &Plan, local: Option<&Local>) -> String {
    let mut text = String::new();
    if let Some(local) = local {
        let unknown = || "unknown".to_owned();
        let cluster = local.cluster_name.clone().unwrap_or_else(unknown);
        let host = local.host_id.clone().unwrap_or_else(unknown);
        let _ = writeln!(text, "node: {host} of cluster '{cluster}'");
    }
    if let Some(flavor) = plan.flavor {
        let _ = writeln!(text, "product: {flavor}");
    }
    let (rewrites, total) = to_do(plan);
    let all = sstables(plan.sstables.len());
    let _ = writeln!(text, "to do: {rewrites} of {all}, {}", bytes(total));
    text
}

/// A warning with its hint.
pub(super) fn warn(error: &Error) -> String {
    let mut text = format!("warning: {}\n", error.chain());
    hint(&mut text, error);
    text
}

/// The tables that are to be altered.
pub(super) fn alterations(tables: &[Alteration]) -> String {
    let mut text = String::new();
    let statements: Vec<_> = tables.iter().filter_map(|of| of.statement.as_ref()).collect();
    if !statements.is_empty() {
        text.push_str("note: alter these tables, or the node keeps writing with their old options");
        let is_known = |of: &Alteration| of.statement.is_none() || of.is_in_schema;
        let words = match tables.iter().all(is_known) {
            true => ":\n",
            false => {
                " (a materialized view, which looks like a table here: ALTER MATERIALIZED VIEW):\n"
            }
        };
        text.push_str(words);
    }
    for statement in statements.iter().take(MOST) {
        let _ = writeln!(text, "  {statement}");
    }
    let more = statements.len().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more in the same way (with --json a run prints all)");
    }
    let own: Vec<_> = tables.iter().filter(|of| of.statement.is_none()).collect();
    if !own.is_empty() {
        let names: Vec<_> = own.iter().map(|of| of.table.as_str()).collect();
        let _ = writeln!(
            text,
            "note: nobody alters {}: their options come from system_info_encryption in the node's \
             hcd.yaml or dse.yaml, which must say the same",
            names.join(", ")
        );
    }
    text
}

pub(super) fn recovered(recovered: &Recovered) -> String {
    let mut text = String::new();
    let done = if is_quiet() { (&[][..], &[][..]) } else { (&*recovered.logs, &*recovered.copies) };
    for done in done.0 {
        let _ = writeln!(text, "{}: {}", done.log.display(), verdict(&done.verdict));
    }
    for copy in done.1 {
        let _ = writeln!(text, "{}: the interrupted replacement is finished", copy.display());
    }
    for warning in &recovered.warnings {
        let _ = writeln!(text, "warning: {}", warning.chain());
        hint(&mut text, warning);
    }
    text
}

/// Statements that are printed one by one.
const MOST: usize = 20;
