//! Replaces one SSTable by another, so that a node started at any moment sees exactly one of them
//! (FORMATS.md 9.5).
//!
//! Each line is a point at which the process may die:
//!
//! 1. log with ADD written, file and directory durable
//! 2. staged files renamed into place, directory durable
//! 3. REMOVE appended, durable (from here the log names both)
//! 4. COMMIT appended, durable: **the switch**
//! 5. old files deleted, directory durable
//! 6. log deleted, directory durable
//!
//! Before 4 a starting node deletes the new files, after it the old ones.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::flavor::{Flavor, MtimeRule};
use super::log::millis;
use super::record::LogRecord;
use super::recovery::{OldFile, delete_files};
use crate::io::{FileStat, OutputFile, Storage};
use crate::sstable::{Component, Descriptor};
use crate::{Error, ErrorKind, Result};

/// One SSTable about to be replaced.
#[derive(Debug)]
pub struct Swap<'a> {
    /// The table's directory, canonical.
    pub directory: &'a Path,
    /// The SSTable that is replaced.
    pub old: &'a Descriptor,
    /// All its files, as they were when the plan was made.
    pub old_files: &'a [(Component, FileStat)],
    /// The SSTable that replaces it.
    pub new: &'a Descriptor,
    /// The durable files of the new SSTable: component and where it is staged, on the same file
    /// system.
    pub staged: &'a [(Component, PathBuf)],
    /// Whose log it is.
    pub flavor: Flavor,
    /// A name for the log that no other has: a version-1 UUID.
    pub log_id: &'a str,
}

/// Carries out a swap.
///
/// The directory is not listed, since it may hold a million files: the names of both SSTables are
/// known.
///
/// # Errors
/// [`ErrorKind::Busy`] when the old SSTable has changed or the new name is taken, before anything
/// is changed; otherwise any error of the storage. Before COMMIT everything is undone and the old
/// SSTable stays. From the attempt to write COMMIT on, the log stays, and the next start of a node
/// or of this program finishes it.
pub fn publish(storage: &dyn Storage, swap: &Swap<'_>) -> Result<()> {
    check_old(storage, swap)?;
    check_new(storage, swap)?;
    let log = format!("{}_txn_compaction_{}.log", swap.new.version, swap.log_id);
    let mut log = LogWriter {
        storage,
        path: swap.directory.join(log),
        like: swap.old.path(swap.directory, &Component::Data),
        file: None,
        length: 0,
    };
    let old_files = match prepare(storage, swap, &mut log) {
        Ok(files) => files,
        Err(error) => {
            // What cannot be undone now is undone by the next start, since COMMIT was never
            // written.
            let undone = undo(storage, swap);
            if undone.is_ok() && log.file.is_some() {
                let _left_for_the_next_start = log.delete(swap.directory);
            }
            return Err(error);
        }
    };
    let committed = log
        .append(&LogRecord::commit())
        .and_then(|()| delete_files(storage, swap.directory, old_files))
        .and_then(|()| log.delete(swap.directory));
    committed.map_err(|error| {
        error.hint(
            "the swap was at or past its COMMIT: the next run, or the node's next start, \
             finishes or undoes it by the transaction log",
        )
    })
}

/// Deletes only what this swap has put in place: files that have left the staging directory,
/// including by a rename that was reported as failed.
fn undo(storage: &dyn Storage, swap: &Swap<'_>) -> Result<()> {
    let mut files = Vec::new();
    for (component, staged) in swap.staged {
        let path = swap.new.path(swap.directory, component);
        if storage.stat(staged)?.is_none() && storage.stat(&path)?.is_some() {
            files.push(OldFile { component: component.clone(), path, modified: UNIX_EPOCH });
        }
    }
    delete_files(storage, swap.directory, files)
}

/// The old SSTable must be the planned one, file by file: a node that was started meanwhile may
/// have compacted it away, and publishing it again would bring deleted rows back.
fn check_old(storage: &dyn Storage, swap: &Swap<'_>) -> Result<()> {
    for (component, planned) in swap.old_files {
        let path = swap.old.path(swap.directory, component);
        if storage.stat(&path)? != Some(*planned) {
            return Err(changed_since_the_plan(path));
        }
    }
    Ok(())
}

