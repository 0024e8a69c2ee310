//! A limited resource that tasks share: the free space of a file system.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Task;
use crate::{Error, Result};

/// What a task takes of a shared resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The most that it still takes until it ends. Alongside others it is begun only if there is
    /// that much.
    pub most: u64,
    /// An estimate of what it takes, where `most` is more than that. If no other task is open, this
    /// much is enough to begin: if it turns out to be too little, only this task fails.
    pub least: u64,
}

/// The part of a task in a shared resource; `S` is the task's stage.
pub trait Share<S> {
    /// Which shared resource it is: a number that the tasks agree on.
    fn of(&self) -> u64;

    /// What it still takes: before it is begun, in no stage; and while it is open.
    fn need(&self, stage: Option<&S>) -> Need;

    /// How much of it is left, after what was taken so far.
    ///
    /// # Errors
    /// Any; then the task that asked has failed.
    fn left(&self) -> Result<u64>;

    /// The error of a task that was not begun, since there is too little for it and no other task
    /// could free anything.
    fn too_little(&self, left: u64) -> Error;
}

/// What is left for waiting tasks in one check: each resource is measured once.
#[derive(Debug, Default)]
pub(super) struct Budget(BTreeMap<u64, Remaining>);

#[derive(Debug)]
struct Remaining {
    /// Measured.
    there: u64,
    /// What open tasks still have to take of it, and how many there are.
    promised: u64,
    open: usize,
}

impl Budget {
    /// Whether a task with this need may begin alongside the open ones, of which the promise holds while
    /// no stage is known; if so, its need is reserved.
    ///
    /// # Errors
    /// How much is left is unknown.
    pub(super) fn admits<'t, T: Task + 't>(
        &mut self,
        task: &T,
        need: Option<Need>,
        open: impl Iterator<Item = (&'t T, Option<&'t T::Stage>, Option<Need>)>,
    ) -> Result<bool>
    where
        T::Stage: 't,
    {
        let (Some(share), Some(need)) = (task.share(), need) else { return Ok(true) };
        let left = match self.0.entry(share.of()) {
            Entry::Occupied(measured) => measured.into_mut(),
            Entry::Vacant(first) => first.insert(Remaining::measure(share, open)?),
        };
        Ok(left.admits(need))
    }
}

impl Remaining {
    /// In this order: what a task takes in the meantime is counted twice rather than not at all.
    fn measure<'t, T: Task + 't>(
        share: &dyn Share<T::Stage>,
        open: impl Iterator<Item = (&'t T, Option<&'t T::Stage>, Option<Need>)>,
    ) -> Result<Self>
    where
        T::Stage: 't,
    {
        let mut left = Self { there: 0, promised: 0, open: 0 };
        for (other, stage, promised) in open {
            if let Some(other) = other.share().filter(|other| other.of() == share.of()) {
                left.set_aside(match (stage, promised) {
                    (None, Some(promised)) => promised,
                    _ => other.need(stage),
                });
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
