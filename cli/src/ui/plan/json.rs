//! A plan as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::path::PathBuf;

use rekey_engine::plan::{Action, Facts, Finding, Plan, PlannedSSTable, Room, Severity, Shape};
use rekey_engine::sstable::Component;
use rekey_engine::txn::Verdict;
use serde_json::{Value, json};

use crate::ui::json::{error, path, target, verdict};

/// Line by line: the whole text of a long plan would take more memory than the plan.
pub(super) fn plan(plan: &Plan) -> impl Iterator<Item = Value> {
    let log = |(log, judged): &(PathBuf, Verdict)| json!({"type": "log", "log": path(log), "verdict": verdict(judged)});
    let sstables = plan.sstables.iter().map(|planned| sstable(planned, plan));
    plan.logs.iter().map(log).chain(sstables).chain(plan.findings.iter().map(finding))
}

pub(super) fn summary(plan: &Plan) -> Value {
    let rewrites: Vec<_> = plan.rewrites().collect();
    json!({
        "type": "summary",
        "sstables": plan.sstables.len(),
        "rewrites": rewrites.len(),
        "bytes": rewrites.iter().map(|(_, facts, _)| facts.data_bytes).sum::<u64>(),
        "copies": rewrites.iter().map(|(planned, ..)| planned.copies.len()).sum::<usize>(),
        "archived_left": plan.archived_left,
        "target": target(&plan.target),
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
        Action::Rewrite { new } => {
            line["action"] = json!("rewrite");
            line["new"] = json!(new.to_string());
            line["space"] = json!(planned.space.most);
            line["target_key"] = json!(plan.target.target_key());
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
