//! What the threads do for a task, and the outcome.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use crate::memory::wipe_stack;
use crate::pipeline::control::Control;
use crate::pipeline::scratch::ScratchPool;
use crate::pipeline::{Next, Task};
use crate::{Error, ErrorKind, Result};

/// Something for a worker to do.
#[derive(Debug)]
pub(super) enum Work<S> {
    Begin,
    Piece { stage: Arc<S>, piece: u64 },
    End { stage: Arc<S> },
    Abandon { stage: Option<Arc<S>>, why: Error },
}

/// A stage that a task has entered.
#[derive(Debug)]
pub(super) struct Entered<S> {
    pub(super) stage: Arc<S>,
    pub(super) pieces: u64,
    pub(super) is_ordered: bool,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The task is in a stage with something to do.
    Open,
    /// The task is done, or cleaned up.
    Over,
}

/// Work that was handed out and has come back.
pub(super) struct Done<S> {
    pub(super) index: usize,
    pub(super) work: Work<S>,
    /// Bytes of the pieces that were done, with their stages.
    pub(super) advanced: Vec<(Arc<S>, u64)>,
    /// The last stage that this work entered; a failure happened in it.
    pub(super) entered: Option<Entered<S>>,
    pub(super) outcome: Result<Outcome>,
}

impl<S> Done<S> {
    /// Does some work for a task; a panic fails only this task.
    pub(super) fn doing<T: Task<Stage = S>>(
        task: &T,
        index: usize,
        mut work: Work<S>,
        scratches: &ScratchPool<T::Scratch>,
        control: &Control,
    ) -> Self {
        let mut doing = Doing { task, scratches, control, advanced: vec![], entered: None };
        let outcome = guard(|| doing.carry_out(&mut work));
        wipe_stack();
        let Doing { advanced, entered, .. } = doing;
        Self { index, work, advanced, entered, outcome }
    }
}

struct Doing<'d, T: Task> {
    task: &'d T,
    scratches: &'d ScratchPool<T::Scratch>,
    control: &'d Control,
    advanced: Vec<(Arc<T::Stage>, u64)>,
    entered: Option<Entered<T::Stage>>,
}

impl<T: Task> Doing<'_, T> {
    fn carry_out(&mut self, work: &mut Work<T::Stage>) -> Result<Outcome> {
        let mut next = match work {
            Work::Piece { stage, piece } => {
                return self.piece(stage, *piece).map(|()| Outcome::Open);
            }
            Work::Abandon { stage, why } => {
                // There is no other reference: every piece has come back.
                self.task.abandon(stage.take().and_then(Arc::into_inner), why);
                return Ok(Outcome::Over);
            }
            Work::Begin => self.task.begin()?,
            Work::End { stage } => self.task.end(stage)?,
        };
        while let Next::Stage { stage, pieces, is_ordered } = next {
            let stage = Arc::new(stage);
            self.entered = Some(Entered { stage: Arc::clone(&stage), pieces, is_ordered });
            // A single piece is not worth a round trip to another thread, which takes as long as
            // processing a few KiB.
            if pieces != 1 || !self.control.may_continue(Instant::now()) {
                return Ok(Outcome::Open);
            }
            self.piece(&stage, 0)?;
            next = self.task.end(&stage)?;
        }
        Ok(Outcome::Over)
    }

    fn piece(&mut self, stage: &Arc<T::Stage>, piece: u64) -> Result<()> {
        let work = |scratch: &mut _| self.task.piece(stage, piece, scratch);
        let bytes = self.scratches.with(T::scratch, work)?;
        self.advanced.push((Arc::clone(stage), bytes));
        Ok(())
    }
}

/// Turns a panic into the failure of one task.
fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Internal, format!("a worker panicked: {}", words(&*panic)))
            .hint("this is a bug: report it; if a swap was under way, the transaction log decides"))
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
