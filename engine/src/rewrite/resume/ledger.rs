//! What is journalled about one SSTable, and when.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::envelope::Envelope;
use super::part::part_content;
use super::progress::{Batch, Progress, RunSums};
use crate::io::Storage;
use crate::journal::{Durability, Journal, Part, Pass, Record, SourceFile, Staged};
use crate::plan::{Facts, PlannedSSTable};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::staging::StagingArea;
use crate::sstable::{Component, Descriptor};
use crate::{Error, ErrorKind, Result};

/// One SSTable's part of the journal. Until its first checkpoint all of it is only for display: the
/// SSTable would start over.
#[derive(Debug)]
pub(in crate::rewrite) struct Ledger<'a> {
    journal: &'a Journal,
    envelope: Envelope,
    /// `None` if the record that it has begun could not be written.
    number: OnceLock<u32>,
    seed: u64,
    /// Whether something is journalled from which the next run would resume.
    is_resumable: AtomicBool,
    /// Whether a record that the next step relies on could not be written.
    has_gap: AtomicBool,
}

impl<'a> Ledger<'a> {
    /// Begins one.
    pub(in crate::rewrite) fn begin(
        journal: &'a Journal,
        envelope: Envelope,
        seed: u64,
        facts: &Facts,
    ) -> Self {
        let number = OnceLock::new();
        let ledger = Self::new(journal, envelope, number, seed, false);
        let _tried_again_before_it_is_needed = ledger.number(facts);
        ledger
    }

    const fn new(
        journal: &'a Journal,
        envelope: Envelope,
        number: OnceLock<u32>,
        seed: u64,
        is_resumable: bool,
    ) -> Self {
        let (is_resumable, has_gap) = (AtomicBool::new(is_resumable), AtomicBool::new(false));
        Self { journal, envelope, number, seed, is_resumable, has_gap }
    }

    /// Its number; asking for it begins the SSTable in the journal.
    fn number(&self, facts: &Facts) -> Result<u32> {
        if let Some(number) = self.number.get() {
            return Ok(*number);
        }
        let sstable = &facts.sstable;
        let number =
            self.journal.begin(&sstable.directory, &sstable.descriptor, facts.data_bytes)?;
        Ok(*self.number.get_or_init(|| number))
    }

    /// Resumes one.
    pub(in crate::rewrite) fn resume(
        journal: &'a Journal,
        envelope: Envelope,
        seed: u64,
        number: u32,
    ) -> Self {
        Self::new(journal, envelope, OnceLock::from(number), seed, true)
    }

    /// Whether the next run would resume it.
    pub(in crate::rewrite) fn is_resumable(&self) -> bool {
        self.is_resumable.load(Ordering::SeqCst)
    }

    /// Whether the SSTable cannot be finished in this run for lack of a record, although what is
    /// staged of it is sound.
    pub(in crate::rewrite) fn is_held_up(&self) -> bool {
        self.is_broken() || self.has_gap.load(Ordering::SeqCst)
    }

    /// Passes on the outcome of a record that the next step relies on.
    fn relied_on(&self, journalled: Result<()>) -> Result<()> {
        if journalled.is_err() {
            self.has_gap.store(true, Ordering::SeqCst);
        }
        journalled
    }

    /// Whether the journal accepts no more records.
    pub(in crate::rewrite) fn is_broken(&self) -> bool {
        self.journal.broken().is_some()
    }

    /// Journals that it can be resumed, if that is not journalled yet: before its first part. Files
    /// and names exist by now, and become durable here.
    pub(in crate::rewrite) fn stage(
        &self,
        storage: &dyn Storage,
        planned: &PlannedSSTable,
        facts: &Facts,
        staging: &StagingArea,
        (step, ranges): (u64, u64),
    ) -> Result<()> {
        if self.is_resumable() {
            return Ok(());
        }
        let number = self.number(facts)?;
        staging.sync_names(storage, &planned.data_dir)?;
        let source = facts
            .files
            .iter()
            .map(|(component, stat)| SourceFile { component: component.clone(), stat: *stat });
        let staged = Staged {
            source: source.collect(),
            directory: self.journal.location(staging.path()),
            step,
            ranges,
            seed: self.envelope.seal(&self.seed.to_be_bytes())?,
        };
        self.journal.append(&Record::Staged(number, staged), Durability::Later)?;
        self.is_resumable.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Journals ranges that are durable.
    pub(in crate::rewrite) fn done(&self, stage: Pass, batch: &Batch) -> Result<()> {
        let (sums, digest) = batch.sums(self.seed);
        self.journal.append(&self.part(stage, &sums, &digest)?, Durability::Now)
    }

    /// Journals the rest of a pass that is finished and durable.
    pub(in crate::rewrite) fn finish(&self, stage: Pass, progress: &Progress) -> Result<()> {
        loop {
            let batch = progress.take(None);
            if batch.is_empty() {
                return Ok(());
            }
            self.relied_on(self.done(stage, &batch))?;
        }
    }

    /// Journals that all components are durable.
    pub(in crate::rewrite) fn sealed(&self, files: Vec<(Component, u64)>) -> Result<()> {
        let sstable = self.known_number()?;
        self.relied_on(self.journal.append(&Record::Sealed { sstable, files }, Durability::Now))
    }

    /// Journals that it was read back, and its new name.
    pub(in crate::rewrite) fn verified(&self, new: &Descriptor) -> Result<()> {
        let record = Record::Verified { sstable: self.known_number()?, new: new.clone() };
        self.relied_on(self.journal.append(&record, Durability::Now))
    }

    /// Journals that copies of it are replaced.
    pub(in crate::rewrite) fn linked(&self, copies: usize) {
        let copies = u32::try_from(copies).unwrap_or(u32::MAX);
        self.tell(|sstable| Record::Linked { sstable, copies });
    }

    /// Journals that it was swapped in.
    pub(in crate::rewrite) fn swapped(&self, new: &Descriptor) {
        self.tell(|sstable| Record::Swapped { sstable, new: new.clone() });
    }

    /// Journals that it has failed, and nothing of it is left.
    pub(in crate::rewrite) fn failed(&self, why: String) {
        self.tell(|sstable| Record::Failed { sstable, why });
    }

    /// Only for display: an SSTable does not fail for lack of it.
    fn tell(&self, record: impl FnOnce(u32) -> Record) {
        if let Some(number) = self.number.get() {
            let _not_needed = self.journal.append(&record(*number), Durability::Later);
        }
    }

    fn known_number(&self) -> Result<u32> {
        self.number.get().copied().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "an SSTable is journalled that was not begun")
        })
    }

    fn part(&self, stage: Pass, sums: &[RunSums], digest: &PlainDigest) -> Result<Record> {
        let sealed = self.envelope.seal(&part_content(sums, digest))?;
        let runs = sums.iter().map(|sums| sums.run).collect();
        Ok(Record::Done(self.known_number()?, Part { stage, runs, sealed }))
    }
}
