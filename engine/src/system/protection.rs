//! How the content of a file is kept from other eyes, as its header says.

use super::json::{JsonError, Members};
use crate::error::Result;
use crate::keys::KeyRef;
use crate::options::{ChunkScheme, CompressorClass, OptionMap};

/// How the content of a file is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protection {
    /// As it is.
    Clear,
    /// Through the database's hook for compression: DSE and HCD encrypt there (FORMATS.md 10.5).
    Compressor {
        /// The class.
        class: CompressorClass,
        /// Its options.
        options: OptionMap,
    },
    /// By Apache's `transparent_data_encryption_options` (FORMATS.md 10.3).
    Keystore(KeystoreCipher),
    /// The file does not say. Saved caches pass through a stream of the product, which may encrypt
    /// them, and have no header (FORMATS.md 10.4).
    Untold,
}

/// What a header says of Apache's encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeystoreCipher {
    /// Java's name of the cipher.
    pub cipher: String,
    /// The alias of the key in the node's key store.
    pub alias: String,
    /// The IV of every block of the file.
    pub iv: Vec<u8>,
}

impl Protection {
    /// What the class and its options do; none if the content does not pass through one.
    ///
    /// # Errors
    /// As [`ChunkScheme::from_stored`].
    pub fn scheme(&self) -> Result<Option<ChunkScheme>> {
        match self {
            Self::Compressor { class, options } => {
                ChunkScheme::from_stored(class, options).map(Some)
            }
            Self::Clear | Self::Keystore(_) | Self::Untold => Ok(None),
        }
    }

    /// Whether the content may be encrypted: it is not only if that is certain.
    #[must_use]
    pub fn may_encrypt(&self) -> bool {
        match self {
            Self::Clear => false,
            Self::Compressor { class, .. } => class.may_encrypt(),
            Self::Keystore(_) | Self::Untold => true,
        }
    }
}

impl KeystoreCipher {
    /// A cipher, the alias of its key, and an IV.
    #[must_use]
    pub fn new(cipher: &str, alias: &str, iv: Vec<u8>) -> Self {
        Self { cipher: cipher.to_owned(), alias: alias.to_owned(), iv }
    }

    /// The name of its key.
    #[must_use]
    pub fn key(&self) -> KeyRef {
        KeyRef::Keystore { alias: self.alias.clone() }
    }

    /// Reads the members `encCipher`, `encKeyAlias` and `encIV`. Without the first two, a node takes
    /// the file for one that is not encrypted.
    pub(super) fn read(members: &Members<'_>) -> Result<Option<Self>, JsonError> {
        let (Some(cipher), Some(alias)) = (members.text(CIPHER)?, members.text(ALIAS)?) else {
            return Ok(None);
        };
        let iv = members.text(IV)?.ok_or(JsonError::Member(IV))?;
        let iv = unhex(&iv).ok_or(JsonError::Member(IV))?;
        Ok(Some(Self { cipher, alias, iv }))
    }
}

/// A compressor class by its name, with its options.
pub(super) fn compressor(
    members: &Members<'_>,
    class: &'static str,
    parameters: &'static str,
) -> Result<Option<Protection>, JsonError> {
    let Some(name) = members.text(class)? else { return Ok(None) };
    let options = match members.object(parameters)? {
        Some(own) => own.options(parameters)?,
        None => OptionMap::default(),
    };
    Ok(Some(Protection::Compressor { class: CompressorClass::parse(&name), options }))
}

/// Bytes as the database writes them in JSON: two lower-case digits for each.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digits = pair.iter().all(u8::is_ascii_hexdigit);
        str::from_utf8(pair)
            .ok()
            .filter(|_| digits)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|bytes| rest.is_empty() && (1..=MAX_IV).contains(&bytes.len()))
}

pub(super) const CIPHER: &str = "encCipher";
pub(super) const ALIAS: &str = "encKeyAlias";
pub(super) const IV: &str = "encIV";

/// Longest IV of a block cipher in bytes.
const MAX_IV: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iv_is_an_even_number_of_digits() {
        assert_eq!(unhex("00fF10").unwrap(), [0, 255, 16]);
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
        for wrong in ["", "0", "0g", "+1", "é", &"00".repeat(17)] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn content_is_in_clear_only_if_that_is_certain() {
        let class = |name| Protection::Compressor {
            class: CompressorClass::parse(name),
            options: OptionMap::default(),
        };
        assert!(!Protection::Clear.may_encrypt());
        assert!(!class("LZ4Compressor").may_encrypt());
        assert!(class("EncryptingLZ4Compressor").may_encrypt());
        assert!(class("com.example.Mine").may_encrypt());
        assert!(Protection::Untold.may_encrypt());
    }
}
