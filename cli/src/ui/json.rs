//! JSON lines, and what several of them have in common. Every line has a `type` and a `time`; field
//! names are part of the interface.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::path::Path;

use jiff::Timestamp;
use rekey_engine::Error;
use rekey_engine::plan::{Severity, Target};
use rekey_engine::txn::Verdict;
use serde_json::{Value, json};

use super::output;

/// The version of the lines: it changes when a field goes or means something else, and not when one
/// is added.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Prints lines as they are now.
pub(super) fn lines(values: impl IntoIterator<Item = Value>) {
    for mut value in values {
        value["time"] = json!(time(Timestamp::now()));
        output::out(&format!("{value}\n"));
    }
}

/// ISO 8601, UTC.
pub(super) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A warning that is of no plan, as a plan has them.
pub(super) fn warning(of: &Error) -> Value {
    let mut line = error(of);
    line["type"] = json!("finding");
    line["severity"] = json!(Severity::Warning.name());
    line["sstables"] = json!([]);
    line
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

/// What every SSTable is to become.
pub(super) fn target(target: &Target) -> Value {
    let choice = target.choice();
    json!({
        "class": target.params().class().map(|class| class.simple_name()),
        "options": target.params().options(),
        "key": target.key(),
        "state": choice.and_then(|choice| choice.state.as_deref()),
        "reason": choice.map(|choice| &choice.reason),
        "not_taken": choice.map(|choice| {
            let others = choice.others.iter();
            others.map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>()
        }),
    })
}

/// As text: a path may be no UTF-8, which JSON cannot carry.
pub(super) fn path(path: &Path) -> String {
    path.display().to_string()
}

pub(super) fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::RollForward => "roll_forward",
        Verdict::RollBack => "roll_back",
        _ => "refuse",
    }
}
