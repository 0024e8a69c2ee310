//! What the caller of the scheduler is told.

use crate::Result;

/// What the coordinator saw.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'s, S> {
    /// A task was opened.
    Began,
    /// A piece is done; this many bytes count as progress.
    Advanced {
        /// The stage of the piece.
        stage: &'s S,
        /// Bytes.
        bytes: u64,
    },
    /// The task is done, or has failed and was cleaned up; or it was never begun, for lack of a
    /// shared resource.
    Ended(Result<()>),
    /// The task was not begun: the run has ended, or would end before the task could be done.
    Left,
}
