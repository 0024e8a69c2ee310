//! Runs many tasks on all cores, piece by piece.
//!
//! This module knows nothing of SSTables. A [`Task`] (one SSTable to rewrite, to verify, to
//! count) comes in stages; the pieces of a stage may run in any order and on any worker, and a
//! serial step ends the stage. One coordinator, the calling thread, hands pieces of all open
//! tasks to rayon's pool, whose workers steal from each other, so that one huge SSTable and ten
//! thousand small ones both fill all cores. Serial steps wait for the disk more than they compute
//! and have threads of their own, one for each open task: no worker ever waits for an fsync. Where
//! a stage has a single piece, the thread of the serial step before it does that, too, when one of
//! the workers' [`Task::Scratch`]es is free: a small task stays with one thread.
//!
//! Tasks may share something of which there is only so much ([`Share`]): one is begun when what it
//! needs is there beside what the open ones have still to take. If it is not, the task waits until
//! one of them has ended, and smaller ones go on.
//!
//! What is bounded, whatever the number and size of the tasks:
//! * open tasks: [`Limits::open_tasks`] of any size and [`Limits::small_tasks`] of
//!   [`Limits::SMALL_BYTES`] in all, hence open files and staged bytes;
//! * pieces handed to the pool and not yet done: [`Limits::window`], hence queue and results;
//! * how far pieces run ahead of the slowest one: [`Limits::spread`], hence what waits to be put
//!   in order;
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
        /// How many it has, numbered from 0; none at all is fine.
        pieces: u64,
        /// Whether what a piece makes waits in memory until all pieces before it are done: none runs far
        /// ahead then.
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
/// The scheduler keeps the stage that a task is in: it comes from the step before, is lent to its
/// pieces, to the step that ends it and to [`Share::need`], and is dropped when the next one is
/// entered.
pub trait Task: Send + Sync {
    /// What the pieces of a stage share.
    type Stage: Send + Sync;

    /// The buffers of a worker: one set each, kept for the life of the run.
    type Scratch: Send;

    /// Makes a set of buffers.
    ///
    /// # Errors
    /// Any; the task whose piece needed it has failed then.
    fn scratch() -> Result<Self::Scratch>;

    /// Bytes of disk that it needs while it is open, about.
    fn bytes(&self) -> u64;

    /// Bytes that its pieces will count as progress, about.
    fn work(&self) -> u64;

    /// Its part in something that is shared, if there is.
    fn share(&self) -> Option<&dyn Share<Self::Stage>> {
        None
    }

    /// Opens what the task needs and sets up its first stage. Runs alone.
    ///
    /// # Errors
    /// Any; the task has failed then.
    fn begin(&self) -> Result<Next<Self::Stage>>;

    /// Does one piece of a stage; pieces of a stage run side by side. Returns the bytes that
    /// count as progress.
    ///
    /// # Errors
    /// Any; no further piece is started, and the task has failed.
    fn piece(&self, stage: &Self::Stage, piece: u64, scratch: &mut Self::Scratch) -> Result<u64>;

    /// Ends a stage when all its pieces are done, and says what is next. Runs alone.
    ///
    /// # Errors
    /// Any; the task has failed then, in this stage.
    fn end(&self, stage: &Self::Stage) -> Result<Next<Self::Stage>>;

    /// Cleans up after a failure, when none of its pieces runs any more: in the stage that it was in,
    /// or in none if it could not begin. Runs alone.
    fn abandon(&self, stage: Option<Self::Stage>, why: &Error);
}
