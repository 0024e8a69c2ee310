//! What an earlier run has left of an SSTable, opened.

use std::path::{Path, PathBuf};

use super::digest::PlainDigest;
use super::envelope::Envelope;
use super::layout::Layout;
use super::progress::{Progress, RunSums};
use super::sink::Side;
use super::staging::StagingArea;
use crate::codec::ChunkSealer;
use crate::io::Storage;
use crate::journal::{Entry, Part, RangeSet, Stage, State};
use crate::keys::KeyRing;
use crate::plan::Target;
use crate::sstable::Component;
use crate::wire::Reader;
use crate::{Error, ErrorKind, Result};

/// A staged SSTable that can be gone on with.
#[derive(Debug)]
pub struct Resumed {
    pub(super) number: u32,
    pub(super) state: State,
    pub(super) seed: u64,
    pub(super) written: RangeSet,
    pub(super) read_back: RangeSet,
    directory: PathBuf,
    step: u64,
    ranges: u64,
    files: Vec<(Component, u64)>,
    parts: Vec<OpenPart>,
}

#[derive(Debug)]
struct OpenPart {
    stage: Stage,
    sums: Vec<RunSums>,
    digest: PlainDigest,
}

impl Resumed {
    /// Opens what the journal keeps of it; `None` when there is nothing to go on with.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when it does not open under the target key.
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

    /// Bytes of both passes that need not be done again.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        let runs = self
            .parts
            .iter()
            .flat_map(|part| part.sums.iter().map(|sums| sums.run.read_by(part.stage)));
        runs.fold(0, u64::saturating_add)
    }

    /// Why what lies in the staging directory is not what the journal says, if so. It is a matter
    /// of somebody's hand then, or of a disk that did not keep what it had promised.
    pub(super) fn misfit(
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
    pub(super) fn offset(&self) -> u64 {
        let rewritten = self.parts.iter().filter(|part| part.stage == Stage::Rewrite);
        let runs = rewritten.flat_map(|part| &part.sums);
        runs.fold(0, |sum, sums| sum.saturating_add(sums.run.new_bytes))
    }

    /// Takes in what a pass has done.
    pub(super) fn restore(&self, stage: Stage, progress: &Progress) {
        for part in self.parts.iter().filter(|part| part.stage == stage) {
            part.sums.iter().for_each(|sums| progress.restore(sums));
            progress.restore_digest(&part.digest);
        }
    }
}

/// The sealed content of a part: the checksums of each run, then the digest of all.
pub(super) fn part_content(sums: &[RunSums], digest: &PlainDigest) -> Vec<u8> {
    let mut content = Vec::with_capacity(part_length(sums.len()));
    for sums in sums {
        content.extend_from_slice(&sums.old_crc.to_be_bytes());
        content.extend_from_slice(&sums.new_crc.to_be_bytes());
    }
    content.extend_from_slice(&digest.sum().to_be_bytes());
    content.extend_from_slice(&digest.bytes().to_be_bytes());
    content
}

fn open_part(part: &Part, envelope: &Envelope, seed: u64) -> Result<OpenPart> {
    let content = envelope.open(&part.sealed, part_length(part.runs.len()))?;
    let mut reader = Reader::new(&content);
    let mut sums = Vec::with_capacity(part.runs.len());
    for run in &part.runs {
        let old_crc = u32::from_be_bytes(reader.take_array("checksum").map_err(short)?);
        let new_crc = u32::from_be_bytes(reader.take_array("checksum").map_err(short)?);
        sums.push(RunSums { run: *run, old_crc, new_crc });
    }
    let sum = u128::from_be_bytes(reader.take_array("digest").map_err(short)?);
    let bytes = u64::from_be_bytes(reader.take_array("length").map_err(short)?);
    Ok(OpenPart { stage: part.stage, sums, digest: PlainDigest::kept(seed, sum, bytes) })
}

const fn part_length(runs: usize) -> usize {
    runs.saturating_mul(8).saturating_add(24)
}

fn short(_length_was_checked: crate::wire::WireError) -> Error {
    Error::new(ErrorKind::Internal, "a sealed record is too short")
}

/// Bytes of a seed.
const SEED: usize = 8;
