//! The first pass: the new Data.db is written, then everything beside it.

mod begin;
mod components;
mod composition;
mod image;
mod lay_out;
mod range;
mod sink;

pub(super) use components::check as check_components;
pub(super) use range::{Transformed, transform};
pub(super) use sink::{SealedRange, Side, Sink};

use std::sync::{Arc, Mutex, TryLockError};

use super::digest::PlainDigest;
use super::input::check_digest;
use super::resume::Note;
use super::scratch::Scratch;
use super::sstable::Rewrite;
use super::successor::Successor;
use crate::codec::{ChunkSealer, ChunkSource};
use crate::journal::{Missing, Pass, State};
use crate::sstable::{Component, format_digest};
use crate::{Error, ErrorKind, Result};

/// What the pieces of the first pass share.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) successor: Arc<Successor<'a>>,
    source: ChunkSource,
    sealer: ChunkSealer,
    sink: Sink,
    /// After a compressor, the range up to which everything is journalled; held by the worker that
    /// makes a checkpoint.
    turn: Mutex<Option<u64>>,
    /// The ranges to do.
    pub(super) todo: Missing,
}

impl Rewrite<'_> {
    /// Writes a range: a piece of the first pass.
    pub(super) fn rewrite_range(
        &self,
        pass: &Writing<'_>,
        piece: u64,
        scratch: &mut Scratch,
    ) -> Result<u64> {
        let Writing { source, sealer, sink, successor, .. } = pass;
        let layout = &successor.layout;
        let range = pass.todo.nth(piece);
        let mut digest = PlainDigest::seeded(successor.seed);
        let Transformed { old, new, records, crcs } =
            transform(layout, (source, sealer), range, &mut digest, scratch)?;
        let bytes = old.1;
        successor.written.hold(range, Note { old, new, digest });
        let first_chunk = layout.ranges.new_chunks(range).start;
        let sealed = SealedRange { range, first_chunk, records, crcs };
        let written = sink.put(sealed, &mut scratch.output)?;
        successor.written.written(&written);
        if successor.written.is_due() {
            self.checkpoint(pass)?;
        }
        Ok(bytes)
    }

    /// Makes durable what is written, then journals it. The other workers continue; if one of them
    /// is already doing this, there is nothing to do.
    pub(super) fn checkpoint(&self, pass: &Writing<'_>) -> Result<()> {
        let Successor { staging, ledger, layout, written, .. } = &*pass.successor;
        let mut next = match pass.turn.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(next)) => next.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        // Before the fsync: what is written during it may not be covered.
        let batch = written.take(*next);
        if batch.is_empty() {
            return Ok(());
        }
        pass.sink.checkpoint()?;
        let cut = (layout.ranges.step(), layout.ranges.count());
        let journalled = ledger
            .stage(self.job.storage, self.planned, self.facts, staging, cut)
            .and_then(|()| ledger.done(Pass::Write, &batch));
        match journalled {
            Ok(()) => {
                *next = next.and(batch.end());
                Ok(())
            }
            // The disk may be full at the moment: try again later.
            Err(_) if !ledger.is_broken() => {
                written.put_back(batch);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Completes the staged SSTable.
    pub(super) fn complete(&self, pass: &Writing<'_>) -> Result<()> {
        pass.source.unchanged()?;
        let strange = pass.source.mislabelled();
        self.note(|so_far| so_far.warnings.extend(strange));
        let Successor { layout, written, resumed, .. } = &*pass.successor;
        if *resumed >= State::Sealed {
            return Ok(());
        }
        let (old_crc, new_crc) = written.crcs(layout.ranges.count());
        if self.facts.sstable.has(&Component::Digest) {
            let path = self.facts.sstable.path(&Component::Digest);
            check_digest(self.job.storage, &path, old_crc, ErrorKind::Corrupt)?;
        }
        self.seal(pass, new_crc.ok_or_else(incomplete)?)
    }

    fn seal(&self, pass: &Writing<'_>, new_crc: u32) -> Result<()> {
        let Successor { staging, ledger, layout, written, .. } = &*pass.successor;
        let storage = self.job.storage;
        pass.sink.sync()?;
        if ledger.is_resumable() {
            ledger.finish(Pass::Write, written)?;
        }
        self.write_small(staging, &Component::Digest, &format_digest(new_crc))?;
        let ratio = self.new_compression_ratio(layout, staging)?;
        let staged = self.staged();
        let is_laid_out = self.is_laid_out();
        if is_laid_out {
            self.lay_out_index(pass)?;
        }
        let is_index = |of: &Component| matches!(of, Component::Partitions | Component::Rows);
        let is_made = |of: &Component| of.is_rewritten() || is_laid_out && is_index(of);
        for component in staged.iter().filter(|component| !is_made(component)) {
            let to = staging.file(component);
            let strange = components::carry_over(&self.job, self.facts, component, &to, ratio)?;
            self.note(|so_far| so_far.warnings.extend(strange));
        }
        self.write_small(staging, &Component::Toc, &self.toc()?)?;
        storage.sync_directory(staging.path())?;
        if !ledger.is_resumable() {
            return Ok(());
        }
        let mut files = Vec::new();
        for component in staged {
            let stat = storage.stat(&staging.file(&component))?.ok_or_else(incomplete)?;
            files.push((component, stat.length));
        }
        ledger.sealed(files)
    }
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "the pieces of an SSTable do not fit together")
}
