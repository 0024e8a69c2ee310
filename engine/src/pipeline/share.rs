//! What tasks share and there is only so much of: the free space of a file system.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Task;
use crate::{Error, Result};

/// What a task takes of something that is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What it still takes at most until it ends. Beside others it is begun only when there is as
    /// much.
    pub most: u64,
    /// What it takes as far as anybody can tell, where `most` is more than that. When nobody else
    /// takes anything, so much is enough to begin: should it not do, only this task fails.
    pub least: u64,
}

/// The part of a task in something that is shared; `S` is the task's stage.
pub trait Share<S> {
    /// Which of the shared things it is: a number that the tasks agree on.
    fn of(&self) -> u64;

    /// What it still takes, before it is begun, in no stage, and while it is open.
    fn need(&self, stage: Option<&S>) -> Need;

    /// How much of it is left, less what was taken by now.
    ///
    /// # Errors
    /// Any; the task that asked has failed then.
    fn left(&self) -> Result<u64>;

    /// The error of a task that was not begun, since there is too little for it and nobody is left
    /// who could give anything back.
    fn too_little(&self, left: u64) -> Error;
}

/// What is left for tasks that wait, at one look: each shared thing is measured once.
#[derive(Debug, Default)]
pub(super) struct Budget(BTreeMap<u64, Remaining>);

#[derive(Debug)]
struct Remaining {
    /// Measured.
    there: u64,
    /// What open tasks have still to take of it, and how many there are.
    promised: u64,
    open: usize,
}

impl Budget {
    /// Whether a task may begin beside those that are open; if so, its need is set aside.
    ///
    /// # Errors
    /// What is left cannot be told.
    pub(super) fn admits<'t, T: Task + 't>(
        &mut self,
        task: &T,
        open: impl Iterator<Item = (&'t T, Option<&'t T::Stage>)>,
    ) -> Result<bool>
    where
        T::Stage: 't,
    {
        let Some(share) = task.share() else { return Ok(true) };
        let left = match self.0.entry(share.of()) {
            Entry::Occupied(measured) => measured.into_mut(),
            Entry::Vacant(first) => first.insert(Remaining::measure(share, open)?),
        };
        Ok(left.admits(share.need(None)))
    }
}

impl Remaining {
    /// In this order: what a task takes meanwhile counts twice, and never not at all.
    fn measure<'t, T: Task + 't>(
        share: &dyn Share<T::Stage>,
        open: impl Iterator<Item = (&'t T, Option<&'t T::Stage>)>,
    ) -> Result<Self>
    where
        T::Stage: 't,
    {
        let mut left = Self { there: 0, promised: 0, open: 0 };
        for (other, stage) in open {
            if let Some(other) = other.share().filter(|other| other.of() == share.of()) {
                left.set_aside(other.need(stage));
            }
        }
        left.there = share.left()?;
        Ok(left)
    }

    fn admits(&mut self, need: Need) -> bool {
        let fits = need.most <= self.there.saturating_sub(self.promised)
            || self.open == 0 && need.least <= self.there;
        if fits {
            self.set_aside(need);
        }
        fits
    }

    const fn set_aside(&mut self, need: Need) {
        self.promised = self.promised.saturating_add(need.most);
        self.open = self.open.saturating_add(1);
    }
}
