//! The second pass: the new SSTable is read from the disk with the new key only.

mod range;

pub(super) use range::read as read_range;

use std::sync::{Arc, Mutex, TryLockError};

use super::digest::PlainDigest;
use super::input::{Route, check_digest};
use super::resume::Note;
use super::scratch::Scratch;
use super::sstable::{Rewrite, RewriteJob};
use super::successor::Successor;
use crate::codec::{ChunkDecoder, ChunkSource};
use crate::io::Access;
use crate::journal::{Missing, Pass, State};
use crate::plan::{Facts, target_codec};
use crate::sstable::Component;
use crate::{Error, ErrorKind, Result};

/// The new SSTable, opened from disk with the new key only.
#[derive(Debug)]
pub(super) struct ReadingBack<'a> {
    pub(super) successor: Arc<Successor<'a>>,
    source: ChunkSource,
    /// The ranges to read.
    pub(super) todo: Missing,
    /// Held by the worker that makes a checkpoint.
    turn: Mutex<()>,
}

impl<'a> Rewrite<'a> {
    /// Opens the staged SSTable.
    pub(super) fn open_again(&self, successor: &Arc<Successor<'a>>) -> Result<ReadingBack<'a>> {
        let Successor { staging, layout, read_before, .. } = &**successor;
        let source = open_staged(&self.job, self.facts, successor)?;
        if source.header() != layout.header.as_ref() {
            return Err(Error::new(ErrorKind::Mismatch, "it does not read back as written")
                .at(staging.file(&Component::CompressionInfo)));
        }
        let todo = read_before.missing(layout.ranges.count());
        Ok(ReadingBack { successor: Arc::clone(successor), source, todo, turn: Mutex::default() })
    }

    /// Compares what was read back with what went in, and journals that it is the same.
    pub(super) fn compare(&self, successor: &Successor<'_>) -> Result<()> {
        if successor.resumed < State::Verified {
            self.compare_digests(successor)?;
        }
        let Successor { ledger, read_back, .. } = successor;
        if ledger.is_resumable() {
            ledger.finish(Pass::ReadBack, read_back)?;
            ledger.verified(self.new)?;
        }
        Ok(())
    }

    fn compare_digests(&self, successor: &Successor<'_>) -> Result<()> {
        let Successor { staging, layout, written, read_back, .. } = successor;
        let (went_in, came_back) = (written.digest(), read_back.digest());
        // If the compressor stays the same, its output was counted.
        let is_plain =
            !matches!(layout.route, Route::Payloads) || self.facts.shape.codec().is_none();
        let is_whole = !is_plain || went_in.bytes() == layout.plain_length;
        if came_back != went_in || !is_whole {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the new SSTable does not decrypt to the plaintext of the old one",
            )
            .at(staging.file(&Component::Data))
            .hint("the old SSTable is untouched; check the machine's memory and disk, run again"));
        }
        let (_, crc) = read_back.crcs(layout.ranges.count());
        let digest = staging.file(&Component::Digest);
        check_digest(self.job.storage, &digest, crc, ErrorKind::Mismatch)
    }
}

/// Opens the staged Data.db with the new key only.
///
/// # Errors
/// As [`ChunkSource::compressed`] and [`ChunkSource::uncompressed`].
pub(super) fn open_staged(
    job: &RewriteJob<'_>,
    facts: &Facts,
    successor: &Successor<'_>,
) -> Result<ChunkSource> {
    let Successor { staging, layout, .. } = successor;
    let data = staging.file(&Component::Data);
    // Mapped memory is not freed while it is mapped, and a range is read only once.
    let access = Access::Positional;
    if layout.header.is_none() {
        let crcs = staging.file(&Component::Crc);
        return ChunkSource::uncompressed(&data, Some(&crcs), access);
    }
    let (_, opener) = target_codec(job.target, job.ring)?;
    let info = staging.file(&Component::CompressionInfo);
    let codec = job.target.codec();
    ChunkSource::compressed(&data, &info, facts.version, access, |max| {
        ChunkDecoder::new(codec, opener, max)
    })
}

impl ReadingBack<'_> {
    /// Reads a range: a piece of the second pass.
    pub(super) fn read_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let Successor { layout, seed, read_back, .. } = &*self.successor;
        let range = self.todo.nth(piece);
        let mut digest = PlainDigest::seeded(*seed);
        let chunks = layout.ranges.new_chunks(range);
        let new = range::read(&self.source, layout.route, (range, chunks), &mut digest, scratch)?;
        let bytes = new.1;
        let nothing = (crc32fast::Hasher::new(), 0);
        read_back.hold(range, Note { old: nothing, new, digest });
        read_back.written(&[range]);
        if read_back.is_due() {
            self.checkpoint()?;
        }
        Ok(bytes)
    }

    /// Journals what was read back, if the next run could resume from it at all.
    fn checkpoint(&self) -> Result<()> {
        let Successor { ledger, read_back, .. } = &*self.successor;
        let _turn = match self.turn.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            turn => turn,
        };
        let batch = read_back.take(None);
        if batch.is_empty() || !ledger.is_resumable() {
            return Ok(());
        }
        match ledger.done(Pass::ReadBack, &batch) {
            Err(_) if !ledger.is_broken() => {
                read_back.put_back(batch);
                Ok(())
            }
            done => done,
        }
    }
}
