//! The plaintext length of a chunk.

use std::fmt;

use serde::Serialize;

use crate::error::Error;

/// Plaintext bytes of every chunk but the last: a power of two up to [`ChunkLength::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ChunkLength(u32);

impl ChunkLength {
    /// The longest chunk that this program handles: 16 MiB. The database has no such limit; this
    /// one bounds the memory of a run.
    pub const MAX: Self = Self(1 << 24);

    /// The default of Apache 4.0 and later.
    pub const KIB_16: Self = Self(16 << 10);

    /// The default of earlier releases, and the length that a checksum of CRC.db covers.
    pub const KIB_64: Self = Self(64 << 10);

    /// The length in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.0
    }

    /// The length in bytes, as the int32 of CompressionInfo.db (FORMATS.md 2.1, field 4).
    #[must_use]
    pub const fn to_i32(self) -> i32 {
        self.0.cast_signed()
    }
}

/// Why a number is not a chunk length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkLengthError {
    /// Zero or negative.
    #[error("a chunk length of {0} bytes is not positive")]
    NotPositive(i32),
    /// Not a power of two.
    #[error("a chunk length of {0} bytes is not a power of two")]
    NotPowerOfTwo(i32),
    /// Sound, but over [`ChunkLength::MAX`].
    #[error("chunks of {0} bytes are longer than the 16 MiB that this program handles")]
    TooLong(i32),
}

impl TryFrom<i32> for ChunkLength {
    type Error = ChunkLengthError;

    fn try_from(bytes: i32) -> Result<Self, ChunkLengthError> {
        match u32::try_from(bytes) {
            Err(_) | Ok(0) => Err(ChunkLengthError::NotPositive(bytes)),
            Ok(length) if !length.is_power_of_two() => Err(ChunkLengthError::NotPowerOfTwo(bytes)),
            Ok(length) if length > Self::MAX.0 => Err(ChunkLengthError::TooLong(bytes)),
            Ok(length) => Ok(Self(length)),
        }
    }
}

/// For an option from a command line; a reader of files reports `Corrupt` in its own words.
impl From<ChunkLengthError> for Error {
    fn from(error: ChunkLengthError) -> Self {
        match error {
            ChunkLengthError::TooLong(_) => Self::unsupported(error.to_string()),
            _ => Self::invalid(error.to_string()),
        }
        .hint("use a power of two from 1 to 16384 KiB, for example 'chunk_length_in_kb': 16")
    }
}

impl fmt::Display for ChunkLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes < 1024 => write!(f, "{bytes} B"),
            bytes => write!(f, "{} KiB", bytes >> 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn powers_of_two_up_to_the_cap_are_lengths() {
        for shift in 0..=24 {
            let length = ChunkLength::try_from(1 << shift).unwrap();
            assert_eq!((length.bytes(), length.to_i32()), (1 << shift, 1 << shift));
        }
        assert_eq!(ChunkLength::try_from(65_536).unwrap().to_string(), "64 KiB");
        assert_eq!(ChunkLength::try_from(512).unwrap().to_string(), "512 B");
    }

    #[test]
    fn other_numbers_are_refused_with_a_reason() {
        use ChunkLengthError as E;
        for (bytes, error) in [
            (0, E::NotPositive(0)),
            (-65_536, E::NotPositive(-65_536)),
            (i32::MIN, E::NotPositive(i32::MIN)),
            (65_535, E::NotPowerOfTwo(65_535)),
            (i32::MAX, E::NotPowerOfTwo(i32::MAX)),
            (1 << 25, E::TooLong(1 << 25)),
        ] {
            assert_eq!(ChunkLength::try_from(bytes), Err(error));
        }
        assert_eq!(Error::from(E::TooLong(1 << 25)).kind(), ErrorKind::Unsupported);
        assert_eq!(Error::from(E::NotPositive(0)).kind(), ErrorKind::Invalid);
    }
}
