//! `SnappyCompressor`: a raw block, varint length first, no framing.

use super::{CodecContext, CodecError};

pub(super) const FORMAT: &str = "Snappy";

/// The format's own bound, which its encoder requires.
pub(super) const fn max_compressed_length(plain: usize) -> usize {
    plain.saturating_add(plain / 6).saturating_add(32)
}

pub(super) fn compress(
    plain: &[u8],
    out: &mut [u8],
    context: &mut CodecContext,
) -> Result<usize, CodecError> {
    let encoder = context.snappy.get_or_insert_with(snap::raw::Encoder::new);
    encoder.compress(plain, out).map_err(|_no_detail| CodecError::Compress(FORMAT))
}

/// No element of a block is empty, so bytes after the last one overrun `out` and are damage.
pub(super) fn decompress(stored: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    let expected = out.len();
    let damaged = CodecError::Damaged { format: FORMAT, expected };
    let found = snap::raw::decompress_len(stored).map_err(|_no_detail| damaged)?;
    if found != expected {
        return Err(CodecError::length(FORMAT, found, expected));
    }
    match snap::raw::Decoder::new().decompress(stored, out) {
        Ok(written) if written == expected => Ok(()),
        _ => Err(damaged),
    }
}
