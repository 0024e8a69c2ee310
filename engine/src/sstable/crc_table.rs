//! CRC.db, the checksums of an uncompressed Data.db (FORMATS.md 3.4).
//!
//! ```text
//! int32      bytes that each checksum covers
//! n x int32  CRC32 of each such piece of Data.db, the last one shorter; and of nothing, 0, where the
//!            writer was told to flush and had nothing left
//! ```

use std::ops::Range;
use std::path::Path;

use super::compression_info::{ChunkSlot, MOST_EMPTY_CHUNKS};
use crate::io::{Access, Source};
use crate::options::ChunkLength;
use crate::{Error, Result};

/// Bytes that a checksum covers, as the database and this program write them.
pub const CRC_CHUNK_LENGTH: ChunkLength = ChunkLength::KIB_64;

/// An opened CRC.db, or a substitute for a missing one.
#[derive(Debug)]
pub struct CrcTable {
    source: Option<Source>,
    chunk_length: ChunkLength,
    chunk_count: u64,
    data_length: u64,
}

impl CrcTable {
    /// Opens the file that belongs to a Data.db of this length.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when it is not as long as it should be, and
    /// [`crate::ErrorKind::Unsupported`] for pieces whose length is not a power of two.
    pub fn open(path: &Path, access: Access<'_>, data_length: u64) -> Result<Self> {
        let source = Source::open(path, access)?;
        let place = |error: Error| {
            error.at(path).hint("restore the file from a backup, or scrub the SSTable on the node")
        };
        let mut scratch = Vec::new();
        let head = source.slice(0, HEAD, &mut scratch).map_err(place)?;
        let length = head.first_chunk().map_or(0, |raw| i32::from_be_bytes(*raw));
        let chunk_length = ChunkLength::try_from(length)
            .map_err(|error| place(Error::unsupported(error.to_string())))?;
        let full = data_length.div_ceil(u64::from(chunk_length.bytes()));
        let chunk_count = (source.length() / CRC_LENGTH).saturating_sub(1);
        if !(full..=full.saturating_add(MOST_EMPTY_CHUNKS)).contains(&chunk_count)
            || !source.length().is_multiple_of(CRC_LENGTH)
        {
            let expected = full.saturating_mul(CRC_LENGTH).saturating_add(CRC_LENGTH);
            return Err(place(Error::corrupt(format!(
                "it has {} bytes where the checksums of {data_length} bytes take {expected}",
                source.length()
            ))));
        }
        Ok(Self { source: Some(source), chunk_length, chunk_count, data_length })
    }

    /// Pieces without checksums, for a Data.db of this length that has lost the file.
    #[must_use]
    pub fn without(data_length: u64) -> Self {
        let chunk_length = CRC_CHUNK_LENGTH;
        let chunk_count = data_length.div_ceil(u64::from(chunk_length.bytes()));
        Self { source: None, chunk_length, chunk_count, data_length }
    }

    /// Whether there are checksums.
    #[must_use]
    pub const fn has_checksums(&self) -> bool {
        self.source.is_some()
    }

    /// Bytes that each checksum covers.
    #[must_use]
    pub const fn chunk_length(&self) -> ChunkLength {
        self.chunk_length
    }

    /// How many checksums there are, with those of nothing at the end.
    #[must_use]
    pub const fn chunk_count(&self) -> u64 {
        self.chunk_count
    }

    /// Reads the slots of a range of pieces and their checksums, if there are any.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn slots(
        &self,
        chunks: Range<u64>,
        slots: &mut Vec<ChunkSlot>,
        crcs: &mut Vec<u32>,
    ) -> Result<()> {
        slots.clear();
        crcs.clear();
        let chunks = chunks.start..chunks.end.min(self.chunk_count());
        let length = u64::from(self.chunk_length.bytes());
        for chunk in chunks.clone() {
            let offset = chunk.saturating_mul(length);
            let left = self.data_length.saturating_sub(offset).min(length);
            let bytes = usize::try_from(left).unwrap_or_default();
            slots.push(ChunkSlot { offset, stored: bytes, plain: bytes });
        }
        let Some(source) = &self.source else { return Ok(()) };
        let at = chunks.start.saturating_mul(CRC_LENGTH).saturating_add(CRC_LENGTH);
        let count = chunks.end.saturating_sub(chunks.start).saturating_mul(CRC_LENGTH);
        let mut scratch = Vec::new();
        let bytes = source.slice(at, usize::try_from(count).unwrap_or(usize::MAX), &mut scratch)?;
        let (whole, _) = bytes.as_chunks::<4>();
        crcs.extend(whole.iter().map(|raw| u32::from_be_bytes(*raw)));
        Ok(())
    }
}

const HEAD: usize = 4;
const CRC_LENGTH: u64 = 4;
