//! The rewrite of one SSTable, from the first chunk to the deletion of the old files.
//!
//! ```text
//! begin        staging directory, Data.db created and reserved; or what an earlier run has left
//! write        each range: read, check CRC, decrypt, digest, encrypt, CRC, write at its place
//!   end        fsync Data.db; CompressionInfo.db, Digest.crc32; others linked; TOC.txt; fsync all
//! read back    each range of the staged Data.db: read, check CRC, decrypt with the new key only
//!   end        digests compared; copies in snapshots and backups replaced; swap by transaction log
//! ```
//!
//! From time to time a worker makes a checkpoint while the others continue: what is written by then
//! is made durable, and only then journalled. An SSTable that ends before its first checkpoint
//! leaves nothing in the journal that a later step relies on.

use std::sync::Arc;

use super::readback::ReadingBack;
use super::resume::Ledger;
use super::scratch::Scratch;
use super::sstable::Rewrite;
use super::staging::StagingArea;
use super::successor::Successor;
use super::write::Writing;
use crate::pipeline::{Need, Next, Share, Task};
use crate::plan::Space;
use crate::{Error, ErrorKind, Result};

/// The current pass of a rewrite, with its open files.
#[derive(Debug)]
pub struct RewriteStage<'a>(Of<'a>);

#[derive(Debug)]
enum Of<'a> {
    /// The new Data.db is written.
    Write(Writing<'a>),
    /// It is read back.
    ReadBack(ReadingBack<'a>),
}

impl<'a> RewriteStage<'a> {
    /// Whether the new SSTable is complete, and is being read back.
    #[must_use]
    pub const fn is_read_back(&self) -> bool {
        matches!(self.0, Of::ReadBack(_))
    }

    fn successor(&self) -> &Arc<Successor<'a>> {
        match &self.0 {
            Of::Write(pass) => &pass.successor,
            Of::ReadBack(pass) => &pass.successor,
        }
    }
}

impl<'a> Task for Rewrite<'a> {
    type Scratch = Scratch;
    type Stage = RewriteStage<'a>;

    fn scratch() -> Result<Scratch> {
        Scratch::new()
    }

    fn bytes(&self) -> u64 {
        self.planned.space.most
    }

    fn work(&self) -> u64 {
        self.facts.data_bytes.saturating_mul(2)
    }

    fn share(&self) -> Option<&dyn Share<RewriteStage<'a>>> {
        Some(self)
    }

    fn begin(&self) -> Result<Next<RewriteStage<'a>>> {
        let pass = self.open()?;
        let (pieces, is_ordered) = (pass.todo.count(), !pass.successor.layout.is_fixed);
        Ok(Next::Stage { stage: RewriteStage(Of::Write(pass)), pieces, is_ordered })
    }

    fn piece(&self, pass: &RewriteStage<'a>, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        match &pass.0 {
            Of::Write(pass) => self.rewrite_range(pass, piece, scratch),
            Of::ReadBack(pass) => pass.read_range(piece, scratch),
        }
    }

    fn end(&self, pass: &RewriteStage<'a>) -> Result<Next<RewriteStage<'a>>> {
        match &pass.0 {
            Of::Write(pass) => {
                self.complete(pass)?;
                let pass = self.open_again(&pass.successor)?;
                let pieces = pass.todo.count();
                Ok(Next::stage(RewriteStage(Of::ReadBack(pass)), pieces))
            }
            Of::ReadBack(pass) => {
                self.compare(&pass.successor)?;
                self.publish(&pass.successor)?;
                self.note(|so_far| so_far.is_kept = false);
                self.unstage(&pass.successor.staging);
                Ok(Next::Done)
            }
        }
    }

    fn abandon(&self, pass: Option<RewriteStage<'a>>, why: &Error) {
        // A rewrite without a pass has cleaned up by itself.
        let Some(pass) = pass else { return };
        if why.kind() == ErrorKind::Interrupted
            && let Of::Write(pass) = &pass.0
        {
            // A run that was asked to stop has the time for it. A failure here only costs work.
            let _done_again_then = self.checkpoint(pass);
        }
        let successor = Arc::clone(pass.successor());
        // Closes all files.
        drop(pass);
        self.give_up(&successor.ledger, Some(&successor.staging), why);
    }
}

impl Rewrite<'_> {
    /// Leaves what is staged to the next run, if that can resume from it; removes it otherwise.
    pub(super) fn give_up(&self, ledger: &Ledger<'_>, staging: Option<&StagingArea>, why: &Error) {
        let is_interrupted = why.kind() == ErrorKind::Interrupted;
        let is_pending = self.note(|so_far| so_far.is_pending);
        let is_resumable =
            ledger.is_resumable() && (is_interrupted || is_pending || ledger.is_held_up());
        self.note(|so_far| so_far.is_kept = is_resumable || is_pending);
        if is_resumable {
            return;
        }
        if let Some(staging) = staging.filter(|_| !is_pending) {
            self.unstage(staging);
        }
        // A rewrite that is interrupted by the end of the run has not failed.
        if !is_interrupted {
            ledger.failed(why.chain());
        }
    }

    /// Removes the staging directory. The next run sweeps what cannot be removed now.
    fn unstage(&self, staging: &StagingArea) {
        let _swept_later = staging.remove(self.job.storage);
    }
}

impl<'a> Share<RewriteStage<'a>> for Rewrite<'a> {
    fn of(&self) -> u64 {
        self.planned.space.file_system
    }

    /// The plan's estimate, less what is already staged: reserved or written, also by an earlier
    /// run.
    fn need(&self, pass: Option<&RewriteStage<'a>>) -> Need {
        if pass.is_some_and(RewriteStage::is_read_back) {
            // Everything is staged. The swap writes a log, in a directory that may grow for it.
            return Need { most: SWAP, least: SWAP };
        }
        let taken = self.planned.staged(self.job.storage);
        let Space { most, least, .. } = self.planned.space;
        Need { most: most.saturating_sub(taken), least: least.saturating_sub(taken) }
    }

    fn left(&self) -> Result<u64> {
        let (storage, data_dir) = (self.job.storage, &self.planned.data_dir);
        Ok(storage.free_space(data_dir)?.saturating_sub(storage.reserve(data_dir)?))
    }

    fn too_little(&self, left: u64) -> Error {
        Space::too_little(self.need(None).least, left, &self.facts.data_path())
    }
}

const SWAP: u64 = 2 * Space::BLOCK;
