//! Appending to a journal.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::frame;
use super::history::History;
use super::record::{Attempt, Record};
use super::site::{Location, Site};
use crate::io::{OutputFile, Storage};
use crate::sstable::Descriptor;
use crate::{Error, ErrorKind, Result};

/// The name of the file in its state directory.
pub const JOURNAL_FILE: &str = "journal";

/// When a record must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Before the call returns: the next step relies on it.
    Now,
    /// At some time: it is only for display, and nothing depends on it.
    Later,
}

/// A journal being written. Threads may share it: one that waits for the disk does not block the
/// others.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// The data directories, by number; `None` in a journal of format 1 or 2, which gets no record
    /// that these lack.
    data_dirs: Option<Vec<PathBuf>>,
    file: Box<dyn OutputFile>,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    length: u64,
    durable: u64,
    next_number: u32,
    broken: Option<Error>,
}

impl Journal {
    /// Starts a journal where there is none. The directory's name is already durable.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
    pub fn start(
        storage: &dyn Storage,
        directory: &Path,
        session: Attempt,
        site: Site,
        plan: Vec<(String, String)>,
    ) -> Result<Self> {
        let path = directory.join(JOURNAL_FILE);
        let file = storage.create(&path)?;
        let mut bytes = frame::head();
        let data_dirs = Some(site.data_dirs.clone());
        let started = Record::Started(session, Some(site), plan).encode();
        bytes.extend(frame::frame(&started, 0, now()).ok_or_else(|| too_long(&path))?);
        file.write_at(&bytes, 0)?;
        file.sync()?;
        storage.sync_directory(directory)?;
        let length = length(&bytes);
        let tail = Tail { length, durable: length, next_number: 0, broken: None };
        Ok(Self { path, data_dirs, file, tail: Mutex::new(tail) })
    }

    /// Resumes a journal that was read and [relocated](History::relocate): cuts off a torn tail,
    /// and makes the rest durable. The process that wrote it may have been killed before its fsync,
    /// or its fsync may have failed.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
    pub fn resume(
        storage: &dyn Storage,
        directory: &Path,
        history: &History,
        session: Attempt,
    ) -> Result<Self> {
        let path = directory.join(JOURNAL_FILE);
        let file = storage.reopen(&path)?;
        if history.is_torn {
            file.set_length(history.length)?;
        }
        storage.sync_file(&path)?;
        let tail = Tail {
            length: history.length,
            durable: history.length,
            next_number: history.next_number(),
            broken: None,
        };
        let data_dirs = history.site.as_ref().map(|site| site.data_dirs.clone());
        let journal = Self { path, data_dirs, file, tail: Mutex::new(tail) };
        journal.append(&Record::Resumed(session), Durability::Now)?;
        Ok(journal)
    }

    /// Begins an SSTable, and gives it its number: numbers are in the order of the records,
    /// whichever thread is faster.
    ///
    /// # Errors
    /// As [`Journal::append`]; then no number is used up.
    pub fn begin(&self, directory: &Path, old: &Descriptor, bytes: u64) -> Result<u32> {
        let (number, end) = {
            let mut tail = self.tail();
            let sstable = tail.next_number;
            let (directory, old) = (self.location(directory), old.clone());
            let end = self.write(&mut tail, &Record::Begun { sstable, directory, old, bytes })?;
            tail.next_number = sstable.saturating_add(1);
            (sstable, end)
        };
        self.settle(end, Durability::Later)?;
        Ok(number)
    }

    /// The location of a path, as the journal's records have it.
    #[must_use]
    pub fn location(&self, path: &Path) -> Location {
        Location::of(path, self.data_dirs.as_deref().unwrap_or_default())
    }

    /// Records how far the process is, or how it has ended, for display only; nothing depends on
    /// it.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn tell(&self, record: &Record) -> Result<()> {
        match (record, &self.data_dirs) {
            (Record::Progress { .. } | Record::Ended(_), None) => Ok(()),
            (Record::Dropped { sstable, why }, None) => {
                let failed = Record::Failed { sstable: *sstable, why: why.clone() };
                self.append(&failed, Durability::Later)
            }
            _ => self.append(record, Durability::Later),
        }
    }

    /// Appends a record. What it says must already be durable.
    ///
    /// A failed call leaves nothing that a reader would see. After a failed fsync the journal
    /// accepts no more records: what is on the disk is unknown.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
    pub fn append(&self, record: &Record, durability: Durability) -> Result<()> {
        let end = self.write(&mut self.tail(), record)?;
        self.settle(end, durability)
    }

    /// Makes durable what must be.
    fn settle(&self, end: u64, durability: Durability) -> Result<()> {
        let is_far = end.saturating_sub(self.tail().durable) > frame::MOST_NOT_DURABLE;
        if durability == Durability::Later && !is_far {
            return Ok(());
        }
        // Meanwhile other threads may append; what they write may or may not be covered.
        let synced = self.file.sync_data();
        let mut tail = self.tail();
        match synced {
            Ok(()) => tail.durable = tail.durable.max(end),
            Err(error) => {
                tail.broken.get_or_insert_with(|| error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Why it accepts no more records, if so.
    #[must_use]
    pub fn broken(&self) -> Option<Error> {
        self.tail().broken.clone()
    }

    /// Returns where the record ends.
    fn write(&self, tail: &mut Tail, record: &Record) -> Result<u64> {
        if let Some(error) = &tail.broken {
            return Err(error.clone());
        }
        let bytes = frame::frame(&record.encode(), tail.durable, now())
            .ok_or_else(|| too_long(&self.path))?;
        // The length is unchanged if this fails: the next record overwrites the remains.
        self.file.write_at(&bytes, tail.length)?;
        tail.length = tail.length.saturating_add(length(&bytes));
        Ok(tail.length)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// Reads the journal of a state directory; `None` when there is none, or its run has not begun.
    ///
    /// # Errors
    /// [`super::JournalError`] as [`crate::Error`] with the path, and [`ErrorKind::Io`].
    pub fn open(storage: &dyn Storage, directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(JOURNAL_FILE);
        if storage.stat(&path)?.is_none() {
            return Ok(None);
        }
        let bytes = storage.read_own(&path, LONGEST_JOURNAL)?;
        Self::read(&bytes).map_err(|error| Error::from(error).at(path))
    }
}

fn now() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn too_long(path: &Path) -> Error {
    Error::new(ErrorKind::Internal, "a record is too long for the journal").at(path)
}

/// Enough for more than a million SSTables.
const LONGEST_JOURNAL: u64 = 512 << 20;
