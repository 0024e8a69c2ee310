//! `census`: which keys encrypt what.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::inspect::inspect_all;
use super::recover::{partly_replaced, pending_copies};
use super::session::Session;
use crate::plan::{Archives, Facts, KeyCensus, Place, Selection, discover, stranger};
use crate::sstable::{Descriptor, parse_file_name};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

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
    look(session, selection, archives, threads, &mut |_, _, _| {})
}

/// The same, and tells of each SSTable where it lies, its table, and what it says of itself.
pub(super) fn look(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    threads: NonZeroUsize,
    tell: &mut dyn FnMut(&Place, &str, &Facts),
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
            Ok(facts) => {
                census.add(&place, &table, &facts);
                tell(&place, &table, &facts);
            }
            Err(error) => {
                links.remove(&(sstable.directory.clone(), sstable.descriptor.clone()));
                census.add_unknown(error);
            }
        }
    }
    links.into_values().for_each(|error| census.add_unknown(error));
    Ok(census)
}

/// The SSTable that a file is one of, by its name.
fn sstable_of(path: &Path) -> Option<(PathBuf, Descriptor)> {
    let (descriptor, _) = parse_file_name(path.file_name()?.to_str()?)?;
    Some((path.parent()?.to_owned(), descriptor))
}
