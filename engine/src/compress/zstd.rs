//! `ZstdCompressor` and `AdaptiveCompressor`: one zstd frame (RFC 8878).

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, ResetDirective};

use super::{CodecContext, CodecError, ZstdLevel};

pub(super) const FORMAT: &str = "zstd";

/// The library's own bound, which leaves room for a checksum: a 256th of the plaintext, and up to
/// 64 bytes where it is shorter than a block of 128 KiB.
pub(super) const fn max_compressed_length(plain: usize) -> usize {
    let margin = BLOCK.saturating_sub(plain) >> 11;
    plain.saturating_add(plain >> 8).saturating_add(margin)
}

/// Writes what the database writes: the checksum and, since the whole plaintext is known, its size.
pub(super) fn compress(
    level: ZstdLevel,
    plain: &[u8],
    out: &mut [u8],
    context: &mut CodecContext,
) -> Result<usize, CodecError> {
    let failed = |_no_detail| CodecError::Compress(FORMAT);
    let stream = match &mut context.zstd_compress {
        Some(stream) => stream,
        empty => empty.insert(CCtx::try_create().ok_or(CodecError::Compress(FORMAT))?),
    };
    // A failed frame is abandoned; this also allows the parameters to be set again.
    stream.reset(ResetDirective::SessionOnly).map_err(failed)?;
    for parameter in [
        CParameter::CompressionLevel(level.number()),
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ] {
        stream.set_parameter(parameter).map_err(failed)?;
    }
    stream.compress2(out, plain).map_err(failed)
}

/// Reads any single frame, of any level, with or without checksum and size. Decoding in one call
/// needs no window besides `out`, whatever the frame asks for.
pub(super) fn decompress(
    stored: &[u8],
    out: &mut [u8],
    context: &mut CodecContext,
) -> Result<(), CodecError> {
    let expected = out.len();
    let damaged = CodecError::Damaged { format: FORMAT, expected };
    // The library would skip skippable frames and join several.
    if !stored.starts_with(&MAGIC) {
        return Err(damaged);
    }
    let size = zstd_safe::get_frame_content_size(stored).map_err(|_no_detail| damaged)?;
    if let Some(found) = size.filter(|found| usize::try_from(*found) != Ok(expected)) {
        return Err(CodecError::Length { format: FORMAT, found, expected });
    }
    let length = zstd_safe::find_frame_compressed_size(stored).map_err(|_no_detail| damaged)?;
    match stored.len().saturating_sub(length) {
        0 => {}
        extra => return Err(CodecError::TrailingBytes { format: FORMAT, extra }),
    }
    let stream = match &mut context.zstd_decompress {
        Some(stream) => stream,
        empty => empty.insert(DCtx::try_create().ok_or(damaged)?),
    };
    match stream.decompress(out, stored) {
        Ok(written) if written == expected => Ok(()),
        Ok(written) => Err(CodecError::length(FORMAT, written, expected)),
        Err(_no_detail) => Err(damaged),
    }
}

/// How a frame starts: 0xFD2FB528, little-endian.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The longest block of a frame.
const BLOCK: usize = 128 << 10;
