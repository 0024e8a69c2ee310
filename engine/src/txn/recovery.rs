//! Finishes or undoes the logs that an interrupted operation left, as a starting node would.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::log::{TransactionLog, Verdict, files_of, logs_in, refused};
use super::record::RecordKind;
use crate::Result;
use crate::io::{EntryKind, Storage};
use crate::sstable::{Component, Descriptor, parse_file_name};

/// What was done with one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The log.
    pub log: PathBuf,
    /// [`Verdict::RollForward`] or [`Verdict::RollBack`].
    pub verdict: Verdict,
}

/// Finishes or undoes every log of one table, and removes temporary files of components.
/// `directories` are the table's canonical directories in all data directories.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for a log that a node would refuse, before anything is changed,
/// and [`crate::ErrorKind::Io`].
pub fn recover(storage: &dyn Storage, directories: &[PathBuf]) -> Result<Vec<Recovery>> {
    for directory in directories {
        remove_temporary(storage, directory)?;
    }
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
            Verdict::RollForward => {
                // A writer that was killed, or whose fsync failed, may have left its COMMIT only in
                // the cache. If the old files were then deleted and the power failed, a node would
                // undo the log and delete the new files, too.
                for directory in &log.directories {
                    storage.sync_file(&directory.join(log.name.as_str()))?;
                }
                RecordKind::Remove
            }
            _ => RecordKind::Add,
        };
        finish(storage, log, condemned)?;
        let directory = log.directories.first().cloned().unwrap_or_default();
        done.push(Recovery { log: directory.join(log.name.as_str()), verdict });
    }
    Ok(done)
}

/// Moves back what a swap without COMMIT has put in place, before its log is undone: the files of
/// `new` go back to where they were staged, so that they need not be written again. `table` are all
/// directories of the table, and `directory` the one of the swap.
///
/// A node that starts at any moment of this undoes the log, and deletes what it finds of `new`.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub(crate) fn take_back(
    storage: &dyn Storage,
    table: &[PathBuf],
    (directory, new): (&Path, &Descriptor),
    (staging, staged): (&Path, &dyn Fn(&Component) -> PathBuf),
) -> Result<()> {
    for log in logs_in(storage, table)? {
        let adds = log
            .sstables(RecordKind::Add)
            .any(|(place, sstable)| place == directory && sstable == *new);
        if !adds || log.verdict(storage)? != Verdict::RollBack {
            continue;
        }
        for (name, component) in files_of(storage, directory, new)? {
            let to = staged(&component);
            if storage.stat(&to)?.is_none() {
                storage.rename(&directory.join(name), &to)?;
            }
        }
        storage.sync_directory(staging)?;
        storage.sync_directory(directory)?;
    }
    Ok(())
}

/// Removes what a node deletes at its start, too: the unfinished rewrite of a component, such as
/// `nb-1-big-Statistics.db.tmp`. Some products would count its time as the SSTable's.
fn remove_temporary(storage: &dyn Storage, directory: &Path) -> Result<()> {
    let mut removed = false;
    for entry in storage.list(directory)? {
        let component = entry.name.strip_suffix(".tmp").and_then(parse_file_name);
        if entry.kind == EntryKind::File && component.is_some() {
            storage.remove_file(&directory.join(entry.name))?;
            removed = true;
        }
    }
    if removed { storage.sync_directory(directory) } else { Ok(()) }
}

/// Deletes the SSTables of the records of one kind, then the log itself: as long as a replica
/// exists, the next start continues from here.
fn finish(storage: &dyn Storage, log: &TransactionLog, condemned: RecordKind) -> Result<()> {
    for (directory, descriptor) in log.sstables(condemned) {
        delete_sstable(storage, &directory, &descriptor)?;
    }
    for directory in &log.directories {
        storage.remove_file(&directory.join(log.name.as_str()))?;
        storage.sync_directory(directory)?;
    }
    Ok(())
}

/// Deletes the files of an SSTable, whatever they are.
fn delete_sstable(storage: &dyn Storage, directory: &Path, descriptor: &Descriptor) -> Result<()> {
    let mut files = Vec::new();
    for (name, component) in files_of(storage, directory, descriptor)? {
        let path = directory.join(name);
        if let Some(stat) = storage.stat(&path)? {
            files.push(OldFile { component, path, modified: stat.modified });
        }
    }
    delete_files(storage, directory, files)
}

/// A file of an SSTable that is to be deleted.
#[derive(Debug)]
pub(super) struct OldFile {
    pub(super) component: Component,
    pub(super) path: PathBuf,
    pub(super) modified: SystemTime,
}

/// Deletes files, oldest first as the database does: the newest of those left keeps the time that
/// REMOVE recorded, so an interrupted deletion can be finished.
///
/// A disk may forget deletions in any order. Before the last files with a recorded time are deleted
/// (the newest of all, or the newest except Statistics.db, depending on the product), the deletion
/// of the others is durable. Otherwise an old file could come back alone, and a node would refuse
/// its time.
pub(super) fn delete_files(
    storage: &dyn Storage,
    directory: &Path,
    mut files: Vec<OldFile>,
) -> Result<()> {
    files.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
    let newest = files.last().map(|file| file.modified);
    let of_rest = files.iter().rev().find(|file| file.component != Component::Statistics);
    let recorded = [of_rest.map(|file| file.modified), newest];
    let mut passed = None;
    for file in files {
        let carries = recorded.iter().flatten().filter(|time| file.modified >= **time).count();
        if passed.is_some_and(|passed| passed != carries) {
            storage.sync_directory(directory)?;
        }
        passed = Some(carries);
        storage.remove_file(&file.path)?;
    }
    storage.sync_directory(directory)
}
