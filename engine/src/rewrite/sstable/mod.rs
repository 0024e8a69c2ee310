//! The rewrite of one SSTable, from the first chunk to the deletion of the old files.
//!
//! ```text
//! begin        staging directory, Data.db created and reserved; or what an earlier run has left
//! stage 0      each range: read, check CRC, decrypt, digest, encrypt, CRC, write at its place
//! end 0        fsync Data.db; CompressionInfo.db, Digest.crc32; others linked; TOC.txt; fsync all
//! stage 1      each range of the staged Data.db: read, check CRC, decrypt with the new key only
//! end 1        digests compared; copies in snapshots and backups replaced; swap by transaction log
//! ```
//!
//! Now and then a worker makes a checkpoint while the others go on: what is written by then is made
//! durable, and then, not before, journalled. An SSTable that ends before its first checkpoint leaves
//! nothing in the journal that anything relies on.

mod composition;
mod readback;
mod space;
mod write;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::digest::PlainDigest;
use super::envelope::Envelope;
use super::layout::Layout;
use super::ledger::Ledger;
use super::progress::Progress;
use super::resume::Resumed;
use super::sink::{Side, Sink};
use super::slot::{Slot, lock};
use super::source::ChunkSource;
use super::staging::StagingArea;
use crate::codec::ChunkSealer;
use crate::io::{OutputFile, Storage};
use crate::journal::{Checkpoint, Journal, Missing, RangeSet, Stage, State};
use crate::keys::KeyRing;
use crate::pipeline::{Next, Scratch, Share, Task};
use crate::plan::{Facts, Inspector, PlannedSSTable, Target, target_codec};
use crate::sstable::{CRC_CHUNK_LENGTH, Component, Descriptor};
use crate::txn::Flavor;
use crate::{Error, ErrorKind, Result};

/// The stage in which the new Data.db is written.
pub const STAGE_REWRITE: u32 = 0;
/// The stage in which it is read back.
pub const STAGE_VERIFY: u32 = 1;

/// What all rewrites of a run share.
#[derive(Debug, Clone, Copy)]
pub struct RewriteJob<'a> {
    /// The file system.
    pub storage: &'a dyn Storage,
    /// How input is opened.
    pub inspector: Inspector<'a>,
    /// What every SSTable is to become.
    pub target: &'a Target,
    /// The keys of the run.
    pub ring: &'a KeyRing,
    /// Whose transaction logs are written.
    pub flavor: Flavor,
    /// The record of the run.
    pub journal: &'a Journal,
    /// When checkpoints are made.
    pub checkpoint: Checkpoint,
    /// Bytes of plaintext in a range, unless a chunk is longer.
    pub range_bytes: u32,
}

/// The rewrite of one SSTable.
#[derive(Debug)]
pub struct Rewrite<'a> {
    job: RewriteJob<'a>,
    planned: &'a PlannedSSTable,
    facts: &'a Facts,
    new: &'a Descriptor,
    resumed: Mutex<Option<Resumed>>,
    staging: Slot<StagingArea>,
    ledger: Slot<Ledger<'a>>,
    work: Slot<Work>,
    readback: Slot<ReadBack>,
    warnings: Mutex<Vec<Error>>,
    /// The journal did not take what must be in it: what is staged is left for the next run.
    is_unwritten: AtomicBool,
    copies_replaced: AtomicUsize,
    /// A copy may be partly replaced: what is staged is needed to finish it.
    is_pending: AtomicBool,
    is_kept: AtomicBool,
}

/// What the pieces of the first stage share.
#[derive(Debug)]
struct Work {
    source: ChunkSource,
    sealer: ChunkSealer,
    layout: Layout,
    sink: Sink,
    seed: u64,
    progress: Progress,
    /// Behind a compressor the range up to which all is journalled; held by whoever makes a
    /// checkpoint.
    turn: Mutex<Option<u64>>,
    /// The ranges to do.
    todo: Missing,
    /// How far an earlier run was, and what it has read back.
    state: State,
    read_back: (RangeSet, Progress),
}

