//! The rows of a plan's table: one block for each table, 80 columns wide.

use std::fmt::Write as _;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::SkipReason;

use super::tables::{Kind, TableSum};
use crate::ui::text::{bytes, sstables};
use crate::ui::wrap::{fill, wrap};

/// The head, and the line below it.
pub(super) fn head() -> String {
    let mut text = String::new();
    row(&mut text, "table", "SSTables", "bytes", "action");
    let _ = writeln!(text, "{}", "─".repeat(WIDTH));
    text
}

/// One table: its name and sums, then what it is and becomes.
pub(super) fn block(table: &TableSum<'_>) -> String {
    let mut text = String::new();
    let mut actions = actions(table).into_iter();
    let count = table.sstables.to_string();
    row(&mut text, table.name, &count, &bytes(table.bytes), &actions.next().unwrap_or_default());
    for action in actions {
        let _ = writeln!(text, "{:ACTION$}{action}", "");
    }
    for kind in table.kinds.iter().take(MOST_KINDS) {
        let of = match table.kinds.len() {
            1 => String::new(),
            _ => format!(" ({})", sstables(kind.sstables)),
        };
        detail(&mut text, "now", &format!("{}{of}", kind.now));
        kind.keys().for_each(|key| detail(&mut text, "key", &name(key)));
    }
    let more = table.kinds.get(MOST_KINDS..).unwrap_or_default();
    if !more.is_empty() {
        let count: usize = more.iter().map(|kind: &Kind<'_>| kind.sstables).sum();
        let what = format!("{} kinds more, {} (--all)", more.len(), sstables(count));
        detail(&mut text, "now", &what);
    }
    table.targets.keys().for_each(|target| detail(&mut text, "target", target));
    text
}

/// What is done to how many.
fn actions(table: &TableSum<'_>) -> Vec<String> {
    let mut actions = Vec::new();
    if table.rewrites > 0 {
        actions.push(format!("{} to rewrite", table.rewrites));
    }
    if table.archived > 0 {
        actions.push(format!("({} in archives)", table.archived));
    }
    if table.laid_out > 0 {
        actions.push("index laid out anew".to_owned());
        if table.laid_out < table.rewrites {
            actions.push(format!("(of {})", table.laid_out));
        }
    }
    for (reason, count) in &table.skips {
        let reason = match reason {
            SkipReason::NotEncrypted => "in clear",
            _ => "done",
        };
        actions.push(format!("{count} skipped: {reason}"));
    }
    if table.refusals > 0 {
        actions.push(format!("{} refused", table.refusals));
    }
    if table.unreadable > 0 {
        actions.push("not looked at".to_owned());
    }
    actions
}

/// A line in columns; a name that is too long for its own has lines of its own.
fn row(text: &mut String, name: &str, count: &str, bytes: &str, action: &str) {
    let mut name = fill(name, NAME, WIDTH);
    let last = name.pop().unwrap_or_default();
    for line in name {
        let _ = writeln!(text, "{line}");
    }
    let line = format!("{last:NAME$} {count:>8}  {bytes:>11}  {action}");
    let _ = writeln!(text, "{}", line.trim_end());
}

/// A line below that, with a word for what it says.
fn detail(text: &mut String, label: &str, what: &str) {
    let mut label = label;
    for line in wrap(what, WIDTH.saturating_sub(DETAIL)) {
        let _ = writeln!(text, "  {label:8}{line}");
        label = "";
    }
}

/// The cipher of a local key is in the line above it.
fn name(key: &KeyRef) -> String {
    match key {
        KeyRef::LocalFile { file, .. } => file.clone(),
        other => other.to_string(),
    }
}

/// Columns of a terminal, unless somebody made it wider.
const WIDTH: usize = 80;
/// Of these, columns of a name.
const NAME: usize = 36;
/// Columns before an action.
const ACTION: usize = 60;
/// Columns before a detail.
const DETAIL: usize = 10;
/// Kinds of SSTables that are shown one by one.
const MOST_KINDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal_or_ends_in_blanks() {
        let long = format!("{}.{}", "k".repeat(48), "t".repeat(97));
        for name in ["ks.t", &long, "ks.a_table_with_a_name_of_36_letters", ""] {
            let mut text = head();
            row(&mut text, name, "123456", "1023.99 MiB", "123456 to rewrite");
            detail(&mut text, "key", &format!("/a/{}", "long/".repeat(60)));
            detail(&mut text, "now", &"Encryptor AES/CBC/PKCS5Padding 128 bits, ".repeat(5));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
                assert_eq!(line, line.trim_end());
            }
            assert!(name.is_empty() || text.replace('\n', "").contains(name), "{text}");
        }
    }
}
