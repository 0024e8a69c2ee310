//! Cipher transformations by their Java names (FORMATS.md 5.2, 5.3).

mod error;
mod name;
#[cfg(test)]
mod tests;

use std::fmt;

pub use error::TransformationError;
pub use name::{Mode, Padding};

use super::Algorithm;

/// A parsed transformation that keeps its original text: the database looks up local keys by that
/// text.
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
    /// Names must have Java's spelling. Java itself ignores case, but the database's rules for the
    /// IV are exact: it is stored for the modes `CBC`, `CFB`, `OFB` and `PCBC`, with 16 bytes for
    /// `AES` and 8 for everything else.
    ///
    /// # Errors
    /// [`TransformationError`] when the name is malformed, or names what the database cannot
    /// read back or this release does not handle.
    pub fn parse(text: &str) -> Result<Self, TransformationError> {
        use TransformationError as E;
        let refuse = |why: fn(String) -> E| why(text.to_owned());

        // Java ignores blanks here; the database does not when it determines the IV.
        if text.contains(char::is_whitespace) {
            return Err(refuse(E::Malformed));
        }
        let mut parts = text.split('/');
        let (algorithm_name, mode_name, padding_name) =
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(name), None, None, None) if !name.is_empty() => {
                    (name, Mode::Ecb.name(), Padding::Pkcs5.name())
                }
                (Some(algorithm), Some(mode), Some(padding), None)
                    if ![algorithm, mode, padding].contains(&"") =>
                {
                    (algorithm, mode, padding)
                }
                _ => return Err(refuse(E::Malformed)),
            };

        let algorithm = Algorithm::find(algorithm_name).ok_or_else(|| refuse(E::Unsupported))?;
        let mode = match Mode::find(mode_name) {
            Some(mode) if mode.has_iv() && mode.name() != mode_name => {
                return Err(refuse(E::Unreadable));
            }
            Some(mode) => mode,
            None if has_iv_by_name(mode_name) => return Err(refuse(E::Unreadable)),
            None => return Err(refuse(E::Unsupported)),
        };
        if algorithm.block_size() != MISSPELT_IV
            && mode.has_iv()
            && algorithm_name != Algorithm::Aes.name()
        {
            return Err(refuse(E::IvLength));
        }
        let padding = Padding::find(padding_name).ok_or_else(|| refuse(E::Unsupported))?;
        if padding == Padding::None && !mode.is_stream() {
            return Err(refuse(E::WholeBlocks));
        }
        // The database could read what remains, but no writer of such names is known.
        let names = (algorithm.name(), mode.name(), padding.name());
        if names != (algorithm_name, mode_name, padding_name) {
            return Err(refuse(E::Unsupported));
        }
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
        self.algorithm.block_size()
    }

    /// Bytes of the IV that precedes the ciphertext of each chunk; 0 for modes without one.
    #[must_use]
    pub const fn iv_length(&self) -> usize {
        if self.mode.has_iv() { self.block_size() } else { 0 }
    }

    /// Bytes of ciphertext for a plaintext of `plain` bytes.
    #[must_use]
    pub const fn ciphertext_length(&self, plain: usize) -> usize {
        match self.padding {
            Padding::None => plain,
            Padding::Pkcs5 => {
                let block = self.block_size();
                plain.saturating_sub(plain % block).saturating_add(block)
            }
        }
    }

    /// The unit of every ciphertext's length: a block, or 1 without padding.
    #[must_use]
    pub const fn unit(&self) -> usize {
        match self.padding {
            Padding::None => 1,
            Padding::Pkcs5 => self.block_size(),
        }
    }

    /// Key bytes for a strength in bits.
    ///
    /// # Errors
    /// [`TransformationError::Strength`] when the cipher has no such keys.
    pub fn key_length(&self, strength: u32) -> Result<usize, TransformationError> {
        self.algorithm.key_length(strength).ok_or_else(|| TransformationError::Strength {
            transformation: self.text.clone(),
            strength,
        })
    }
}

impl fmt::Display for Transformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Bytes of the IV that the database uses for every name but `AES`.
const MISSPELT_IV: usize = 8;

/// Whether Java has a mode of this name that needs an IV, which the database does not store:
/// `CTR`, `GCM`, `CTS`, and feedback of a number of bits such as `CFB8`.
fn has_iv_by_name(mode: &str) -> bool {
    let mode = mode.to_ascii_uppercase();
    let bits = mode.strip_prefix("CFB").or_else(|| mode.strip_prefix("OFB"));
    matches!(mode.as_str(), "CTR" | "CTS" | "GCM")
        || bits.is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()))
}
