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
use std::time::{Duration, UNIX_EPOCH};

use super::flavor::{Flavor, MtimeRule};
use super::log::{files_of, millis};
use super::record::LogRecord;
use super::recovery::delete_sstable;
use crate::io::{OutputFile, Storage};
use crate::sstable::{Component, Descriptor};
use crate::{Error, Result};

/// One SSTable about to be replaced.
#[derive(Debug)]
pub struct Swap<'a> {
    /// The table's directory, canonical.
    pub directory: &'a Path,
    /// The SSTable that goes.
    pub old: &'a Descriptor,
    /// The SSTable that comes.
    pub new: &'a Descriptor,
    /// The durable files of the new SSTable: component and where it is staged, on the same file
    /// system.
    pub staged: &'a [(Component, PathBuf)],
    /// Whose log it is.
    pub flavor: Flavor,
    /// A name for the log that no other has: a version-1 UUID.
    pub log_id: &'a str,
}

/// Carries a swap out.
///
/// # Errors
/// Any error of the storage. Before COMMIT everything is undone and the old SSTable stays; from
/// the attempt to write COMMIT on the log stays, and the next start of a node or of this program
/// ends what it says.
pub fn publish(storage: &dyn Storage, swap: &Swap<'_>) -> Result<()> {
    let log =
        swap.directory.join(format!("{}_txn_compaction_{}.log", swap.new.version, swap.log_id));
    let mut writer = LogWriter { storage, path: log, file: None, length: 0 };
    if let Err(error) = prepare(storage, swap, &mut writer) {
        // Best effort: whatever is left is undone by the next start, since COMMIT was never
        // written. Without a log nothing was moved, and what is there is somebody else's.
        if writer.file.take().is_some() && delete_sstable(storage, swap.directory, swap.new).is_ok()
        {
            let _left_for_the_next_start = writer.delete(swap.directory);
        }
        return Err(error);
    }
    let committed = writer
        .append(&LogRecord::commit())
        .and_then(|()| delete_sstable(storage, swap.directory, swap.old))
        .and_then(|()| writer.delete(swap.directory));
    committed.map_err(|error| {
        error.cure(
            "the swap was at or behind its COMMIT: the next run, or the node's next start, \
             finishes or undoes it by the transaction log",
        )
    })
}

fn prepare(storage: &dyn Storage, swap: &Swap<'_>, log: &mut LogWriter<'_>) -> Result<()> {
    if !files_of(storage, swap.directory, swap.new)?.is_empty() {
        return Err(Error::new(
            crate::ErrorKind::Busy,
            "files of the new SSTable are there already",
        )
        .at(swap.new.path(swap.directory, &Component::Data))
        .cure("find out who wrote them; then run again"));
    }
    let form = swap.flavor.path_form();
    let new = form.write(swap.directory, &swap.new.to_string())?;
    let old = form.write(swap.directory, &swap.old.to_string())?;
    log.append(&LogRecord::add(new))?;
    storage.sync_directory(swap.directory)?;
    for (component, staged) in swap.staged {
        storage.rename(staged, &swap.new.path(swap.directory, component))?;
    }
    storage.sync_directory(swap.directory)?;
    let (time, count) = pin_times(storage, swap)?;
    log.append(&LogRecord::remove(old, time, count))
}

/// Returns the time and the file count for REMOVE, after bringing the old files to a whole second
/// where the node compares more than seconds.
fn pin_times(storage: &dyn Storage, swap: &Swap<'_>) -> Result<(i64, i32)> {
    let files = files_of(storage, swap.directory, swap.old)?;
    let mut newest = UNIX_EPOCH;
    for (name, _) in &files {
        if let Some(stat) = storage.stat(&swap.directory.join(name))? {
            newest = newest.max(stat.modified);
        }
    }
    if swap.flavor.mtime_rule() == MtimeRule::WholeSecond {
        let seconds = newest.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        newest = UNIX_EPOCH + Duration::from_secs(seconds);
        for (name, _) in &files {
            storage.set_modified(&swap.directory.join(name), newest)?;
        }
    }
    Ok((millis(newest), i32::try_from(files.len()).unwrap_or(i32::MAX)))
}

/// The log being written; every line is durable before the next step.
struct LogWriter<'a> {
    storage: &'a dyn Storage,
    path: PathBuf,
    file: Option<Box<dyn OutputFile>>,
    length: u64,
}

impl LogWriter<'_> {
    fn append(&mut self, record: &LogRecord) -> Result<()> {
        let line = format!("{record}\n");
        let file = match self.file.take() {
            Some(file) => file,
            None => self.storage.create(&self.path)?,
        };
        let file = self.file.insert(file);
        file.write_at(line.as_bytes(), self.length)?;
        file.sync()?;
        self.length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or_default());
        Ok(())
    }

    fn delete(&self, directory: &Path) -> Result<()> {
        self.storage.remove_file(&self.path)?;
        self.storage.sync_directory(directory)
    }
}
