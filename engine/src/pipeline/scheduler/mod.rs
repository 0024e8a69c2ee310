//! Runs tasks: a coordinator hands their pieces to the pool, and what waits for the disk to threads of its own.

mod coordinator;
mod limits;
mod open;
mod work;

use std::num::NonZeroUsize;

use self::coordinator::Coordinator;
use self::work::{Done, Work};
use super::Task;
use super::control::Control;
use super::scratch::ScratchPool;
use crate::{Error, ErrorKind, Result};

pub use self::limits::Limits;

/// What the coordinator saw.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// A task was opened.
    Began,
    /// A piece is done; so many bytes count as progress.
    Advanced {
        /// The stage of the piece.
        stage: u32,
        /// Bytes.
        bytes: u64,
    },
    /// The task is done, or has failed and was cleaned up; or it was never begun, for want of what
    /// it shares with others.
    Ended(Result<()>),
    /// The task was not begun: the run has ended, or ends before it could be done.
    Left,
}

/// Runs all tasks to their end, unless `control` ends the run before. `see` is called on the calling
/// thread with the index of the task; a failed task does not stop the others.
///
/// # Errors
/// Only when the pool cannot be started.
pub fn run<T: Task>(
    tasks: &[T],
    limits: Limits,
    control: &Control,
    mut see: impl FnMut(usize, Step),
) -> Result<()> {
    let pool = workers(limits.threads)?;
    let alone = limits.threads.get() == 1;
    let most_open = limits.open_tasks().saturating_add(limits.small_tasks());
    let waiters = if alone { 0 } else { most_open.min(tasks.len()) };
    let scratches = ScratchPool::new(limits.threads);
    let (sender, receiver) = crossbeam_channel::unbounded();
    let (wait, waiting) = crossbeam_channel::unbounded();
    let perform = |index: usize, work: Work| {
        let Some(task) = tasks.get(index) else { return };
        let done = Done::doing(task, index, work, &scratches, control);
        // The coordinator outlives every piece; a send can only fail after a panic there.
        let _gone = sender.send(done);
    };
    let perform = &perform;
    pool.in_place_scope(|computing| {
        std::thread::scope(|scope| {
            // What waits for the disk is no work for rayon, whose threads ask all others for work before they
            // sleep. These end with this sender.
            let wait = wait;
            for number in 0..waiters {
                std::thread::Builder::new()
                    .name(format!("rekey-disk-{number}"))
                    .spawn_scoped(scope, || {
                        waiting.iter().for_each(|(index, work)| perform(index, work));
                    })
                    .map_err(no_threads)?;
            }
            let spawn = |index: usize, work: Work| {
                if alone || matches!(work, Work::Piece { .. }) {
                    computing.spawn(move |_| perform(index, work));
                } else {
                    let _they_outlive_it = wait.send((index, work));
                }
            };
            let mut coordinator = Coordinator::new(tasks.len(), limits, control);
            coordinator.drive(tasks, &receiver, spawn, &mut see);
            Ok(())
        })
    })
}

/// Starts worker threads.
///
/// # Errors
/// [`ErrorKind::Internal`] when the system gives no threads.
pub fn workers(count: NonZeroUsize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count.get())
        .thread_name(|i| format!("rekey-{i}"))
        .build()
        .map_err(no_threads)
}

fn no_threads(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "cannot start the workers").caused_by(error)
}

#[cfg(test)]
mod tests;
