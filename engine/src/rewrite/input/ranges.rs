//! Cutting an SSTable into pieces of a few MiB.

use std::ops::Range;

use crate::options::ChunkLength;

/// The chunks of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunking {
    /// Bytes of plaintext in each but the last.
    pub length: ChunkLength,
    /// How many there are; those at the end may be empty.
    pub count: u64,
}

/// The ranges of plaintext in which an SSTable is processed. Each consists of whole chunks of both
/// the old file and the new one, whatever their lengths: both are powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    count: u64,
    step: u64,
    old: Chunking,
    new: Chunking,
}

/// Plaintext bytes of a range, unless a single chunk is longer. Enough for one write of more than
/// 1 MiB and for all lanes of the encryption; small enough for two of them to stay in the cache.
pub const RANGE_BYTES: u32 = 2 << 20;

impl Ranges {
    /// Cuts this many bytes of plaintext.
    #[must_use]
    pub fn new(plain_length: u64, old: Chunking, new: Chunking) -> Self {
        Self::cut(plain_length, old, new, RANGE_BYTES)
    }

    /// The same with an unusual length of ranges.
    #[must_use]
    pub fn cut(plain_length: u64, old: Chunking, new: Chunking, most: u32) -> Self {
        let (a, b) = (old.length.bytes(), new.length.bytes());
        let step = most.min(a.min(b).saturating_mul(MOST_CHUNKS)).max(a).max(b);
        let step = u64::from(step);
        Self { count: plain_length.div_ceil(step).max(1), step, old, new }
    }

    /// How many ranges there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Bytes of plaintext in each but the last.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.step
    }

    /// The chunks of the old file in a range.
    #[must_use]
    pub fn old(&self, range: u64) -> Range<u64> {
        self.chunks(self.old, range)
    }

    /// The chunks of the new file in a range.
    #[must_use]
    pub fn new_chunks(&self, range: u64) -> Range<u64> {
        self.chunks(self.new, range)
    }

    fn chunks(&self, of: Chunking, range: u64) -> Range<u64> {
        let per_range = self.step / u64::from(of.length.bytes());
        let start = range.saturating_mul(per_range).min(of.count);
        // The last one includes the empty chunks.
        let last = range.saturating_add(1) == self.count;
        let end = if last { of.count } else { start.saturating_add(per_range).min(of.count) };
        start..end
    }
}

/// Tiny chunks make a range of many lanes, not of many bytes.
const MOST_CHUNKS: u32 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn chunking(length: i32, plain: u64, empty: u64) -> Chunking {
        let length = ChunkLength::try_from(length).unwrap();
        let count = plain.div_ceil(u64::from(length.bytes())) + empty;
        Chunking { length, count }
    }

    #[test]
    fn every_chunk_is_in_exactly_one_range() {
        let lengths = [1, 4096, 16 << 10, 64 << 10, 2 << 20, 16 << 20];
        for old in lengths {
            for new in lengths {
                for plain in [1, 100, 4095, 4096, 65_537, (5 << 20) + 3, 64 << 20] {
                    let (a, b) = (chunking(old, plain, 3), chunking(new, plain, 0));
                    let ranges = Ranges::new(plain, a, b);
                    let (mut next_old, mut next_new) = (0, 0);
                    for i in 0..ranges.count() {
                        let (old_chunks, new_chunks) = (ranges.old(i), ranges.new_chunks(i));
                        assert_eq!((old_chunks.start, new_chunks.start), (next_old, next_new));
                        // Both start at the same byte.
                        assert_eq!(
                            old_chunks.start * u64::from(a.length.bytes()),
                            new_chunks.start * u64::from(b.length.bytes())
                        );
                        (next_old, next_new) = (old_chunks.end, new_chunks.end);
                    }
                    assert_eq!((next_old, next_new), (a.count, b.count), "{old} {new} {plain}");
                }
            }
        }
    }
}
