//! An unfinished run as JSON lines.

use std::time::SystemTime;

use jiff::Timestamp;
use rekey_engine::journal::{Ending, History, State};
use rekey_engine::upgrade::Status;
use serde_json::{Value, json};

use crate::ui::json::{self, path};

pub(super) fn sstables(status: &Status) -> impl Iterator<Item = Value> {
    status.sstables.iter().map(|one| {
        json!({
            "type": "sstable",
            "data": path(&one.data),
            "bytes": one.bytes,
            "state": one.state.name(),
            "durable": one.durable,
            "read_back": one.read_back,
            "new": one.new,
            "copies": one.copies,
            "error": one.why,
        })
    })
}

pub(super) fn summary(status: Option<&Status>) -> Value {
    let Some(status) = status else { return json!({"type": "summary", "unfinished": false}) };
    let total = status.total;
    json!({
        "type": "summary",
        "unfinished": true,
        "state_dir": path(&status.state_dir),
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
        "written": total.written,
        "checked": total.checked,
        "sealed": total.sealed,
        "swapped": total.swapped,
        "copies": total.copies,
        "failed": total.failed,
        "left": total.sstables.saturating_sub(total.swapped).saturating_sub(total.failed),
        "ended": status.ending.map(Ending::name),
        "sessions": status.sessions,
        "began": time(status.began),
        "last": time(status.last),
        "bytes_per_second": status.rate,
        "eta_seconds": status.eta.map(|eta| eta.as_secs()),
    })
}

pub(super) fn resuming(history: &History) -> Value {
    let swapped = history.sstables.values().filter(|entry| entry.state == State::Swapped).count();
    json!({
        "type": "resuming",
        "sessions": history.sessions.len(),
        "swapped": swapped,
        "resumable": history.resumable().count(),
    })
}

pub(super) fn abandoned(had_journal: bool) -> Value {
    json!({"type": "summary", "abandoned": had_journal})
}

/// Null for a time outside the calendar.
fn time(of: SystemTime) -> Option<String> {
    Timestamp::try_from(of).ok().map(json::time)
}
