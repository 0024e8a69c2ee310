//! What an earlier run has left of an SSTable, opened.

use std::path::{Path, PathBuf};

use super::envelope::Envelope;
use super::part::{OpenPart, open_part};
use super::progress::Progress;
use crate::Result;
use crate::codec::ChunkSealer;
use crate::io::Storage;
use crate::journal::{Entry, Pass, RangeSet, State};
use crate::keys::KeyRing;
use crate::plan::Target;
use crate::rewrite::input::Layout;
use crate::rewrite::staging::StagingArea;
use crate::rewrite::write::Side;
use crate::sstable::Component;

/// A staged SSTable that can be resumed.
#[derive(Debug)]
pub struct Resumed {
    pub(in crate::rewrite) number: u32,
    pub(in crate::rewrite) state: State,
    pub(in crate::rewrite) seed: u64,
    pub(in crate::rewrite) written: RangeSet,
    pub(in crate::rewrite) read_back: RangeSet,
    directory: PathBuf,
    step: u64,
    ranges: u64,
    files: Vec<(Component, u64)>,
    parts: Vec<OpenPart>,
}

impl Resumed {
    /// Opens what the journal keeps of it; `None` when there is nothing to resume.
    ///
    /// # Errors
    /// [`crate::ErrorKind::KeyUnavailable`] when it does not open under the target key.
    pub fn open(
        number: u32,
        entry: &Entry,
        target: &Target,
        ring: &KeyRing,
    ) -> Result<Option<Self>> {
        let Some(staged) = entry.staged.as_ref().filter(|_| entry.is_resumable()) else {
            return Ok(None);
        };
        let envelope = Envelope::new(target, ring)?;
        let seed = envelope.open(&staged.seed, SEED)?;
        let seed = seed.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
        let parts = entry
            .parts
            .iter()
            .map(|part| open_part(part, &envelope, seed))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Self {
            number,
            state: entry.state,
            seed,
            written: entry.written.clone(),
            read_back: entry.read_back.clone(),
            directory: staged.directory.clone(),
            step: staged.step,
            ranges: staged.ranges,
            files: entry.files.clone(),
            parts,
        }))
    }

    /// The staging directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Bytes of both passes that need not be repeated.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        let runs = self
            .parts
            .iter()
            .flat_map(|part| part.sums.iter().map(|sums| sums.run.read_by(part.stage)));
        runs.fold(0, u64::saturating_add)
    }

    /// Why the staging directory does not match the journal, if it does not. Then another process
    /// has changed it, or a disk did not keep data that it had reported durable.
    pub(in crate::rewrite) fn misfit(
        &self,
        storage: &dyn Storage,
        layout: &Layout,
        sealer: &ChunkSealer,
        (side, component): (&Side, &Component),
    ) -> Result<Option<&'static str>> {
        let staging = StagingArea::left(self.directory.clone());
        let length = |component: &Component| -> Result<Option<u64>> {
            Ok(storage.stat(&staging.file(component))?.map(|stat| stat.length))
        };
        if (self.step, self.ranges) != (layout.ranges.step(), layout.ranges.count()) {
            return Ok(Some("it was cut into other ranges"));
        }
        if self.state >= State::Sealed {
            for (component, expected) in &self.files {
                if length(component)? != Some(*expected) {
                    return Ok(Some("a staged file is gone or has another length"));
                }
            }
            return Ok(None);
        }
        if !layout.is_fixed && self.written.first_missing() != self.written.end() {
            return Ok(Some("its ranges have a gap"));
        }
        let first_missing = layout.ranges.new_chunks(self.written.end().saturating_sub(1)).end;
        let needed = match layout.is_fixed {
            true => {
                let (whole, record) = layout.fixed_lengths(sealer);
                first_missing.saturating_mul(record).min(whole)
            }
            false => self.offset(),
        };
        let has_data = length(&Component::Data)?.is_some_and(|length| length >= needed);
        let needed = side.place(first_missing);
        let has_side = length(component)?.is_some_and(|length| length >= needed);
        Ok((!has_data || !has_side).then_some("a staged file is gone or too short"))
    }

    /// Bytes of the new Data.db that are durable, where there are no gaps.
    pub(in crate::rewrite) fn offset(&self) -> u64 {
        let rewritten = self.parts.iter().filter(|part| part.stage == Pass::Write);
        let runs = rewritten.flat_map(|part| &part.sums);
        runs.fold(0, |sum, sums| sum.saturating_add(sums.run.new_bytes))
    }

    /// Adds what a pass has done.
    pub(in crate::rewrite) fn restore(&self, stage: Pass, progress: &Progress) {
        for part in self.parts.iter().filter(|part| part.stage == stage) {
            part.sums.iter().for_each(|sums| progress.restore(sums));
            progress.restore_digest(&part.digest);
        }
    }
}

/// Bytes of a seed.
const SEED: usize = 8;
