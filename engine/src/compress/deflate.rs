//! `DeflateCompressor`: one zlib stream (RFC 1950) of the default level, whose Adler-32 is checked.
//! Like the database's own, it compresses an empty chunk to nothing.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{CodecContext, CodecError};

pub(super) const FORMAT: &str = "zlib";

/// zlib's conservative bound, for any strategy of any level, with its header and trailer.
pub(super) const fn max_compressed_length(plain: usize) -> usize {
    plain.saturating_add(plain / 8).saturating_add(plain / 64).saturating_add(13)
}

pub(super) fn compress(
    plain: &[u8],
    out: &mut [u8],
    context: &mut CodecContext,
) -> Result<usize, CodecError> {
    const FAILED: CodecError = CodecError::Compress(FORMAT);
    if plain.is_empty() {
        return Ok(0);
    }
    let stream = context.deflate.get_or_insert_with(|| Compress::new(Compression::default(), true));
    stream.reset();
    match stream.compress(plain, out, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => usize::try_from(stream.total_out()).map_err(|_too_long| FAILED),
        _ => Err(FAILED),
    }
}

pub(super) fn decompress(
    stored: &[u8],
    out: &mut [u8],
    context: &mut CodecContext,
) -> Result<(), CodecError> {
    let expected = out.len();
    let stream = context.inflate.get_or_insert_with(|| Decompress::new(true));
    stream.reset(true);
    let status = stream.decompress(stored, out, FlushDecompress::Finish);
    // A stream with more than fits `out` does not reach its end.
    if !matches!(status, Ok(Status::StreamEnd)) {
        return Err(CodecError::Damaged { format: FORMAT, expected });
    }
    let written = usize::try_from(stream.total_out()).unwrap_or(usize::MAX);
    if written != expected {
        return Err(CodecError::length(FORMAT, written, expected));
    }
    let read = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
    match stored.len().saturating_sub(read) {
        0 => Ok(()),
        extra => Err(CodecError::TrailingBytes { format: FORMAT, extra }),
    }
}
