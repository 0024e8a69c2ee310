//! The rewrite of one SSTable, from the first chunk to the deletion of the old files.
//!
//! ```text
//! begin        staging directory, Data.db created and reserved
//! stage 0      each range: read, check CRC, decrypt, digest, encrypt, CRC, write at its place
//! end 0        fsync Data.db; CompressionInfo.db, Digest.crc32; others copied; TOC.txt; fsync all
//! stage 1      each range of the staged Data.db: read, check CRC, decrypt with the new key only
//! end 1        digests compared; swap by transaction log
//! ```

use std::path::PathBuf;
use std::sync::Mutex;

use super::components;
use super::digest::PlainDigest;
use super::ranges::Ranges;
use super::reader::ChunkReader;
use super::slot::{Slot, lock};
use super::staging::StagingArea;
use super::verify::check_digest;
use crate::codec::ChunkSealer;
use crate::io::{OutputFile, Storage};
use crate::keys::KeyRing;
use crate::pipeline::{Next, OrderedCrc, Scratch, Task};
use crate::plan::{Facts, Inspector, PlannedSSTable, Target, opener, target_codec};
use crate::sstable::{
    Component, CompressionHeader, Descriptor, TOC_LIMIT, TimeUuid, format_digest, format_toc,
    parse_toc,
};
use crate::txn::{Flavor, Swap, publish};
use crate::wire::Put as _;
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
}

/// The rewrite of one SSTable.
#[derive(Debug)]
pub struct Rewrite<'a> {
    job: RewriteJob<'a>,
    planned: &'a PlannedSSTable,
    facts: &'a Facts,
    new: &'a Descriptor,
    staging: Slot<StagingArea>,
    work: Slot<Work>,
    written: Mutex<Written>,
    readback: Slot<ReadBack>,
}

/// What the pieces of the first stage share.
#[derive(Debug)]
struct Work {
    reader: ChunkReader,
    sealer: ChunkSealer,
    header: CompressionHeader,
    ranges: Ranges,
    data: Box<dyn OutputFile>,
    seed: u64,
}

/// What they leave.
#[derive(Debug)]
struct Written {
    old_crc: OrderedCrc,
    new_crc: OrderedCrc,
    digest: PlainDigest,
    warnings: Vec<Error>,
}

/// The new SSTable, opened from disk with the new key only.
#[derive(Debug)]
struct ReadBack {
    reader: ChunkReader,
    crc: Mutex<OrderedCrc>,
    digest: Mutex<PlainDigest>,
}

impl<'a> Rewrite<'a> {
    /// Prepares it; nothing is touched yet.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no random bytes.
    pub fn new(
        job: RewriteJob<'a>,
        planned: &'a PlannedSSTable,
        facts: &'a Facts,
        new: &'a Descriptor,
    ) -> Result<Self> {
        Ok(Self {
            job,
            planned,
            facts,
            new,
            staging: Slot::default(),
            work: Slot::default(),
            written: Mutex::new(Written {
                old_crc: OrderedCrc::default(),
                new_crc: OrderedCrc::default(),
                digest: PlainDigest::new()?,
                warnings: vec![],
            }),
            readback: Slot::default(),
        })
    }

