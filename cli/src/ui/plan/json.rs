//! A plan as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::path::PathBuf;
use std::sync::Arc;

use rekey_engine::plan::{
    Action, Facts, Finding, Plan, PlannedRewrite, PlannedSSTable, Room, Severity, Shape, Target,
};
use rekey_engine::sstable::Component;
use rekey_engine::txn::Verdict;
use rekey_engine::upgrade::Status;
use serde_json::{Value, json};

use super::tables::{Kind, TableSum, tables};
use crate::ui::json::{error, only_target, path, target, targets, verdict};

/// Line by line: the whole text of a long plan would take more memory than the plan.
pub(super) fn plan(plan: &Plan) -> impl Iterator<Item = Value> {
    let log = |(log, judged): &(PathBuf, Verdict)| json!({"type": "log", "log": path(log), "verdict": verdict(judged)});
    let sstables = plan.sstables.iter().map(|planned| sstable(planned, plan));
    let tables = tables(plan).into_iter().map(|sum| table(&sum));
    plan.logs.iter().map(log).chain(sstables).chain(tables).chain(plan.findings.iter().map(finding))
}

/// A run that is unfinished.
pub(super) fn unfinished(status: &Status) -> Value {
    let total = status.total;
    json!({
        "type": "unfinished",
        "state_dir": path(&status.state_dir),
        "sstables": total.sstables,
        "swapped": total.swapped,
        "failed": total.failed,
        "left": total.sstables.saturating_sub(total.swapped).saturating_sub(total.failed),
    })
}

fn table(sum: &TableSum<'_>) -> Value {
    let now = |kind: &Kind<'_>| {
        let mut now = current(kind.facts);
        if let Some(keys) = now.get_mut("keys") {
            // Chunks and bytes are of one SSTable.
            *keys = kind.keys().map(|key| json!(key)).collect();
        }
        now["sstables"] = json!(kind.sstables);
        now
    };
    json!({
        "type": "table",
        "table": sum.name,
        "sstables": sum.sstables,
        "bytes": sum.bytes,
        "now": sum.kinds.iter().map(now).collect::<Vec<_>>(),
        "targets": sum.targets.values().map(|of| target(of)).collect::<Vec<_>>(),
        "rewrites": sum.rewrites,
        "skips": sum.skips.iter().map(|(_, count)| count).sum::<usize>(),
        "refusals": sum.refusals,
        "unreadable": sum.unreadable,
    })
}

pub(super) fn summary(plan: &Plan) -> Value {
    let rewrites: Vec<PlannedRewrite<'_>> = plan.rewrites().collect();
    json!({
        "type": "summary",
        "sstables": plan.sstables.len(),
        "rewrites": rewrites.len(),
        "bytes": rewrites.iter().map(|rewrite| rewrite.facts.data_bytes).sum::<u64>(),
        "copies": rewrites.iter().map(|rewrite| rewrite.sstable.copies.len()).sum::<usize>(),
        "archived_left": plan.archived_left,
        "target": only_target(&plan.targets),
        "targets": targets(&plan.targets),
        "flavor": plan.flavor.map(|flavor| flavor.name()),
        "space": plan.rooms.iter().map(room).collect::<Vec<_>>(),
    })
}

fn room(room: &Room) -> Value {
    json!({
        "directory": path(&room.data_dir),
        "at_a_time": room.at_a_time,
        "for_good": room.for_good,
        "kept_by_links": room.kept_by_links,
        "free": room.free,
        "reserve": room.reserve,
    })
}

/// All that a plan finds.
pub(in crate::ui) fn findings(plan: &Plan) -> Vec<Value> {
    plan.findings.iter().map(finding).collect()
}

/// What a plan warns of.
pub(super) fn warnings(plan: &Plan) -> Vec<Value> {
    let warning = |of: &&Finding| of.severity == Severity::Warning;
    plan.findings.iter().filter(warning).map(finding).collect()
}

fn finding(finding: &Finding) -> Value {
    let mut line = error(&finding.error);
    line["type"] = json!("finding");
    line["severity"] = json!(finding.severity.name());
    line["sstables"] = json!(finding.sstables);
    line
}

fn sstable(planned: &PlannedSSTable, plan: &Plan) -> Value {
    let mut line = json!({
        "type": "sstable",
        "table": planned.table,
        "data": path(&planned.sstable.path(&Component::Data)),
        "live": planned.is_live,
    });
    if !planned.copies.is_empty() {
        let copies = planned.copies.iter().map(|copy| path(&copy.path(&Component::Data)));
        line["copies"] = copies.collect();
    }
    if let Some(facts) = &planned.facts {
        line["bytes"] = json!(facts.data_bytes);
        line["total_bytes"] = json!(facts.total_bytes);
        line["current"] = current(facts);
    }
    match &planned.action {
        Action::Rewrite { new, target } => {
            line["action"] = json!("rewrite");
            line["new"] = json!(new.to_string());
            line["space"] = json!(planned.space.most);
            line["target"] = json!(place(plan, target));
            line["target_key"] = json!(target.target_key());
            let index = planned.facts.as_ref().map(|facts| facts.index_fate(target).name());
            line["index"] = json!(index);
        }
        Action::Skip(reason) => {
            line["action"] = json!("skip");
            line["reason"] = json!(reason.name());
        }
        Action::Refuse(refusal) => {
            line["action"] = json!("refuse");
            line["error"] = error(refusal);
        }
        _ => {}
    }
    line
}

/// Which of the plan's targets it is.
fn place(plan: &Plan, target: &Arc<Target>) -> Option<usize> {
    plan.targets.distinct().iter().position(|one| Arc::ptr_eq(one, target))
}

fn current(facts: &Facts) -> Value {
    let keys = |facts: &Facts| -> Vec<Value> {
        facts
            .keys
            .iter()
            .map(|used| json!({"key": used.key, "chunks": used.chunks, "bytes": used.bytes}))
            .collect()
    };
    match &facts.shape {
        Shape::Uncompressed => json!({"class": null}),
        Shape::Foreign { class, .. } => json!({"class": class}),
        Shape::Chunked { class, .. } => {
            let mut line = json!({
                "class": class,
                "chunk_length": facts.header.as_ref().map(|header| header.chunk_length.bytes()),
            });
            if let Some(options) = facts.shape.encryptor() {
                line["cipher"] = json!(options.transformation().text());
                line["strength"] = json!(options.strength());
                line["keys"] = json!(keys(facts));
            }
            line
        }
        _ => Value::Null,
    }
}
