//! The second pass: the new SSTable is read from the disk with the new key only, and swapped in.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, TryLockError};

use super::write::bytes;
use super::{ReadBack, Rewrite, Work};
use crate::codec::{ChunkDecoder, DecodeScratch};
use crate::io::Access;
use crate::journal::{Stage, State};
use crate::pipeline::Scratch;
use crate::plan::{PlannedSSTable, target_codec};
use crate::rewrite::copies::{Copies, Halted};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::layout::Route;
use crate::rewrite::ledger::Ledger;
use crate::rewrite::progress::Note;
use crate::rewrite::slot::lock;
use crate::rewrite::source::ChunkSource;
use crate::rewrite::staging::StagingArea;
use crate::rewrite::verify::check_digest;
use crate::sstable::{Component, TimeUuid};
use crate::txn::{Swap, changed_since_the_plan, publish};
use crate::{Error, ErrorKind, Result};

impl Rewrite<'_> {
    /// Opens the staged SSTable; returns how many of its ranges are to be read.
    pub(super) fn open_again(&self, staging: &StagingArea, work: &Work) -> Result<u64> {
        let data = staging.file(&Component::Data);
        // What is mapped is not given back while it is mapped, and a range is read once.
        let access = Access::Positional;
        let source = match &work.layout.header {
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
        if source.header() != work.layout.header.as_ref() {
            return Err(Error::new(ErrorKind::Mismatch, "it does not read back as written")
                .at(staging.file(&Component::CompressionInfo)));
        }
        let todo = work.read_back.0.missing(work.layout.ranges.count());
        let pieces = todo.count();
        self.readback.set(ReadBack { source, todo, turn: Mutex::default() });
        Ok(pieces)
    }

    pub(super) fn verify_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let (work, back) = (self.work.get()?, self.readback.get()?);
        let range = back.todo.nth(piece);
        let Scratch { input, plain, opened, codecs, .. } = scratch;
        let checked = back.source.check(work.layout.ranges.new_chunks(range), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(work.seed);
        match work.layout.route {
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
        let bytes = bytes(checked.length());
        let nothing = (crc32fast::Hasher::new(), 0);
        let (_, progress) = &work.read_back;
        progress.hold(range, Note { old: nothing, new: (checked.crc.clone(), bytes), digest });
        progress.written(&[range]);
        if progress.is_due() {
            self.read_checkpoint(&work, &back)?;
        }
        Ok(bytes)
    }

    /// Journals what was read back, if the next run could go on with it at all.
    fn read_checkpoint(&self, work: &Work, back: &ReadBack) -> Result<()> {
        let ledger = self.ledger.get()?;
        let _turn = match back.turn.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            turn => turn,
        };
        let (_, progress) = &work.read_back;
        let batch = progress.take(None);
        if batch.is_empty() || !ledger.is_staged() {
            return Ok(());
        }
        match ledger.done(Stage::Verify, &batch) {
            Err(_) if !ledger.is_broken() => {
                progress.put_back(batch);
                Ok(())
            }
            done => done,
        }
    }

    /// Compares what was read back with what went in, replaces copies, and swaps.
    pub(super) fn conclude(&self) -> Result<()> {
        let (work, staging, ledger) = (self.work.get()?, self.staging.get()?, self.ledger.get()?);
        if work.state < State::Verified {
            self.compare(&work, &staging)?;
        }
        if ledger.is_staged() {
            let (_, progress) = &work.read_back;
            let journalled = ledger.finish(Stage::Verify, progress);
            self.relied_on(journalled.and_then(|()| ledger.verified(self.new)))?;
        }
        self.replace_copies(&staging, &ledger)?;
        if self.planned.is_live {
            self.swap(&staging).inspect_err(|_| self.tell_of_copies())?;
        }
        ledger.swapped(self.new);
        Ok(())
    }

    fn swap(&self, staging: &StagingArea) -> Result<()> {
        let staged: Vec<(Component, PathBuf)> = self
            .staged()
            .into_iter()
            .map(|component| {
                let path = staging.file(&component);
                (component, path)
            })
            .collect();
        self.job.inspector.lease().still_alone()?;
        publish(
            self.job.storage,
            &Swap {
                directory: &self.facts.sstable.directory,
                old: &self.facts.sstable.descriptor,
                old_files: &self.facts.files,
                new: self.new,
                staged: &staged,
                flavor: self.job.flavor,
                log_id: &TimeUuid::now(0)?.to_rfc(),
            },
        )
    }

    /// Replaces the copies in snapshots and backups. They come first, since the swap takes away the
    /// staged files that they are links of.
    fn replace_copies(&self, staging: &StagingArea, ledger: &Ledger<'_>) -> Result<()> {
        let Some(replacement) = self.replacement() else { return Ok(()) };
        let PlannedSSTable { copies, shared, data_dir, .. } = self.planned;
        self.job.inspector.lease().still_alone()?;
        for copy in copies {
            for (component, id) in shared {
                let path = copy.path(component);
                if self.job.storage.identity(&path)? != Some(*id) {
                    return Err(changed_since_the_plan(path));
                }
            }
        }
        let first = copies.first().into_iter();
        let old = first.flat_map(|copy| {
            shared.iter().map(|(component, _)| (component.clone(), copy.path(component)))
        });
        let under_way =
            Copies { storage: self.job.storage, data_dir, staging, replacement: &replacement };
        let (replaced, outcome) = match under_way.replace(&old.collect::<Vec<_>>()) {
            Ok(()) => (copies.len(), Ok(())),
            Err(Halted { error, replaced, is_pending }) => {
                self.is_pending.store(is_pending, Ordering::SeqCst);
                (replaced, Err(error))
            }
        };
        self.copies_replaced.store(replaced, Ordering::SeqCst);
        if replaced > 0 {
            ledger.linked(replaced);
        }
        outcome.inspect_err(|_| self.tell_of_copies())
    }

    /// Says which copies are new although the SSTable has failed, and which one the next run has to
    /// finish.
    fn tell_of_copies(&self) {
        let replaced = self.copies_replaced();
        let mut warnings = lock(&self.warnings);
        for (number, copy) in self.planned.copies.iter().enumerate() {
            let what = match number {
                _ if number < replaced => "this copy is new all the same, and under the new key",
                _ if number == replaced && self.is_pending.load(Ordering::SeqCst) => {
                    "this copy may be partly replaced: it is finished by the next run, or abandon"
                }
                _ => continue,
            };
            warnings.push(Error::new(ErrorKind::Io, what).at(copy.path(&Component::Data)));
        }
    }

    fn compare(&self, work: &Work, staging: &StagingArea) -> Result<()> {
        let (went_in, came_back) = (work.progress.digest(), work.read_back.1.digest());
        // Behind a compressor that stays, what it made was counted.
        let is_plain =
            !matches!(work.layout.route, Route::Payloads) || self.facts.shape.codec().is_none();
        let is_whole = !is_plain || went_in.bytes() == work.source.data_length();
        if came_back != went_in || !is_whole {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the new SSTable does not decrypt to the plaintext of the old one",
            )
            .at(staging.file(&Component::Data))
            .hint("the old SSTable is untouched; check the machine's memory and disk, run again"));
        }
        let (_, crc) = work.read_back.1.crcs(work.layout.ranges.count());
        let digest = staging.file(&Component::Digest);
        check_digest(self.job.storage, &digest, crc, ErrorKind::Mismatch)
    }
}
