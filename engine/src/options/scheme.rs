//! What a class and its options do to a chunk.

use super::class::Compressor;
use super::map::{OF_THE_TABLE, number};
use super::meant::{did_you_mean, meant};
use super::{CompressorClass, EncryptorOptions, OptionMap, shown};
use crate::compress::{
    AdaptiveLevel, AdaptiveLevels, Codec, LevelError, Lz4Level, Lz4Type, ZstdLevel,
};
use crate::error::{Error, Result};

/// How chunks are made from plaintext: by a compressor, by an Encryptor, or by one after the other
/// (FORMATS.md 4, 5). There is always at least one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChunkScheme {
    codec: Option<Codec>,
    encryptor: Option<EncryptorOptions>,
}

impl ChunkScheme {
    /// Reads a class and its own options, as CompressionInfo.db stores them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a class that this release
    /// does not know, and for options of its Encryptor that it does not handle;
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for options that the database
    /// refuses, too.
    pub fn from_options(class: &CompressorClass, options: &OptionMap) -> Result<Self> {
        let mut rest = options.clone();
        let codec = match class.compressor() {
            Some(compressor) => {
                let codec = codec(compressor, &mut rest)?;
                Some(codec.ok_or_else(|| class.unknown())?)
            }
            None if *class == CompressorClass::Encryptor => None,
            None => return Err(class.unknown()),
        };
        if class.encrypts() {
            let encryptor = Some(EncryptorOptions::from_options(&rest)?);
            return Ok(Self { codec, encryptor });
        }
        match rest.iter().next() {
            None => Ok(Self { codec, encryptor: None }),
            Some((name, _)) => {
                Err(Error::invalid(format!("option {} is unknown to class {class}", shown(name)))
                    .hint(did_you_mean(
                        meant(name, OWN.into_iter().chain(OF_THE_TABLE)),
                        "remove it: the database refuses it, too",
                    )))
            }
        }
    }

    /// Reads a class and its options from a CompressionInfo.db that some release of the database wrote.
    /// Nobody can correct those, so what is a mistake in an argument is not handled here.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    pub fn from_stored(class: &CompressorClass, stored: &OptionMap) -> Result<Self> {
        let mut options = stored.clone();
        // A compression option until 3.0, dropped by readers since (FORMATS.md 3.2).
        options.remove("crc_check_chance");
        Self::from_options(class, &options).map_err(|error| match error.kind() {
            crate::ErrorKind::Invalid => {
                Error::unsupported("its options are not handled by this release").caused_by(error)
            }
            _ => error,
        })
    }

    /// The compressor; `None` if the chunks are encrypted uncompressed.
    #[must_use]
    pub const fn codec(&self) -> Option<Codec> {
        self.codec
    }

    /// The Encryptor; `None` if the chunks are in clear.
    #[must_use]
    pub const fn encryptor(&self) -> Option<&EncryptorOptions> {
        self.encryptor.as_ref()
    }

    /// Whether a compressor precedes an Encryptor, each with the length of its input in front
    /// (FORMATS.md 4.1).
    #[must_use]
    pub const fn is_chain(&self) -> bool {
        self.codec.is_some() && self.encryptor.is_some()
    }
}

/// `None` for a compressor that this release does not have.
fn codec(compressor: Compressor, options: &mut OptionMap) -> Result<Option<Codec>> {
    Ok(Some(match compressor {
        Compressor::Adaptive => {
            let default = AdaptiveLevels::default();
            let min = level(options, "min_compression_level", AdaptiveLevel::try_from)?;
            let max = level(options, "max_compression_level", AdaptiveLevel::try_from)?;
            if let Some(text) = options.remove("max_compaction_queue_length") {
                let _about_the_node: i32 = number("max_compaction_queue_length", &text)?;
            }
            let (min, max) = (min.unwrap_or(default.min), max.unwrap_or(default.max));
            Codec::Adaptive(AdaptiveLevels::new(min, max))
        }
        Compressor::Deflate => Codec::Deflate,
        Compressor::Lz4 => Codec::Lz4(lz4_type(options)?),
        Compressor::Noop => Codec::Noop,
        Compressor::Snappy => Codec::Snappy,
        Compressor::Zstd => Codec::Zstd(
            level(options, "compression_level", ZstdLevel::try_from)?.unwrap_or_default(),
        ),
        Compressor::ZstdDictionary => return Ok(None),
    }))
}

fn lz4_type(options: &mut OptionMap) -> Result<Lz4Type> {
    let level = level(options, "lz4_high_compressor_level", Lz4Level::try_from)?;
    match options.remove("lz4_compressor_type").as_deref() {
        None | Some("fast") => Ok(Lz4Type::Fast),
        Some("high") => Ok(Lz4Type::High(level.unwrap_or_default())),
        Some(other) => Err(Error::invalid(format!(
            "option 'lz4_compressor_type' is {}, which is neither fast nor high",
            shown(other)
        ))
        .hint("leave it out for fast")),
    }
}

fn level<T>(
    options: &mut OptionMap,
    name: &str,
    check: impl FnOnce(i32) -> Result<T, LevelError>,
) -> Result<Option<T>> {
    let Some(text) = options.remove(name) else { return Ok(None) };
    let number = number(name, &text)?;
    let level = check(number).map_err(|error| {
        Error::invalid(format!("option '{name}': {error}"))
            .hint("give a level that the database takes, or leave it out for the default")
    })?;
    Ok(Some(level))
}

