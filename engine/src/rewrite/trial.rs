//! A trial: what a rewrite does with a part of an SSTable, and nothing of it stays.
//!
//! It reads, decrypts, compresses, encrypts, writes, syncs and reads back as the rewrite would, through
//! the same parts, in files of its own. They are always encrypted, under a key that nobody has but the
//! trial: also where the target is in clear, and where its key is not made yet.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use super::digest::PlainDigest;
use super::input::{Layout, open_chunks};
use super::lock::lock;
use super::readback::read_range;
use super::scratch::Scratch;
use super::write::{SealedRange, Side, Sink, Transformed, transform};
use crate::codec::{ChunkDecoder, ChunkOpener, ChunkSealer, ChunkSource};
use crate::crypto::{CipherKey, Transformation};
use crate::io::{Access, OutputFile, Storage};
use crate::keys::{KeyHeader, KeyRing};
use crate::options::OptionMap;
use crate::pipeline::{Next, Task};
use crate::plan::{Facts, Inspector, Target};
use crate::sstable::{CompressionHeader, MAX_COMPRESSED_LENGTH_NONE};
use crate::{Error, ErrorKind, Result};

/// The trial of a part of an SSTable.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    /// The file system.
    pub(crate) storage: &'a dyn Storage,
    /// How input is opened.
    pub(crate) inspector: Inspector<'a>,
    /// The keys of the old SSTable.
    pub(crate) ring: &'a KeyRing,
    /// What it would become.
    pub(crate) target: &'a Target,
    /// The old SSTable.
    pub(crate) facts: &'a Facts,
    /// Which of its ranges, of [`super::RANGE_BYTES`] each; there may be fewer.
    pub(crate) ranges: Range<u64>,
    /// Where its files are.
    pub(crate) place: Place,
}

/// The directory of a trial, and its number there.
#[derive(Debug)]
pub(crate) struct Place {
    /// This program's own directory, for trials only.
    pub(crate) directory: PathBuf,
    /// No other trial has it.
    pub(crate) number: usize,
}

/// The pass that a trial is in, with its open files.
#[derive(Debug)]
pub(crate) struct TrialStage {
    of: Of,
    layout: Layout,
    /// Of the old SSTable's ranges.
    ranges: Range<u64>,
    key: Arc<CipherKey>,
    /// Computed since a rewrite computes it.
    digest: Mutex<PlainDigest>,
}

#[derive(Debug)]
enum Of {
    Write { source: ChunkSource, sealer: ChunkSealer, sink: Sink },
    ReadBack(ChunkSource),
}

impl TrialStage {
    /// Whether the bytes of its pieces are those of the old SSTable.
    pub(crate) const fn is_write(&self) -> bool {
        matches!(self.of, Of::Write { .. })
    }

    /// A range of the new file, by its number in the old one; and its chunks there.
    fn chunks(&self, range: u64) -> Range<u64> {
        let first = self.layout.ranges.new_chunks(self.ranges.start).start;
        let chunks = self.layout.ranges.new_chunks(range);
        chunks.start.saturating_sub(first)..chunks.end.saturating_sub(first)
    }

    fn pieces(&self) -> u64 {
        self.ranges.end.saturating_sub(self.ranges.start)
    }

    fn next(self) -> Next<Self> {
        let (pieces, is_fixed) = (self.pieces(), self.layout.is_fixed);
        let is_ordered = self.is_write() && !is_fixed;
        Next::Stage { stage: self, pieces, is_ordered }
    }
}