/// The error for an SSTable whose files have changed.
#[must_use]
pub(crate) fn changed_since_the_plan(path: PathBuf) -> Error {
    Error::new(ErrorKind::Busy, "the file was changed since the plan was made")
        .at(path)
        .hint("find out what works on the data directory, stop it, then run again")
}

fn check_new(storage: &dyn Storage, swap: &Swap<'_>) -> Result<()> {
    for (component, _) in swap.staged {
        let path = swap.new.path(swap.directory, component);
        if storage.stat(&path)?.is_some() {
            return Err(Error::new(ErrorKind::Busy, "a file of the new SSTable's name is there")
                .at(path)
                .hint("find out what works on the data directory, stop it, then run again"));
        }
    }
    Ok(())
}

/// Everything before COMMIT; returns what is to be deleted after it.
fn prepare(
    storage: &dyn Storage,
    swap: &Swap<'_>,
    log: &mut LogWriter<'_>,
) -> Result<Vec<OldFile>> {
    let form = swap.flavor.path_form();
    let new = form.write(swap.directory, &swap.new.to_string())?;
    let old = form.write(swap.directory, &swap.old.to_string())?;
    log.append(&LogRecord::add(new))?;
    storage.sync_directory(swap.directory)?;
    for (component, staged) in swap.staged {
        storage.rename(staged, &swap.new.path(swap.directory, component))?;
    }
    storage.sync_directory(swap.directory)?;
    check_old(storage, swap)?;
    let (time, files) = pin_times(storage, swap)?;
    let count = i32::try_from(files.len()).unwrap_or(i32::MAX);
    log.append(&LogRecord::remove(old, millis(time), count))?;
    Ok(files)
}

/// Returns the time for REMOVE and the old files, after bringing them to a whole second where the
/// node compares more than seconds.
fn pin_times(storage: &dyn Storage, swap: &Swap<'_>) -> Result<(SystemTime, Vec<OldFile>)> {
    let mut newest = UNIX_EPOCH;
    for (_, stat) in swap.old_files {
        newest = newest.max(stat.modified);
    }
    let pinned = match swap.flavor.mtime_rule() {
        MtimeRule::Seconds => None,
        MtimeRule::WholeSecond => {
            let seconds = newest.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            Some(UNIX_EPOCH + Duration::from_secs(seconds))
        }
    };
    let mut files = Vec::new();
    for (component, stat) in swap.old_files {
        let path = swap.old.path(swap.directory, component);
        if let Some(time) = pinned {
            storage.set_modified(&path, time)?;
        }
        let modified = pinned.unwrap_or(stat.modified);
        files.push(OldFile { component: component.clone(), path, modified });
    }
    Ok((pinned.unwrap_or(newest), files))
}

/// The log being written; every line is durable before the next step.
struct LogWriter<'a> {
    storage: &'a dyn Storage,
    path: PathBuf,
    /// Whose owner, mode and label the log gets: a node must be able to read and delete it.
    like: PathBuf,
    file: Option<Box<dyn OutputFile>>,
    length: u64,
}

impl LogWriter<'_> {
    fn append(&mut self, record: &LogRecord) -> Result<()> {
        let line = format!("{record}\n");
        if let Some(file) = &self.file {
            // In one call. Otherwise a COMMIT that was only in the cache when the process was
            // killed could make a node delete the old files, and then be lost in a power cut.
            file.write_durably_at(line.as_bytes(), self.length)?;
        } else {
            let file = self.file.insert(self.storage.create(&self.path)?);
            file.copy_attributes(&self.like)?;
            file.write_at(line.as_bytes(), self.length)?;
            // Owner and mode need a whole fsync.
            file.sync()?;
        }
        self.length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or_default());
        Ok(())
    }

    fn delete(&self, directory: &Path) -> Result<()> {
        self.storage.remove_file(&self.path)?;
        self.storage.sync_directory(directory)
    }
}
