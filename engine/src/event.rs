//! What an observer may see of a run.
//!
//! Events come one after the other, on the thread that called the engine. A progress bar, JSON
//! lines and a log are consumers of the same events.

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
    /// Work on an SSTable began.
    SSTableBegan {
        /// Its table.
        table: &'a str,
        /// Its Data.db.
        data: &'a Path,
    },
    /// So many more bytes were done.
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
        /// How many copies of it in snapshots and backups were replaced, itself included if it lies
        /// there.
        copies: usize,
        /// What was strange about it.
        warnings: &'a [Error],
    },
}

/// Whoever watches a run.
pub trait Observer {
    /// Is told an event.
    fn event(&mut self, event: &Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn event(&mut self, _event: &Event<'_>) {}
}
