//! Why a transformation or a key cannot be used.

/// Why a transformation cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformationError {
    /// Not of the form `ALG` or `ALG/MODE/PADDING`.
    #[error("cipher '{0}' is not of the form ALGORITHM or ALGORITHM/MODE/PADDING")]
    Malformed(String),
    /// The database could encrypt with it, but never read it back.
    #[error(
        "cipher '{0}' cannot be read back by the database itself: its IV is not stored in the chunk"
    )]
    Unreadable(String),
    /// The database takes the length of the IV from the exact text `AES`, so it can neither
    /// write nor read with another spelling.
    #[error(
        "cipher '{0}' cannot be written or read back by the database itself: unless it is spelled \
         'AES', the database gives it an IV of 8 bytes, not 16"
    )]
    IvLength(String),
    /// It encrypts whole blocks only, and the last chunk of a file may have any length.
    #[error(
        "cipher '{0}' cannot be written or read back by the database itself: without padding it \
         takes whole blocks only, and chunks have any length"
    )]
    WholeBlocks(String),
    /// Not handled by this release.
    #[error("cipher '{0}' is not handled by this release")]
    Unsupported(String),
    /// A key length that the algorithm does not have.
    #[error("cipher '{transformation}' has no {strength}-bit keys")]
    Strength {
        /// The transformation as written.
        transformation: String,
        /// Key bits asked for.
        strength: u32,
    },
    /// The algorithm has no keys of this length.
    #[error("cipher '{transformation}' has no keys of {bytes} bytes")]
    KeyLength {
        /// The transformation as written.
        transformation: String,
        /// Bytes of the key.
        bytes: usize,
    },
}