    /// What was strange about the old SSTable; known when it was read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        lock(&self.written).warnings.clone()
    }

    fn open(&self) -> Result<u64> {
        let storage = self.job.storage;
        let staging = StagingArea::create(storage, &self.planned.data_dir, &self.staging_name())?;
        let staging = self.staging.set(staging);
        let reader = ChunkReader::open(
            &self.facts.data_path(),
            &self.facts.sstable.path(&Component::CompressionInfo),
            self.facts.version,
            self.job.inspector.access(),
            opener(self.facts, self.job.ring)?,
        )?;
        let (sealer, _) = target_codec(self.job.target, self.job.ring)?;
        let header = self.job.target.header(reader.header());
        let ranges = Ranges::new(header.chunk_count, header.chunk_length);
        let data = self.create_staged(&staging, &Component::Data)?;
        data.reserve(offset_of(&header, &sealer, header.chunk_count))?;
        let seed = lock(&self.written).digest.seed();
        let pieces = ranges.count();
        self.work.set(Work { reader, sealer, header, ranges, data, seed });
        Ok(pieces)
    }

    /// Where the table lies below the data directory, and the new name: a table that was dropped and
    /// made again has two directories of one name, which may give out the same ids.
    fn staging_name(&self) -> String {
        let directory = &self.facts.sstable.directory;
        let below = directory.strip_prefix(&self.planned.data_dir).unwrap_or(directory);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        format!("{}.{}", parts.join("."), self.new)
    }

    fn rewrite_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let work = self.work.get()?;
        let chunks = work.ranges.get(piece);
        let checked = work.reader.check(chunks.clone(), &mut scratch.input)?;
        let plain_lengths: Vec<usize> = checked.plain_lengths().collect();
        let record = |plain| work.sealer.record_length(plain);
        let image = scratch.output.sized(plain_lengths.iter().map(|&plain| record(plain)).sum());
        let mut digest = PlainDigest::seeded(work.seed);
        checked.decrypt(image, work.sealer.prefix_length(), record, |chunk, plain| {
            digest.add(chunk, plain);
        })?;
        let crc = work.sealer.seal(image, &plain_lengths, &mut scratch.ivs)?;
        work.data.write_at(image, offset_of(&work.header, &work.sealer, chunks.start))?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let mut written = lock(&self.written);
        written.old_crc.add(piece, checked.crc);
        written.new_crc.add(piece, crc);
        written.digest.merge(&digest);
        Ok(bytes)
    }

    /// Completes the staged SSTable and opens it again.
    fn complete(&self) -> Result<u64> {
        let (work, storage) = (self.work.get()?, self.job.storage);
        let staging = self.staging.get()?;
        work.reader.unchanged()?;
        let pieces = work.ranges.count();
        let (old_crc, new_crc) = {
            let mut written = lock(&self.written);
            written.warnings = work.reader.mislabelled();
            (written.old_crc.value(pieces), written.new_crc.value(pieces))
        };
        if self.facts.sstable.has(&Component::Digest) {
            check_digest(
                storage,
                &self.facts.sstable.path(&Component::Digest),
                old_crc,
                ErrorKind::Corrupt,
            )?;
        }
        let new_crc = new_crc.ok_or_else(incomplete)?;
        work.data.sync()?;
        work.data.forget_cached();
        self.write_compression_info(&work, &staging)?;
        self.write_small(&staging, &Component::Digest, &format_digest(new_crc))?;
        for component in self.carried_over() {
            let to = staging.file(component);
            let strange = components::carry_over(&self.job, self.facts, component, &to)?;
            lock(&self.written).warnings.extend(strange);
        }
        self.write_small(&staging, &Component::Toc, &self.toc()?)?;
        storage.sync_directory(staging.path())?;
        self.open_again(&staging, pieces)
    }

    fn open_again(&self, staging: &StagingArea, pieces: u64) -> Result<u64> {
        let (_, opener) = target_codec(self.job.target, self.job.ring)?;
        let reader = ChunkReader::open(
            &staging.file(&Component::Data),
            &staging.file(&Component::CompressionInfo),
            self.facts.version,
            self.job.inspector.access(),
            opener,
        )?;
        let header = self.work.get()?.header.clone();
        if *reader.header() != header {
            return Err(Error::new(ErrorKind::Mismatch, "it does not read back as written")
                .at(staging.file(&Component::CompressionInfo)));
        }
        let digest = PlainDigest::seeded(lock(&self.written).digest.seed());
        self.readback.set(ReadBack { reader, crc: Mutex::default(), digest: Mutex::new(digest) });
        Ok(pieces)
    }

    fn verify_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let (work, back) = (self.work.get()?, self.readback.get()?);
        let checked = back.reader.check(work.ranges.get(piece), &mut scratch.input)?;
        let working = |plain| back.reader.working_length(plain);
        let plain = scratch.output.sized(checked.plain_lengths().map(working).sum());
        let mut digest = PlainDigest::seeded(work.seed);
        checked.decrypt(plain, 0, working, |chunk, plain| digest.add(chunk, plain))?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        lock(&back.crc).add(piece, checked.crc);
        lock(&back.digest).merge(&digest);
        Ok(bytes)
    }

    /// Compares what was read back with what went in, and swaps.
    fn conclude(&self) -> Result<()> {
        let (work, back) = (self.work.get()?, self.readback.get()?);
        let staging = self.staging.get()?;
        let data = staging.file(&Component::Data);
        let went_in = lock(&self.written).digest;
        if *lock(&back.digest) != went_in || went_in.bytes() != work.header.data_length {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the new SSTable does not decrypt to the plaintext of the old one",
            )
            .at(data)
            .cure("the old SSTable is untouched; check the machine's memory and disk, run again"));
        }
        let crc = lock(&back.crc).value(work.ranges.count());
        check_digest(
            self.job.storage,
            &staging.file(&Component::Digest),
            crc,
            ErrorKind::Mismatch,
        )?;
        let staged: Vec<(Component, PathBuf)> = self
            .components()
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

    /// Closes all files and removes the staging directory. What cannot be removed now is swept by
    /// the next run.
    fn close(&self) {
        drop((self.work.take(), self.readback.take()));
        if let Some(staging) = self.staging.take() {
            let _swept_later = staging.remove(self.job.storage);
        }
    }

    fn write_compression_info(&self, work: &Work, staging: &StagingArea) -> Result<()> {
        let path = staging.file(&Component::CompressionInfo);
        let file = self.create_staged(staging, &Component::CompressionInfo)?;
        let mut bytes = work.header.encode(self.facts.version).map_err(|e| e.at(&path))?;
        let mut written = 0_u64;
        for chunk in 0..work.header.chunk_count {
            let offset = offset_of(&work.header, &work.sealer, chunk);
            bytes.put_i64(i64::try_from(offset).map_err(|_over| incomplete())?);
            if bytes.len() >= WRITE_AT_ONCE {
                file.write_at(&bytes, written)?;
                written = written.saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
                bytes.clear();
            }
        }
        file.write_at(&bytes, written)?;
        file.sync()?;
        file.forget_cached();
        Ok(())
    }

    fn write_small(&self, staging: &StagingArea, component: &Component, text: &str) -> Result<()> {
        let file = self.create_staged(staging, component)?;
        file.write_at(text.as_bytes(), 0)?;
        file.sync()
    }

    /// Creates a staged file with the owner, the mode and the label of its predecessor, or of the
    /// old Data.db if it has none: before the fsync that makes it durable.
    fn create_staged(
        &self,
        staging: &StagingArea,
        component: &Component,
    ) -> Result<Box<dyn OutputFile>> {
        let like = match self.facts.sstable.has(component) {
            true => self.facts.sstable.path(component),
            false => self.facts.data_path(),
        };
        let path = staging.file(component);
        let file = self.job.storage.create(&path)?;
        self.job.storage.copy_attributes(&like, &path)?;
        Ok(file)
    }

    /// Components that are copied. Another kind of digest of the old Data.db is left out: it
    /// would be wrong for the new one.
    fn carried_over(&self) -> impl Iterator<Item = &Component> {
        self.facts
            .sstable
            .components
            .iter()
            .filter(|component| !component.is_rewritten() && !component.is_foreign_digest())
    }

    /// All components of the new SSTable, TOC last: what has a TOC is complete.
    fn components(&self) -> Vec<Component> {
        let mut components = vec![Component::Data, Component::CompressionInfo, Component::Digest];
        components.extend(self.carried_over().cloned());
        components.push(Component::Toc);
        components
    }

    /// The old list, less what was left out, and more what was added.
    fn toc(&self) -> Result<String> {
        let mut listed = match self.facts.sstable.has(&Component::Toc) {
            true => {
                let path = self.facts.sstable.path(&Component::Toc);
                let bytes = self.job.storage.read(&path, TOC_LIMIT)?;
                parse_toc(&String::from_utf8_lossy(&bytes))
            }
            false => self.components(),
        };
        listed.retain(|component| !component.is_foreign_digest());
        for component in [Component::Digest, Component::Toc] {
            if !listed.contains(&component) {
                listed.push(component);
            }
        }
        Ok(format_toc(&listed))
    }
}

impl Task for Rewrite<'_> {
    fn begin(&self) -> Result<Next> {
        self.open().map(|pieces| Next::Stage { pieces })
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
                Ok(Next::Done)
            }
        }
    }

    fn abandon(&self) {
        self.close();
    }
}

/// Offset of a chunk in the new Data.db; for the chunk count, the length of the file. All chunks
/// but the last have one length, so it is known before anything is encrypted.
fn offset_of(header: &CompressionHeader, sealer: &ChunkSealer, chunk: u64) -> u64 {
    let record = |plain| u64::try_from(sealer.record_length(plain)).unwrap_or(u64::MAX);
    let chunk_length = u64::from(header.chunk_length.bytes());
    let full = header.data_length / chunk_length;
    let before = chunk.min(full);
    let mut offset =
        before.saturating_mul(record(usize::try_from(chunk_length).unwrap_or_default()));
    for short in before..chunk {
        // At most the last chunk and an empty one behind it.
        offset = offset.saturating_add(record(header.plain_length(short)));
    }
    offset
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "a piece of the SSTable is missing")
}

/// Bytes of CompressionInfo.db that are gathered before they are written.
const WRITE_AT_ONCE: usize = 1 << 20;
