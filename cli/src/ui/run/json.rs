//! A run or a verification as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::path::{Path, PathBuf};

use rekey_engine::plan::{Plan, PlannedRewrite, SkipReason, Targets};
use rekey_engine::schema::Local;
use rekey_engine::txn::Recovery;
use rekey_engine::upgrade::{Alteration, Outcome, Recovered, Report, SSTableReport};
use rekey_engine::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::ui::json::{self, error, path, verdict};

/// The outcome for an SSTable.
#[derive(Debug)]
pub(super) enum Ended<'a> {
    /// By its new name.
    Rewritten(String),
    /// This many chunks.
    Verified(u64),
    /// A saved cache.
    Deleted,
    Skipped(SkipReason),
    Failed(&'a Error),
}

impl<'a> Ended<'a> {
    pub(super) fn of(line: &'a SSTableReport) -> Option<Self> {
        match &line.outcome {
            Outcome::Rewritten { new } => Some(Self::Rewritten(new.to_string())),
            // It keeps its name.
            Outcome::Replaced => {
                let name = line.data.file_name().unwrap_or_default();
                Some(Self::Rewritten(name.to_string_lossy().into_owned()))
            }
            Outcome::Deleted => Some(Self::Deleted),
            Outcome::Verified { chunks } => Some(Self::Verified(*chunks)),
            Outcome::Skipped(reason) => Some(Self::Skipped(*reason)),
            Outcome::Failed(error) => Some(Self::Failed(error)),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Rewritten(_) => "rewritten",
            Self::Verified(_) => "verified",
            Self::Deleted => "deleted",
            Self::Skipped(_) => "skipped",
            Self::Failed(error) if matches!(error.kind(), ErrorKind::Interrupted) => "left",
            Self::Failed(_) => "failed",
        }
    }
}

/// The outcome for an SSTable.
pub(super) fn sstable(
    table: &str,
    data: &Path,
    bytes: Option<u64>,
    how: Ended<'_>,
    copies: usize,
    warnings: &[Error],
) -> Value {
    let mut line = match is_file(table) {
        true => json!({"type": "file", "kind": table, "path": path(data), "outcome": how.name()}),
        false => json!({
            "type": "sstable",
            "table": table,
            "data": path(data),
            "outcome": how.name(),
        }),
    };
    if let Some(bytes) = bytes {
        line["bytes"] = json!(bytes);
    }
    match how {
        Ended::Rewritten(_) if is_file(table) => {}
        Ended::Rewritten(new) => line["new"] = json!(new),
        Ended::Deleted => {}
        Ended::Verified(chunks) => line["chunks"] = json!(chunks),
        Ended::Skipped(reason) => line["reason"] = json!(reason.name()),
        // That it was left says everything.
        Ended::Failed(why) if why.kind() == ErrorKind::Interrupted => {}
        Ended::Failed(why) => line["error"] = error(why),
    }
    if !warnings.is_empty() {
        line["warnings"] = warnings.iter().map(error).collect();
    }
    if copies > 0 {
        line["copies"] = json!(copies);
    }
    line
}

/// Whether a line is of a file beside the tables: its kind has no dot, and a table's name has.
pub(super) fn is_file(table: &str) -> bool {
    !table.contains('.')
}

/// The outcome for SSTables on which no work was done.
pub(super) fn untold(report: &Report) -> impl Iterator<Item = Value> {
    report.sstables.iter().filter(|line| !line.is_told).filter_map(|line| {
        let how = Ended::of(line)?;
        Some(sstable(&line.table, &line.data, None, how, line.copies, &line.warnings))
    })
}

pub(super) fn summary(report: &Report, targets: Option<&Targets>, seconds: f64) -> Value {
    let outcomes = || report.sstables.iter().filter_map(Ended::of);
    let count = |name| outcomes().filter(|how| how.name() == name).count();
    let mut line = json!({
        "type": "summary",
        "rewritten": count("rewritten"),
        "copies": report.sstables.iter().map(|line| line.copies).sum::<usize>(),
        "verified": count("verified"),
        "skipped": count("skipped"),
        "failed": count("failed"),
        "left": count("left"),
        "seconds": seconds,
    });
    let deleted = count("deleted");
    if deleted > 0 {
        line["deleted"] = json!(deleted);
    }
    if let Some(targets) = targets {
        line["target"] = json::only_target(targets);
        line["targets"] = json!(json::targets(targets));
    }
    line
}

/// What a run is about to do.
pub(super) fn before(plan: &Plan, local: Option<&Local>) -> Value {
    let (rewrites, bytes) = to_do(plan);
    json!({
        "type": "run",
        "host_id": local.and_then(|local| local.host_id.as_ref()),
        "cluster": local.and_then(|local| local.cluster_name.as_ref()),
        "flavor": plan.flavor.map(|flavor| flavor.name()),
        "sstables": plan.sstables.len(),
        "rewrites": rewrites,
        "bytes": bytes,
    })
}

/// How many SSTables are to be rewritten, and the length of their Data.db.
pub(super) fn to_do(plan: &Plan) -> (u64, u64) {
    plan.rewrites().fold((0, 0), |(count, bytes): (u64, u64), PlannedRewrite { facts, .. }| {
        (count.saturating_add(1), bytes.saturating_add(facts.data_bytes))
    })
}

/// A summary that says where the report is.
pub(super) fn with_report(mut summary: Value, report: &Path) -> Value {
    summary["report"] = json!(path(report));
    summary
}

pub(super) fn alteration(of: &Alteration) -> Value {
    json!({"type": "alter", "table": of.table, "statement": of.statement})
}

pub(super) fn recovered(recovered: &Recovered) -> Vec<Value> {
    let log = |done: &Recovery| json!({"type": "log", "log": path(&done.log), "verdict": verdict(&done.verdict)});
    let copy = |data: &PathBuf| json!({"type": "copy", "data": path(data)});
    let done = recovered.logs.iter().map(log).chain(recovered.copies.iter().map(copy));
    done.chain(recovered.warnings.iter().map(json::warning)).collect()
}
