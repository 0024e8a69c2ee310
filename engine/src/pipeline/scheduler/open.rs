//! An open task: its stage, and which of its work is running.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::limits::Limits;
use super::work::{Entered, Work};
use crate::pipeline::Need;
use crate::{Error, Result};

/// An open task.
pub(super) struct Open<S> {
    pub(super) index: usize,
    /// Its bytes, if it is open in addition to those that are always allowed.
    pub(super) small: Option<u64>,
    /// What it was to take of a shared resource when it was begun. That holds until its stage is known:
    /// one of single pieces tells none before it ends, and to ask what is there of all of these costs
    /// more than their work.
    pub(super) promised: Option<Need>,
    /// Whether its pieces wait for each other in memory.
    pub(super) is_ordered: bool,
    /// The current stage; `None` while it begins.
    stage: Option<Arc<S>>,
    next_piece: u64,
    pieces: u64,
    spread: u64,
    running: BTreeSet<u64>,
    /// A serial step (begin, end, abandon) is in progress.
    serial: bool,
    failure: Option<Error>,
}

impl<S> Open<S> {
    /// A task that is being begun.
    pub(super) const fn beginning(
        index: usize,
        small: Option<u64>,
        promised: Option<Need>,
    ) -> Self {
        Self {
            index,
            small,
            promised,
            is_ordered: false,
            stage: None,
            next_piece: 0,
            pieces: 0,
            spread: 0,
            running: BTreeSet::new(),
            serial: true,
            failure: None,
        }
    }

    /// Whether it has a piece that may be handed out.
    pub(super) fn is_ready(&self) -> bool {
        self.failure.is_none() && !self.serial && self.has_pieces() && self.lead() < self.spread
    }

    /// How many of its pieces are running.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    const fn has_pieces(&self) -> bool {
        self.next_piece < self.pieces
    }

    /// How far the next piece is ahead of the oldest one that is not done.
    fn lead(&self) -> u64 {
        let oldest = self.running.first().copied().unwrap_or(self.next_piece);
        self.next_piece.saturating_sub(oldest)
    }

    /// Its next piece, which counts as running from now on.
    pub(super) fn hand_out(&mut self) -> Option<Work<S>> {
        let stage = Arc::clone(self.stage.as_ref()?);
        let piece = self.next_piece;
        self.running.insert(piece);
        self.next_piece = piece.saturating_add(1);
        Some(Work::Piece { stage, piece })
    }

    /// The serial step that is due when none of its work is running: there are no more pieces, or
    /// it has failed. The step counts as in progress from now on.
    pub(super) fn serial_step(&mut self) -> Option<Work<S>> {
        if self.serial || !self.running.is_empty() {
            return None;
        }
        let work = match &self.failure {
            Some(why) => Work::Abandon { stage: self.stage.take(), why: why.clone() },
            None if self.has_pieces() => return None,
            None => Work::End { stage: Arc::clone(self.stage.as_ref()?) },
        };
        self.serial = true;
        Some(work)
    }

    /// Some of its work has ended.
    pub(super) fn take_back(&mut self, work: &Work<S>) {
        match work {
            Work::Piece { piece, .. } => {
                self.running.remove(piece);
            }
            Work::Begin | Work::End { .. } | Work::Abandon { .. } => self.serial = false,
        }
    }

    /// The new stage, whose pieces have not begun.
    pub(super) fn enter(&mut self, entered: Entered<S>, limits: Limits) {
        let Entered { stage, pieces, is_ordered } = entered;
        self.stage = Some(stage);
        self.next_piece = 0;
        self.pieces = pieces;
        self.is_ordered = is_ordered;
        self.spread = if is_ordered { limits.ordered_spread() } else { limits.spread() };
    }

    /// Its stage, to compute what it still needs.
    pub(super) fn stage(&self) -> Option<&S> {
        self.stage.as_deref()
    }

    /// The first failure is the one to report; those of its neighbours follow from it.
    pub(super) fn fail(&mut self, why: impl FnOnce() -> Error) {
        self.failure.get_or_insert_with(why);
    }

    /// It is done all the same.
    pub(super) fn forgive(&mut self) {
        self.failure = None;
    }

    /// How it ended.
    pub(super) fn outcome(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}
