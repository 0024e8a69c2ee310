//! Java's cipher strings as KMIP names them (KMIP.md 4).

use std::fmt;
use std::str::FromStr;

use crate::message::{Attributes, BlockCipherMode, CryptographicAlgorithm, PaddingMethod};

/// A `cipher_algorithm` whose parts KMIP has names for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipherName {
    text: String,
    algorithm: CryptographicAlgorithm,
    mode_and_padding: Option<(BlockCipherMode, PaddingMethod)>,
}

/// A cipher string that cannot be used with a KMIP key provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoKmipName {
    /// It does not have one or three parts.
    #[error("the cipher {0:?} has neither one part nor three")]
    Parts(String),
    /// KMIP has no such algorithm, such as `DESede` (inferred).
    #[error("KMIP has no algorithm {0:?}, so the database does not use it with KMIP keys")]
    Algorithm(String),
    /// KMIP has no such mode.
    #[error("KMIP has no block cipher mode {0:?}")]
    Mode(String),
    /// KMIP has no such padding: for example `NoPadding` and `ISO10126Padding` (inferred).
    #[error("KMIP has no padding method {0:?}, so the database does not use it with KMIP keys")]
    Padding(String),
}

impl CipherName {
    /// The algorithm: the part before the first slash.
    #[must_use]
    pub const fn algorithm(&self) -> CryptographicAlgorithm {
        self.algorithm
    }

    /// Mode and padding, unless the cipher is a bare name.
    #[must_use]
    pub const fn mode_and_padding(&self) -> Option<(BlockCipherMode, PaddingMethod)> {
        self.mode_and_padding
    }

    /// Whether the cipher string rebuilt from a key's attributes equals this one, ignoring case. So
    /// `AES` and `AES/ECB/PKCS5Padding` are different, though not to Java.
    #[must_use]
    pub fn is_cipher_of(&self, attributes: &Attributes) -> bool {
        rebuilt(attributes).is_some_and(|text| text.eq_ignore_ascii_case(&self.text))
    }
}

impl FromStr for CipherName {
    type Err = NoKmipName;

    fn from_str(text: &str) -> Result<Self, NoKmipName> {
        let parts: Vec<_> = text.split('/').collect();
        let (algorithm, rest) = match parts.as_slice() {
            [algorithm] => (*algorithm, None),
            [algorithm, mode, padding] => (*algorithm, Some((*mode, *padding))),
            _ => return Err(NoKmipName::Parts(text.to_owned())),
        };
        let mode_and_padding = match rest {
            None => None,
            Some((mode, padding)) => {
                let found = BlockCipherMode::named(mode);
                let mode = found.ok_or_else(|| NoKmipName::Mode(mode.to_owned()))?;
                let short = padding.strip_suffix("Padding").unwrap_or(padding);
                let found = PaddingMethod::named(short);
                Some((mode, found.ok_or_else(|| NoKmipName::Padding(padding.to_owned()))?))
            }
        };
        let found = CryptographicAlgorithm::named(algorithm);
        let algorithm = found.ok_or_else(|| NoKmipName::Algorithm(algorithm.to_owned()))?;
        Ok(Self { text: text.to_owned(), algorithm, mode_and_padding })
    }
}

impl fmt::Display for CipherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The Java cipher string that the database rebuilds from attributes (KMIP.md 1.5).
pub(super) fn rebuilt(attributes: &Attributes) -> Option<String> {
    let algorithm = attributes.algorithm()?;
    let parameters = attributes.parameters().unwrap_or_default();
    match (parameters.mode, parameters.padding) {
        // One without the other fails an assertion in the database. Here it matches nothing.
        (Some(mode), None) => Some(format!("{algorithm}/{mode}")),
        (None, Some(padding)) => Some(format!("{algorithm}//{padding}Padding")),
        _ => cipher_of(attributes),
    }
}

/// The Java cipher string of a key's attributes: with mode and padding, or a bare name where they
/// have neither (KMIP.md 1.5, 7).
#[must_use]
pub fn cipher_of(attributes: &Attributes) -> Option<String> {
    let algorithm = attributes.algorithm()?;
    let parameters = attributes.parameters().unwrap_or_default();
    match (parameters.mode, parameters.padding) {
        (Some(mode), Some(padding)) => Some(format!("{algorithm}/{mode}/{padding}Padding")),
        (None, None) => Some(algorithm.to_string()),
        _ => None,
    }
}