impl Task for Trial<'_> {
    type Scratch = Scratch;
    type Stage = TrialStage;

    fn scratch() -> Result<Scratch> {
        Scratch::new()
    }

    fn bytes(&self) -> u64 {
        let ranges = self.ranges.end.saturating_sub(self.ranges.start);
        ranges.saturating_mul(u64::from(super::RANGE_BYTES))
    }

    fn work(&self) -> u64 {
        self.bytes()
    }

    fn begin(&self) -> Result<Next<TrialStage>> {
        let source = open_chunks(self.facts, self.inspector, self.ring)?;
        let layout = Layout::new(self.facts, self.target, &source, super::RANGE_BYTES);
        let count = layout.ranges.count();
        let ranges = self.ranges.start.min(count)..self.ranges.end.min(count);
        let key = throwaway_key(self.target)?;
        // A chain wherever there is a compressor.
        let sealer =
            ChunkSealer::new(&KeyHeader::None, Arc::clone(&key), self.target.codec().is_some());
        let sink = self.create_sink(&layout, &ranges, &sealer)?;
        let digest = Mutex::new(PlainDigest::new()?);
        let of = Of::Write { source, sealer, sink };
        Ok(TrialStage { of, layout, ranges, key, digest }.next())
    }

    fn piece(&self, stage: &TrialStage, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let range = stage.ranges.start.saturating_add(piece);
        match &stage.of {
            Of::Write { source, sealer, sink } => {
                write_range(stage, (source, sealer, sink), (piece, range), scratch)
            }
            Of::ReadBack(source) => read_back(stage, source, range, scratch).map(|()| 0),
        }
    }

    fn end(&self, stage: &TrialStage) -> Result<Next<TrialStage>> {
        let Of::Write { sink, .. } = &stage.of else {
            self.place.remove(self.storage)?;
            return Ok(Next::Done);
        };
        sink.sync()?;
        self.place.files_beside(self.storage)?;
        let (key, codec) = (Arc::clone(&stage.key), self.target.codec());
        let source = ChunkSource::compressed(
            &self.place.file(DATA),
            &self.place.file(INFO),
            self.facts.version,
            Access::Positional,
            |max| ChunkDecoder::new(codec, Some(ChunkOpener::with_key(key)), max),
        )?;
        let digest = Mutex::new(*lock(&stage.digest));
        let (layout, ranges) = (stage.layout.clone(), stage.ranges.clone());
        let (of, key) = (Of::ReadBack(source), Arc::clone(&stage.key));
        Ok(TrialStage { of, layout, ranges, key, digest }.next())
    }

    /// Whoever made the directory removes it with all that is left there.
    fn abandon(&self, _stage: Option<TrialStage>, _why: &Error) {}
}

impl Trial<'_> {
    fn create_sink(
        &self,
        layout: &Layout,
        ranges: &Range<u64>,
        sealer: &ChunkSealer,
    ) -> Result<Sink> {
        let step = layout.ranges.step();
        let start = ranges.start.saturating_mul(step);
        let end = ranges.end.saturating_mul(step).min(layout.plain_length);
        let last = ranges.end.saturating_sub(1).max(ranges.start);
        let first_chunk = layout.ranges.new_chunks(ranges.start).start;
        let header = CompressionHeader {
            class: "Encryptor".to_owned(),
            options: OptionMap::default(),
            chunk_length: layout.new.length,
            max_compressed_length: MAX_COMPRESSED_LENGTH_NONE,
            data_length: end.saturating_sub(start),
            chunk_count: layout.ranges.new_chunks(last).end.saturating_sub(first_chunk),
        };
        let head = header.encode(self.facts.version)?;
        let data = self.storage.create(&self.place.file(DATA))?;
        let info = self.storage.create(&self.place.file(INFO))?;
        info.write_at(&head, 0)?;
        let side = Side::Offsets(u64::try_from(head.len()).unwrap_or(u64::MAX));
        if !layout.is_fixed {
            return Ok(Sink::ordered(data, side, info, 0, 0));
        }
        let (_, record) = layout.fixed_lengths(sealer);
        data.reserve(length_of(&header, sealer, record))?;
        Ok(Sink::fixed(data, side, info, record))
    }
}

/// Bytes of a Data.db whose chunks are not compressed: only the last may be shorter, or empty.
fn length_of(header: &CompressionHeader, sealer: &ChunkSealer, record: u64) -> u64 {
    let step = u64::from(header.chunk_length.bytes());
    let full = (header.data_length / step).min(header.chunk_count);
    let rest = usize::try_from(header.data_length % step).unwrap_or_default();
    let last = u64::try_from(sealer.record_length(rest)).unwrap_or(u64::MAX);
    let last = last.saturating_mul(header.chunk_count.saturating_sub(full));
    full.saturating_mul(record).saturating_add(last)
}

/// As the first pass of a rewrite.
fn write_range(
    stage: &TrialStage,
    (source, sealer, sink): (&ChunkSource, &ChunkSealer, &Sink),
    (number, range): (u64, u64),
    scratch: &mut Scratch,
) -> Result<u64> {
    let mut digest = PlainDigest::seeded(lock(&stage.digest).seed());
    let Transformed { old, records, crcs, .. } =
        transform(&stage.layout, (source, sealer), range, &mut digest, scratch)?;
    lock(&stage.digest).merge(&digest);
    let first_chunk = stage.chunks(range).start;
    sink.put(SealedRange { range: number, first_chunk, records, crcs }, &mut scratch.output)?;
    Ok(old.1)
}

