//! The first pass: the new Data.db is written, then everything beside it.

use std::sync::TryLockError;

use super::{Rewrite, Work, incomplete};
use crate::codec::DecodeScratch;
use crate::journal::{Stage, State};
use crate::pipeline::Scratch;
use crate::rewrite::components;
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::image::{compress_to_image, payloads_to_image};
use crate::rewrite::layout::Route;
use crate::rewrite::progress::Note;
use crate::rewrite::sink::SealedRange;
use crate::rewrite::slot::lock;
use crate::rewrite::staging::StagingArea;
use crate::rewrite::verify::check_digest;
use crate::sstable::{Component, format_digest};
use crate::{ErrorKind, Result};

impl Rewrite<'_> {
    pub(super) fn rewrite_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let work = self.work.get()?;
        let range = work.todo.nth(piece);
        let Scratch { input, output, plain, opened, codecs, ivs, .. } = scratch;
        let checked = work.source.check(work.layout.ranges.old(range), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(work.seed);
        let chunks = match work.layout.route {
            Route::Payloads => {
                payloads_to_image(&checked, &work.sealer, output, plain, &mut decode, &mut digest)?
            }
            Route::Plaintext(codec) => {
                let plain = plain.sized(checked.plain_length());
                checked.plaintext(plain, &mut decode)?;
                digest.add(range, plain);
                let lengths = work.layout.new_lengths(range);
                compress_to_image(plain, &lengths, codec, &work.sealer, output, decode.context)?
            }
        };
        let records = chunks.iter().map(|chunk| work.sealer.record_length(chunk.payload)).collect();
        let length = output.as_slice().len();
        let sealed = work.sealer.seal(output.sized(length), &chunks, ivs)?;
        let bytes = bytes(checked.length());
        let note = Note {
            old: (checked.crc.clone(), bytes),
            new: (sealed.crc, self::bytes(length)),
            digest,
        };
        work.progress.hold(range, note);
        let first_chunk = work.layout.ranges.new_chunks(range).start;
        let sealed = SealedRange { range, first_chunk, records, crcs: sealed.chunk_crcs };
        let written = work.sink.put(sealed, output)?;
        work.progress.written(&written);
        if work.progress.is_due() {
            self.checkpoint(&work)?;
        }
        Ok(bytes)
    }

    /// Makes durable what is written, then journals it. The other workers go on; if one of them is
    /// just doing this, there is nothing to do.
    pub(super) fn checkpoint(&self, work: &Work) -> Result<()> {
        let mut next = match work.turn.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(next)) => next.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        // Before the fsync: what is written during it may not be covered.
        let batch = work.progress.take(*next);
        let (ledger, staging) = (self.ledger.get()?, self.staging.get()?);
        if batch.is_empty() {
            return Ok(());
        }
        work.sink.checkpoint()?;
        let cut = (work.layout.ranges.step(), work.layout.ranges.count());
        let journalled = ledger
            .stage(self.job.storage, self.planned, self.facts, &staging, cut)
            .and_then(|()| ledger.done(Stage::Rewrite, &batch));
        match journalled {
            Ok(()) => {
                *next = next.and(batch.end());
                Ok(())
            }
            // It may be that the disk is full just now: later, then.
            Err(_) if !ledger.is_broken() => {
                work.progress.put_back(batch);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Completes the staged SSTable and opens it again. Returns how many ranges are to be read back.
    pub(super) fn complete(&self) -> Result<u64> {
        let (work, staging) = (self.work.get()?, self.staging.get()?);
        work.source.unchanged()?;
        lock(&self.warnings).extend(work.source.mislabelled());
        let (old_crc, new_crc) = work.progress.crcs(work.layout.ranges.count());
        if work.state < State::Sealed {
            if self.facts.sstable.has(&Component::Digest) {
                let path = self.facts.sstable.path(&Component::Digest);
                check_digest(self.job.storage, &path, old_crc, ErrorKind::Corrupt)?;
            }
            self.seal(&work, &staging, new_crc.ok_or_else(incomplete)?)?;
        }
        self.open_again(&staging, &work)
    }

    fn seal(&self, work: &Work, staging: &StagingArea, new_crc: u32) -> Result<()> {
        let (storage, ledger) = (self.job.storage, self.ledger.get()?);
        work.sink.sync()?;
        if ledger.is_staged() {
            self.relied_on(ledger.finish(Stage::Rewrite, &work.progress))?;
        }
        self.write_small(staging, &Component::Digest, &format_digest(new_crc))?;
        let ratio = self.new_compression_ratio(work, staging)?;
        let staged = self.staged();
        for component in staged.iter().filter(|component| !component.is_rewritten()) {
            let to = staging.file(component);
            let strange = components::carry_over(&self.job, self.facts, component, &to, ratio)?;
            lock(&self.warnings).extend(strange);
        }
        self.write_small(staging, &Component::Toc, &self.toc()?)?;
        storage.sync_directory(staging.path())?;
        if !ledger.is_staged() {
            return Ok(());
        }
        let mut files = Vec::new();
        for component in staged {
            let stat = storage.stat(&staging.file(&component))?.ok_or_else(incomplete)?;
            files.push((component, stat.length));
        }
        self.relied_on(ledger.sealed(files))
    }
}

pub(super) fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
