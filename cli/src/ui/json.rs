//! Results as JSON lines. Every line has a `type`; field names are part of the interface.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::iter::once_with;
use std::path::{Path, PathBuf};

use rekey_engine::event::{Event, Observer};
use rekey_engine::plan::{
    Action, Facts, Finding, KeyCensus, Plan, PlannedSSTable, Severity, Shape,
};
use rekey_engine::sstable::Component;
use rekey_engine::txn::{Recovery, Verdict};
use rekey_engine::upgrade::{Outcome, Report};
use rekey_engine::{Error, ErrorKind};
use serde_json::{Value, json};

/// Line by line: all of a long plan would take more memory than the plan.
pub(super) fn plan(plan: &Plan) -> impl Iterator<Item = Value> {
    let log = |(log, verdict): &(PathBuf, Verdict)| json!({"type": "log", "log": path(log), "verdict": words(verdict)});
    let sstables = plan.sstables.iter().map(|planned| sstable(planned, plan));
    let findings = plan.findings.iter().map(finding);
    plan.logs.iter().map(log).chain(sstables).chain(findings).chain(once_with(|| summary(plan)))
}

fn summary(plan: &Plan) -> Value {
    let rewrites: Vec<_> = plan.rewrites().collect();
    json!({
        "type": "summary",
        "sstables": plan.sstables.len(),
        "rewrites": rewrites.len(),
        "bytes": rewrites.iter().map(|(_, facts, _)| facts.data_bytes).sum::<u64>(),
        "target": {
            "options": plan.target.params().options(),
            "key": plan.target.key(),
            "reason": plan.target.choice().map(|choice| &choice.reason),
            "not_taken": plan.target.choice().map(|choice| {
                let others = choice.others.iter();
                others.map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>()
            }),
        },
        "flavor": plan.flavor.map(|flavor| flavor.name()),
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
    });
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
            line["target_key"] = json!(plan.target.key());
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

pub(super) fn census(census: &KeyCensus) -> Vec<Value> {
    let mut lines: Vec<Value> = census
        .keys
        .iter()
        .map(|(key, row)| {
            json!({
                "type": "key",
                "key": key,
                "chunks": row.chunks,
                "bytes": row.bytes,
                "sstables": row.sstables,
                "tables": row.tables,
            })
        })
        .collect();
    lines.extend(census.unknown.iter().map(unknown));
    lines.push(json!({
        "type": "summary",
        "keys": census.keys.len(),
        "not_encrypted_sstables": census.not_encrypted.sstables,
        "not_encrypted_bytes": census.not_encrypted.bytes,
        "clear_chunks": census.clear_chunks.chunks,
        "unknown_sstables": census.unknown.len(),
        "archives_counted": census.counted_archives,
        "archives_not_counted": census.archives.len(),
    }));
    lines
}

/// What a census could not look at.
pub(super) fn unknown(unknown: &Error) -> Value {
    let mut line = error(unknown);
    line["type"] = json!("unknown");
    line
}

pub(super) fn report(report: &Report, seconds: f64) -> Vec<Value> {
    let mut lines = Vec::new();
    let (mut rewritten, mut verified, mut skipped, mut failed, mut left) = (0, 0, 0, 0, 0);
    for sstable in &report.sstables {
        let mut line =
            json!({"type": "sstable", "table": sstable.table, "data": path(&sstable.data)});
        match &sstable.outcome {
            Outcome::Rewritten { new } => {
                rewritten += 1;
                line["outcome"] = json!("rewritten");
                line["new"] = json!(new.to_string());
            }
            Outcome::Verified { chunks } => {
                verified += 1;
                line["outcome"] = json!("verified");
                line["chunks"] = json!(chunks);
            }
            Outcome::Skipped(reason) => {
                skipped += 1;
                line["outcome"] = json!("skipped");
                line["reason"] = json!(reason.name());
            }
            Outcome::Failed(why) if why.kind() == ErrorKind::Interrupted => {
                left += 1;
                line["outcome"] = json!("left");
            }
            Outcome::Failed(failure) => {
                failed += 1;
                line["outcome"] = json!("failed");
                line["error"] = error(failure);
            }
            _ => {}
        }
        if !sstable.warnings.is_empty() {
            line["warnings"] = sstable.warnings.iter().map(error).collect();
        }
        lines.push(line);
    }
    lines.push(json!({
        "type": "summary",
        "rewritten": rewritten,
        "verified": verified,
        "skipped": skipped,
        "failed": failed,
        "left": left,
        "seconds": seconds,
    }));
    lines
}

pub(super) fn recovered(recovered: &[Recovery]) -> Vec<Value> {
    recovered
        .iter()
        .map(|done| json!({"type": "log", "log": path(&done.log), "verdict": words(&done.verdict)}))
        .collect()
}

pub(super) fn error(error: &Error) -> Value {
    json!({
        "type": "error",
        "kind": error.kind().name(),
        "message": error.chain(),
        "path": error.path().map(path),
        "chunk": error.chunk_index(),
        "offset": error.byte_offset(),
        "key": error.key_name(),
        "cure": error.advice(),
    })
}

/// Prints what happens as it happens: a killed run leaves its record.
#[derive(Debug)]
pub(super) struct Events;

impl Observer for Events {
    fn event(&mut self, event: &Event<'_>) {
        let line = match event {
            Event::Started { sstables, bytes } => {
                json!({"type": "started", "sstables": sstables, "bytes": bytes})
            }
            Event::SSTableEnded { table, data, bytes, new, error: failure } => json!({
                "type": "ended",
                "table": table,
                "data": path(data),
                "bytes": bytes,
                "new": new.map(ToString::to_string),
                "error": failure.map(error),
            }),
            _ => return,
        };
        super::lines([line]);
    }
}

/// As text: a path may be no UTF-8, which JSON cannot carry.
fn path(path: &Path) -> String {
    path.display().to_string()
}

fn words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::RollForward => "roll_forward",
        Verdict::RollBack => "roll_back",
        _ => "refuse",
    }
}
