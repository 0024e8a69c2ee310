//! Compressor classes by name.

use std::fmt;

/// The class that writes and reads the chunks of an SSTable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CompressorClass {
    /// Encrypts, and does not compress (FORMATS.md 5).
    Encryptor,
    /// Any other class, by its name: the simple one if it is in the database's package, else
    /// as it was given.
    Other(String),
}

impl CompressorClass {
    /// Takes the name as CQL or CompressionInfo.db has it, with or without the database's
    /// package `org.apache.cassandra.io.compress.` (FORMATS.md 2.4).
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name.strip_prefix(PACKAGE).unwrap_or(name) {
            "Encryptor" => Self::Encryptor,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name that CompressionInfo.db has: what follows the last dot.
    #[must_use]
    pub fn simple_name(&self) -> &str {
        match self {
            Self::Encryptor => "Encryptor",
            Self::Other(name) => name.rsplit('.').next().unwrap_or(name),
        }
    }

    /// Whether the class encrypts: `Encryptor`, and by their names the chained
    /// `EncryptingLZ4Compressor` and its siblings (FORMATS.md 4.1, 4.2).
    #[must_use]
    pub fn encrypts(&self) -> bool {
        match self {
            Self::Encryptor => true,
            Self::Other(_) => self.simple_name().starts_with("Encrypting"),
        }
    }

    /// The class of the compressor in it: itself, or what follows `Encrypting` in the name of a
    /// chain (FORMATS.md 4.1). None for `Encryptor` and for classes that this release does not
    /// know.
    pub(super) fn codec_name(&self) -> Option<&str> {
        let Self::Other(name) = self else { return None };
        let name = match name.strip_prefix("Encrypting") {
            Some(of_chain) if CHAINED.contains(&of_chain) => of_chain,
            Some(_) => return None,
            None => name,
        };
        IN_CLEAR.contains(&name).then_some(name)
    }

    /// Whether the class may encrypt: all do but the database's own that are known not to
    /// (FORMATS.md 4). One flipped bit in `Encryptor` makes a class that nobody knows, and no
    /// key may be called unused while there is one.
    #[must_use]
    pub fn may_encrypt(&self) -> bool {
        match self {
            Self::Encryptor => true,
            Self::Other(name) => !IN_CLEAR.contains(&name.as_str()),
        }
    }
}

/// The whole name, so that a class of another package is not taken for one of the database's.
impl fmt::Display for CompressorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encryptor => f.write_str("Encryptor"),
            Self::Other(name) => super::escape(f, name),
        }
    }
}

/// The compressors of the database that do not encrypt.
const IN_CLEAR: [&str; 7] = [
    "AdaptiveCompressor",
    "DeflateCompressor",
    "LZ4Compressor",
    "NoopCompressor",
    "SnappyCompressor",
    "ZstdCompressor",
    "ZstdDictionaryCompressor",
];

/// Those that DSE and HCD chain with an Encryptor.
const CHAINED: [&str; 3] = ["DeflateCompressor", "LZ4Compressor", "SnappyCompressor"];

/// Every class that a map may name.
pub(super) const KNOWN: [&str; 10] = [
    "Encryptor",
    "EncryptingDeflateCompressor",
    "EncryptingLZ4Compressor",
    "EncryptingSnappyCompressor",
    "AdaptiveCompressor",
    "DeflateCompressor",
    "LZ4Compressor",
    "NoopCompressor",
    "SnappyCompressor",
    "ZstdCompressor",
];

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
