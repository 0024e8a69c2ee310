//! Why a chunk cannot be compressed or decompressed.

use crate::{Error, ErrorKind};

/// Why a chunk cannot be compressed or decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The caller's buffer is too short.
    #[error("a buffer of {given} bytes was given where compression may take {needed}")]
    Buffer {
        /// Bytes that the chunk may take.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// A chain's outer length does not fit the bytes after it.
    #[error("it declares {declared} bytes before encryption, and {stored} are stored encrypted")]
    ChainLength {
        /// Bytes that the compressor's stage wrote, by that length.
        declared: u32,
        /// Bytes that the Encryptor wrote.
        stored: usize,
    },
    /// A chain's chunk ends inside its outer length.
    #[error("its {0} stored bytes end inside the length that stands before them")]
    ChainTruncated(usize),
    /// The output of a chain's Encryptor is not a chunk of the compressor. A wrong key that passes
    /// the padding check looks like this, so there is no detail.
    #[error("what it decrypts to is not {format} data of {expected} bytes")]
    ChainOpened {
        /// The compressor's format.
        format: &'static str,
        /// Bytes of plaintext that the chunk has.
        expected: usize,
    },
    /// The library failed.
    #[error("{0} compression failed")]
    Compress(&'static str),
    /// The bytes are not those of such a chunk.
    #[error("its {format} data does not decompress to {expected} bytes")]
    Damaged {
        /// The compressor's format.
        format: &'static str,
        /// Bytes of plaintext that the chunk has.
        expected: usize,
    },
    /// The data declares another length.
    #[error("its {format} data stands for {found} bytes where {expected} are expected")]
    Length {
        /// The compressor's format.
        format: &'static str,
        /// Bytes of plaintext by the data.
        found: u64,
        /// Bytes of plaintext that the chunk has.
        expected: usize,
    },
    /// More is stored than the compressor wrote.
    #[error("{extra} bytes follow the end of its {format} data")]
    TrailingBytes {
        /// The compressor's format.
        format: &'static str,
        /// Bytes after the end.
        extra: usize,
    },
}

impl CodecError {
    pub(super) fn length(format: &'static str, found: usize, expected: usize) -> Self {
        Self::Length { format, found: u64::try_from(found).unwrap_or(u64::MAX), expected }
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Buffer { .. } | CodecError::Compress(_) => {
                Self::new(ErrorKind::Internal, error.to_string())
            }
            CodecError::ChainOpened { .. } => Self::corrupt(error.to_string()).hint(
                "compare the key with the one that the node used; if it is right, \
                 scrub the SSTable on the node or restore it from a backup",
            ),
            _ => Self::corrupt(error.to_string())
                .hint("scrub the SSTable on the node, or restore it from a backup"),
        }
    }
}
