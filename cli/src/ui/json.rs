//! JSON lines, and what several of them have in common. Every line has a `type` and a `time`; field
//! names are part of the interface.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use rekey_engine::Error;
use rekey_engine::plan::{Severity, Target, Targets};
use rekey_engine::txn::Verdict;
use serde_json::{Value, json};

use super::output;

/// The version of the lines: it changes when a field is removed or changes its meaning, not when
/// one is added.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Prints lines as they are now.
pub(super) fn lines(values: impl IntoIterator<Item = Value>) {
    for mut value in values {
        value["time"] = json!(time(Timestamp::now()));
        output::out(&format!("{}\n", escaped(value.to_string())));
    }
}

/// A line of JSON that also escapes characters that JSON allows but a terminal might interpret.
/// They can only occur inside strings.
pub(super) fn escaped(line: String) -> String {
    if line.is_ascii() && !line.contains('\u{7f}') {
        return line;
    }
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match output::plain(c.encode_utf8(&mut [0; 4])) {
            Cow::Borrowed(_) => text.push(c),
            Cow::Owned(shown) if shown.chars().eq([c]) => text.push(c),
            Cow::Owned(_) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _text_takes_all = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

/// ISO 8601, UTC.
pub(super) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A warning outside of a plan, in the form of a plan's warnings.
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
        "cure": error.hint_text(),
    })
}

/// The target of all SSTables, if they have the same.
pub(super) fn only_target(targets: &Targets) -> Value {
    match targets.distinct() {
        [only] => target(only),
        _ => Value::Null,
    }
}

/// All targets, each once.
pub(super) fn targets(targets: &Targets) -> Vec<Value> {
    targets.distinct().iter().map(|of| target(of)).collect()
}

/// What SSTables become.
pub(super) fn target(target: &Target) -> Value {
    let choice = target.choice();
    json!({
        "class": target.params().class().map(|class| class.simple_name()),
        "options": target.params().options(),
        "key": target.target_key(),
        "state": choice.and_then(|choice| choice.state.as_deref()),
        "reason": choice.map(|choice| &choice.reason),
        "not_taken": choice.map(|choice| {
            let others = choice.others.iter();
            others.map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>()
        }),
    })
}

/// As text: a path may not be UTF-8, which JSON cannot represent.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_interpret_is_escaped_as_in_json() {
        let value = json!({"a": "\u{1b}[2J \u{7f} \u{9b}2J \u{202e} é 名 \u{e0001}"});
        let line = escaped(value.to_string());
        assert_eq!(line, r#"{"a":"\u001b[2J \u007f \u009b2J \u202e é 名 \udb40\udc01"}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
