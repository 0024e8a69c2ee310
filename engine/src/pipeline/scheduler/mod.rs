//! The coordinator: which piece of which task is handed to the pool next.

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::control::{Control, Pace, interrupted};
use super::scratch::ScratchPool;
use super::share::Budget;
use super::{Next, Task};
use crate::{Error, ErrorKind, Result};

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

    /// Small tasks that are open beside them: a task of a few KiB waits for the disk a hundred times
    /// longer than it computes, and a file system makes the files of many durable in one go. None
    /// with a single thread, for which one thing happens after the other.
    #[must_use]
    pub const fn small_tasks(self) -> usize {
        if self.threads.get() > 1 { 32 } else { 0 }
    }

    /// Bytes that the small tasks have together, by [`Task::bytes`].
    pub const SMALL_BYTES: u64 = 256 << 20;

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
        let mut advanced = vec![];
        let outcome = guard(|| carry_out(task, &work, &scratches, control, &mut advanced));
        // The coordinator outlives every piece; a send can only fail after a panic there.
        let _gone = sender.send(Done { index, work, advanced, outcome });
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

/// Something for a worker to do.
#[derive(Debug, Clone)]
enum Work {
    Begin,
    Piece { stage: u32, piece: u64 },
    End { stage: u32 },
    Abandon(Error),
}

enum Outcome {
    /// What comes next, as this stage.
    Next(u32, Next),
    Piece,
    Abandoned,
}

struct Done {
    index: usize,
    work: Work,
    /// Bytes of pieces that were done, with their stages.
    advanced: Vec<(u32, u64)>,
    outcome: Result<Outcome>,
}

fn carry_out<T: Task>(
    task: &T,
    work: &Work,
    scratches: &ScratchPool,
    control: &Control,
    advanced: &mut Vec<(u32, u64)>,
) -> Result<Outcome> {
    let mut piece = |stage, piece| -> Result<()> {
        let bytes = scratches.with(|scratch| task.piece(stage, piece, scratch))?;
        advanced.push((stage, bytes));
        Ok(())
    };
    let (mut stage, mut next) = match work {
        Work::Piece { stage, piece: number } => {
            return piece(*stage, *number).map(|()| Outcome::Piece);
        }
        Work::Abandon(why) => {
            task.abandon(why);
            return Ok(Outcome::Abandoned);
        }
        Work::Begin => (0, task.begin()?),
        Work::End { stage } => (stage.saturating_add(1), task.end(*stage)?),
    };
    // A single piece is not worth a way to another thread and back, which takes as long as a few KiB.
    while matches!(next, Next::Stage { pieces: 1 } | Next::OrderedStage { pieces: 1 })
        && control.lets_go_on(Instant::now())
    {
        piece(stage, 0)?;
        next = task.end(stage)?;
        stage = stage.saturating_add(1);
    }
    Ok(Outcome::Next(stage, next))
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
    is_ordered: bool,
    running: BTreeSet<u64>,
    /// A serial step (begin, end, abandon) is under way.
    serial: bool,
    /// Its bytes, if it is open beside those that are always allowed.
    small: Option<u64>,
    failure: Option<Error>,
}

impl Open {
    const fn beginning(index: usize, small: Option<u64>) -> Self {
        Self {
            index,
            stage: 0,
            next_piece: 0,
            pieces: 0,
            spread: 0,
            is_ordered: false,
            running: BTreeSet::new(),
            serial: true,
            small,
            failure: None,
        }
    }

    /// Whether it has a piece that may be handed out.
    fn is_ready(&self) -> bool {
        self.failure.is_none()
            && !self.serial
            && self.next_piece < self.pieces
            && self.lead() < self.spread
    }

    /// How far the next piece is ahead of the oldest one that is not done.
    fn lead(&self) -> u64 {
        let oldest = self.running.first().copied().unwrap_or(self.next_piece);
        self.next_piece.saturating_sub(oldest)
    }
}

struct Coordinator<'c> {
    open: Vec<Open>,
    /// Tasks that were not begun yet, in their order.
    waiting: VecDeque<usize>,
    /// When to look whether one of them can be begun: at once, after a task has ended; later, if
    /// there was too little for one, since others than the tasks may take and give back, too.
    look_at: Option<Instant>,
    begun: u64,
    /// Pieces that are handed out.
    running: usize,
    limits: Limits,
    control: &'c Control,
    pace: Pace,
}

impl<'c> Coordinator<'c> {
    fn new(tasks: usize, limits: Limits, control: &'c Control) -> Self {
        let now = Instant::now();
        Self {
            open: vec![],
            waiting: (0..tasks).collect(),
            look_at: Some(now),
            begun: 0,
            running: 0,
            limits,
            control,
            pace: Pace::new(now),
        }
    }

