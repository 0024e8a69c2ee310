//! What the threads do for a task, and what comes of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use crate::pipeline::control::Control;
use crate::pipeline::scratch::ScratchPool;
use crate::pipeline::{Next, Task};
use crate::{Error, ErrorKind, Result};

/// Something for a worker to do.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Begin,
    Piece { stage: u32, piece: u64 },
    End { stage: u32 },
    Abandon(Error),
}

/// What came of it.
pub(super) enum Outcome {
    /// What comes next, as this stage.
    Next(u32, Next),
    Piece,
    Abandoned,
}

/// Work that was handed out and has come back.
pub(super) struct Done {
    pub(super) index: usize,
    pub(super) work: Work,
    /// Bytes of pieces that were done, with their stages.
    pub(super) advanced: Vec<(u32, u64)>,
    pub(super) outcome: Result<Outcome>,
}

impl Done {
    /// Does some work for a task; a panic is the failure of this task alone.
    pub(super) fn doing<T: Task>(
        task: &T,
        index: usize,
        work: Work,
        scratches: &ScratchPool,
        control: &Control,
    ) -> Self {
        let mut advanced = vec![];
        let outcome = guard(|| carry_out(task, &work, scratches, control, &mut advanced));
        Self { index, work, advanced, outcome }
    }
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
