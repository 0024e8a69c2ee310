//! Cipher transformations by their Java names (FORMATS.md 5.2, 5.3).

use std::fmt;

/// A block cipher, by its Java name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// AES with 128, 192 or 256 key bits.
    Aes,
}

/// A mode of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Cipher block chaining (NIST SP 800-38A 6.2).
    Cbc,
    /// Electronic codebook (NIST SP 800-38A 6.1).
    Ecb,
}

/// How the last block is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// PKCS #5: 1 to one block of bytes, each the count of them.
    Pkcs5,
}

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
}

/// A parsed transformation, which remembers how it was written: the database looks local keys up
/// by that text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transformation {
    text: String,
    algorithm: Algorithm,
    mode: Mode,
    padding: Padding,
}

impl Transformation {
    /// Parses a Java transformation; a bare algorithm name means ECB with PKCS #5 padding.
    ///
    /// # Errors
    /// [`TransformationError`] when the name is malformed, or names what cannot be read back or
    /// is not handled.
    pub fn parse(text: &str) -> Result<Self, TransformationError> {
        let parts: Vec<&str> = text.split('/').collect();
        // Java ignores blanks here; the database does not when it looks for an IV.
        let (algorithm, mode, padding) = match *parts.as_slice() {
            _ if text.contains(char::is_whitespace) => {
                return Err(TransformationError::Malformed(text.to_owned()));
            }
            [algorithm] if !algorithm.is_empty() => (algorithm, "ECB", "PKCS5Padding"),
            [algorithm, mode, padding] => (algorithm, mode, padding),
            _ => return Err(TransformationError::Malformed(text.to_owned())),
        };
        // JCE compares names without regard to case, but the database takes the IV length from
        // the exact text "AES": another spelling of AES has no readable chunks with an IV.
        let algorithm = match algorithm {
            "AES" => Algorithm::Aes,
            _ => return Err(TransformationError::Unsupported(text.to_owned())),
        };
        let mode = match mode {
            "CBC" => Mode::Cbc,
            "ECB" => Mode::Ecb,
            "CTR" | "GCM" | "CFB8" | "OFB8" | "CTS" => {
                return Err(TransformationError::Unreadable(text.to_owned()));
            }
            _ => return Err(TransformationError::Unsupported(text.to_owned())),
        };
        let padding = match padding {
            "PKCS5Padding" => Padding::Pkcs5,
            _ => return Err(TransformationError::Unsupported(text.to_owned())),
        };
        Ok(Self { text: text.to_owned(), algorithm, mode, padding })
    }

    /// The name as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The block cipher.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The mode of operation.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The padding.
    #[must_use]
    pub const fn padding(&self) -> Padding {
        self.padding
    }

    /// Bytes in a block of the cipher.
    #[must_use]
    pub const fn block_size(&self) -> usize {
        match self.algorithm {
            Algorithm::Aes => 16,
        }
    }

    /// Bytes of the IV that precedes the ciphertext of each chunk; 0 for modes without one.
    #[must_use]
    pub const fn iv_length(&self) -> usize {
        match self.mode {
            Mode::Cbc => self.block_size(),
            Mode::Ecb => 0,
        }
    }

    /// Bytes of ciphertext that a plaintext of `plain` bytes becomes.
    #[must_use]
    pub const fn ciphertext_length(&self, plain: usize) -> usize {
        match self.padding {
            Padding::Pkcs5 => {
                let block = self.block_size();
                plain - plain % block + block
            }
        }
    }

    /// Key bytes of a strength in bits.
    ///
    /// # Errors
    /// [`TransformationError::Strength`] when the cipher has no such keys.
    pub fn key_length(&self, strength: u32) -> Result<usize, TransformationError> {
        match (self.algorithm, strength) {
            (Algorithm::Aes, 128) => Ok(16),
            (Algorithm::Aes, 192) => Ok(24),
            (Algorithm::Aes, 256) => Ok(32),
            _ => Err(TransformationError::Strength { transformation: self.text.clone(), strength }),
        }
    }
}

impl fmt::Display for Transformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_ecb_and_keeps_its_text() {
        let bare = Transformation::parse("AES").unwrap();
        assert_eq!((bare.mode(), bare.iv_length(), bare.text()), (Mode::Ecb, 0, "AES"));
        let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
        assert_eq!((cbc.mode(), cbc.iv_length()), (Mode::Cbc, 16));
    }

    #[test]
    fn padding_always_adds_at_least_one_byte() {
        let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
        for (plain, cipher) in [(0, 16), (1, 16), (15, 16), (16, 32), (65_536, 65_552)] {
            assert_eq!(cbc.ciphertext_length(plain), cipher);
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        use TransformationError as E;
        assert!(matches!(Transformation::parse(""), Err(E::Malformed(_))));
        assert!(matches!(Transformation::parse("AES/CBC"), Err(E::Malformed(_))));
        assert!(matches!(Transformation::parse("AES/CBC /PKCS5Padding"), Err(E::Malformed(_))));
        assert!(matches!(Transformation::parse("AES/GCM/NoPadding"), Err(E::Unreadable(_))));
        assert!(matches!(Transformation::parse("AES/CTR/NoPadding"), Err(E::Unreadable(_))));
        assert!(matches!(Transformation::parse("DES/CBC/PKCS5Padding"), Err(E::Unsupported(_))));
        assert!(matches!(
            Transformation::parse("AES").unwrap().key_length(64),
            Err(E::Strength { strength: 64, .. })
        ));
    }
}
