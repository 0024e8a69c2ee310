//! What an SSTable is before a rewrite, and what it is to become.

use std::path::Path;

use rekey_engine::Result;
use rekey_engine::keys::KeyId;
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::Target;

/// A compressor class with its cipher and the kind of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    class: Option<&'static str>,
    cipher: Option<(&'static str, u32)>,
    is_kmip: bool,
}

impl Form {
    /// AES-256 in CBC mode without a compressor, the key in a file: what everything is measured
    /// against.
    pub const AES_256_CBC: Self = Self::encrypted("Encryptor", "AES/CBC/PKCS5Padding", 256);
    /// No compression at all: plaintext, and its checksums in CRC.db.
    pub const UNCOMPRESSED: Self = Self { class: None, cipher: None, is_kmip: false };

    /// A class that encrypts, with a key of so many bits in a file.
    #[must_use]
    pub const fn encrypted(class: &'static str, cipher: &'static str, bits: u32) -> Self {
        Self { class: Some(class), cipher: Some((cipher, bits)), is_kmip: false }
    }

    /// One of the database's own compressors.
    #[must_use]
    pub const fn in_clear(class: &'static str) -> Self {
        Self { class: Some(class), cipher: None, is_kmip: false }
    }

    /// The same with a key of a KMIP server, whose id stands in every chunk.
    #[must_use]
    pub const fn kmip(self) -> Self {
        Self { is_kmip: true, ..self }
    }

    pub(super) const fn is_encrypted(self) -> bool {
        self.cipher.is_some()
    }

    pub(super) const fn has_kmip_key(self) -> bool {
        self.is_encrypted() && self.is_kmip
    }

    /// Bytes of a key.
    pub(super) fn key_length(self) -> usize {
        self.cipher.map_or(0, |(_, bits)| usize::try_from(bits.div_ceil(8)).unwrap_or_default())
    }

    /// The options of a CQL map; a local key lies in `key_file`.
    pub(super) fn options(self, key_file: &Path) -> Vec<(&'static str, String)> {
        let Some(class) = self.class else { return vec![("enabled", "false".to_owned())] };
        let mut options = vec![("class", class.to_owned())];
        let Some((cipher, bits)) = self.cipher else { return options };
        options.push(("cipher_algorithm", cipher.to_owned()));
        options.push(("secret_key_strength", bits.to_string()));
        if self.is_kmip {
            options.push(("key_provider", "KmipKeyProviderFactory".to_owned()));
            options.push(("kmip_host", "bench".to_owned()));
        } else {
            options.push(("key_provider", "LocalFileSystemKeyProviderFactory".to_owned()));
            options.push(("secret_key_file", key_file.display().to_string()));
        }
        options
    }

    pub(super) fn target(self, key_file: &Path, id: &str) -> Result<Target> {
        let options = self.options(key_file);
        let map = OptionMap::from_pairs(options.iter().map(|(name, value)| (*name, value)))?;
        let id = self.has_kmip_key().then(|| KeyId::new(id)).transpose()?;
        Target::new(CompressionParams::from_cql_options(&map)?, id)
    }
}
