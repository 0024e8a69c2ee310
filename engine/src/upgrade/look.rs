//! What only looks at SSTables: [`verify`] and [`census`].

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::report::{Copied, Outcome, Report};
use super::rest::{partly_replaced, pending_copies};
use super::session::Session;
use super::watch;
use crate::event::{Event, Observer};
use crate::io::{FileId, Storage};
use crate::keys::KeySources;
use crate::pipeline::{self, Limits, Workers};
use crate::plan::{
    self, Archives, Discovery, Facts, Inspector, KeyCensus, Place, ResolvedKeys, Selection, Shape,
    discover, stranger, without_others,
};
use crate::rewrite::Verify;
use crate::sstable::{Descriptor, parse_file_name};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

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
    let keys = ResolvedKeys::fetch(sources, facts.iter().map(|(_, facts)| facts), None);
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

/// Counts which keys encrypt what, without any key.
///
/// # Errors
/// What concerns the whole selection; an SSTable that cannot be read is listed as unknown.
pub fn census(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    threads: NonZeroUsize,
) -> Result<KeyCensus> {
    let mut census = KeyCensus::default();
    census.looked_at.extend(session.data_dirs().iter().map(|data_dir| (data_dir.clone(), 0)));
    let found = discover(session.storage(), session.data_dirs(), selection)?;
    // A link to nothing that is named as a file of an SSTable, and the SSTable that misses the file,
    // are one.
    let mut links: BTreeMap<(PathBuf, Descriptor), Error> = BTreeMap::new();
    for (_, error) in found.unreadable {
        match error.path().and_then(sstable_of) {
            Some(sstable) => drop(links.entry(sstable).or_insert(error)),
            None => census.add_unknown(error),
        }
    }
    for error in found.strangers {
        census.add_unknown(error);
    }
    for staging in pending_copies(session)? {
        census.add_unknown(partly_replaced(&staging));
    }
    // One that a log condemns counts, too: its bytes are there until the log is finished.
    let mut all: Vec<((Place, String), Arc<LiveSSTable>)> = Vec::new();
    for table in &found.tables {
        let sstables = table.view.live.iter().chain(&table.view.condemned);
        all.extend(sstables.map(|sstable| ((Place::Live, table.name()), Arc::clone(sstable))));
    }
    for archive in found.archives {
        if !archives.take(archive.kind) {
            census.archives.push(archive.path);
            continue;
        }
        census.counted_archives = census.counted_archives.saturating_add(1);
        match archive.view(session.storage()) {
            Err(error) => census.add_unknown(error),
            Ok(view) => {
                let place = (archive.place(), archive.table.to_string());
                let sstables = view.live.into_iter().chain(view.condemned);
                all.extend(sstables.map(|sstable| (place.clone(), sstable)));
                view.unknown.iter().for_each(|path| census.add_unknown(stranger(path)));
            }
        }
    }
    for ((place, table), sstable, facts) in inspect_all(session, all, threads)? {
        match facts {
            Ok(facts) => census.add(&place, &table, &facts),
            Err(error) => {
                links.remove(&(sstable.directory.clone(), sstable.descriptor.clone()));
                census.add_unknown(error);
            }
        }
    }
    links.into_values().for_each(|error| census.add_unknown(error));
    Ok(census)
}

/// The tables, or the keyspace, that are named and have a directory, and no SSTable that a node would
/// load.
#[must_use]
pub fn without_sstables(session: &Session, selection: &Selection) -> Vec<String> {
    plan::without_sstables(session.storage(), session.data_dirs(), selection)
}

/// The SSTable that a file is one of, by its name.
fn sstable_of(path: &Path) -> Option<(PathBuf, Descriptor)> {
    let (descriptor, _) = parse_file_name(path.file_name()?.to_str()?)?;
    Some((path.parent()?.to_owned(), descriptor))
}

type Inspected<T> = (T, Arc<LiveSSTable>, Result<Facts>);

/// Inspects SSTables, each of which has a name.
fn inspect_all<T: Send>(
    session: &Session,
    sstables: Vec<(T, Arc<LiveSSTable>)>,
    threads: NonZeroUsize,
) -> Result<Vec<Inspected<T>>> {
    let inspector = Inspector::new(session.storage(), session.lease(), session.is_mapped());
    Ok(Workers::start(threads).install(|| {
        sstables
            .into_par_iter()
            .map(|(name, sstable)| {
                let facts = inspector.inspect(Arc::clone(&sstable));
                (name, sstable, facts)
            })
            .collect()
    }))
}
