//! `verify`: every chunk is decrypted, and nothing is changed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::inspect::inspect_all;
use super::report::{Copied, Outcome, Report};
use super::session::Session;
use super::watch::watch;
use crate::Result;
use crate::event::{Event, Observer};
use crate::io::{FileId, Storage};
use crate::keys::KeySources;
use crate::pipeline::{self, Limits};
use crate::plan::{
    Archives, Discovery, ResolvedKeys, Selection, Shape, discover, stranger, without_others,
};
use crate::rewrite::Verify;
use crate::txn::LiveSSTable;

/// Decrypts every chunk of the selected SSTables, and of those archives of theirs, and checks all
/// that can be checked. Those that share all their files with another SSTable are read once.
///
/// # Errors
/// What concerns the whole selection.
pub fn verify(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    sources: &KeySources,
    threads: NonZeroUsize,
    observer: &mut dyn Observer,
) -> Result<Report> {
    let mut report = Report::default();
    let mut facts = Vec::new();
    let mut found = discover(session.storage(), session.data_dirs(), selection)?;
    report.warnings.append(&mut found.strangers);
    for (table, error) in &found.unreadable {
        report.add_unreadable(table, error);
    }
    let all = to_verify(session.storage(), &found, archives, &mut report);
    let (all, copies) = once(session.storage(), all);
    for (table, sstable, inspected) in inspect_all(session, all, threads)? {
        match inspected {
            Err(error) => report.add(&table, &sstable, Outcome::Failed(error)),
            Ok(found) => match &found.shape {
                Shape::Foreign { why, .. } => {
                    report.add(&table, &sstable, Outcome::Failed(why.clone()));
                }
                _ => facts.push((table, found)),
            },
        }
    }
    let keys = ResolvedKeys::fetch(sources, facts.iter().map(|(_, facts)| facts), &[]);
    sources.disconnect();
    report.warnings.extend(keys.group_failures.iter().cloned().map(without_others));
    let mut tasks = Vec::new();
    let mut under_way = Vec::new();
    for (table, found) in &facts {
        if let Some(error) = keys.missing_for(found) {
            report.add(table, &found.sstable, Outcome::Failed(error.clone()));
            continue;
        }
        let (storage, lease) = (session.storage(), session.lease());
        tasks.push(Verify::new(storage, lease, session.is_mapped(), found, &keys.ring));
        under_way.push((table, found));
    }
    let bytes = under_way.iter().map(|(_, facts)| facts.data_bytes).sum();
    observer.event(&Event::Started { sstables: tasks.len(), bytes });
    pipeline::run(&tasks, Limits { threads }, session.control(), |index, step| {
        let Some((table, facts)) = under_way.get(index) else { return };
        if let Some(result) = watch(observer, table, facts, step) {
            let outcome = result.map_or_else(Outcome::Failed, |()| Outcome::Verified {
                chunks: facts.header.as_ref().map_or(0, |header| header.chunk_count),
            });
            report.add(table, &facts.sstable, outcome);
            report.warn(tasks.get(index).map(Verify::warnings));
            report.tell(observer, facts.data_bytes);
        }
    });
    report.add_copies(&copies);
    report.sort();
    Ok(report)
}

type Named = (String, Arc<LiveSSTable>);

fn to_verify(
    storage: &dyn Storage,
    found: &Discovery,
    archives: Archives,
    report: &mut Report,
) -> Vec<Named> {
    let mut all = Vec::new();
    for table in &found.tables {
        all.extend(table.view.live.iter().map(|sstable| (table.name(), Arc::clone(sstable))));
    }
    for archive in found.archives.iter().filter(|archive| archives.take(archive.kind)) {
        let name = archive.table.to_string();
        match archive.view(storage) {
            Ok(view) => {
                all.extend(view.live.into_iter().map(|sstable| (name.clone(), sstable)));
                report.warnings.extend(view.unknown.iter().map(|path| stranger(path)));
            }
            Err(error) => report.add_unreadable(&name, &error),
        }
    }
    all
}

/// Sets those aside that have the very files of one before them, which is named with each.
fn once(storage: &dyn Storage, all: Vec<Named>) -> (Vec<Named>, Vec<Copied>) {
    let (mut seen, mut first, mut copies) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (table, sstable) in all {
        match files(storage, &sstable) {
            None => first.push((table, sstable)),
            Some(files) => match seen.get(&files) {
                Some(of) => copies.push((table, sstable, Arc::clone(of))),
                None => {
                    seen.insert(files, Arc::clone(&sstable));
                    first.push((table, sstable));
                }
            },
        }
    }
    (first, copies)
}

/// Which files its components are; none if that cannot be told.
fn files(storage: &dyn Storage, sstable: &LiveSSTable) -> Option<Vec<(String, FileId)>> {
    let of = |component| {
        let id = storage.identity(&sstable.path(component)).ok()??;
        (!id.is_link).then(|| (component.to_string(), id))
    };
    sstable.components.iter().map(of).collect()
}
