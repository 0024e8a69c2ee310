//! The coordinator: which piece of which task is handed to the pool next.

use std::any::Any;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;

use crossbeam_channel::{Receiver, Sender};

use super::scratch::ScratchPool;
use super::{Next, Task};
use crate::{Error, ErrorKind, Result};

/// What bounds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Worker threads.
    pub threads: NonZeroUsize,
}

impl Limits {
    /// Tasks open at a time: enough that some can wait for the disk while others compute.
    #[must_use]
    pub const fn open_tasks(self) -> usize {
        self.threads.get().saturating_mul(2)
    }

    /// How far a piece may run ahead of the slowest one of its stage: what the others leave to be
    /// put in order is bounded by it.
    #[must_use]
    pub const fn spread(self) -> u64 {
        // Lossless: a thread count is far below 2^32.
        (self.window() as u64).saturating_mul(16)
    }

    /// The same for an ordered stage, whose pieces leave whole buffers behind.
    #[must_use]
    pub const fn ordered_spread(self) -> u64 {
        // Lossless: a thread count is far below 2^32.
        self.window() as u64
    }

    /// Pieces handed out and not yet done: every worker finds its next one waiting.
    #[must_use]
    pub const fn window(self) -> usize {
        self.threads.get().saturating_mul(3)
    }
}

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
    /// The task is done, or has failed and was cleaned up.
    Ended(Result<()>),
}

/// Runs all tasks to their end. `see` is called on the calling thread with the index of the task;
/// a failed task does not stop the others.
///
/// # Errors
/// Only when the pool cannot be started.
pub fn run<T: Task>(tasks: &[T], limits: Limits, mut see: impl FnMut(usize, Step)) -> Result<()> {
    let pool = workers(limits.threads)?;
    let scratches = ScratchPool::default();
    let (sender, receiver) = crossbeam_channel::unbounded();
    pool.in_place_scope(|scope| {
        let spawn = |index: usize, work: Work| {
            let (sender, scratches) = (Sender::clone(&sender), &scratches);
            let task = tasks.get(index);
            scope.spawn(move |_| {
                let Some(task) = task else { return };
                let outcome = guard(|| carry_out(task, &work, scratches));
                // The coordinator outlives every piece; a send can only fail after a panic there.
                let _gone = sender.send(Done { index, work, outcome });
            });
        };
        let mut coordinator = Coordinator::new(tasks.len(), limits);
        coordinator.drive(&receiver, spawn, &mut see);
    });
    Ok(())
}

/// Starts worker threads.
///
/// # Errors
/// [`ErrorKind::Internal`] when the system gives no threads.
pub fn workers(threads: NonZeroUsize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|i| format!("rekey-{i}"))
        .build()
        .map_err(|e| Error::new(ErrorKind::Internal, "cannot start the workers").caused_by(e))
}

/// Something for a worker to do.
#[derive(Debug, Clone)]
enum Work {
    Begin,
    Piece { stage: u32, piece: u64 },
    End { stage: u32 },
    Abandon(Error),
}

enum Outcome {
    Next(Next),
    Bytes(u64),
    Abandoned,
}

struct Done {
    index: usize,
    work: Work,
    outcome: Result<Outcome>,
}

fn carry_out<T: Task>(task: &T, work: &Work, scratches: &ScratchPool) -> Result<Outcome> {
    match *work {
        Work::Begin => task.begin().map(Outcome::Next),
        Work::Piece { stage, piece } => {
            scratches.with(|scratch| task.piece(stage, piece, scratch)).map(Outcome::Bytes)
        }
        Work::End { stage } => task.end(stage).map(Outcome::Next),
        Work::Abandon(ref why) => {
            task.abandon(why);
            Ok(Outcome::Abandoned)
        }
    }
}

/// Turns a panic into the failure of one task.
fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Internal, format!("a worker panicked: {}", words(&*panic)))
            .cure("this is a bug: report it; if a swap was under way, the transaction log decides"))
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// An open task.
struct Open {
    index: usize,
    stage: u32,
    next_piece: u64,
    pieces: u64,
    spread: u64,
    running: BTreeSet<u64>,
    /// A serial step (begin, end, abandon) is under way.
    serial: bool,
    failure: Option<Error>,
}

