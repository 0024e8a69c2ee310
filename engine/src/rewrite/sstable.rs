//! The SSTable that is rewritten: what is known about it, and its state so far.

use std::path::PathBuf;
use std::sync::Mutex;

use super::lock::lock;
use super::resume::Resumed;
use super::staging::StagingArea;
use crate::io::{OutputFile, Storage};
use crate::journal::{Checkpoint, Journal};
use crate::keys::KeyRing;
use crate::pipeline::Control;
use crate::plan::{Facts, Inspector, PlannedSSTable, Target};
use crate::sstable::{Component, Descriptor};
use crate::txn::Flavor;
use crate::{Error, Result};

/// What all rewrites of a run share.
#[derive(Debug, Clone, Copy)]
pub struct RewriteJob<'a> {
    /// The file system.
    pub storage: &'a dyn Storage,
    /// How input is opened.
    pub inspector: Inspector<'a>,
    /// The target of every SSTable.
    pub target: &'a Target,
    /// The keys of the run.
    pub ring: &'a KeyRing,
    /// Whose transaction logs are written.
    pub flavor: Flavor,
    /// The record of the run.
    pub journal: &'a Journal,
    /// Whether it is to end.
    pub control: &'a Control,
    /// When checkpoints are made.
    pub checkpoint: Checkpoint,
    /// Bytes of plaintext in a range, unless a chunk is longer.
    pub range_bytes: u32,
}

/// The rewrite of one SSTable.
#[derive(Debug)]
pub struct Rewrite<'a> {
    pub(super) job: RewriteJob<'a>,
    pub(super) planned: &'a PlannedSSTable,
    pub(super) facts: &'a Facts,
    pub(super) new: &'a Descriptor,
    /// What an earlier run has left of it.
    pub(super) resumed: Option<Resumed>,
    so_far: Mutex<SoFar>,
}

/// What is to be reported about a rewrite, however it ends.
#[derive(Debug, Default)]
pub(super) struct SoFar {
    pub(super) warnings: Vec<Error>,
    /// How many copies in snapshots and backups are new.
    pub(super) copies_replaced: usize,
    /// The copy after those may be partly replaced: the staged files are needed to finish it.
    pub(super) is_pending: bool,
    /// What is staged is kept for the next run.
    pub(super) is_kept: bool,
}

impl<'a> Rewrite<'a> {
    /// Prepares it; nothing is touched yet.
    #[must_use]
    pub fn new(
        job: RewriteJob<'a>,
        planned: &'a PlannedSSTable,
        facts: &'a Facts,
        new: &'a Descriptor,
        resumed: Option<Resumed>,
    ) -> Self {
        // A rewrite that is not begun does not touch what an earlier run has left.
        let so_far = SoFar { is_kept: resumed.is_some(), ..SoFar::default() };
        Self { job, planned, facts, new, resumed, so_far: Mutex::new(so_far) }
    }

    /// What was unusual about the old SSTable; known after it was read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        lock(&self.so_far).warnings.clone()
    }

    /// How many copies in snapshots and backups are replaced, whether it has failed after that or not.
    #[must_use]
    pub fn copies_replaced(&self) -> usize {
        lock(&self.so_far).copies_replaced
    }

    /// Whether it did not end, and what is staged of it is kept for the next run.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        lock(&self.so_far).is_kept
    }

    /// Records a fact to report about it.
    pub(super) fn note<T>(&self, what: impl FnOnce(&mut SoFar) -> T) -> T {
        what(&mut lock(&self.so_far))
    }

    /// Stages a component of a few bytes, durably.
    pub(super) fn write_small(
        &self,
        staging: &StagingArea,
        component: &Component,
        text: &str,
    ) -> Result<()> {
        let file = self.create_staged(staging, component)?;
        file.write_at(text.as_bytes(), 0)?;
        file.sync()
    }

    /// Creates a staged file with the owner, the mode and the label of its predecessor: before the
    /// fsync that makes it durable.
    pub(super) fn create_staged(
        &self,
        staging: &StagingArea,
        component: &Component,
    ) -> Result<Box<dyn OutputFile>> {
        let file = self.job.storage.create(&staging.file(component))?;
        file.copy_attributes(&self.like(component))?;
        Ok(file)
    }

    /// The predecessor of a staged file, or the old Data.db if it has none.
    pub(super) fn like(&self, component: &Component) -> PathBuf {
        match self.facts.sstable.has(component) {
            true => self.facts.sstable.path(component),
            false => self.facts.data_path(),
        }
    }
}
