//! CompressionInfo.db (FORMATS.md 2).
//!
//! ```text
//! UTF      compressor's simple class name
//! int32    number of options, then that many pairs of UTF key, UTF value
//! int32    chunk length, a power of two
//! int32    max compressed length         (not in BIG ma..me)
//! int64    length of the uncompressed data
//! int32    number of chunks n
//! n x int64  offset of each chunk in Data.db
//! ```
//!
//! No checksum protects it, so all fields are checked against each other. The offsets are read
//! where they are needed and never held in memory as a whole: a 1 TiB SSTable has half a gigabyte
//! of them.

use std::ops::Range;
use std::path::Path;

use super::version::Version;
use crate::io::{Access, Source};
use crate::options::{ChunkLength, ChunkLengthError, OptionMap};
use crate::wire::{Put as _, Reader, UtfError, WireError};
use crate::{Error, Result};

/// The value of "max compressed length" that lets no chunk be stored in clear.
pub(crate) const MAX_COMPRESSED_LENGTH_NONE: u32 = 0x7fff_ffff;

/// Bytes of the CRC32 after each chunk.
pub const CHUNK_CRC_LENGTH: usize = 4;

/// The most empty chunks that may follow the last one, or checksums of nothing in CRC.db.
///
/// The database's writer makes one whenever it is told to flush and has nothing left: when a
/// compaction opens its result early and then finishes it, and again when the last partition
/// exactly fills a chunk and one without rows follows. More than that means a damaged length.
pub(crate) const MOST_EMPTY_CHUNKS: u64 = 3;

/// Everything before the offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressionHeader {
    /// Simple class name of the compressor.
    pub class: String,
    /// Its options, in the order of the file.
    pub options: OptionMap,
    /// Plaintext bytes in every chunk but the last.
    pub chunk_length: ChunkLength,
    /// A chunk whose stored form is at least this long is stored in clear.
    pub max_compressed_length: u32,
    /// Length of the plaintext.
    pub data_length: u64,
    /// Number of chunks.
    pub chunk_count: u64,
}

impl CompressionHeader {
    /// Reads the header and returns it with its length in bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] for what no database writes, and
    /// [`crate::ErrorKind::Unsupported`] for a chunk length beyond this program's limit.
    pub fn parse(bytes: &[u8], version: &Version) -> Result<(Self, usize)> {
        let mut reader = Reader::new(bytes);
        let class = reader.utf("compressor class").map_err(damaged)?;
        let count = reader.length("option count", 0..=MAX_OPTIONS).map_err(damaged)?;
        let count = count.map_err(|wrong| {
            Error::corrupt(format!("{wrong} compression options cannot be right"))
        })?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            let key = reader.utf("option name").map_err(damaged)?;
            let value = reader.utf("option value").map_err(damaged)?;
            pairs.push((key, value));
        }
        let options = OptionMap::from_pairs(pairs).map_err(|error| {
            Error::corrupt("not a CompressionInfo.db of this version").caused_by(error)
        })?;
        let chunk_length = ChunkLength::try_from(reader.i32("chunk length").map_err(damaged)?)
            .map_err(|error| match error {
                ChunkLengthError::TooLong(_) => Error::unsupported(error.to_string()),
                _ => Error::corrupt(error.to_string()),
            })?;
        let max_compressed_length = if version.has_max_compressed_length {
            let value = reader.i32("max compressed length").map_err(damaged)?;
            u32::try_from(value).map_err(|_negative| {
                Error::corrupt(format!("max compressed length {value} is negative"))
            })?
        } else {
            MAX_COMPRESSED_LENGTH_NONE
        };
        let data_length = reader.i64("data length").map_err(damaged)?;
        let data_length = u64::try_from(data_length).map_err(|_negative| {
            Error::corrupt(format!("data length {data_length} is negative"))
        })?;
        let count = reader.i32("chunk count").map_err(damaged)?;
        let chunk_count = u64::try_from(count)
            .ok()
            .filter(|&count| count > 0)
            .ok_or_else(|| Error::corrupt(format!("chunk count {count} is not positive")))?;
        let header =
            Self { class, options, chunk_length, max_compressed_length, data_length, chunk_count };
        header.check_counts()?;
        Ok((header, reader.position()))
    }

    /// Writes the header.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when a text is too long for its length field or a number
    /// does not fit.
    pub fn encode(&self, version: &Version) -> Result<Vec<u8>> {
        let too_big = |_| Error::invalid("a field does not fit CompressionInfo.db");
        let mut bytes = Vec::new();
        bytes.put_utf(&self.class).map_err(too_long)?;
        bytes.put_i32(i32::try_from(self.options.len()).map_err(too_big)?);
        for (key, value) in self.options.iter() {
            bytes.put_utf(key).map_err(too_long)?;
            bytes.put_utf(value).map_err(too_long)?;
        }
        bytes.put_i32(self.chunk_length.to_i32());
        if version.has_max_compressed_length {
            bytes.put_i32(i32::try_from(self.max_compressed_length).map_err(too_big)?);
        }
        bytes.put_i64(i64::try_from(self.data_length).map_err(too_big)?);
        bytes.put_i32(i32::try_from(self.chunk_count).map_err(too_big)?);
        Ok(bytes)
    }

    /// Plaintext bytes of a chunk: the chunk length, less in the last chunk, and nothing in the
    /// empty chunks after it (`MOST_EMPTY_CHUNKS`).
    #[must_use]
    pub fn plain_length(&self, chunk: u64) -> usize {
        let length = u64::from(self.chunk_length.bytes());
        let start = chunk.saturating_mul(length);
        let left = self.data_length.saturating_sub(start).min(length);
        usize::try_from(left).unwrap_or_default()
    }

    fn check_counts(&self) -> Result<()> {
        let full = self.data_length.div_ceil(u64::from(self.chunk_length.bytes()));
        let empty = if full == 0 { 1 } else { MOST_EMPTY_CHUNKS };
        if (full..=full.saturating_add(empty)).contains(&self.chunk_count) {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "{} chunks of {} bytes do not make {} bytes of data",
            self.chunk_count,
            self.chunk_length.bytes(),
            self.data_length
        )))
    }
}

