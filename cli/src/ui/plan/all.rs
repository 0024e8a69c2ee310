//! A plan SSTable by SSTable.

use std::path::PathBuf;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Facts, IndexFate, PlannedSSTable, Target};

use super::now::now;
use crate::ui::text::{align, bytes, table};

/// In pieces: a long table repeats its head from time to time, since a table of 100,000 lines would
/// take more memory than the plan.
pub(super) fn sstables(all: &[PlannedSSTable]) -> impl Iterator<Item = String> {
    // Even an empty plan has the head of its table.
    let none = all.is_empty().then(|| piece(&[]));
    none.into_iter().chain(all.chunks(MOST_LINES).map(piece))
}

fn piece(sstables: &[PlannedSSTable]) -> String {
    let mut table = table(&["table", "sstable", "bytes", "now", "key", "action", "space"]);
    for planned in sstables {
        let facts = planned.facts.as_ref();
        let action = match &planned.action {
            Action::Rewrite { new, target } => {
                let place = if planned.is_live { "as" } else { "in its place, as" };
                let index =
                    facts.filter(|facts| is_laid_out(facts, target)).map_or("", |_| LAID_OUT);
                format!("rewrite {place} {new}{index}{}", and_copies(planned))
            }
            Action::Skip(reason) => format!("skip: {}", reason.words()),
            Action::Refuse(_) => "refused, see below".to_owned(),
            _ => String::new(),
        };
        let space = match &planned.action {
            Action::Rewrite { .. } => bytes(planned.space.most),
            _ => String::new(),
        };
        table.add_row([
            planned.table.clone(),
            name(planned),
            facts.map_or_else(String::new, |facts| bytes(facts.data_bytes)),
            facts.map_or_else(String::new, now),
            facts.map_or_else(String::new, keys),
            action,
            space,
        ]);
    }
    align(&mut table, &[2, 6]);
    format!("{}\n\n", table.trim_fmt())
}

/// Whether the trie index does not stay in its pages.
pub(super) fn is_laid_out(facts: &Facts, target: &Target) -> bool {
    matches!(facts.index_fate(target), IndexFate::LaidOut { .. })
}

/// An SSTable by its name; with the folder below its table's, if it is in an archive.
fn name(planned: &PlannedSSTable) -> String {
    let name = planned.sstable.descriptor.to_string();
    let directory = &planned.sstable.directory;
    let table = directory.strip_prefix(&planned.data_dir).unwrap_or(directory).iter();
    let folder: PathBuf = table.skip(2).collect();
    if planned.is_live { name } else { folder.join(name).display().to_string() }
}

/// The other copies of an SSTable.
fn and_copies(planned: &PlannedSSTable) -> String {
    match planned.copies.len().saturating_sub(usize::from(!planned.is_live)) {
        0 => String::new(),
        1 => ", and 1 copy".to_owned(),
        copies => format!(", and {copies} copies"),
    }
}

fn keys(facts: &Facts) -> String {
    // The cipher is in the next column.
    let name = |key: &KeyRef| match key {
        KeyRef::LocalFile { file, .. } => file.clone(),
        other => other.to_string(),
    };
    facts.keys.iter().map(|used| name(&used.key)).collect::<Vec<_>>().join("\n")
}

const LAID_OUT: &str = ", index laid out anew";
/// Lines of a plan's table before its head is repeated.
const MOST_LINES: usize = 1000;
