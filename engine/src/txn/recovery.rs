//! Finishing or undoing the logs that an interrupted operation left, as a starting node would.

use std::path::{Path, PathBuf};

use super::log::{TransactionLog, Verdict, files_of, logs_in, refused};
use super::record::RecordKind;
use crate::Result;
use crate::io::Storage;
use crate::sstable::{Component, Descriptor};

/// What was done with one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The log.
    pub log: PathBuf,
    /// [`Verdict::RollForward`] or [`Verdict::RollBack`].
    pub verdict: Verdict,
}

/// Finishes or undoes every log of one table. `directories` are the table's canonical directories
/// in all data directories.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for a log that a node would refuse, before anything is changed,
/// and [`crate::ErrorKind::Io`].
pub fn recover(storage: &dyn Storage, directories: &[PathBuf]) -> Result<Vec<Recovery>> {
    let logs = logs_in(storage, directories)?;
    let mut verdicts = Vec::new();
    for log in &logs {
        let verdict = log.verdict(storage)?;
        if let Verdict::Refuse(reason) = &verdict {
            return Err(refused(log, reason));
        }
        verdicts.push(verdict);
    }
    let mut done = Vec::new();
    for (log, verdict) in logs.iter().zip(verdicts) {
        let condemned = match verdict {
            Verdict::RollForward => RecordKind::Remove,
            _ => RecordKind::Add,
        };
        finish(storage, log, condemned)?;
        let directory = log.directories.first().cloned().unwrap_or_default();
        done.push(Recovery { log: directory.join(log.name.as_str()), verdict });
    }
    Ok(done)
}

/// Deletes the SSTables of the records of one kind, then the log itself: as long as a replica is
/// there, the next start takes up where this ended.
pub(super) fn finish(
    storage: &dyn Storage,
    log: &TransactionLog,
    condemned: RecordKind,
) -> Result<()> {
    for (directory, descriptor) in log.sstables(condemned) {
        delete_sstable(storage, &directory, &descriptor)?;
    }
    for directory in &log.directories {
        storage.remove_file(&directory.join(log.name.as_str()))?;
        storage.sync_directory(directory)?;
    }
    Ok(())
}

/// Deletes the files of an SSTable, oldest first as the database does: the newest of those left
/// keeps the time that REMOVE recorded, so an interrupted deletion can be finished.
///
/// A disk may forget deletions in any order. Before the last files that carry a recorded time go
/// (the newest of all, or the newest but for Statistics.db, by product), the others are durably
/// gone: else an old file could come back alone, and a node would refuse its time.
pub(super) fn delete_sstable(
    storage: &dyn Storage,
    directory: &Path,
    descriptor: &Descriptor,
) -> Result<()> {
    let mut files = Vec::new();
    for (name, component) in files_of(storage, directory, descriptor)? {
        let path = directory.join(name);
        if let Some(stat) = storage.stat(&path)? {
            files.push((stat.modified, path, component));
        }
    }
    files.sort();
    let newest = files.last().map(|(time, ..)| *time);
    let of_rest = files.iter().rev().find(|(.., component)| *component != Component::Statistics);
    let recorded = [of_rest.map(|(time, ..)| *time), newest];
    let mut passed = None;
    for (time, path, _) in files {
        let carries = recorded.into_iter().flatten().filter(|recorded| time >= *recorded).count();
        if passed.is_some_and(|passed| passed != carries) {
            storage.sync_directory(directory)?;
        }
        passed = Some(carries);
        storage.remove_file(&path)?;
    }
    storage.sync_directory(directory)
}
