//! Reads the chunks of a Data.db: checksum, key, length, plaintext.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::decode::{ChunkDecoder, DecodeScratch};
use super::open::{Opened, crc_mismatch};
use crate::io::{Access, Source};
use crate::keys::KeyId;
use crate::options::ChunkLength;
use crate::sstable::{
    CHUNK_CRC_LENGTH, ChunkSlot, ChunkTable, CompressionHeader, CrcTable, Version,
};
use crate::{Error, ErrorKind, Result};

/// An open Data.db with the table of its chunks, and what decodes them.
#[derive(Debug)]
pub struct ChunkSource {
    table: Table,
    data: Source,
    decoder: ChunkDecoder,
    /// How many chunks are under a key that their header does not name.
    mislabelled: Mutex<BTreeMap<KeyId, u64>>,
}

#[derive(Debug)]
enum Table {
    Compressed(ChunkTable),
    Uncompressed(CrcTable),
}

/// The stored bytes of a range, with their slots, its checksum verified.
#[derive(Debug)]
pub struct CheckedChunks<'a> {
    /// Running CRC32 of the range, chunk CRCs included.
    pub crc: crc32fast::Hasher,
    chunks: Range<u64>,
    slots: Vec<ChunkSlot>,
    bytes: &'a [u8],
    source: &'a ChunkSource,
}

/// A stored chunk of a checked range.
#[derive(Debug, Clone, Copy)]
pub struct StoredChunk<'a> {
    number: u64,
    slot: ChunkSlot,
    bytes: &'a [u8],
    source: &'a ChunkSource,
}

impl ChunkSource {
    /// Opens a compressed Data.db and its CompressionInfo.db; `decoder` gets the max compressed
    /// length.
    ///
    /// # Errors
    /// As [`ChunkTable::open`] and [`Source::open`].
    pub fn compressed(
        data: &Path,
        info: &Path,
        version: &Version,
        access: Access<'_>,
        decoder: impl FnOnce(u32) -> ChunkDecoder,
    ) -> Result<Self> {
        let data = Source::open(data, access)?;
        let table = ChunkTable::open(info, version, access, data.length())?;
        let decoder = decoder(table.header().max_compressed_length);
        let mislabelled = Mutex::default();
        Ok(Self { table: Table::Compressed(table), data, decoder, mislabelled })
    }

    /// Opens an uncompressed Data.db and its CRC.db, if it has one.
    ///
    /// # Errors
    /// As [`CrcTable::open`] and [`Source::open`].
    pub fn uncompressed(data: &Path, crc: Option<&Path>, access: Access<'_>) -> Result<Self> {
        let data = Source::open(data, access)?;
        let table = match crc {
            Some(crc) => CrcTable::open(crc, access, data.length())?,
            None => CrcTable::without(data.length()),
        };
        let decoder = ChunkDecoder::new(None, None, 0);
        let mislabelled = Mutex::default();
        Ok(Self { table: Table::Uncompressed(table), data, decoder, mislabelled })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.data.path()
    }

    /// The head of CompressionInfo.db, if the file is compressed.
    #[must_use]
    pub const fn header(&self) -> Option<&CompressionHeader> {
        match &self.table {
            Table::Compressed(table) => Some(table.header()),
            Table::Uncompressed(_) => None,
        }
    }

    /// Bytes of plaintext in each chunk but the last.
    #[must_use]
    pub const fn chunk_length(&self) -> ChunkLength {
        match &self.table {
            Table::Compressed(table) => table.header().chunk_length,
            Table::Uncompressed(table) => table.chunk_length(),
        }
    }

