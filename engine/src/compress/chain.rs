//! The framing of `EncryptingLZ4Compressor`, `EncryptingSnappyCompressor` and
//! `EncryptingDeflateCompressor`: a codec, then the Encryptor (FORMATS.md 4.1).
//!
//! Each stage writes the length of its input before its output:
//!
//! ```text
//! chunk      int32  L1, length of the Encryptor's plaintext      in clear
//!            rest   the Encryptor's output
//!
//! plaintext  int32  L0, length of the chunk's plaintext
//! of L1      rest   the codec's output
//! ```
//!
//! Both lengths are big-endian. The Encryptor itself is elsewhere. When reading,
//! [`ChainFraming::split`] gives its input and [`ChainFraming::decompress`] takes its output. When
//! writing, [`compress`] makes its plaintext and [`ChainFraming::prefix`] precedes its output.
//!
//! [`compress`]: ChainFraming::compress

use super::{Codec, CodecContext, CodecError};

/// Puts a codec in front of an Encryptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainFraming {
    codec: Codec,
}

impl ChainFraming {
    /// Bytes of the length before each stage's output.
    pub const PREFIX_LENGTH: usize = 4;

    /// Frames the chunks of a codec.
    #[must_use]
    pub const fn new(codec: Codec) -> Self {
        Self { codec }
    }

    /// The codec.
    #[must_use]
    pub const fn codec(self) -> Codec {
        self.codec
    }

    /// Splits a stored chunk into the length of the Encryptor's plaintext and the Encryptor's
    /// output. The length cannot exceed the stored bytes, since encryption never shortens, so it
    /// may be allocated. Decryption shows whether it is right.
    ///
    /// # Errors
    /// [`CodecError::ChainTruncated`] or [`CodecError::ChainLength`].
    pub fn split(stored: &[u8]) -> Result<(usize, &[u8]), CodecError> {
        let (prefix, sealed) = stored
            .split_first_chunk::<{ Self::PREFIX_LENGTH }>()
            .ok_or(CodecError::ChainTruncated(stored.len()))?;
        let declared = u32::from_be_bytes(*prefix);
        match usize::try_from(declared) {
            Ok(length) if (Self::PREFIX_LENGTH..=sealed.len()).contains(&length) => {
                Ok((length, sealed))
            }
            _ => Err(CodecError::ChainLength { declared, stored: sealed.len() }),
        }
    }

    /// What precedes the Encryptor's output: the length of its plaintext, as
    /// [`compress`](Self::compress) returned it.
    ///
    /// # Errors
    /// [`CodecError::Compress`] for a length that does not fit an int32.
    pub fn prefix(self, encryptor_plain: usize) -> Result<[u8; Self::PREFIX_LENGTH], CodecError> {
        i32::try_from(encryptor_plain)
            .map(i32::to_be_bytes)
            .map_err(|_too_long| CodecError::Compress(self.codec.format()))
    }

    /// The most bytes that the Encryptor's plaintext takes for a chunk of `plain` bytes.
    #[must_use]
    pub const fn max_compressed_length(self, plain: usize) -> usize {
        self.codec.max_compressed_length(plain).saturating_add(Self::PREFIX_LENGTH)
    }

    /// Makes the Encryptor's plaintext at the start of `out`, and returns its length.
    ///
    /// # Errors
    /// As [`Codec::compress`].
    pub fn compress(
        self,
        plain: &[u8],
        out: &mut [u8],
        context: &mut CodecContext,
    ) -> Result<usize, CodecError> {
        let (needed, given) = (self.max_compressed_length(plain.len()), out.len());
        let (prefix, rest) =
            out.split_first_chunk_mut().ok_or(CodecError::Buffer { needed, given })?;
        *prefix = self.prefix(plain.len())?;
        let written = self.codec.compress(plain, rest, context).map_err(|error| match error {
            CodecError::Buffer { .. } => CodecError::Buffer { needed, given },
            other => other,
        })?;
        Ok(written.saturating_add(Self::PREFIX_LENGTH))
    }

    /// Turns the Encryptor's plaintext, without its padding, into the chunk's; `out` has exactly
    /// the length of that.
    ///
    /// # Errors
    /// [`CodecError::ChainOpened`], whatever is wrong; the content of `out` is then meaningless.
    pub fn decompress(
        self,
        opened: &[u8],
        out: &mut [u8],
        context: &mut CodecContext,
    ) -> Result<(), CodecError> {
        let opaque = CodecError::ChainOpened { format: self.codec.format(), expected: out.len() };
        let (prefix, rest) = opened.split_first_chunk().ok_or(opaque)?;
        if self.prefix(out.len()) != Ok(*prefix) {
            return Err(opaque);
        }
        self.codec.decompress(rest, out, context).map_err(|_no_detail| opaque)
    }
}
