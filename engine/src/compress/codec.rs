//! A compressor with its options.

use super::{AdaptiveLevels, CodecContext, CodecError, Lz4Type, ZstdLevel};
use super::{deflate, lz4, snappy, zstd};

/// A compressor with the options that shape its output.
///
/// Two equal codecs write the same chunks. Whatever its levels, a codec reads what any other of
/// its kind has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// `AdaptiveCompressor` of Converged Core: zstd, at a level that follows the load of the node.
    /// This program has no such load, so the level is [`AdaptiveLevels::chosen`].
    Adaptive(AdaptiveLevels),
    /// `DeflateCompressor`: a zlib stream (RFC 1950) of the default level.
    Deflate,
    /// `LZ4Compressor`: the plaintext's length as little-endian int32, then one block.
    Lz4(Lz4Type),
    /// `NoopCompressor`: the plaintext.
    Noop,
    /// `SnappyCompressor`: a raw block, which starts with the plaintext's length.
    Snappy,
    /// `ZstdCompressor`: one frame with content size and checksum.
    Zstd(ZstdLevel),
}

impl Codec {
    /// The name of its format, for messages.
    #[must_use]
    pub const fn format(self) -> &'static str {
        match self {
            Self::Adaptive(_) | Self::Zstd(_) => zstd::FORMAT,
            Self::Deflate => deflate::FORMAT,
            Self::Lz4(_) => lz4::FORMAT,
            Self::Noop => "uncompressed",
            Self::Snappy => snappy::FORMAT,
        }
    }

    /// The most bytes that a chunk of `plain` bytes takes.
    #[must_use]
    pub const fn max_compressed_length(self, plain: usize) -> usize {
        match self {
            Self::Adaptive(_) | Self::Zstd(_) => zstd::max_compressed_length(plain),
            Self::Deflate => deflate::max_compressed_length(plain),
            Self::Lz4(_) => lz4::max_compressed_length(plain),
            Self::Noop => plain,
            Self::Snappy => snappy::max_compressed_length(plain),
        }
    }

    /// Compresses a chunk to the start of `out`, and returns the number of bytes written.
    ///
    /// # Errors
    /// [`CodecError::Buffer`] when `out` is shorter than
    /// [`max_compressed_length`](Self::max_compressed_length), [`CodecError::Compress`] when the
    /// library fails, for lack of memory or a plaintext longer than its format allows.
    pub fn compress(
        self,
        plain: &[u8],
        out: &mut [u8],
        context: &mut CodecContext,
    ) -> Result<usize, CodecError> {
        let needed = self.max_compressed_length(plain.len());
        let given = out.len();
        let out = out.get_mut(..needed).ok_or(CodecError::Buffer { needed, given })?;
        match self {
            Self::Adaptive(levels) => zstd::compress(levels.chosen(), plain, out, context),
            Self::Deflate => deflate::compress(plain, out, context),
            Self::Lz4(kind) => lz4::compress(kind, plain, out),
            Self::Noop => {
                out.copy_from_slice(plain);
                Ok(needed)
            }
            Self::Snappy => snappy::compress(plain, out, context),
            Self::Zstd(level) => zstd::compress(level, plain, out, context),
        }
    }

    /// Decompresses a chunk to `out`, which has exactly the length of the plaintext. An empty
    /// plaintext may have no stored bytes, whatever the compressor: no node decompresses an empty
    /// chunk.
    ///
    /// # Errors
    /// [`CodecError::Length`] when the chunk says that its plaintext has another length,
    /// [`CodecError::TrailingBytes`] when more follows its end, and [`CodecError::Damaged`] for
    /// everything else that is not a chunk of that length. The content of `out` is then
    /// meaningless.
    pub fn decompress(
        self,
        stored: &[u8],
        out: &mut [u8],
        context: &mut CodecContext,
    ) -> Result<(), CodecError> {
        if stored.is_empty() && out.is_empty() {
            return Ok(());
        }
        match self {
            Self::Adaptive(_) | Self::Zstd(_) => zstd::decompress(stored, out, context),
            Self::Deflate => deflate::decompress(stored, out, context),
            Self::Lz4(_) => lz4::decompress(stored, out),
            Self::Noop if stored.len() == out.len() => {
                out.copy_from_slice(stored);
                Ok(())
            }
            Self::Noop => Err(CodecError::length(self.format(), stored.len(), out.len())),
            Self::Snappy => snappy::decompress(stored, out),
        }
    }
}
