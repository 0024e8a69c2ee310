//! How the chunks of the old file become those of the new one.

use super::ranges::{Chunking, Ranges};
use crate::codec::{ChunkSealer, ChunkSource};
use crate::compress::Codec;
use crate::plan::{Facts, Target};
use crate::sstable::{CompressionHeader, MAX_COMPRESSED_LENGTH_NONE};

/// How a chunk gets from the old file to the new one.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) enum Route {
    /// The compressed chunks are kept, one for one.
    Payloads,
    /// Plaintext is cut into new chunks and compressed again, if there is a compressor.
    Plaintext(Option<Codec>),
}

/// Everything about a rewrite that is known before the first chunk is read.
#[derive(Debug, Clone)]
pub(in crate::rewrite) struct Layout {
    /// How chunks get from the old file to the new one.
    pub(in crate::rewrite) route: Route,
    /// The pieces of the work.
    pub(in crate::rewrite) ranges: Ranges,
    /// The chunks of the new file.
    pub(in crate::rewrite) new: Chunking,
    /// The head of the new CompressionInfo.db; none for an uncompressed target.
    pub(in crate::rewrite) header: Option<CompressionHeader>,
    /// Whether the length of every record, and so its place, is known beforehand.
    pub(in crate::rewrite) is_fixed: bool,
    /// Bytes of plaintext.
    pub(in crate::rewrite) plain_length: u64,
}

impl Layout {
    /// Settles it.
    pub(in crate::rewrite) fn new(
        facts: &Facts,
        target: &Target,
        source: &ChunkSource,
        range_bytes: u32,
    ) -> Self {
        let length = target.chunk_length_of(facts);
        let old = Chunking { length: source.chunk_length(), count: source.chunk_count() };
        let plain_length = source.data_length();
        let stays = target.codec() == facts.shape.codec() && length == old.length;
        let (route, new) = if stays && !may_have_raw_chunks(facts, source) {
            (Route::Payloads, old)
        } else {
            let count = plain_length.div_ceil(u64::from(length.bytes())).max(1);
            (Route::Plaintext(target.codec()), Chunking { length, count })
        };
        Self {
            route,
            ranges: Ranges::cut(plain_length, old, new, range_bytes),
            new,
            header: target.header(new.length, new.count, plain_length),
            is_fixed: target.codec().is_none(),
            plain_length,
        }
    }

    /// Bytes of plaintext of the new chunks of a range.
    pub(in crate::rewrite) fn new_lengths(&self, range: u64) -> Vec<usize> {
        self.ranges.new_chunks(range).map(|chunk| self.new_length(chunk)).collect()
    }

    fn new_length(&self, chunk: u64) -> usize {
        let length = u64::from(self.new.length.bytes());
        let before = chunk.saturating_mul(length);
        usize::try_from(self.plain_length.saturating_sub(before).min(length)).unwrap_or_default()
    }

    /// Length of the new Data.db, where it is fixed; and of the record of a full chunk.
    pub(in crate::rewrite) fn fixed_lengths(&self, sealer: &ChunkSealer) -> (u64, u64) {
        let bytes = |plain| u64::try_from(sealer.record_length(plain)).unwrap_or(u64::MAX);
        let length = u64::from(self.new.length.bytes());
        let record = bytes(usize::try_from(length).unwrap_or(usize::MAX));
        let full = (self.plain_length / length).min(self.new.count);
        // Only the last chunk, and the empty ones after it, are shorter.
        let rest: u64 = (full..self.new.count).map(|chunk| bytes(self.new_length(chunk))).sum();
        (full.saturating_mul(record).saturating_add(rest), record)
    }
}

/// A chunk that is stored raw has no payload.
fn may_have_raw_chunks(facts: &Facts, source: &ChunkSource) -> bool {
    let header = source.header();
    facts.shape.codec().is_some()
        && header.is_some_and(|header| header.max_compressed_length != MAX_COMPRESSED_LENGTH_NONE)
}
