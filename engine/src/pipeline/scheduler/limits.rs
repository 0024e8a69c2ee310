//! What bounds a run.

use std::num::NonZeroUsize;

/// What bounds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Worker threads.
    pub threads: NonZeroUsize,
}

impl Limits {
    /// Tasks open at a time, whatever their size: enough that some can wait for the disk while
    /// others compute.
    #[must_use]
    pub const fn open_tasks(self) -> usize {
        self.threads.get().saturating_mul(2)
    }

    /// Small tasks that are open in addition: a task of a few KiB waits for the disk a hundred
    /// times longer than it computes, and a file system makes the files of many durable at once.
    /// None with a single thread, where everything is sequential.
    #[must_use]
    pub const fn small_tasks(self) -> usize {
        if self.threads.get() > 1 { 32 } else { 0 }
    }

    /// Total bytes of the small tasks, by [`bytes`](crate::pipeline::Task::bytes).
    pub const SMALL_BYTES: u64 = 256 << 20;

    /// How far a piece may run ahead of the slowest one of its stage: it bounds the results that
    /// wait to be put in order.
    #[must_use]
    pub const fn spread(self) -> u64 {
        // Lossless: a thread count is far below 2^32.
        (self.window() as u64).saturating_mul(16)
    }

    /// The same for an ordered stage, whose pieces leave whole buffers waiting.
    #[must_use]
    pub const fn ordered_spread(self) -> u64 {
        // Lossless: a thread count is far below 2^32.
        self.window() as u64
    }

    /// Pieces handed out and not yet done: enough that every worker finds its next one waiting.
    #[must_use]
    pub const fn window(self) -> usize {
        self.threads.get().saturating_mul(3)
    }
}