/// The options of compressors.
const OWN: [&str; 6] = [
    "compression_level",
    "lz4_compressor_type",
    "lz4_high_compressor_level",
    "max_compaction_queue_length",
    "max_compression_level",
    "min_compression_level",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind::{self, Invalid, Unsupported};

    fn scheme(class: &str, pairs: &[(&str, &str)]) -> Result<ChunkScheme> {
        let options = OptionMap::from_pairs(pairs.iter().copied()).unwrap();
        ChunkScheme::from_options(&CompressorClass::parse(class), &options)
    }

    const KEY: [(&str, &str); 2] =
        [("key_provider", "LocalFileSystemKeyProviderFactory"), ("secret_key_file", "/k")];

    #[test]
    fn a_class_is_a_compressor_an_encryptor_or_both() {
        for (class, codec) in [
            ("LZ4Compressor", Codec::Lz4(Lz4Type::Fast)),
            ("SnappyCompressor", Codec::Snappy),
            ("DeflateCompressor", Codec::Deflate),
            ("ZstdCompressor", Codec::Zstd(ZstdLevel::default())),
            ("NoopCompressor", Codec::Noop),
            ("AdaptiveCompressor", Codec::Adaptive(AdaptiveLevels::default())),
        ] {
            let plain = scheme(class, &[]).unwrap();
            assert_eq!((plain.codec(), plain.encryptor()), (Some(codec), None), "{class}");
        }
        let encryptor = scheme("Encryptor", &KEY).unwrap();
        assert!(encryptor.codec().is_none() && encryptor.encryptor().is_some());
        assert!(!encryptor.is_chain());
        for (class, codec) in [
            ("EncryptingLZ4Compressor", Codec::Lz4(Lz4Type::Fast)),
            ("EncryptingSnappyCompressor", Codec::Snappy),
            ("EncryptingDeflateCompressor", Codec::Deflate),
        ] {
            let chain = scheme(class, &KEY).unwrap();
            assert_eq!(chain.codec(), Some(codec), "{class}");
            assert_eq!(chain.encryptor(), encryptor.encryptor(), "{class}");
            assert!(chain.is_chain());
        }
    }

    #[test]
    fn each_option_is_read_by_its_own_part() {
        let high = [("lz4_compressor_type", "high"), ("lz4_high_compressor_level", "12")];
        let lz4 = Codec::Lz4(Lz4Type::High(Lz4Level::try_from(12).unwrap()));
        assert_eq!(scheme("LZ4Compressor", &high).unwrap().codec(), Some(lz4));
        let both: Vec<_> = high.iter().chain(&KEY).copied().collect();
        assert_eq!(scheme("EncryptingLZ4Compressor", &both).unwrap().codec(), Some(lz4));
        // The level belongs to the other type: it is checked, and has no effect.
        let fast = scheme("LZ4Compressor", &[("lz4_high_compressor_level", "5")]).unwrap();
        assert_eq!(fast.codec(), Some(Codec::Lz4(Lz4Type::Fast)));
        let zstd = scheme("ZstdCompressor", &[("compression_level", "-5")]).unwrap();
        assert_eq!(zstd.codec(), Some(Codec::Zstd(ZstdLevel::try_from(-5).unwrap())));
        let adaptive = [("min_compression_level", "0"), ("max_compression_level", "2")];
        let Some(Codec::Adaptive(levels)) =
            scheme("AdaptiveCompressor", &adaptive).unwrap().codec()
        else {
            panic!("another codec");
        };
        assert_eq!(levels.chosen().number(), -5);
    }

    #[test]
    fn what_the_database_refuses_is_refused() {
        let refused = |class: &str, pairs: &[(&str, &str)], kind: ErrorKind, part: &str| {
            let error = scheme(class, pairs).unwrap_err();
            assert_eq!(error.kind(), kind, "{class} {pairs:?}: {error}");
            assert!(error.to_string().contains(part), "{class} {pairs:?}: {error}");
            assert!(error.hint_text().is_some());
        };
        refused("LZ4Compressor", &[("compression_level", "1")], Invalid, "'compression_level'");
        refused("LZ4Compressor", &[("lz4_compressor_type", "slow")], Invalid, "'slow'");
        refused("LZ4Compressor", &[("lz4_high_compressor_level", "18")], Invalid, "1 and 17");
        refused("LZ4Compressor", &[("lz4_high_compressor_level", "x")], Invalid, "'x'");
        refused("ZstdCompressor", &[("compression_level", "23")], Invalid, "22");
        refused("SnappyCompressor", &KEY, Invalid, "'key_provider'");
        refused("Encryptor", &[("compression_level", "1")], Invalid, "'compression_level'");
        let odd: Vec<_> = KEY.iter().copied().chain([("compression_level", "1")]).collect();
        refused("EncryptingDeflateCompressor", &odd, Invalid, "'compression_level'");
        refused("EncryptingZstdCompressor", &KEY, Unsupported, "EncryptingZstdCompressor");
        refused("ZstdDictionaryCompressor", &[], Unsupported, "dictionary");
        refused("com.example.LZ4Compressor", &[], Unsupported, "com.example.LZ4Compressor");
    }
}
