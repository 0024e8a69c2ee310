//! What every SSTable is to become.

use std::path::Path;

use crate::keys::{KeyHeader, KeyId, KeyRef};
use crate::options::{ChunkLength, CompressionParams, EncryptorOptions, ProviderOptions};
use crate::sstable::{CompressionHeader, MAX_COMPRESSED_LENGTH_NONE};
use crate::{Error, Result};

/// The target of a run: the compression options as the schema will have them, and the one key
/// that is written with.
#[derive(Debug, Clone)]
pub struct Target {
    params: CompressionParams,
    encryptor: EncryptorOptions,
    key: KeyRef,
}

impl Target {
    /// Settles the target; a KMIP provider needs the id of the key to write with.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a missing or superfluous key id, and what
    /// [`CompressionParams::encryptor_options`] refuses.
    pub fn new(params: CompressionParams, key_id: Option<KeyId>) -> Result<Self> {
        let encryptor = params.encryptor_options()?;
        let key = match (encryptor.provider(), key_id) {
            (ProviderOptions::Kmip { host, .. }, Some(id)) => {
                KeyRef::Kmip { group: host.clone(), id }
            }
            (ProviderOptions::Kmip { .. }, None) => {
                return Err(Error::invalid("a KMIP target needs the id of the key to write with")
                    .cure("name it with --key-id"));
            }
            (ProviderOptions::Local { .. }, Some(_)) => {
                return Err(Error::invalid("a key id is given, but the target key is in a file")
                    .cure("leave --key-id out, or name a KMIP provider in --compression"));
            }
            (ProviderOptions::Local { secret_key_file }, None)
                if !Path::new(secret_key_file).is_absolute() =>
            {
                return Err(Error::invalid(format!(
                    "secret_key_file '{secret_key_file}' is a relative path, which the node would \
                     look for, or make, below its own working directory"
                ))
                .cure("name the key file by its absolute path"));
            }
            (ProviderOptions::Local { secret_key_file }, None) => KeyRef::LocalFile {
                file: secret_key_file.clone(),
                transformation: encryptor.transformation().text().to_owned(),
                strength: encryptor.strength(),
            },
        };
        Ok(Self { params, encryptor, key })
    }

    /// The options, typed.
    #[must_use]
    pub const fn encryptor(&self) -> &EncryptorOptions {
        &self.encryptor
    }

    /// The key to write with.
    #[must_use]
    pub const fn key(&self) -> &KeyRef {
        &self.key
    }

    /// The chunk length asked for, if any.
    #[must_use]
    pub const fn chunk_length(&self) -> Option<ChunkLength> {
        self.params.chunk_length()
    }

    /// The options as a CQL map.
    #[must_use]
    pub const fn params(&self) -> &CompressionParams {
        &self.params
    }

    /// The header of each chunk.
    #[must_use]
    pub fn key_header(&self) -> KeyHeader {
        match &self.key {
            KeyRef::Kmip { id, .. } => KeyHeader::Kmip(id.clone()),
            KeyRef::LocalFile { .. } => KeyHeader::None,
        }
    }

    /// The head of the new CompressionInfo.db, from that of the old one.
    ///
    /// The max compressed length is always "none": with anything less the database stores
    /// encrypted chunks in clear (FORMATS.md 2.3).
    #[must_use]
    pub fn header(&self, old: &CompressionHeader) -> CompressionHeader {
        CompressionHeader {
            class: self.params.class().simple_name().to_owned(),
            options: self.params.options().clone(),
            chunk_length: old.chunk_length,
            max_compressed_length: MAX_COMPRESSED_LENGTH_NONE,
            data_length: old.data_length,
            chunk_count: old.chunk_count,
        }
    }
}
