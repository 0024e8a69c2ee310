//! An unfinished run as JSON lines.

use std::time::{SystemTime, UNIX_EPOCH};

use rekey_engine::journal::{History, State};
use rekey_engine::upgrade::Status;
use serde_json::{Value, json};

pub(in crate::ui) fn status(status: Option<&Status>) -> Vec<Value> {
    let Some(status) = status else { return vec![json!({"type": "summary", "unfinished": false})] };
    let mut lines: Vec<Value> = status
        .sstables
        .iter()
        .map(|one| {
            json!({
                "type": "sstable",
                "data": one.data.display().to_string(),
                "bytes": one.bytes,
                "state": one.state.name(),
                "durable": one.durable,
                "read_back": one.read_back,
                "new": one.new,
                "copies": one.copies,
                "error": one.why,
            })
        })
        .collect();
    let total = status.total;
    lines.push(json!({
        "type": "summary",
        "unfinished": true,
        "state_dir": status.state_dir.display().to_string(),
        "process": status.worker.as_ref().map(|worker| worker.pid),
        "plan": status
            .plan
            .iter()
            .map(|(name, text)| (name.replace(' ', "_"), json!(text)))
            .collect::<serde_json::Map<_, _>>(),
        "sstables": total.sstables,
        "bytes": total.bytes,
        "durable": total.durable,
        "read_back": total.read_back,
        "sealed": total.sealed,
        "swapped": total.swapped,
        "copies": total.copies,
        "failed": total.failed,
        "sessions": status.sessions,
        "began": seconds(status.began),
        "last": seconds(status.last),
        "bytes_per_second": status.rate,
        "eta_seconds": status.eta.map(|eta| eta.as_secs()),
    }));
    lines
}

pub(in crate::ui) fn resuming(history: &History) -> Value {
    let swapped = history.sstables.values().filter(|entry| entry.state == State::Swapped).count();
    json!({
        "type": "resuming",
        "sessions": history.sessions.len(),
        "swapped": swapped,
        "resumable": history.resumable().count(),
    })
}

pub(in crate::ui) fn abandoned(had_journal: bool) -> Value {
    json!({"type": "summary", "abandoned": had_journal})
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