    /// How many chunks there are, with the empty ones at the end.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        match &self.table {
            Table::Compressed(table) => table.header().chunk_count,
            Table::Uncompressed(table) => table.chunk_count(),
        }
    }

    const fn has_no_checksums(&self) -> bool {
        matches!(&self.table, Table::Uncompressed(table) if !table.has_checksums())
    }

    /// Bytes of plaintext in all.
    #[must_use]
    pub const fn data_length(&self) -> u64 {
        match &self.table {
            Table::Compressed(table) => table.header().data_length,
            Table::Uncompressed(_) => self.data.length(),
        }
    }

    /// Reads a range and checks the CRC of each of its chunks.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with the chunk, and [`ErrorKind::Io`].
    pub fn check<'a>(
        &'a self,
        chunks: Range<u64>,
        input: &'a mut Vec<u8>,
    ) -> Result<CheckedChunks<'a>> {
        let (mut slots, mut crcs) = (Vec::new(), Vec::new());
        match &self.table {
            Table::Compressed(table) => table.slots(chunks.clone(), &mut slots)?,
            Table::Uncompressed(table) => table.slots(chunks.clone(), &mut slots, &mut crcs)?,
        }
        let start = slots.first().map_or(0, |slot| slot.offset);
        let length = slots.iter().map(|slot| self.record_length(slot)).sum();
        self.prefetch_ahead(start, length);
        let bytes = self.data.slice(start, length, input)?;
        let mut whole = crc32fast::Hasher::new();
        let mut rest = bytes;
        let mut expected = crcs.into_iter();
        for (number, slot) in chunks.clone().zip(&slots) {
            let (record, after) = rest
                .split_at_checked(self.record_length(slot))
                .ok_or_else(|| self.outside(number))?;
            let (stored, trailer) =
                record.split_at_checked(slot.stored).ok_or_else(|| self.outside(number))?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(stored);
            let crc = match trailer.first_chunk() {
                Some(crc) => Some(u32::from_be_bytes(*crc)),
                None if self.has_no_checksums() => None,
                None => Some(expected.next().ok_or_else(|| self.outside(number))?),
            };
            if crc.is_some_and(|crc| hasher.clone().finalize() != crc) {
                return Err(self.place(number, slot, crc_mismatch()));
            }
            hasher.update(trailer);
            whole.combine(&hasher);
            rest = after;
        }
        Ok(CheckedChunks { crc: whole, chunks, slots, bytes, source: self })
    }

    /// Ranges are processed nearly in order. When one is begun, the system starts to read one a few
    /// ranges ahead, so that no worker waits for it.
    fn prefetch_ahead(&self, start: u64, length: usize) {
        let ahead = |ranges: u64| {
            start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX).saturating_mul(ranges))
        };
        if start == 0 {
            self.data.prefetch(ahead(1), length.saturating_mul(RANGES_AHEAD));
        }
        self.data.prefetch(ahead(RANGES_AHEAD as u64), length);
    }

    /// Checks that Data.db was not changed since it was opened.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`].
    pub fn unchanged(&self) -> Result<()> {
        self.data.unchanged()
    }

    /// A warning for each key under which chunks were found whose headers name another key.
    #[must_use]
    pub fn mislabelled(&self) -> Vec<Error> {
        self.lock()
            .iter()
            .map(|(id, chunks)| {
                Error::corrupt(format!(
                    "{chunks} of its chunks name another key in their headers than the one that \
                     they are under, as the database may write them when its key changes"
                ))
                .at(self.data.path())
                .key(id)
            })
            .collect()
    }

    /// A panic of another worker ends the task; the map itself is always whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<KeyId, u64>> {
        self.mislabelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, opened: Opened<'_>) {
        if let Opened::Under(id) = opened {
            let mut mislabelled = self.lock();
            let count = mislabelled.entry(id.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    const fn record_length(&self, slot: &ChunkSlot) -> usize {
        match &self.table {
            Table::Compressed(_) => slot.stored.saturating_add(CHUNK_CRC_LENGTH),
            Table::Uncompressed(_) => slot.stored,
        }
    }

    fn place(&self, chunk: u64, slot: &ChunkSlot, error: Error) -> Error {
        error.at(self.data.path()).chunk(chunk).offset(slot.offset)
    }

    fn outside(&self, chunk: u64) -> Error {
        Error::corrupt("the chunk does not lie in the file").at(self.data.path()).chunk(chunk)
    }
}

impl CheckedChunks<'_> {
    /// StoredChunk bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Frees its memory: for data that is read only once.
    pub fn forget(&self) {
        let start = self.slots.first().map_or(0, |slot| slot.offset);
        self.source.data.forget(start, self.length());
    }

    /// Bytes of plaintext.
    #[must_use]
    pub fn plain_length(&self) -> usize {
        self.slots.iter().map(|slot| slot.plain).sum()
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = StoredChunk<'_>> {
        let mut rest = self.bytes;
        self.chunks.clone().zip(&self.slots).map(move |(number, slot)| {
            let (record, after) =
                rest.split_at_checked(self.source.record_length(slot)).unwrap_or_default();
            rest = after;
            let bytes = record.get(..slot.stored).unwrap_or_default();
            StoredChunk { number, slot: *slot, bytes, source: self.source }
        })
    }

    /// Decodes all chunks to `out`, which has exactly the length of the plaintext.
    ///
    /// # Errors
    /// As [`ChunkDecoder::plaintext`], with the chunk and its place.
    pub fn plaintext(&self, out: &mut [u8], scratch: &mut DecodeScratch<'_>) -> Result<()> {
        let mut rest = out;
        for chunk in self.chunks() {
            let (own, after) = rest.split_at_mut_checked(chunk.slot.plain).ok_or_else(no_room)?;
            rest = after;
            let opened = self.source.decoder.plaintext(chunk.bytes, own, scratch);
            self.source.note(opened.map_err(|error| chunk.place(error))?);
        }
        if rest.is_empty() { Ok(()) } else { Err(no_room()) }
    }
}

impl StoredChunk<'_> {
    /// Its number in the file.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of its plaintext.
    #[must_use]
    pub const fn plain_length(&self) -> usize {
        self.slot.plain
    }

    /// Bytes of its payload.
    ///
    /// # Errors
    /// As [`ChunkDecoder::payload_length`], with the place.
    pub fn payload_length(&self) -> Result<usize> {
        let decoder = &self.source.decoder;
        decoder.payload_length(self.bytes, self.slot.plain).map_err(|error| self.place(error))
    }

    /// Bytes that `out` of [`Self::payload`] must have.
    ///
    /// # Errors
    /// As [`ChunkDecoder::working_length`], with the place.
    pub fn working_length(&self) -> Result<usize> {
        let decoder = &self.source.decoder;
        decoder.working_length(self.bytes, self.slot.plain).map_err(|error| self.place(error))
    }

    /// Puts its payload at the start of `out`, and returns its length.
    ///
    /// # Errors
    /// As [`ChunkDecoder::payload`], with the place.
    pub fn payload(&self, out: &mut [u8], scratch: &mut DecodeScratch<'_>) -> Result<usize> {
        let decoder = &self.source.decoder;
        let (length, opened) = decoder
            .payload(self.bytes, self.slot.plain, out, scratch)
            .map_err(|error| self.place(error))?;
        self.source.note(opened);
        Ok(length)
    }

    fn place(&self, error: Error) -> Error {
        self.source.place(self.number, &self.slot, error)
    }
}

/// How far ahead to read: more than the workers are processing.
const RANGES_AHEAD: usize = 8;

fn no_room() -> Error {
    Error::new(ErrorKind::Internal, "a buffer has no room for its chunks")
}
