//! `system_info_encryption` (KMIP.md 7, FORMATS.md 10.5).

use std::path::Path;

use super::kmip_group::non_empty;
use super::section::Section;
use crate::error::{Error, Result};
use crate::options::OptionMap;

/// How the node encrypts its commit log, hints and some system tables. Defaults are the
/// database's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemInfoEncryption {
    /// `enabled`; default false.
    pub enabled: bool,
    /// `cipher_algorithm`; default `AES`, which is ECB.
    pub cipher_algorithm: String,
    /// `secret_key_strength` in bits; default 128.
    pub secret_key_strength: u32,
    /// `chunk_length_kb` of the tables; default 64.
    pub chunk_length_kb: u32,
    /// `key_name`: the local key file, in `system/` of the directory of system keys; default
    /// `system_table_keytab`.
    pub key_name: String,
    /// `key_provider`, a class; default `LocalFileSystemKeyProviderFactory`.
    pub key_provider: String,
    /// `kmip_host`: a group of `kmip_hosts`.
    pub kmip_host: Option<String>,
}

impl SystemInfoEncryption {
    pub(super) fn read(section: &mut Section<'_>) -> Result<Self> {
        let default = Self::default();
        let text = |section: &mut Section<'_>, key, default| -> Result<String> {
            Ok(non_empty(section, key)?.unwrap_or(default))
        };
        Ok(Self {
            enabled: section.flag("enabled")?.unwrap_or(default.enabled),
            cipher_algorithm: text(section, "cipher_algorithm", default.cipher_algorithm)?,
            secret_key_strength: section
                .number("secret_key_strength")?
                .unwrap_or(default.secret_key_strength),
            chunk_length_kb: section.number("chunk_length_kb")?.unwrap_or(default.chunk_length_kb),
            key_name: text(section, "key_name", default.key_name)?,
            key_provider: text(section, "key_provider", default.key_provider)?,
            kmip_host: non_empty(section, "kmip_host")?,
        })
    }

    /// The compression options that tables of the node's own get, by the rules of the database; none if
    /// it is off. A key file is in `system/` of the directory of system keys.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when `kmip_host` is missing.
    pub fn options(&self, system_keys: &Path) -> Result<OptionMap> {
        if !self.enabled {
            return Ok(OptionMap::default());
        }
        let place = match (self.uses_kmip(), &self.kmip_host) {
            (true, Some(host)) => ("kmip_host", host.clone()),
            (true, None) => {
                return Err(Error::invalid("system_info_encryption has no kmip_host")
                    .hint("name the group of kmip_hosts that has its key"));
            }
            (false, _) => {
                let file = system_keys.join("system").join(&self.key_name);
                ("secret_key_file", file.display().to_string())
            }
        };
        let pairs = [
            ("class", "EncryptingLZ4Compressor".to_owned()),
            ("cipher_algorithm", self.cipher_algorithm.clone()),
            ("secret_key_strength", self.secret_key_strength.to_string()),
            ("key_provider", self.key_provider.clone()),
            place,
            ("chunk_length_in_kb", self.chunk_length_kb.to_string()),
        ];
        Ok(OptionMap::from_pairs(pairs)?)
    }

    /// Whether the key is on a KMIP server: the database decides by the end of the class name.
    #[must_use]
    pub fn uses_kmip(&self) -> bool {
        self.key_provider.ends_with("KmipKeyProviderFactory")
    }
}

impl Default for SystemInfoEncryption {
    fn default() -> Self {
        Self {
            enabled: false,
            cipher_algorithm: "AES".to_owned(),
            secret_key_strength: 128,
            chunk_length_kb: 64,
            key_name: "system_table_keytab".to_owned(),
            key_provider: "LocalFileSystemKeyProviderFactory".to_owned(),
            kmip_host: None,
        }
    }
}