/// The new SSTable, opened from disk with the new key only.
#[derive(Debug)]
struct ReadBack {
    source: ChunkSource,
    todo: Missing,
    turn: Mutex<()>,
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
        Self {
            job,
            planned,
            facts,
            new,
            resumed: Mutex::new(resumed),
            staging: Slot::default(),
            ledger: Slot::default(),
            work: Slot::default(),
            readback: Slot::default(),
            warnings: Mutex::default(),
            is_unwritten: AtomicBool::new(false),
            copies_replaced: AtomicUsize::new(0),
            is_pending: AtomicBool::new(false),
            is_kept: AtomicBool::new(false),
        }
    }

    /// What was strange about the old SSTable; known when it was read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        lock(&self.warnings).clone()
    }

    /// How many copies in snapshots and backups are replaced, whether it has failed behind that or not.
    #[must_use]
    pub fn copies_replaced(&self) -> usize {
        self.copies_replaced.load(Ordering::SeqCst)
    }

    /// Whether it did not end, and what is staged of it is there for the next run.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        // One that was not begun has touched nothing of what an earlier run has left.
        self.is_kept.load(Ordering::SeqCst) || lock(&self.resumed).is_some()
    }

    fn open(&self) -> Result<Next> {
        let source = ChunkSource::of(self.facts, self.job.inspector, self.job.ring)?;
        let (sealer, _) = target_codec(self.job.target, self.job.ring)?;
        let layout = Layout::new(self.facts, self.job.target, &source, self.job.range_bytes);
        let resumed = self.fitting(&layout, &sealer)?;
        let seed = match &resumed {
            Some(resumed) => resumed.seed,
            None => PlainDigest::new()?.seed(),
        };
        let envelope = Envelope::new(self.job.target, self.job.ring)?;
        let (staging, ledger, sink);
        if let Some(resumed) = &resumed {
            staging = self.staging.set(StagingArea::left(resumed.directory().to_owned()));
            ledger = Ledger::resume(self.job.journal, envelope, seed, resumed.number);
            self.ledger.set(ledger);
            sink = self.reopen_sink(&staging, &layout, &sealer, resumed)?;
        } else {
            ledger = Ledger::begin(self.job.journal, envelope, seed, self.facts);
            self.ledger.set(ledger);
            let path = self.planned.staging_path();
            let area = StagingArea::create(self.job.storage, &self.planned.data_dir, path)?;
            staging = self.staging.set(area);
            sink = self.create_sink(&staging, &layout, &sealer)?;
        }
        let progress = Progress::new(seed, self.job.checkpoint);
        let back = Progress::new(seed, self.job.checkpoint);
        let (mut written, mut read_back, mut state) =
            (RangeSet::new(), RangeSet::new(), State::Begun);
        if let Some(resumed) = resumed {
            resumed.restore(Stage::Rewrite, &progress);
            resumed.restore(Stage::Verify, &back);
            (written, read_back, state) = (resumed.written, resumed.read_back, resumed.state);
        }
        let todo = written.missing(layout.ranges.count());
        let pieces = todo.count();
        let next = match layout.is_fixed {
            true => Next::Stage { pieces },
            false => Next::OrderedStage { pieces },
        };
        let turn = Mutex::new((!layout.is_fixed).then(|| written.first_missing()));
        let read_back = (read_back, back);
        self.work.set(Work {
            source,
            sealer,
            layout,
            sink,
            seed,
            progress,
            turn,
            todo,
            state,
            read_back,
        });
        Ok(next)
    }

    /// What an earlier run has left, if it is what the journal says; else it is removed.
    fn fitting(&self, layout: &Layout, sealer: &ChunkSealer) -> Result<Option<Resumed>> {
        let Some(resumed) = lock(&self.resumed).take() else { return Ok(None) };
        let (side, _) = self.side_of(layout)?;
        let beside = (&side, &self.side());
        let Some(why) = resumed.misfit(self.job.storage, layout, sealer, beside)? else {
            return Ok(Some(resumed));
        };
        let staging = StagingArea::left(resumed.directory().to_owned());
        lock(&self.warnings).push(
            Error::corrupt(format!(
                "what an earlier run has staged is not what its journal says ({why}), and the \
                 SSTable is begun anew"
            ))
            .at(staging.path()),
        );
        if self.job.storage.list(staging.path()).is_ok() {
            staging.remove(self.job.storage)?;
        }
        Ok(None)
    }

    /// The file beside Data.db, and its head.
    fn side_of(&self, layout: &Layout) -> Result<(Side, Vec<u8>)> {
        let Some(header) = &layout.header else {
            return Ok((Side::Crcs, CRC_CHUNK_LENGTH.bytes().to_be_bytes().to_vec()));
        };
        let head = header.encode(self.facts.version)?;
        Ok((Side::Offsets(u64::try_from(head.len()).unwrap_or(u64::MAX)), head))
    }

    fn create_sink(
        &self,
        staging: &StagingArea,
        layout: &Layout,
        sealer: &ChunkSealer,
    ) -> Result<Sink> {
        let data = self.create_staged(staging, &Component::Data)?;
        let side_file = self.create_staged(staging, &self.side())?;
        let (side, head) =
            self.side_of(layout).map_err(|error| error.at(staging.file(&self.side())))?;
        side_file.write_at(&head, 0)?;
        if !layout.is_fixed {
            return Ok(Sink::ordered(data, side, side_file, 0, 0));
        }
        let (length, record) = layout.fixed_lengths(sealer);
        data.reserve(length)?;
        Ok(Sink::fixed(data, side, side_file, record))
    }

    /// Opens what an earlier run has written, and removes what it had not journalled.
    fn reopen_sink(
        &self,
        staging: &StagingArea,
        layout: &Layout,
        sealer: &ChunkSealer,
        resumed: &Resumed,
    ) -> Result<Sink> {
        let (side, _) = self.side_of(layout)?;
        let data = self.job.storage.reopen(&staging.file(&Component::Data))?;
        let side_file = self.job.storage.reopen(&staging.file(&self.side()))?;
        let (length, record) = layout.fixed_lengths(sealer);
        if resumed.state < State::Sealed {
            // The fsync of a checkpoint is of the content alone.
            data.copy_attributes(&self.like(&Component::Data))?;
            side_file.copy_attributes(&self.like(&self.side()))?;
            staging.keep_only(self.job.storage, &[Component::Data, self.side()])?;
            if layout.is_fixed {
                data.reserve(length)?;
            } else {
                let chunk = layout.ranges.new_chunks(resumed.written.first_missing()).start;
                data.set_length(resumed.offset())?;
                side_file.set_length(side.place(chunk))?;
            }
        }
        if layout.is_fixed {
            return Ok(Sink::fixed(data, side, side_file, record));
        }
        let (next, offset) = (resumed.written.first_missing(), resumed.offset());
        Ok(Sink::ordered(data, side, side_file, next, offset))
    }

    fn write_small(&self, staging: &StagingArea, component: &Component, text: &str) -> Result<()> {
        let file = self.create_staged(staging, component)?;
        file.write_at(text.as_bytes(), 0)?;
        file.sync()
    }

    /// Creates a staged file with the owner, the mode and the label of its predecessor: before the
    /// fsync that makes it durable.
    fn create_staged(
        &self,
        staging: &StagingArea,
        component: &Component,
    ) -> Result<Box<dyn OutputFile>> {
        let file = self.job.storage.create(&staging.file(component))?;
        file.copy_attributes(&self.like(component))?;
        Ok(file)
    }

    /// The predecessor of a staged file, or the old Data.db if it has none.
    fn like(&self, component: &Component) -> PathBuf {
        match self.facts.sstable.has(component) {
            true => self.facts.sstable.path(component),
            false => self.facts.data_path(),
        }
    }

    /// Passes on what came of a record that the next step relies on. Without it the SSTable cannot
    /// go on here, but what is staged can be gone on with.
    fn relied_on<T>(&self, journalled: Result<T>) -> Result<T> {
        if journalled.is_err() {
            self.is_unwritten.store(true, Ordering::SeqCst);
        }
        journalled
    }

    /// Closes all files.
    fn close(&self) {
        drop((self.work.take(), self.readback.take()));
    }

    /// Removes the staging directory. What cannot be removed now is swept by the next run.
    fn unstage(&self) {
        if let Some(staging) = self.staging.take() {
            let _swept_later = staging.remove(self.job.storage);
        }
    }
}