impl Open {
    /// How far the next piece is ahead of the oldest one that is not done.
    fn lead(&self) -> u64 {
        let oldest = self.running.first().copied().unwrap_or(self.next_piece);
        self.next_piece.saturating_sub(oldest)
    }
}

struct Coordinator {
    open: Vec<Open>,
    next_task: usize,
    tasks: usize,
    running: usize,
    limits: Limits,
}

impl Coordinator {
    fn new(tasks: usize, limits: Limits) -> Self {
        Self { open: vec![], next_task: 0, tasks, running: 0, limits }
    }

    /// Ends when no task is open and none is left: every piece that was handed out has come back
    /// by then, since a task ends only when none of its pieces runs.
    fn drive(
        &mut self,
        receiver: &Receiver<Done>,
        spawn: impl Fn(usize, Work),
        see: &mut impl FnMut(usize, Step),
    ) {
        loop {
            self.hand_out(&spawn, see);
            if self.open.is_empty() {
                return;
            }
            let Ok(done) = receiver.recv() else { return };
            self.running = self.running.saturating_sub(1);
            self.take_in(done, &spawn, see);
        }
    }

    /// Older tasks first: what is open gets finished, and its space freed.
    fn hand_out(&mut self, spawn: &impl Fn(usize, Work), see: &mut impl FnMut(usize, Step)) {
        for open in &mut self.open {
            while self.running < self.limits.window()
                && open.failure.is_none()
                && !open.serial
                && open.next_piece < open.pieces
                && open.lead() < open.spread
            {
                spawn(open.index, Work::Piece { stage: open.stage, piece: open.next_piece });
                open.running.insert(open.next_piece);
                open.next_piece = open.next_piece.saturating_add(1);
                self.running = self.running.saturating_add(1);
            }
        }
        while self.running < self.limits.window()
            && self.open.len() < self.limits.open_tasks()
            && self.next_task < self.tasks
        {
            let index = self.next_task;
            self.next_task = self.next_task.saturating_add(1);
            self.open.push(Open {
                index,
                stage: 0,
                next_piece: 0,
                pieces: 0,
                spread: 0,
                running: BTreeSet::new(),
                serial: true,
                failure: None,
            });
            see(index, Step::Began);
            spawn(index, Work::Begin);
            self.running = self.running.saturating_add(1);
        }
    }

    fn take_in(
        &mut self,
        done: Done,
        spawn: &impl Fn(usize, Work),
        see: &mut impl FnMut(usize, Step),
    ) {
        let Some(at) = self.open.iter().position(|open| open.index == done.index) else { return };
        let Some(open) = self.open.get_mut(at) else { return };
        if let Work::Piece { piece, .. } = done.work {
            open.running.remove(&piece);
        } else {
            open.serial = false;
        }
        let mut ended = matches!(done.work, Work::Abandon(_));
        match done.outcome {
            Ok(Outcome::Bytes(bytes)) => {
                see(open.index, Step::Advanced { stage: open.stage, bytes });
            }
            Ok(Outcome::Next(next)) => {
                if let Work::End { stage } = done.work {
                    open.stage = stage.saturating_add(1);
                }
                open.next_piece = 0;
                match next {
                    Next::Stage { pieces } => {
                        (open.pieces, open.spread) = (pieces, self.limits.spread());
                    }
                    Next::OrderedStage { pieces } => {
                        (open.pieces, open.spread) = (pieces, self.limits.ordered_spread());
                    }
                    Next::Done => ended = true,
                }
            }
            Ok(Outcome::Abandoned) => {}
            // The first failure is the one to report; those of its neighbours follow from it.
            Err(error) => {
                open.failure.get_or_insert(error);
            }
        }
        if ended {
            let open = self.open.remove(at);
            see(open.index, Step::Ended(open.failure.map_or(Ok(()), Err)));
        } else if open.running.is_empty() && !open.serial {
            let serial = match (&open.failure, open.next_piece < open.pieces) {
                (Some(why), _) => Some(Work::Abandon(why.clone())),
                (None, false) => Some(Work::End { stage: open.stage }),
                (None, true) => None,
            };
            if let Some(work) = serial {
                open.serial = true;
                self.running = self.running.saturating_add(1);
                spawn(open.index, work);
            }
        }
    }
}

#[cfg(test)]
mod tests;
