//! `LZ4Compressor`.
//!
//! ```text
//! int32, little-endian   length of the plaintext
//! rest                   one LZ4 block, no frame
//! ```
//!
//! The library manages its working memory itself: 16 KiB on the stack, and 256 KiB from the heap
//! for each chunk of type `high`, which is slow anyway.
//!
//! The library is never given an empty slice. Its high compression searches for matches up to
//! twelve bytes before the end, and an empty Rust slice may have address 1: the difference wraps,
//! and the search runs through all memory (seen at level 12 of liblz4 1.10.0).

use lz4::block::{CompressionMode, compress_to_buffer, decompress_to_buffer};

use super::{CodecError, Lz4Type};

pub(super) const FORMAT: &str = "LZ4";

/// The length, and the worst case of a block: liblz4's own bound.
pub(super) const fn max_compressed_length(plain: usize) -> usize {
    LENGTH.saturating_add(plain).saturating_add(plain / 255).saturating_add(16)
}

pub(super) fn compress(kind: Lz4Type, plain: &[u8], out: &mut [u8]) -> Result<usize, CodecError> {
    const FAILED: CodecError = CodecError::Compress(FORMAT);
    let given = out.len();
    let (length, block) = out
        .split_first_chunk_mut::<LENGTH>()
        .ok_or(CodecError::Buffer { needed: LENGTH, given })?;
    let mode = match kind {
        Lz4Type::Fast => CompressionMode::DEFAULT,
        Lz4Type::High(level) => CompressionMode::HIGHCOMPRESSION(level.number()),
    };
    let declared = i32::try_from(plain.len()).map_err(|_too_long| FAILED)?;
    *length = declared.to_le_bytes();
    if plain.is_empty() {
        let token = block.first_mut().ok_or(CodecError::Buffer { needed: LENGTH + 1, given })?;
        *token = EMPTY;
        return Ok(LENGTH + 1);
    }
    let written =
        compress_to_buffer(plain, Some(mode), false, block).map_err(|_no_detail| FAILED)?;
    Ok(written.saturating_add(LENGTH))
}

pub(super) fn decompress(stored: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    let expected = out.len();
    let damaged = CodecError::Damaged { format: FORMAT, expected };
    let (length, block) = stored.split_first_chunk::<LENGTH>().ok_or(damaged)?;
    let declared = u32::from_le_bytes(*length);
    let size = i32::try_from(expected).map_err(|_too_long| damaged)?;
    if size.to_le_bytes() != *length {
        return Err(CodecError::Length { format: FORMAT, found: declared.into(), expected });
    }
    if out.is_empty() {
        return if block == [EMPTY] { Ok(()) } else { Err(damaged) };
    }
    // The library counts in int32.
    if block.is_empty() || i32::try_from(block.len()).is_err() {
        return Err(damaged);
    }
    // A block ends with its last literals, so the decoder takes whatever follows for damage.
    match decompress_to_buffer(block, Some(size), out) {
        Ok(written) if written == expected => Ok(()),
        _ => Err(damaged),
    }
}

/// Bytes of the plaintext's length.
const LENGTH: usize = 4;

/// The token of a sequence without literals and without a match: a block of an empty plaintext.
const EMPTY: u8 = 0;
