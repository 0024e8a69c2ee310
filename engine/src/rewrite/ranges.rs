//! Cutting an SSTable into pieces of a few MiB.

use std::ops::Range;

use crate::options::ChunkLength;

/// The ranges of chunks that an SSTable is worked on in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    chunks: u64,
    per_range: u64,
}

/// Plaintext bytes of a range, unless a single chunk is longer. Enough for one write of more than
/// 1 MiB and for all lanes of the encryption; small enough for two of them to stay in the cache.
const RANGE_BYTES: u32 = 2 << 20;

impl Ranges {
    /// Cuts so many chunks of a length.
    #[must_use]
    pub fn new(chunks: u64, chunk_length: ChunkLength) -> Self {
        let per_range = (RANGE_BYTES / chunk_length.bytes()).clamp(1, MOST_CHUNKS);
        Self { chunks, per_range: u64::from(per_range) }
    }

    /// How many ranges there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.chunks.div_ceil(self.per_range)
    }

    /// The chunks of a range.
    #[must_use]
    pub fn get(&self, range: u64) -> Range<u64> {
        let start = range.saturating_mul(self.per_range).min(self.chunks);
        start..start.saturating_add(self.per_range).min(self.chunks)
    }
}

/// Tiny chunks make a range of many lanes, not of many bytes.
const MOST_CHUNKS: u32 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_in_exactly_one_range() {
        for length in [1, 4096, 16 << 10, 64 << 10, 2 << 20, 16 << 20] {
            for chunks in [1, 31, 32, 33, 511, 512, 513, 5000] {
                let ranges = Ranges::new(chunks, ChunkLength::try_from(length).unwrap());
                let mut next = 0;
                for i in 0..ranges.count() {
                    let range = ranges.get(i);
                    assert_eq!(range.start, next);
                    assert!(range.end > range.start);
                    next = range.end;
                }
                assert_eq!(next, chunks);
                assert!(ranges.get(ranges.count()).is_empty());
            }
        }
    }
}
