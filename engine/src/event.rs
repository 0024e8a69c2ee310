//! What an observer sees of a run.
//!
//! Events are sent one after the other, on the thread that called the engine. A progress bar, JSON
//! lines and a log consume the same events.

use std::path::Path;

use crate::Error;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Work begins.
    Started {
        /// SSTables to work on.
        sstables: usize,
        /// Bytes that [`Event::Advanced`] will add up to, unless something fails.
        bytes: u64,
    },
    /// Work on an SSTable began, or on a file beside the tables.
    SSTableBegan {
        /// Its table; a word without a dot for a file beside the tables.
        table: &'a str,
        /// Its Data.db.
        data: &'a Path,
    },
    /// This many more bytes were done.
    Advanced {
        /// Bytes.
        bytes: u64,
    },
    /// Work on an SSTable ended.
    SSTableEnded {
        /// Its table.
        table: &'a str,
        /// Its Data.db.
        data: &'a Path,
        /// Length of that Data.db.
        bytes: u64,
        /// Its new name (`nb-12-big`), when it was rewritten.
        new: Option<&'a str>,
        /// Why it failed, or was left for the next run.
        error: Option<&'a Error>,
        /// How many chunks were decrypted, when it was verified.
        chunks: Option<u64>,
        /// How many copies of it in snapshots and backups were replaced, itself included if it is
        /// there.
        copies: usize,
        /// What was unusual about it.
        warnings: &'a [Error],
    },
}

/// An observer of a run.
pub trait Observer {
    /// Receives an event.
    fn event(&mut self, event: &Event<'_>);
}

/// Ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn event(&mut self, _event: &Event<'_>) {}
}
