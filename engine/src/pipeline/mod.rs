//! Runs many tasks on all cores, piece by piece.
//!
//! This module knows nothing about SSTables. A [`Task`] (one SSTable to rewrite, verify or count)
//! has stages; the pieces of a stage may run in any order and on any worker, and a serial step ends
//! the stage. One coordinator, the calling thread, hands pieces of all open tasks to rayon's pool,
//! whose workers steal from each other, so that one huge SSTable and ten thousand small ones both
//! fill all cores. Serial steps wait for the disk more than they compute and have their own
//! threads, one for each open task: no worker ever waits for an fsync. If a stage has a single
//! piece, the thread of the preceding serial step does it too, if one of the workers'
//! [`Task::Scratch`]es is free: a small task stays on one thread.
//!
//! Tasks may share a limited resource ([`Share`]). A task is begun when there is enough for it in
//! addition to what the open tasks still have to take. If there is not, the task waits until one of
//! them has ended, while smaller ones continue.
//!
//! What is bounded, whatever the number and size of the tasks:
//! * open tasks: [`Limits::open_tasks`] of any size and [`Limits::small_tasks`] of
//!   [`Limits::SMALL_BYTES`] in all, hence open files and staged bytes;
//! * pieces handed to the pool and not yet done: [`Limits::window`], hence queue and results;
//! * how far pieces run ahead of the slowest one: [`Limits::spread`], hence the results that wait
//!   to be put in order;
//! * memory: one [`Task::Scratch`] a worker, reused for the life of the run.

mod control;
mod scheduler;
mod scratch;
mod share;
mod workers;

pub use control::Control;
pub use scheduler::{Limits, Step, run};
pub use share::{Need, Share};
pub use workers::{Workers, shortage};

use crate::{Error, Result};

/// What a task has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next<S> {
    /// A stage.
    Stage {
        /// What its pieces share.
        stage: S,
        /// How many pieces it has, numbered from 0; there may be none.
        pieces: u64,
        /// Whether the result of a piece waits in memory until all pieces before it are done: then
        /// none runs far ahead.
        is_ordered: bool,
    },
    /// Nothing; the task is done.
    Done,
}

impl<S> Next<S> {
    /// A stage whose pieces do not wait for each other.
    pub const fn stage(stage: S, pieces: u64) -> Self {
        Self::Stage { stage, pieces, is_ordered: false }
    }
}

/// A piece of work that the pool can share.
///
/// The scheduler keeps the current stage of a task. It comes from the step before, is lent to its
/// pieces, to the step that ends it and to [`Share::need`], and is dropped when the next stage is
/// entered.
pub trait Task: Send + Sync {
    /// What the pieces of a stage share.
    type Stage: Send + Sync;

    /// The buffers of a worker: one set each, kept for the life of the run.
    type Scratch: Send;

    /// Makes a set of buffers.
    ///
    /// # Errors
    /// Any; then the task whose piece needed it has failed.
    fn scratch() -> Result<Self::Scratch>;

    /// Approximate bytes of disk that it needs while it is open.
    fn bytes(&self) -> u64;

    /// Approximate bytes that its pieces will count as progress.
    fn work(&self) -> u64;

    /// Its part in a shared resource, if there is one.
    fn share(&self) -> Option<&dyn Share<Self::Stage>> {
        None
    }

    /// Opens what the task needs and sets up its first stage. Runs alone.
    ///
    /// # Errors
    /// Any; then the task has failed.
    fn begin(&self) -> Result<Next<Self::Stage>>;

    /// Does one piece of a stage; pieces of a stage run in parallel. Returns the bytes that count
    /// as progress.
    ///
    /// # Errors
    /// Any; no further piece is started, and the task has failed.
    fn piece(&self, stage: &Self::Stage, piece: u64, scratch: &mut Self::Scratch) -> Result<u64>;

    /// Ends a stage when all its pieces are done, and returns what is next. Runs alone.
    ///
    /// # Errors
    /// Any; then the task has failed in this stage.
    fn end(&self, stage: &Self::Stage) -> Result<Next<Self::Stage>>;

    /// Cleans up after a failure, when none of its pieces is running: in the stage that it was in,
    /// or in none if it could not begin. Runs alone.
    fn abandon(&self, stage: Option<Self::Stage>, why: &Error);
}
