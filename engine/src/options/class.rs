//! Compressor classes by name.

use std::fmt;

use super::meant::{did_you_mean, meant};
use crate::error::Error;

/// The class that writes and reads the chunks of an SSTable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CompressorClass {
    /// Encrypts, and does not compress (FORMATS.md 5).
    Encryptor,
    /// Any other class, by its name: the simple name if it is in the database's package, otherwise
    /// as given.
    Other(String),
}

impl CompressorClass {
    /// Takes the name as CQL or CompressionInfo.db has it, with or without the database's
    /// package `org.apache.cassandra.io.compress.` (FORMATS.md 2.4).
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name.strip_prefix(PACKAGE).unwrap_or(name) {
            ENCRYPTOR => Self::Encryptor,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name in CompressionInfo.db: what follows the last dot.
    #[must_use]
    pub fn simple_name(&self) -> &str {
        match self {
            Self::Encryptor => ENCRYPTOR,
            Self::Other(name) => name.rsplit('.').next().unwrap_or(name),
        }
    }

    /// Whether the class encrypts: `Encryptor`, and by their names the chained
    /// `EncryptingLZ4Compressor` and its siblings (FORMATS.md 4.1, 4.2).
    #[must_use]
    pub fn encrypts(&self) -> bool {
        match self {
            Self::Encryptor => true,
            Self::Other(_) => self.simple_name().starts_with(CHAIN),
        }
    }

    /// The compressor in it: itself, or what follows `Encrypting` in the name of a chain
    /// (FORMATS.md 4.1). None for `Encryptor` and for classes that this release does not know.
    pub(super) fn compressor(&self) -> Option<Compressor> {
        let Self::Other(name) = self else { return None };
        match name.strip_prefix(CHAIN) {
            Some(chained) => Compressor::find(chained).filter(|chained| chained.is_chained()),
            None => Compressor::find(name),
        }
    }

    /// Whether the class may encrypt: all may except the database's own that are known not to
    /// (FORMATS.md 4). A flipped bit in `Encryptor` makes an unknown class, and while there is one,
    /// no key may be reported as unused.
    #[must_use]
    pub fn may_encrypt(&self) -> bool {
        match self {
            Self::Encryptor => true,
            Self::Other(name) => Compressor::find(name).is_none(),
        }
    }

    /// Why this class cannot be handled.
    pub(super) fn unknown(&self) -> Error {
        let name = self.simple_name();
        if name == Compressor::ZstdDictionary.name() {
            return Error::unsupported(format!(
                "class '{name}', whose chunks need a dictionary, is not handled by this release"
            ))
            .hint("use a node-side upgrade for this table");
        }
        let known = known();
        Error::unsupported(format!("class '{self}' is not handled by this release")).hint(
            did_you_mean(
                meant(name, known.iter().map(String::as_str)),
                "known are Encryptor, EncryptingLZ4Compressor, EncryptingSnappyCompressor, \
                 EncryptingDeflateCompressor, and the database's own compressors; use a node-side \
                 upgrade for this table",
            ),
        )
    }
}

/// The whole name, so that a class of another package is not mistaken for one of the database's.
impl fmt::Display for CompressorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encryptor => f.write_str(ENCRYPTOR),
            Self::Other(name) => super::escape(f, name),
        }
    }
}

/// A compressor of the database, which does not encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compressor {
    Adaptive,
    Deflate,
    Lz4,
    Noop,
    Snappy,
    Zstd,
    /// Listed so that its tables are known to be in clear; its chunks are not read.
    ZstdDictionary,
}

impl Compressor {
    const ALL: [Self; 7] = [
        Self::Adaptive,
        Self::Deflate,
        Self::Lz4,
        Self::Noop,
        Self::Snappy,
        Self::Zstd,
        Self::ZstdDictionary,
    ];

    /// The name of the class.
    const fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "AdaptiveCompressor",
            Self::Deflate => "DeflateCompressor",
            Self::Lz4 => "LZ4Compressor",
            Self::Noop => "NoopCompressor",
            Self::Snappy => "SnappyCompressor",
            Self::Zstd => "ZstdCompressor",
            Self::ZstdDictionary => "ZstdDictionaryCompressor",
        }
    }

    /// Whether DSE and HCD chain it with an Encryptor.
    const fn is_chained(self) -> bool {
        matches!(self, Self::Deflate | Self::Lz4 | Self::Snappy)
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compressor| compressor.name() == name)
    }
}

/// Every class that a map may name.
fn known() -> Vec<String> {
    let handled = Compressor::ALL.into_iter().filter(|own| *own != Compressor::ZstdDictionary);
    let chained = handled.clone().filter(|own| own.is_chained());
    let chains = chained.map(|own| format!("{CHAIN}{}", own.name()));
    let encryptor = std::iter::once(ENCRYPTOR.to_owned());
    encryptor.chain(chains).chain(handled.map(|own| own.name().to_owned())).collect()
}

const ENCRYPTOR: &str = "Encryptor";

/// How the names of chains begin.
const CHAIN: &str = "Encrypting";

/// Where the database looks up a simple name.
const PACKAGE: &str = "org.apache.cassandra.io.compress.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_s_package_is_implied() {
        for name in ["Encryptor", "org.apache.cassandra.io.compress.Encryptor"] {
            assert_eq!(CompressorClass::parse(name), CompressorClass::Encryptor);
        }
        let lz4 = CompressorClass::parse("org.apache.cassandra.io.compress.LZ4Compressor");
        assert_eq!(lz4, CompressorClass::Other("LZ4Compressor".to_owned()));
        assert_eq!((lz4.simple_name(), lz4.encrypts()), ("LZ4Compressor", false));
    }

    #[test]
    fn a_class_of_another_package_is_another_class() {
        let foreign = CompressorClass::parse("com.example.Encryptor");
        assert_eq!(foreign, CompressorClass::Other("com.example.Encryptor".to_owned()));
        assert_eq!(foreign.simple_name(), "Encryptor");
        assert_ne!(CompressorClass::parse("encryptor"), CompressorClass::Encryptor);
    }

    #[test]
    fn chained_classes_encrypt() {
        assert!(CompressorClass::Encryptor.encrypts());
        assert!(CompressorClass::parse("EncryptingLZ4Compressor").encrypts());
        assert!(!CompressorClass::parse("").encrypts());
    }

    #[test]
    fn only_known_compressors_are_known_not_to_encrypt() {
        for clear in ["LZ4Compressor", "org.apache.cassandra.io.compress.NoopCompressor"] {
            assert!(!CompressorClass::parse(clear).may_encrypt(), "{clear}");
        }
        for other in
            ["Encryptor", "EncryptingLZ4Compressor", "LZ4compressor", "a.LZ4Compressor", ""]
        {
            assert!(CompressorClass::parse(other).may_encrypt(), "{other}");
        }
    }
}
