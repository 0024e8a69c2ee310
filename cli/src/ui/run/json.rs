//! A run or a verification as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::path::{Path, PathBuf};

use rekey_engine::plan::{SkipReason, Target};
use rekey_engine::txn::Recovery;
use rekey_engine::upgrade::{Alteration, Outcome, Recovered, Report};
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
    Skipped(SkipReason),
    Failed(&'a Error),
}

impl<'a> Ended<'a> {
    fn of(outcome: &'a Outcome) -> Option<Self> {
        match outcome {
            Outcome::Rewritten { new } => Some(Self::Rewritten(new.to_string())),
            Outcome::Verified { chunks } => Some(Self::Verified(*chunks)),
            Outcome::Skipped(reason) => Some(Self::Skipped(*reason)),
            Outcome::Failed(error) => Some(Self::Failed(error)),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rewritten(_) => "rewritten",
            Self::Verified(_) => "verified",
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
    let mut line = json!({
        "type": "sstable",
        "table": table,
        "data": path(data),
        "outcome": how.name(),
    });
    if let Some(bytes) = bytes {
        line["bytes"] = json!(bytes);
    }
    match how {
        Ended::Rewritten(new) => line["new"] = json!(new),
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

/// The outcome for SSTables on which no work was done.
pub(super) fn untold(report: &Report) -> impl Iterator<Item = Value> {
    report.sstables.iter().filter(|line| !line.is_told).filter_map(|line| {
        let how = Ended::of(&line.outcome)?;
        Some(sstable(&line.table, &line.data, None, how, line.copies, &line.warnings))
    })
}

pub(super) fn summary(report: &Report, target: Option<&Target>, seconds: f64) -> Value {
    let outcomes = || report.sstables.iter().filter_map(|line| Ended::of(&line.outcome));
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
    if let Some(target) = target {
        line["target"] = json::target(target);
    }
    line
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
