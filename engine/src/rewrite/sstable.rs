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

use super::digest::PlainDigest;
use super::ranges::{Chunking, Ranges};
use super::sink::{SealedRange, Side, Sink};
use super::slot::{Slot, lock};
use super::source::{Checked, ChunkSource};
use super::staging::StagingArea;
use super::verify::check_digest;
use crate::codec::{ChunkDecoder, ChunkLengths, ChunkSealer, DecodeScratch};
use crate::compress::{Codec, CodecContext};
use crate::io::{OutputFile, Storage};
use crate::keys::KeyRing;
use crate::options::ChunkLength;
use crate::pipeline::{Next, OrderedCrc, Scratch, Task, WipedBuffer};
use crate::plan::{Facts, Inspector, PlannedSSTable, Target, opener, target_codec};
use crate::sstable::{
    CRC_CHUNK_LENGTH, Component, CompressionHeader, Descriptor, MAX_COMPRESSED_LENGTH_NONE,
    TOC_LIMIT, TimeUuid, format_digest, format_toc, parse_toc,
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
    route: Route,
    ranges: Ranges,
    /// The head of the new CompressionInfo.db; none for an uncompressed target.
    header: Option<CompressionHeader>,
    sink: Sink,
    seed: u64,
}

/// How a chunk gets from the old file to the new one.
#[derive(Debug, Clone, Copy)]
enum Route {
    /// What the compressor made stays as it is, chunk for chunk.
    Payloads,
    /// Plaintext is cut into new chunks and compressed anew, if there is a compressor.
    Plaintext(Option<Codec>),
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
        let source = open_source(&self.job, self.facts)?;
        let (sealer, _) = target_codec(self.job.target, self.job.ring)?;
        let route = self.route(&source);
        let (old, new) = self.chunkings(&source, route);
        let ranges = Ranges::new(source.data_length(), old, new);
        let header = self.job.target.header(new.length, new.count, source.data_length());
        let is_fixed = matches!(route, Route::Plaintext(None)) || self.job.target.codec().is_none();
        let sink = self.create_sink(&staging, header.as_ref(), &sealer, is_fixed.then_some(new))?;
        let seed = lock(&self.written).digest.seed();
        let pieces = ranges.count();
        self.work.set(Work { source, sealer, route, ranges, header, sink, seed });
        Ok(if is_fixed { Next::Stage { pieces } } else { Next::OrderedStage { pieces } })
    }

    /// Payloads stay when the compressor and the chunk length stay; a chunk that was stored raw has
    /// none.
    fn route(&self, source: &ChunkSource) -> Route {
        let (target, old) = (self.job.target, self.facts.shape.codec());
        let has_raw_chunks = old.is_some()
            && source
                .header()
                .is_some_and(|header| header.max_compressed_length != MAX_COMPRESSED_LENGTH_NONE);
        let same_length = self.new_chunk_length(source) == source.chunk_length();
        if target.codec() == old && same_length && !has_raw_chunks {
            Route::Payloads
        } else {
            Route::Plaintext(target.codec())
        }
    }

    fn new_chunk_length(&self, source: &ChunkSource) -> ChunkLength {
        if !self.job.target.is_compressed() {
            return CRC_CHUNK_LENGTH;
        }
        match (self.job.target.chunk_length(), source.header()) {
            (Some(wanted), _) => wanted,
            (None, Some(header)) => header.chunk_length,
            (None, None) => self.facts.version.default_chunk_length(),
        }
    }

    fn chunkings(&self, source: &ChunkSource, route: Route) -> (Chunking, Chunking) {
        let old = Chunking { length: source.chunk_length(), count: source.chunk_count() };
        let new = match route {
            Route::Payloads => old,
            Route::Plaintext(_) => {
                let length = self.new_chunk_length(source);
                let count = source.data_length().div_ceil(u64::from(length.bytes())).max(1);
                Chunking { length, count }
            }
        };
        (old, new)
    }

    fn create_sink(
        &self,
        staging: &StagingArea,
        header: Option<&CompressionHeader>,
        sealer: &ChunkSealer,
        fixed: Option<Chunking>,
    ) -> Result<Sink> {
        let data = self.create_staged(staging, &Component::Data)?;
        let component = match header {
            Some(_) => Component::CompressionInfo,
            None => Component::Crc,
        };
        let side_file = self.create_staged(staging, &component)?;
        let side = match header {
            Some(header) => {
                let place = |error: Error| error.at(staging.file(&component));
                let head = header.encode(self.facts.version).map_err(place)?;
                side_file.write_at(&head, 0)?;
                Side::Offsets(u64::try_from(head.len()).unwrap_or(u64::MAX))
            }
            None => {
                side_file.write_at(&CRC_CHUNK_LENGTH.bytes().to_be_bytes(), 0)?;
                Side::Crcs
            }
        };
        let Some(chunking) = fixed else { return Ok(Sink::ordered(data, side, side_file)) };
        let full = usize::try_from(chunking.length.bytes()).unwrap_or(usize::MAX);
        let record = u64::try_from(sealer.record_length(full)).unwrap_or(u64::MAX);
        data.reserve(fixed_length(self.facts.plain_bytes(), chunking, sealer))?;
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
        let checked = work.source.check(work.ranges.old(piece), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(work.seed);
        let chunks = match work.route {
            Route::Payloads => {
                payloads_to_image(&checked, &work.sealer, output, plain, &mut decode, &mut digest)?
            }
            Route::Plaintext(codec) => {
                let plain = plain.sized(checked.plain_length());
                checked.plaintext(plain, &mut decode)?;
                digest.add(piece, plain);
                let lengths = work.new_lengths(piece);
                compress_to_image(plain, &lengths, codec, &work.sealer, output, decode.context)?
            }
        };
        let records = chunks.iter().map(|chunk| work.sealer.record_length(chunk.payload)).collect();
        let length = output.as_slice().len();
        let sealed = work.sealer.seal(output.sized(length), &chunks, ivs)?;
        let first_chunk = work.ranges.new_chunks(piece).start;
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
        let pieces = work.ranges.count();
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
        for component in self.carried_over() {
            storage.copy(&self.facts.sstable.path(component), &staging.file(component))?;
        }
        self.write_small(&staging, &Component::Toc, &self.toc()?)?;
        storage.sync_directory(staging.path())?;
        self.open_again(&staging, &work)?;
        Ok(pieces)
    }

    fn open_again(&self, staging: &StagingArea, work: &Work) -> Result<()> {
        let data = staging.file(&Component::Data);
        let access = self.job.inspector.access();
        let source = match &work.header {
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
        if source.header() != work.header.as_ref() {
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
        let checked = back.source.check(work.ranges.new_chunks(piece), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        let mut digest = PlainDigest::seeded(work.seed);
        match work.route {
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
        let is_plain = !matches!(work.route, Route::Payloads) || self.facts.shape.codec().is_none();
        let is_whole = !is_plain || went_in.bytes() == work.source.data_length();
        if *lock(&back.digest) != went_in || !is_whole {
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
        listed.retain(|component| !component.is_foreign_digest() && !sides.contains(component));
        for component in [self.side(), Component::Digest, Component::Toc] {
            if !listed.contains(&component) {
                listed.push(component);
            }
        }
        Ok(format_toc(&listed))
    }
}

impl Task for Rewrite<'_> {
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

/// Opens an old Data.db with the keys that it needs.
pub(super) fn open_source(job: &RewriteJob<'_>, facts: &Facts) -> Result<ChunkSource> {
    open_with(facts, job.inspector, facts.shape.is_encrypted().then_some(job.ring))
}

/// Opens the Data.db of an SSTable; an encrypted one needs keys.
pub(super) fn open_with(
    facts: &Facts,
    inspector: Inspector<'_>,
    ring: Option<&KeyRing>,
) -> Result<ChunkSource> {
    let (data, access) = (facts.data_path(), inspector.access());
    if facts.header.is_none() {
        return ChunkSource::uncompressed(&data, &facts.sstable.path(&Component::Crc), access);
    }
    let opener = ring.map(|ring| opener(facts, ring)).transpose()?;
    let info = facts.sstable.path(&Component::CompressionInfo);
    let codec = facts.shape.codec();
    ChunkSource::compressed(&data, &info, facts.version, access, |max| {
        ChunkDecoder::new(codec, opener, max)
    })
}

/// Puts every payload behind the prefix of its record.
fn payloads_to_image(
    checked: &Checked<'_>,
    sealer: &ChunkSealer,
    image: &mut WipedBuffer,
    aside: &mut WipedBuffer,
    decode: &mut DecodeScratch<'_>,
    digest: &mut PlainDigest,
) -> Result<Vec<ChunkLengths>> {
    let lengths = checked
        .chunks()
        .map(|chunk| {
            Ok(ChunkLengths { plain: chunk.plain_length(), payload: chunk.payload_length()? })
        })
        .collect::<Result<Vec<_>>>()?;
    let total = lengths.iter().map(|chunk| sealer.record_length(chunk.payload)).sum();
    let mut rest = image.sized(total);
    for (chunk, length) in checked.chunks().zip(&lengths) {
        let (record, after) = rest
            .split_at_mut_checked(sealer.record_length(length.payload))
            .ok_or_else(incomplete)?;
        rest = after;
        let room = record.get_mut(sealer.prefix_length()..).ok_or_else(incomplete)?;
        let working = chunk.working_length()?;
        // The old cipher may pad more than the new one has room for.
        let found = match room.get_mut(..working) {
            Some(place) => chunk.payload(place, decode)?,
            None => {
                let place = aside.sized(working);
                let found = chunk.payload(place, decode)?;
                let payload = place.get(..length.payload).ok_or_else(incomplete)?;
                room.get_mut(..length.payload).ok_or_else(incomplete)?.copy_from_slice(payload);
                found
            }
        };
        if found != length.payload {
            return Err(incomplete());
        }
        digest.add(chunk.number(), room.get(..length.payload).unwrap_or_default());
    }
    Ok(lengths)
}

/// Cuts plaintext into chunks of these lengths and compresses each to its place in the image.
fn compress_to_image(
    plain: &[u8],
    lengths: &[usize],
    codec: Option<Codec>,
    sealer: &ChunkSealer,
    image: &mut WipedBuffer,
    context: &mut CodecContext,
) -> Result<Vec<ChunkLengths>> {
    let most = |plain: usize| codec.map_or(plain, |codec| codec.max_compressed_length(plain));
    let bound = lengths.iter().map(|&plain| sealer.record_length(most(plain))).sum();
    let whole = image.sized(bound);
    let (mut at, mut rest) = (0_usize, plain);
    let mut chunks = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (own, after) = rest.split_at_checked(length).ok_or_else(incomplete)?;
        rest = after;
        let room = whole.get_mut(at.saturating_add(sealer.prefix_length())..);
        let room = room.ok_or_else(incomplete)?;
        let payload = match codec {
            Some(codec) => codec.compress(own, room, context)?,
            None => {
                room.get_mut(..length).ok_or_else(incomplete)?.copy_from_slice(own);
                length
            }
        };
        at = at.saturating_add(sealer.record_length(payload));
        chunks.push(ChunkLengths { plain: length, payload });
    }
    image.sized(at);
    Ok(chunks)
}

/// Length of a Data.db all of whose chunks have records of known lengths.
fn fixed_length(plain: u64, chunking: Chunking, sealer: &ChunkSealer) -> u64 {
    let length = u64::from(chunking.length.bytes());
    let record = |plain: u64| {
        let plain = usize::try_from(plain).unwrap_or(usize::MAX);
        u64::try_from(sealer.record_length(plain)).unwrap_or(u64::MAX)
    };
    let full = (plain / length).min(chunking.count);
    let mut total = full.saturating_mul(record(length));
    for chunk in full..chunking.count {
        let left = plain.saturating_sub(chunk.saturating_mul(length)).min(length);
        total = total.saturating_add(record(left));
    }
    total
}

impl Work {
    /// Bytes of plaintext of the new chunks of a range.
    fn new_lengths(&self, piece: u64) -> Vec<usize> {
        let length = u64::from(self.ranges.new_length().bytes());
        self.ranges
            .new_chunks(piece)
            .map(|chunk| {
                let before = chunk.saturating_mul(length);
                let left = self.source.data_length().saturating_sub(before).min(length);
                usize::try_from(left).unwrap_or_default()
            })
            .collect()
    }
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "the pieces of an SSTable do not fit together")
}