/// The place of one chunk and its expected length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSlot {
    /// Offset in Data.db.
    pub offset: u64,
    /// Stored bytes, without the CRC that follows.
    pub stored: usize,
    /// Plaintext bytes.
    pub plain: usize,
}

/// An opened CompressionInfo.db whose offsets are read on demand.
#[derive(Debug)]
pub struct ChunkTable {
    header: CompressionHeader,
    source: Source,
    offsets_at: u64,
    data_file_length: u64,
}

impl ChunkTable {
    /// Opens the file that describes a Data.db of `data_file_length` bytes.
    ///
    /// # Errors
    /// As [`CompressionHeader::parse`], and [`crate::ErrorKind::Corrupt`] when the file is not
    /// exactly as long as its header says.
    pub fn open(
        path: &Path,
        version: &Version,
        access: Access<'_>,
        data_file_length: u64,
    ) -> Result<Self> {
        let source = Source::open(path, access)?;
        let mut scratch = Vec::new();
        let place = |error: Error| {
            error.at(path).hint("restore the file from a backup, or scrub the SSTable on the node")
        };
        let mut head = |most: u64| {
            let length = usize::try_from(source.length().min(most)).unwrap_or_default();
            let bytes = source.slice(0, length, &mut scratch)?;
            CompressionHeader::parse(bytes, version).map_err(place)
        };
        // If the header does not end within the first bytes, or is not valid, it is read again.
        let (header, length) = head(USUAL_HEADER).or_else(|_| head(MAX_HEADER))?;
        let offsets_at = u64::try_from(length).unwrap_or(u64::MAX);
        let expected = header
            .chunk_count
            .checked_mul(OFFSET_LENGTH)
            .and_then(|length| length.checked_add(offsets_at));
        if expected != Some(source.length()) {
            return Err(place(Error::corrupt(format!(
                "{} chunk offsets do not fit its {} bytes",
                header.chunk_count,
                source.length()
            ))));
        }
        let table = Self { header, source, offsets_at, data_file_length };
        if version.may_be_slice {
            table.refuse_slice()?;
        }
        Ok(table)
    }

