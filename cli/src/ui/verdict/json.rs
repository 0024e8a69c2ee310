//! The same as JSON lines.

use std::path::Path;

use rekey_engine::evidence::{Answer, Cluster, Evidence, Verdict};
use serde_json::{Value, json};

use super::Place;
use crate::ui::json::path;

pub(super) fn verdicts(verdicts: &[Verdict], place: &Place) -> Vec<Value> {
    let mut lines = Vec::new();
    for verdict in verdicts {
        let key = verdict.query.to_string();
        let states = verdict.keys.iter().map(|(key, state)| json!({"key": key, "state": state}));
        lines.push(json!({
            "type": "verdict",
            "key": key,
            "answer": verdict.answer.name(),
            "keys": states.collect::<Vec<_>>(),
            "reasons": verdict.reasons.len(),
        }));
        for reason in &verdict.reasons {
            let steps: Vec<String> = reason.steps.iter().map(|step| place.step(step)).collect();
            lines.push(json!({
                "type": "reason",
                "key": key,
                "work": reason.work.name(),
                "answer": reason.answer.name(),
                "node": reason.node,
                "message": reason.what,
                "paths": reason.paths,
                "steps": steps,
            }));
        }
    }
    lines
}

pub(super) fn summary(evidence: &Evidence, verdicts: &[Verdict], kept: Option<&Path>) -> Value {
    json!({
        "type": "summary",
        "answer": worst(verdicts),
        "directories": evidence.directories,
        "findings": evidence.findings.len(),
        "last_rewrite": evidence.last_rewrite.as_ref().map(|occasion| occasion.time),
        "last_start": evidence.last_start.as_ref().map(|occasion| occasion.time),
        "report": kept.map(path),
    })
}

pub(super) fn missing(cluster: &Cluster) -> Vec<Value> {
    let missing = cluster.missing().into_iter();
    missing
        .map(|missing| {
            json!({
                "type": "missing",
                "host_id": missing.member.host_id,
                "address": missing.member.address,
                "data_center": missing.member.data_center,
                "rack": missing.member.rack,
                "known_by": missing.known_by,
            })
        })
        .collect()
}

pub(super) fn merged(cluster: &Cluster, verdicts: &[Verdict]) -> Value {
    json!({
        "type": "summary",
        "answer": worst(verdicts),
        "nodes": cluster.nodes().len(),
        "missing": cluster.missing().len(),
    })
}

fn worst(verdicts: &[Verdict]) -> Option<&'static str> {
    verdicts.iter().map(|verdict| verdict.answer).max().map(Answer::name)
}