/// As the second pass.
fn read_back(
    stage: &TrialStage,
    source: &ChunkSource,
    range: u64,
    scratch: &mut Scratch,
) -> Result<()> {
    let mut digest = PlainDigest::seeded(lock(&stage.digest).seed());
    let place = (range, stage.chunks(range));
    read_range(source, stage.layout.route, place, &mut digest, scratch)?;
    lock(&stage.digest).merge(&digest);
    Ok(())
}

/// A key that nobody else has, for the target's cipher.
fn throwaway_key(target: &Target) -> Result<Arc<CipherKey>> {
    let internal = |error| Error::new(ErrorKind::Internal, "no key for a trial").caused_by(error);
    let (transformation, bits) = match target.encryptor() {
        Some(options) => (options.transformation().clone(), options.strength()),
        None => (Transformation::parse("AES/CBC/PKCS5Padding").map_err(internal)?, 128),
    };
    let length = transformation.key_length(bits).map_err(internal)?;
    let mut key = Zeroizing::new(vec![0; length]);
    fill(&mut key)?;
    Ok(Arc::new(CipherKey::new(&transformation, &key).map_err(internal)?))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "the system gives no random bytes").caused_by(error)
    })
}

impl Place {
    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{}-{name}.staged", self.number))
    }

    /// What a rewrite does for each SSTable beside its chunks: small files, names, a log.
    fn files_beside(&self, storage: &dyn Storage) -> Result<()> {
        let mut random = [0; 64];
        fill(&mut random)?;
        for name in BESIDE {
            let path = self.file(name);
            write_small(storage, &path, &random)?;
            storage.rename(&path, &self.file(&format!("new-{name}")))?;
        }
        storage.sync_directory(&self.directory)?;
        let log = storage.create(&self.file(LOG))?;
        for record in 0..LOG_RECORDS {
            let at = record.saturating_mul(u64::try_from(random.len()).unwrap_or(u64::MAX));
            log.write_durably_at(&random, at)?;
        }
        storage.sync_directory(&self.directory)
    }

    fn remove(&self, storage: &dyn Storage) -> Result<()> {
        let beside = BESIDE.iter().map(|name| format!("new-{name}"));
        let names = [DATA, INFO, LOG].map(str::to_owned).into_iter().chain(beside);
        for name in names {
            storage.remove_file(&self.file(&name))?;
        }
        storage.sync_directory(&self.directory)
    }
}

fn write_small(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> Result<()> {
    let file: Box<dyn OutputFile> = storage.create(path)?;
    file.write_at(bytes, 0)?;
    file.sync()
}

/// The trial of an SSTable with next to nothing in it: what each costs by being one.
#[derive(Debug)]
pub(crate) struct SmallTrial<'a> {
    /// The file system.
    pub(crate) storage: &'a dyn Storage,
    /// Where its files are.
    pub(crate) place: Place,
}

impl Task for SmallTrial<'_> {
    type Scratch = ();
    type Stage = ();

    fn scratch() -> Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        BLOCK
    }

    fn work(&self) -> u64 {
        0
    }

    fn begin(&self) -> Result<Next<()>> {
        let mut random = vec![0; usize::try_from(BLOCK).unwrap_or_default()];
        fill(&mut random)?;
        for name in [DATA, INFO] {
            write_small(self.storage, &self.place.file(name), &random)?;
        }
        self.place.files_beside(self.storage)?;
        self.place.remove(self.storage)?;
        Ok(Next::Done)
    }

    fn piece(&self, _stage: &(), _piece: u64, _scratch: &mut ()) -> Result<u64> {
        Ok(0)
    }

    fn end(&self, _stage: &()) -> Result<Next<()>> {
        Ok(Next::Done)
    }

    fn abandon(&self, _stage: Option<()>, _why: &Error) {}
}

const DATA: &str = "Data";
const INFO: &str = "CompressionInfo";
const LOG: &str = "log";
/// What is made durable beside these.
const BESIDE: [&str; 3] = ["Digest", "Statistics", "TOC"];
/// Steps of a swap that are made durable one after the other.
const LOG_RECORDS: u64 = 3;
/// Bytes of a file that hardly has any.
const BLOCK: u64 = 4096;
