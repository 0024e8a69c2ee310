//! New ids for the SSTables to be rewritten.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::action::{Action, SkipReason};
use super::discover::Table;
use super::draft::{Draft, Outcome, Placed, Subject, Work};
use super::planned::PlannedSSTable;
use super::space::Space;
use crate::Result;
use crate::io::{EntryKind, Storage};
use crate::sstable::{Descriptor, IdGenerator, SSTableId, parse_file_name};

/// Gives each SSTable to be rewritten its new name, which completes the list.
///
/// Ids are given out that are free in all directories of a table, and in its snapshots and backups:
/// the database counts those, too, and a restored file must not meet another of its name.
pub(super) fn number(
    storage: &dyn Storage,
    tables: &[Table],
    sstables: Vec<Placed>,
) -> Vec<PlannedSSTable> {
    let mut generators: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut ids: Vec<IdGenerator> = Vec::new();
    for table in tables {
        let mut generator = IdGenerator::default();
        for sstable in table.view.live.iter().chain(&table.view.condemned) {
            generator.observe(&sstable.descriptor.id);
        }
        for path in &table.view.unknown {
            // A node takes `nb-02-big` for the number 2.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(number) = name.split('-').nth(1).and_then(|id| id.parse().ok()) {
                generator.observe(&SSTableId::Sequence(number));
            }
        }
        for path in table.paths() {
            observe_archives(storage, path.join("backups"), 0, &mut generator);
            observe_archives(storage, path.join("snapshots"), 1, &mut generator);
            generators.insert(path, ids.len());
        }
        ids.push(generator);
    }
    let mut new_name = |subject: &Subject| -> Result<Descriptor> {
        let (old, directory) = (&subject.sstable.descriptor, &subject.sstable.directory);
        match generators.get(directory).and_then(|&at| ids.get_mut(at)) {
            Some(generator) => {
                let id = generator.next(&old.id).map_err(|error| error.at(directory))?;
                Ok(old.with_id(id))
            }
            // In a snapshot or a backup it keeps its name.
            None => Ok(old.clone()),
        }
    };
    sstables.into_iter().map(|placed| complete(placed, &mut new_name)).collect()
}

fn complete(
    placed: Placed,
    new_name: impl FnOnce(&Subject) -> Result<Descriptor>,
) -> PlannedSSTable {
    let Draft { subject, outcome } = placed;
    let (facts, action, space) = match outcome {
        Outcome::Rewrite(Work { facts, target }, space) => match new_name(&subject) {
            Ok(new) => (Some(facts), Action::Rewrite { new, target }, space),
            Err(error) => (Some(facts), Action::Refuse(error), Space::default()),
        },
        Outcome::Under(Work { facts, .. }) => {
            (Some(facts), Action::Skip(SkipReason::UnderTargetKey), Space::default())
        }
        Outcome::Skip(facts, reason) => (Some(facts), Action::Skip(reason), Space::default()),
        Outcome::Refuse(facts, error) => (facts, Action::Refuse(error), Space::default()),
    };
    let Subject { table, data_dir, sstable, is_live, copies, shared } = subject;
    PlannedSSTable { table, data_dir, sstable, is_live, copies, shared, facts, action, space }
}

/// Observes the names in a folder, or in the folders so many levels below it. One that is not
/// there has none.
fn observe_archives(
    storage: &dyn Storage,
    folder: PathBuf,
    levels: u32,
    generator: &mut IdGenerator,
) {
    for entry in storage.list(&folder).unwrap_or_default() {
        if levels > 0 && entry.kind == EntryKind::Directory {
            observe_archives(storage, folder.join(&entry.name), levels - 1, generator);
        } else if let Some((descriptor, _)) = parse_file_name(&entry.name) {
            generator.observe(&descriptor.id);
        }
    }
}