    /// Ends when no task is open and none is left: every piece that was handed out has come back
    /// by then, since a task ends only when none of its pieces runs.
    fn drive<T: Task>(
        &mut self,
        tasks: &[T],
        receiver: &Receiver<Done>,
        spawn: impl Fn(usize, Work),
        see: &mut impl FnMut(usize, Step),
    ) {
        loop {
            let now = Instant::now();
            if self.control.is_over(now) {
                self.wind_up(&spawn, see);
            } else if !self.control.is_paused() && !self.pace.is_ahead(self.control, now) {
                self.hand_out(&spawn);
                if self.look_at.is_some_and(|at| at <= now) {
                    self.open_more(tasks, now, &spawn, see);
                }
            }
            if self.open.is_empty() && self.waiting.is_empty() {
                return;
            }
            match receiver.recv_timeout(LOOK_AGAIN) {
                Ok(done) => self.take_in(done, &spawn, see),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Begins nothing more, and abandons what is open as soon as nothing of it runs. A serial step
    /// is let through: it may be the swap.
    fn wind_up(&mut self, spawn: &impl Fn(usize, Work), see: &mut impl FnMut(usize, Step)) {
        for index in self.waiting.drain(..) {
            see(index, Step::Left);
        }
        for open in &mut self.open {
            let why = open.failure.get_or_insert_with(interrupted);
            if open.running.is_empty() && !open.serial {
                open.serial = true;
                spawn(open.index, Work::Abandon(why.clone()));
            }
        }
    }

    fn hand_out(&mut self, spawn: &impl Fn(usize, Work)) {
        while self.running < self.limits.window()
            && let Some(open) = self.next_in_turn()
        {
            spawn(open.index, Work::Piece { stage: open.stage, piece: open.next_piece });
            open.running.insert(open.next_piece);
            open.next_piece = open.next_piece.saturating_add(1);
            self.running = self.running.saturating_add(1);
        }
    }

    /// The task that gets its next piece done: an old one, so that what is open gets finished and its
    /// space freed, but by turns with others, one for each worker, since a file takes one write at a
    /// time. Those whose pieces wait for each other are finished one after the other: what waits is in
    /// memory.
    fn next_in_turn(&mut self) -> Option<&mut Open> {
        let ready = self.open.iter_mut().filter(|open| open.is_ready());
        let mut ready = ready.take(self.limits.threads.get()).peekable();
        if ready.peek().is_some_and(|open| open.is_ordered) {
            return ready.next();
        }
        ready.take_while(|open| !open.is_ordered).min_by_key(|open| open.running.len())
    }

    /// Opens tasks in their order, for which the plan has a reason. Passed over are those that the
    /// deadline has no room for, and those that have to wait for what they share with open ones.
    fn open_more<T: Task>(
        &mut self,
        tasks: &[T],
        now: Instant,
        spawn: &impl Fn(usize, Work),
        see: &mut impl FnMut(usize, Step),
    ) {
        let (mut budget, mut at) = (Budget::default(), 0);
        while let Some(index) = self.waiting.get(at).copied()
            && let Some(task) = tasks.get(index)
            && let Some(small) = self.admits(task.bytes())
        {
            let open = self.open.iter().filter_map(|open| tasks.get(open.index));
            let step = if !self.has_time(task.work(), now) || !self.control.has_room(self.begun) {
                Step::Left
            } else {
                match budget.admits(task, open) {
                    Ok(true) => Step::Began,
                    Ok(false) => {
                        at = at.saturating_add(1);
                        continue;
                    }
                    Err(error) => Step::Ended(Err(error)),
                }
            };
            self.waiting.remove(at);
            let begins = matches!(step, Step::Began);
            see(index, step);
            if begins {
                self.begun = self.begun.saturating_add(1);
                self.open.push(Open::beginning(index, small));
                spawn(index, Work::Begin);
            }
        }
        self.look_at = (at > 0).then(|| now.checked_add(ASK_AGAIN)).flatten();
        if self.open.is_empty() {
            self.give_up(tasks, see);
        }
    }

    /// Nothing is open, and still there is too little for each of those that wait.
    fn give_up<T: Task>(&mut self, tasks: &[T], see: &mut impl FnMut(usize, Step)) {
        for index in self.waiting.drain(..) {
            let Some(share) = tasks.get(index).and_then(Task::share) else { continue };
            see(index, Step::Ended(share.left().and_then(|left| Err(share.too_little(left)))));
        }
    }

    /// Whether so much work can be done before the deadline, at the rate so far.
    fn has_time(&self, work: u64, now: Instant) -> bool {
        let needed = self.pace.estimate(work, now);
        self.control.time_left(now).zip(needed).is_none_or(|(left, needed)| needed <= left)
    }

    /// Whether one more task may be open, and if as a small one, with its bytes.
    fn admits(&self, bytes: u64) -> Option<Option<u64>> {
        let small = || self.open.iter().filter_map(|open| open.small);
        if self.open.len().saturating_sub(small().count()) < self.limits.open_tasks() {
            return Some(None);
        }
        let fits = small().fold(bytes, u64::saturating_add) <= Limits::SMALL_BYTES;
        (fits && small().count() < self.limits.small_tasks()).then_some(Some(bytes))
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
            self.running = self.running.saturating_sub(1);
        } else {
            open.serial = false;
        }
        let mut ended = matches!(done.work, Work::Abandon(_));
        for (stage, bytes) in done.advanced {
            self.pace.advance(bytes);
            see(open.index, Step::Advanced { stage, bytes });
        }
        match done.outcome {
            Ok(Outcome::Next(stage, next)) => {
                open.stage = stage;
                open.next_piece = 0;
                open.is_ordered = matches!(next, Next::OrderedStage { .. });
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
            Ok(Outcome::Piece | Outcome::Abandoned) => {}
            // The first failure is the one to report; those of its neighbours follow from it.
            Err(error) => {
                open.failure.get_or_insert(error);
            }
        }
        if ended {
            self.look_at = Some(Instant::now());
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
                spawn(open.index, work);
            }
        }
    }
}

/// How long the coordinator sleeps at most before it asks whether the run is to go on: without a
/// piece that is done, nothing wakes it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often it is asked whether there is now enough for a task that waits, when no other has ended.
const ASK_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
