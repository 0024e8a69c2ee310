//! What every SSTable is to become.

use std::path::Path;

use super::write_key::{self, KeyChoice, KeyWish, Settled};
use crate::keys::{DATABASE_KEY_ID_LIMIT, KeyCreation, KeyHeader, KeyId, KeyRef, KeySources};
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
    /// Why the key was taken, when a server was asked.
    choice: Option<KeyChoice>,
    /// The run makes the key if it is not there.
    may_be_made: bool,
    /// The site's limit for key ids.
    longest_id: usize,
}

impl Target {
    /// Settles the target; a KMIP provider needs the id of the key to write with.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a missing, superfluous or overlong key id, and what
    /// [`CompressionParams::encryptor_options`] refuses.
    pub fn new(params: CompressionParams, key_id: Option<KeyId>) -> Result<Self> {
        let wish = key_id.as_ref().map_or(KeyWish::AsTheDatabase, KeyWish::Named);
        Self::find(params, wish, &KeySources::default(), DATABASE_KEY_ID_LIMIT)
    }

    /// Settles the target, and finds the key to write with on its server. Makes none: see
    /// [`Self::make_key`]. `longest_id` is the site's limit for key ids in bytes.
    ///
    /// # Errors
    /// As [`Self::new`]; and [`crate::ErrorKind::KeyUnavailable`] when a server has no fitting key
    /// or does not answer.
    pub fn find(
        params: CompressionParams,
        wish: KeyWish<'_>,
        sources: &KeySources,
        longest_id: usize,
    ) -> Result<Self> {
        let encryptor = params.encryptor_options()?;
        let (key, choice, may_be_made) = match encryptor.provider() {
            ProviderOptions::Local { secret_key_file } => {
                let key = local_key(&encryptor, secret_key_file, wish)?;
                (key, None, matches!(wish, KeyWish::New(_)))
            }
            ProviderOptions::Kmip { host, .. } => {
                let Settled { id, choice } =
                    write_key::settle(&encryptor, wish, sources.servers.as_ref())?;
                let may_be_made = id.is_none();
                let id = id.map_or_else(|| KeyId::new(TO_BE_MADE), Ok)?;
                check_length(&id, longest_id)?;
                (KeyRef::Kmip { group: host.clone(), id }, choice, may_be_made)
            }
        };
        Ok(Self { params, encryptor, key, choice, may_be_made, longest_id })
    }

    /// Makes the key, if [`Self::find`] was asked for a new one and it is not there; a key file is
    /// given to the owner of `like`.
    ///
    /// # Errors
    /// What the place of keys refuses. [`crate::ErrorKind::Invalid`] when a server gives the key
    /// an id that is longer than the site's limit: the key is there then.
    pub fn make_key(&mut self, sources: &KeySources, like: &Path) -> Result<KeyCreation> {
        if !self.may_be_made {
            return Ok(KeyCreation::AlreadyThere);
        }
        self.may_be_made = false;
        match (&self.key, &sources.servers) {
            (KeyRef::LocalFile { .. }, _) => sources.local.create(&self.key, like),
            (KeyRef::Kmip { group, .. }, Some(servers)) => {
                let group = group.clone();
                let request = write_key::key_request(&self.encryptor)?;
                let id = servers.create(&group, &request)?;
                if let Some(choice) = &mut self.choice {
                    choice.warnings = write_key::check_made(servers, &group, &request, &id);
                }
                self.key = KeyRef::Kmip { group, id: id.clone() };
                check_length(&id, self.longest_id).map_err(|e| e.key(&self.key))?;
                Ok(KeyCreation::Created)
            }
            (KeyRef::Kmip { .. }, None) => Err(Error::key_unavailable("no server is configured")),
        }
    }

    /// Why the key was taken, when a server was asked.
    #[must_use]
    pub const fn choice(&self) -> Option<&KeyChoice> {
        self.choice.as_ref()
    }

    /// Whether the run makes the key if it is not there.
    #[must_use]
    pub const fn may_be_made(&self) -> bool {
        self.may_be_made
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

fn local_key(encryptor: &EncryptorOptions, file: &str, wish: KeyWish<'_>) -> Result<KeyRef> {
    if let KeyWish::Named(_) = wish {
        return Err(Error::invalid("a key id is given, but the target key is in a file")
            .cure("leave --key-id out, or name a KMIP provider in --compression"));
    }
    if !Path::new(file).is_absolute() {
        return Err(Error::invalid(format!(
            "secret_key_file '{file}' is a relative path, which the node would look for, or make, \
             below its own working directory"
        ))
        .cure("name the key file by its absolute path"));
    }
    Ok(KeyRef::LocalFile {
        file: file.to_owned(),
        transformation: encryptor.transformation().text().to_owned(),
        strength: encryptor.strength(),
    })
}

fn check_length(id: &KeyId, longest: usize) -> Result<()> {
    let length = id.as_str().len();
    if length <= longest {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the id of the target key has {length} bytes, and the database writes at most {longest}"
    ))
    .cure(
        "if the property com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength is raised \
         on every node, give its value: --max-key-id-length",
    ))
}

/// Stands for the id of a key that is not made yet; about as long as most ids are.
const TO_BE_MADE: &str = "(the key that the run will make)    ";
