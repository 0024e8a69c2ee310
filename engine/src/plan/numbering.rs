//! New ids for the SSTables to be rewritten.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::discover::Table;
use super::planned::{Action, Plan};
use crate::io::{EntryKind, Storage};
use crate::sstable::{IdGenerator, SSTableId, parse_file_name};

/// Gives out ids that are free in all directories of a table, and in its snapshots and backups:
/// the database counts those, too, and a restored file must not meet another of its name.
pub(super) fn number(storage: &dyn Storage, tables: &[Table], plan: &mut Plan) {
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
    for planned in &mut plan.sstables {
        if let Action::Rewrite { new } = &mut planned.action
            && let Some(generator) =
                generators.get(&planned.sstable.directory).and_then(|&at| ids.get_mut(at))
        {
            match generator.next(&planned.sstable.descriptor.id) {
                Ok(id) => *new = new.with_id(id),
                Err(error) => {
                    let error = error.at(&planned.sstable.directory);
                    planned.action = Action::Refuse(error);
                }
            }
        }
    }
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