impl Task for Rewrite<'_> {
    fn bytes(&self) -> u64 {
        self.planned.space.most
    }

    fn work(&self) -> u64 {
        self.facts.data_bytes.saturating_mul(2)
    }

    fn share(&self) -> Option<&dyn Share> {
        Some(self)
    }

    fn begin(&self) -> Result<Next> {
        self.open()
    }

    fn piece(&self, stage: u32, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        match stage {
            STAGE_REWRITE => self.rewrite_range(piece, scratch),
            _ => self.verify_range(piece, scratch),
        }
    }

    fn end(&self, stage: u32) -> Result<Next> {
        match stage {
            STAGE_REWRITE => self.complete().map(|pieces| Next::Stage { pieces }),
            _ => {
                self.conclude()?;
                self.close();
                self.unstage();
                self.ledger.take();
                Ok(Next::Done)
            }
        }
    }

    fn abandon(&self, why: &Error) {
        if why.kind() == ErrorKind::Interrupted
            && let Ok(work) = self.work.get()
        {
            // A run that was asked to stop has the time for it. What fails here costs work only.
            let _done_again_then = self.checkpoint(&work);
        }
        self.close();
        let Some(ledger) = self.ledger.take() else {
            // It has not come so far as to touch what an earlier run has left.
            self.is_kept.store(lock(&self.resumed).is_some(), Ordering::SeqCst);
            return;
        };
        let is_resumable = why.kind() == ErrorKind::Interrupted
            || ledger.is_broken()
            || self.is_unwritten.load(Ordering::SeqCst);
        let is_pending = self.is_pending.load(Ordering::SeqCst);
        let goes_on = ledger.is_staged() && (is_resumable || is_pending);
        if goes_on || is_pending {
            self.is_kept.store(true, Ordering::SeqCst);
            self.staging.take();
        }
        if goes_on {
            return;
        }
        self.unstage();
        // One that the run was ended before has not failed: it is where it was before it was begun.
        if why.kind() != ErrorKind::Interrupted {
            ledger.failed(why.chain());
        }
    }
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "the pieces of an SSTable do not fit together")
}