    /// A slice is never as long as the file that it was cut from, whose offsets it has. Its own
    /// metadata say that it is a slice, too, but they are encrypted.
    fn refuse_slice(&self) -> Result<()> {
        let last = self.header.chunk_count.saturating_sub(1);
        let at = last.saturating_mul(OFFSET_LENGTH).saturating_add(self.offsets_at);
        let mut scratch = Vec::new();
        let offset = self.source.slice(at, 8, &mut scratch)?;
        let offset = offset.first_chunk().map_or(0, |raw| i64::from_be_bytes(*raw));
        if u64::try_from(offset).is_ok_and(|offset| offset < self.data_file_length) {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "its last chunk is said to begin at byte {offset} of a Data.db of {} bytes: Data.db is a \
             slice that DSE streamed without copying its chunks (zero copy), which this release does \
             not handle, or it is cut off",
            self.data_file_length
        ))
        .at(self.path())
        .hint(
            "if the node reads the table, let it rewrite the SSTable (nodetool compact, or \
             upgradesstables -a); if it does not, restore the SSTable from a backup or a replica",
        ))
    }

    /// Everything before the offsets.
    #[must_use]
    pub const fn header(&self) -> &CompressionHeader {
        &self.header
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Reads the slots of a range of chunks into `slots`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] with the chunk, when the offsets do not rise from 0 to the
    /// end of Data.db.
    pub fn slots(&self, chunks: Range<u64>, slots: &mut Vec<ChunkSlot>) -> Result<()> {
        slots.clear();
        let end = chunks.end.min(self.header.chunk_count);
        let mut scratch = Vec::new();
        let mut start = chunks.start;
        while start < end {
            let piece = (end - start).min(OFFSETS_AT_ONCE);
            self.piece(start..start + piece, slots, &mut scratch)?;
            start += piece;
        }
        Ok(())
    }

    fn piece(
        &self,
        chunks: Range<u64>,
        slots: &mut Vec<ChunkSlot>,
        scratch: &mut Vec<u8>,
    ) -> Result<()> {
        let count = chunks.end - chunks.start;
        // The offset after the last chunk of the table is the end of Data.db.
        let has_next = chunks.end < self.header.chunk_count;
        let length =
            usize::try_from((count + u64::from(has_next)) * OFFSET_LENGTH).unwrap_or(usize::MAX);
        let at = self.offsets_at + chunks.start * OFFSET_LENGTH;
        let bytes = self.source.slice(at, length, scratch)?;
        let mut offsets =
            bytes.as_chunks::<8>().0.iter().map(|raw| i64::from_be_bytes(*raw)).peekable();
        for chunk in chunks {
            let Some(raw) = offsets.next() else { break };
            let next = offsets.peek().copied();
            slots.push(self.slot(chunk, raw, next).map_err(|error| {
                error
                    .at(self.source.path())
                    .chunk(chunk)
                    .hint("restore the SSTable from a backup, or scrub it on the node")
            })?);
        }
        Ok(())
    }

    fn slot(&self, chunk: u64, raw: i64, next: Option<i64>) -> Result<ChunkSlot> {
        let offset = u64::try_from(raw).unwrap_or(u64::MAX);
        if chunk == 0 && offset != 0 {
            return Err(Error::corrupt(format!("the first chunk is said to be at byte {raw}")));
        }
        let end = next.map_or(self.data_file_length, |next| u64::try_from(next).unwrap_or(0));
        if end > self.data_file_length {
            return Err(Error::corrupt(format!(
                "the chunk is said to end at byte {end} of a Data.db of {} bytes",
                self.data_file_length
            )));
        }
        let stored = end
            .checked_sub(offset)
            .and_then(|length| usize::try_from(length).ok()?.checked_sub(CHUNK_CRC_LENGTH))
            .ok_or_else(|| {
                Error::corrupt(format!(
                    "the chunk is said to lie from byte {raw} to byte {end} of a Data.db of {} \
                     bytes",
                    self.data_file_length
                ))
            })?;
        Ok(ChunkSlot { offset, stored, plain: self.header.plain_length(chunk) })
    }
}

fn damaged(error: WireError) -> Error {
    Error::corrupt("not a CompressionInfo.db of this version").caused_by(error)
}

fn too_long(error: UtfError) -> Error {
    Error::invalid("an option is too long for CompressionInfo.db").caused_by(error)
}

const OFFSET_LENGTH: u64 = 8;
/// Offsets read at a time: 64 KiB.
const OFFSETS_AT_ONCE: u64 = 8192;
/// No product has more than a dozen options.
const MAX_OPTIONS: usize = 256;
/// Headers are some hundred bytes long.
const USUAL_HEADER: u64 = 4096;
/// A header that does not end within this is not one.
const MAX_HEADER: u64 = 1 << 20;
