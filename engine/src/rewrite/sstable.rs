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
use super::image::{compress_to_image, payloads_to_image};
use super::layout::{Layout, Route};
use super::sink::{SealedRange, Side, Sink};
use super::slot::{Slot, lock};
use super::source::ChunkSource;
use super::staging::StagingArea;
use super::verify::check_digest;
use crate::codec::{ChunkDecoder, ChunkSealer, DecodeScratch};
use crate::io::{OutputFile, Storage};
use crate::keys::KeyRing;
use crate::pipeline::{Next, OrderedCrc, Scratch, Task};
use crate::plan::{Facts, Inspector, PlannedSSTable, Target, target_codec};
use crate::sstable::{
    CRC_CHUNK_LENGTH, Component, Descriptor, TOC_LIMIT, TimeUuid, format_digest, format_toc,
    parse_toc,
};
use crate::txn::{Flavor, Swap, publish};
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
    source: ChunkSource,
    sealer: ChunkSealer,
    layout: Layout,
    sink: Sink,
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
    source: ChunkSource,
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

    fn open(&self) -> Result<Next> {
        let storage = self.job.storage;
        let staging = StagingArea::create(storage, &self.planned.data_dir, &self.staging_name())?;
        let staging = self.staging.set(staging);
        let source = ChunkSource::of(self.facts, self.job.inspector, self.job.ring)?;
        let (sealer, _) = target_codec(self.job.target, self.job.ring)?;
        let layout = Layout::new(self.facts, self.job.target, &source);
        let sink = self.create_sink(&staging, &layout, &sealer)?;
        let seed = lock(&self.written).digest.seed();
        let pieces = layout.ranges.count();
        let next = match layout.is_fixed {
            true => Next::Stage { pieces },
            false => Next::OrderedStage { pieces },
        };
        self.work.set(Work { source, sealer, layout, sink, seed });
        Ok(next)
    }

    fn create_sink(
        &self,
        staging: &StagingArea,
        layout: &Layout,
        sealer: &ChunkSealer,
    ) -> Result<Sink> {
        let data = self.create_staged(staging, &Component::Data)?;
        let side_file = self.create_staged(staging, &self.side())?;
        let side = match &layout.header {
            Some(header) => {
                let place = |error: Error| error.at(staging.file(&self.side()));
                let head = header.encode(self.facts.version).map_err(place)?;
                side_file.write_at(&head, 0)?;
                Side::Offsets(u64::try_from(head.len()).unwrap_or(u64::MAX))
            }
            None => {
                side_file.write_at(&CRC_CHUNK_LENGTH.bytes().to_be_bytes(), 0)?;
                Side::Crcs
            }
        };
        if !layout.is_fixed {
            return Ok(Sink::ordered(data, side, side_file));
        }
        let (length, record) = layout.fixed_lengths(sealer);
        data.reserve(length)?;
        Ok(Sink::fixed(data, side, side_file, record))
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
        let Scratch { input, output, plain, opened, codecs, ivs, .. } = scratch;
        let checked = work.source.check(work.layout.ranges.old(piece), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(work.seed);
        let chunks = match work.layout.route {
            Route::Payloads => {
                payloads_to_image(&checked, &work.sealer, output, plain, &mut decode, &mut digest)?
            }
            Route::Plaintext(codec) => {
                let plain = plain.sized(checked.plain_length());
                checked.plaintext(plain, &mut decode)?;
                digest.add(piece, plain);
                let lengths = work.layout.new_lengths(piece);
                compress_to_image(plain, &lengths, codec, &work.sealer, output, decode.context)?
            }
        };
        let records = chunks.iter().map(|chunk| work.sealer.record_length(chunk.payload)).collect();
        let length = output.as_slice().len();
        let sealed = work.sealer.seal(output.sized(length), &chunks, ivs)?;
        let first_chunk = work.layout.ranges.new_chunks(piece).start;
        let range = SealedRange { range: piece, first_chunk, records, crcs: sealed.chunk_crcs };
        work.sink.put(range, output)?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let mut written = lock(&self.written);
        written.old_crc.add(piece, checked.crc);
        written.new_crc.add(piece, sealed.crc);
        written.digest.merge(&digest);
        Ok(bytes)
    }

    /// Completes the staged SSTable and opens it again.
    fn complete(&self) -> Result<u64> {
        let (work, storage) = (self.work.get()?, self.job.storage);
        let staging = self.staging.get()?;
        work.source.unchanged()?;
        let pieces = work.layout.ranges.count();
        let (old_crc, new_crc) = {
            let mut written = lock(&self.written);
            written.warnings = work.source.mislabelled();
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
        work.sink.sync()?;
        self.write_small(&staging, &Component::Digest, &format_digest(new_crc))?;
        let ratio = self.new_compression_ratio(&work, &staging)?;
        for component in self.carried_over() {
            let to = staging.file(component);
            let strange = components::carry_over(&self.job, self.facts, component, &to, ratio)?;
            lock(&self.written).warnings.extend(strange);
        }
        self.write_small(&staging, &Component::Toc, &self.toc()?)?;
        storage.sync_directory(staging.path())?;
        self.open_again(&staging, &work)?;
        Ok(pieces)
    }

    /// Stored bytes by plaintext, when the compressor changes: -1 for an uncompressed SSTable, and
    /// with the chunks' CRCs in Converged Core and DSE only (FORMATS.md 8.2).
    #[expect(clippy::cast_precision_loss, reason = "a ratio is an estimate")]
    fn new_compression_ratio(&self, work: &Work, staging: &StagingArea) -> Result<Option<f64>> {
        let target = self.job.target;
        if target.codec() == self.facts.shape.codec()
            && target.is_compressed() == self.facts.header.is_some()
        {
            return Ok(None);
        }
        if !target.is_compressed() {
            return Ok(Some(-1.0));
        }
        let stored = self.job.storage.stat(&staging.file(&Component::Data))?;
        let stored = stored.map_or(0, |stat| stat.length);
        let crcs = match self.job.flavor {
            Flavor::Apache3 | Flavor::Apache4 => work.layout.new.count.saturating_mul(4),
            _ => 0,
        };
        let plain = work.source.data_length().max(1);
        Ok(Some(stored.saturating_sub(crcs) as f64 / plain as f64))
    }

    fn open_again(&self, staging: &StagingArea, work: &Work) -> Result<()> {
        let data = staging.file(&Component::Data);
        let access = self.job.inspector.access();
        let source = match &work.layout.header {
            None => ChunkSource::uncompressed(&data, &staging.file(&Component::Crc), access)?,
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
        let digest = PlainDigest::seeded(lock(&self.written).digest.seed());
        self.readback.set(ReadBack { source, crc: Mutex::default(), digest: Mutex::new(digest) });
        Ok(())
    }

    fn verify_range(&self, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let (work, back) = (self.work.get()?, self.readback.get()?);
        let Scratch { input, plain, opened, codecs, .. } = scratch;
        let checked = back.source.check(work.layout.ranges.new_chunks(piece), input)?;
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
                digest.add(piece, plain);
            }
        }
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
        // Behind a compressor that stays, what it made was counted.
        let is_plain =
            !matches!(work.layout.route, Route::Payloads) || self.facts.shape.codec().is_none();
        let is_whole = !is_plain || went_in.bytes() == work.source.data_length();
        if *lock(&back.digest) != went_in || !is_whole {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the new SSTable does not decrypt to the plaintext of the old one",
            )
            .at(data)
            .cure("the old SSTable is untouched; check the machine's memory and disk, run again"));
        }
        let crc = lock(&back.crc).value(work.layout.ranges.count());
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

    /// Components that go on. Another kind of digest of the old Data.db is left out: it would be
    /// wrong for the new one; and so is an index that may be under the old key.
    fn carried_over(&self) -> impl Iterator<Item = &Component> {
        let components = self.facts.sstable.components.iter();
        components.filter(|component| !component.is_rewritten() && !self.is_left_out(component))
    }

    fn is_left_out(&self, component: &Component) -> bool {
        component.is_foreign_digest() || component.is_dse_index() && self.facts.shape.is_encrypted()
    }

    /// The file beside Data.db that says where its chunks lie, or their checksums.
    fn side(&self) -> Component {
        match self.job.target.is_compressed() {
            true => Component::CompressionInfo,
            false => Component::Crc,
        }
    }

    /// All components of the new SSTable, TOC last: what has a TOC is complete.
    fn components(&self) -> Vec<Component> {
        let mut components = vec![Component::Data, self.side(), Component::Digest];
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
        let sides = [Component::CompressionInfo, Component::Crc];
        listed.retain(|component| !self.is_left_out(component) && !sides.contains(component));
        for component in [self.side(), Component::Digest, Component::Toc] {
            if !listed.contains(&component) {
                listed.push(component);
            }
        }
        Ok(format_toc(&listed))
    }
}

impl Task for Rewrite<'_> {
    fn bytes(&self) -> u64 {
        self.planned.space
    }

    fn work(&self) -> u64 {
        self.facts.data_bytes.saturating_mul(2)
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
                Ok(Next::Done)
            }
        }
    }

    fn abandon(&self) {
        self.close();
    }
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "the pieces of an SSTable do not fit together")
}
