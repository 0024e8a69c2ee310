//! The second pass: the new SSTable is read from the disk with the new key only.

use std::sync::{Arc, Mutex, TryLockError};

use super::digest::PlainDigest;
use super::input::{Route, check_digest};
use super::resume::Note;
use super::scratch::Scratch;
use super::sstable::Rewrite;
use super::successor::Successor;
use crate::codec::{ChunkDecoder, ChunkSource, DecodeScratch};
use crate::io::Access;
use crate::journal::{Missing, Pass, State};
use crate::plan::target_codec;
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
        let data = staging.file(&Component::Data);
        // Mapped memory is not freed while it is mapped, and a range is read only once.
        let access = Access::Positional;
        let source = match &layout.header {
            None => ChunkSource::uncompressed(&data, Some(&staging.file(&Component::Crc)), access)?,
            Some(_) => {
                let (_, opener) = target_codec(self.job.target, self.job.ring)?;
                let codec = self.job.target.codec();
                ChunkSource::compressed(
                    &data,
                    &staging.file(&Component::CompressionInfo),
                    self.facts.version,
                    access,
                    |max| ChunkDecoder::new(codec, opener, max),
                )?
            }
        };
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

impl ReadingBack<'_> {
    /// Reads a range: a piece of the second pass.
    pub(super) fn read_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let Successor { layout, seed, read_back, .. } = &*self.successor;
        let range = self.todo.nth(piece);
        let Scratch { input, plain, opened, codecs, .. } = scratch;
        let checked = self.source.check(layout.ranges.new_chunks(range), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(*seed);
        match layout.route {
            Route::Payloads => {
                for chunk in checked.chunks() {
                    let working = plain.sized(chunk.working_length()?);
                    let length = chunk.payload(working, &mut decode)?;
                    digest.add(chunk.number(), working.get(..length).unwrap_or_default());
                }
            }
            Route::Plaintext(_) => {
                let plain = plain.sized(checked.plain_length());
                checked.plaintext(plain, &mut decode)?;
                digest.add(range, plain);
            }
        }
        checked.forget();
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let nothing = (crc32fast::Hasher::new(), 0);
        read_back.hold(range, Note { old: nothing, new: (checked.crc.clone(), bytes), digest });
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
