//! Reads ranges of an encrypted Data.db: checksum, key, length, plaintext.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use super::slot::lock;
use crate::codec::{ChunkOpener, Opened, crc_mismatch};
use crate::io::{Access, Source};
use crate::keys::KeyId;
use crate::sstable::{CHUNK_CRC_LENGTH, ChunkSlot, ChunkTable, CompressionHeader, Version};
use crate::{Error, ErrorKind, Result};

/// An open Data.db with its CompressionInfo.db and the keys that open it.
#[derive(Debug)]
pub struct ChunkReader {
    table: ChunkTable,
    data: Source,
    opener: ChunkOpener,
    /// How many chunks are under a key that their header does not name.
    mislabelled: Mutex<BTreeMap<KeyId, u64>>,
}

/// The stored bytes of a range, with their slots, its checksum verified.
#[derive(Debug)]
pub struct Checked<'a> {
    /// Running CRC32 of the range, chunk CRCs included.
    pub crc: crc32fast::Hasher,
    chunks: Range<u64>,
    slots: Vec<ChunkSlot>,
    bytes: &'a [u8],
    reader: &'a ChunkReader,
}

impl ChunkReader {
    /// Opens both files.
    ///
    /// # Errors
    /// As [`ChunkTable::open`] and [`Source::open`].
    pub fn open(
        data: &Path,
        info: &Path,
        version: &Version,
        access: Access<'_>,
        opener: ChunkOpener,
    ) -> Result<Self> {
        let data = Source::open(data, access)?;
        let table = ChunkTable::open(info, version, access, data.length())?;
        Ok(Self { table, data, opener, mislabelled: Mutex::default() })
    }

    /// The head of CompressionInfo.db.
    #[must_use]
    pub const fn header(&self) -> &CompressionHeader {
        self.table.header()
    }

    /// Bytes that the working space of a chunk must have.
    #[must_use]
    pub const fn working_length(&self, plain: usize) -> usize {
        self.opener.working_length(plain)
    }

    /// Reads a range and checks the CRC of each of its chunks.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] with the chunk, and [`crate::ErrorKind::Io`].
    pub fn check<'a>(&'a self, chunks: Range<u64>, input: &'a mut Vec<u8>) -> Result<Checked<'a>> {
        let mut slots = Vec::new();
        self.table.slots(chunks.clone(), &mut slots)?;
        let start = slots.first().map_or(0, |slot| slot.offset);
        let length = slots.iter().map(record_length).sum();
        let bytes = self.data.slice(start, length, input)?;
        let mut whole = crc32fast::Hasher::new();
        let mut rest = bytes;
        for (chunk, slot) in chunks.clone().zip(&slots) {
            let (record, after) =
                rest.split_at_checked(record_length(slot)).ok_or_else(|| self.outside(chunk))?;
            let (stored, crc) =
                record.split_last_chunk::<CHUNK_CRC_LENGTH>().ok_or_else(|| self.outside(chunk))?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(stored);
            if hasher.clone().finalize() != u32::from_be_bytes(*crc) {
                return Err(self.place(chunk, slot, crc_mismatch()));
            }
            hasher.update(crc);
            whole.combine(&hasher);
            rest = after;
        }
        Ok(Checked { crc: whole, chunks, slots, bytes, reader: self })
    }

    /// Checks that Data.db was not changed since it was opened.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Busy`].
    pub fn unchanged(&self) -> Result<()> {
        self.data.unchanged()
    }

    /// What was found so far under another key than its header names: a warning for each such key.
    #[must_use]
    pub fn mislabelled(&self) -> Vec<Error> {
        lock(&self.mislabelled)
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

    fn place(&self, chunk: u64, slot: &ChunkSlot, error: Error) -> Error {
        error.at(self.data.path()).chunk(chunk).offset(slot.offset)
    }

    fn outside(&self, chunk: u64) -> Error {
        Error::corrupt("the chunk does not lie in the file").at(self.data.path()).chunk(chunk)
    }
}

impl Checked<'_> {
    /// Plaintext lengths of the chunks, in order.
    pub fn plain_lengths(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().map(|slot| slot.plain)
    }

    /// Stored bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Decrypts all chunks into an image of records: chunk after chunk, each record of
    /// `record(plain length)` bytes, the plaintext behind its first `prefix` bytes. `see` gets
    /// number and plaintext of each.
    ///
    /// A record must have room for [`ChunkReader::working_length`] bytes behind its prefix.
    ///
    /// # Errors
    /// [`crate::codec::ChunkError`] with the chunk and its place; the plaintext is not shown then.
    pub fn decrypt(
        &self,
        image: &mut [u8],
        prefix: usize,
        record: impl Fn(usize) -> usize,
        mut see: impl FnMut(u64, &[u8]),
    ) -> Result<()> {
        let (mut rest, mut image) = (self.bytes, image);
        for (chunk, slot) in self.chunks.clone().zip(&self.slots) {
            let (stored, after) = rest
                .split_at_checked(record_length(slot))
                .ok_or_else(|| self.reader.outside(chunk))?;
            rest = after;
            let (out, after) =
                image.split_at_mut_checked(record(slot.plain)).ok_or_else(no_room)?;
            image = after;
            let stored = stored.get(..slot.stored).unwrap_or_default();
            let working = prefix.saturating_add(self.reader.working_length(slot.plain));
            let out = out.get_mut(prefix..working).ok_or_else(no_room)?;
            let opened = self
                .reader
                .opener
                .open(stored, slot.plain, out)
                .map_err(|error| self.reader.place(chunk, slot, error.into()))?;
            if let Opened::Under(id) = opened {
                let mut mislabelled = lock(&self.reader.mislabelled);
                let count = mislabelled.entry(id.clone()).or_default();
                *count = count.saturating_add(1);
            }
            see(chunk, out.get(..slot.plain).unwrap_or_default());
        }
        Ok(())
    }
}

fn no_room() -> Error {
    Error::new(ErrorKind::Internal, "an image has no room for its chunks")
}

const fn record_length(slot: &ChunkSlot) -> usize {
    slot.stored.saturating_add(CHUNK_CRC_LENGTH)
}
