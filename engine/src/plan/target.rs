//! What every SSTable is to become.

use std::path::Path;

use uuid::Uuid;

use super::inspect::{Facts, Shape};
use super::write_key::{self, KeyChoice, KeyWish, Recorded, Settled};
use crate::compress::Codec;
use crate::keys::{DATABASE_KEY_ID_LIMIT, KeyCreation, KeyHeader, KeyId, KeyRef, KeySources};
use crate::options::{
    ChunkLength, ChunkScheme, CompressionParams, EncryptorOptions, ProviderOptions,
};
use crate::sstable::{CRC_CHUNK_LENGTH, CompressionHeader, MAX_COMPRESSED_LENGTH_NONE};
use crate::{Error, Result};

/// The target of a run: the compression options as the schema will have them, and the one key
/// that is written with, unless it is written in clear.
#[derive(Debug, Clone)]
pub struct Target {
    params: CompressionParams,
    /// None for an uncompressed target.
    scheme: Option<ChunkScheme>,
    key: Option<KeyRef>,
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
    /// [`CompressionParams::scheme`] refuses.
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
        let scheme = params.scheme()?;
        let mut target =
            Self { params, scheme, key: None, choice: None, may_be_made: false, longest_id };
        let Some(encryptor) = target.encryptor() else { return in_clear(target, wish) };
        match encryptor.provider() {
            ProviderOptions::Local { secret_key_file } => {
                target.key = Some(local_key(encryptor, secret_key_file, wish)?);
                target.may_be_made = matches!(wish, KeyWish::New(_));
            }
            ProviderOptions::Replicated { system_key_file, .. } => {
                target.key = Some(replicated_key(&target.params, system_key_file, wish)?);
            }
            ProviderOptions::Kmip { host, .. } => {
                let Settled { id, choice } =
                    write_key::settle(encryptor, wish, sources.servers.as_ref())?;
                let may_be_made = id.is_none();
                let id = id.map_or_else(|| KeyId::new(TO_BE_MADE), Ok)?;
                check_length(&id, longest_id)?;
                target.key = Some(KeyRef::Kmip { group: host.clone(), id });
                target.choice = choice;
                target.may_be_made = may_be_made;
            }
        }
        Ok(target)
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
        let (Some(key), Some(encryptor)) = (&self.key, self.encryptor()) else {
            return Ok(KeyCreation::AlreadyThere);
        };
        match (key, &sources.servers) {
            (KeyRef::LocalFile { .. }, _) => sources.local.create(key, like),
            (KeyRef::Kmip { group, .. }, Some(servers)) => {
                let group = group.clone();
                let request = write_key::key_request(encryptor)?;
                let (id, how) = servers.create(&group, &request)?;
                if let Some(choice) = &mut self.choice {
                    choice.state = Some("Active".to_owned());
                    choice.warnings = write_key::check_made(servers, &group, &request, &id);
                }
                let key = KeyRef::Kmip { group, id: id.clone() };
                check_length(&id, self.longest_id).map_err(|error| error.key(&key))?;
                self.key = Some(key);
                Ok(how)
            }
            (KeyRef::Kmip { .. }, None) => Err(Error::key_unavailable("no server is configured")),
            (KeyRef::Replicated { .. }, _) => Ok(KeyCreation::AlreadyThere),
        }
    }

    /// Says that the key is that of a rotation, if it is: what is under it already is done then, and
    /// not under the old key.
    pub fn recall(&mut self, recorded: &Recorded) {
        if let (Some(KeyRef::Kmip { id, .. }), Some(choice)) = (&self.key, &mut self.choice)
            && choice.by_rule
            && *id == recorded.id
        {
            (choice.by_rule, choice.rotates) = (false, true);
            choice.reason = format!("{}, and {}", choice.reason, recorded.reason());
        }
    }

    /// Why the key was taken, when a server was asked.
    #[must_use]
    pub const fn choice(&self) -> Option<&KeyChoice> {
        self.choice.as_ref()
    }

    /// The site's limit for the length of key ids in bytes.
    #[must_use]
    pub const fn longest_id(&self) -> usize {
        self.longest_id
    }

    /// Whether the run makes the key if it is not there.
    #[must_use]
    pub const fn may_be_made(&self) -> bool {
        self.may_be_made
    }

    /// How chunks are encrypted; none for a target in clear.
    #[must_use]
    pub fn encryptor(&self) -> Option<&EncryptorOptions> {
        self.scheme.as_ref().and_then(ChunkScheme::encryptor)
    }

    /// How they are compressed.
    #[must_use]
    pub fn codec(&self) -> Option<Codec> {
        self.scheme.as_ref().and_then(ChunkScheme::codec)
    }

    /// Whether there is a CompressionInfo.db; else a CRC.db.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.scheme.is_some()
    }

    /// Whether a compressor stands before the Encryptor.
    #[must_use]
    pub fn is_chain(&self) -> bool {
        self.scheme.as_ref().is_some_and(ChunkScheme::is_chain)
    }

    /// Whether what it writes is what these chunks are already, their key aside; none stands for
    /// an uncompressed file.
    #[must_use]
    pub fn is_scheme(&self, scheme: Option<&ChunkScheme>) -> bool {
        self.scheme.as_ref() == scheme
    }

    /// Whether its chunks are what this makes of them, keys aside.
    #[must_use]
    pub fn is_form_of(&self, facts: &Facts) -> bool {
        let scheme = match &facts.shape {
            Shape::Chunked { scheme, .. } => Some(scheme.as_ref()),
            Shape::Uncompressed => None,
            Shape::Foreign { .. } => return false,
        };
        let has = facts.header.as_ref().map(|header| header.chunk_length);
        self.is_scheme(scheme)
            && facts.clear_chunks == 0
            && self.chunk_length().is_none_or(|wanted| has == Some(wanted))
    }

    /// The key to write with; none for a target in clear.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyRef> {
        self.key.as_ref()
    }

    /// The chunk length of an SSTable that has become this.
    #[must_use]
    pub fn chunk_length_of(&self, facts: &Facts) -> ChunkLength {
        if !self.is_compressed() {
            return CRC_CHUNK_LENGTH;
        }
        match (self.chunk_length(), &facts.header) {
            (Some(wanted), _) => wanted,
            (None, Some(header)) => header.chunk_length,
            (None, None) => facts.version.default_chunk_length(),
        }
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
            Some(KeyRef::Kmip { id, .. }) => KeyHeader::Kmip(id.clone()),
            Some(KeyRef::Replicated { id, .. }) => {
                // Settling the target took nothing but a UUID.
                Uuid::parse_str(id.as_str()).map_or(KeyHeader::None, KeyHeader::Replicated)
            }
            Some(KeyRef::LocalFile { .. }) | None => KeyHeader::None,
        }
    }

    /// The head of a new CompressionInfo.db; none for an uncompressed target.
    ///
    /// The max compressed length is always "none": with anything less the database stores
    /// encrypted chunks in clear (FORMATS.md 2.3).
    #[must_use]
    pub fn header(
        &self,
        chunk_length: ChunkLength,
        chunk_count: u64,
        data_length: u64,
    ) -> Option<CompressionHeader> {
        Some(CompressionHeader {
            class: self.params.class()?.simple_name().to_owned(),
            options: self.params.options().clone(),
            chunk_length,
            max_compressed_length: MAX_COMPRESSED_LENGTH_NONE,
            data_length,
            chunk_count,
        })
    }
}

fn in_clear(target: Target, wish: KeyWish<'_>) -> Result<Target> {
    match wish {
        KeyWish::AsTheDatabase => Ok(target),
        _ => Err(Error::invalid("a key is asked for, but the target is written in clear")
            .hint("leave --key-id and --create-key out, or name a class that encrypts")),
    }
}

fn local_key(encryptor: &EncryptorOptions, file: &str, wish: KeyWish<'_>) -> Result<KeyRef> {
    if wish.id().is_some() {
        return Err(Error::invalid("a key id is given, but the target key is in a file")
            .hint("leave --key-id out, or name a KMIP provider in --compression"));
    }
    if !Path::new(file).is_absolute() {
        return Err(Error::invalid(format!(
            "secret_key_file '{file}' is a relative path, which the node would look for, or make, \
             below its own working directory"
        ))
        .hint("name the key file by its absolute path"));
    }
    Ok(KeyRef::LocalFile {
        file: file.to_owned(),
        transformation: encryptor.transformation().text().to_owned(),
        strength: encryptor.strength(),
    })
}

/// Only the database makes keys in its own table, so the key must be there and be named.
fn replicated_key(
    params: &CompressionParams,
    system_key: &str,
    wish: KeyWish<'_>,
) -> Result<KeyRef> {
    let names_provider = ["key_provider", "secret_key_provider_factory_class"];
    if names_provider.iter().all(|name| params.options().get(name).is_none()) {
        return Err(Error::invalid(
            "option 'key_provider' is missing, which means the replicated provider to some releases \
             of the database and nothing to others",
        )
        .hint("name the provider"));
    }
    let Some(id) = wish.id() else {
        return Err(Error::invalid(
            "the target key is in the database's own table dse_system.encrypted_keys, in which only \
             a running node makes keys",
        )
        .hint(
            "name a key that is there with --key-id (its key_id, a UUID) and give its bytes with \
             --kmip-keys; or choose a KMIP provider or a local key file",
        ));
    };
    let id = Uuid::parse_str(id.as_str()).map_err(|error| {
        Error::invalid("the id of a key of the replicated provider is a UUID")
            .key(id)
            .caused_by(error)
            .hint("give the key_id of its row in dse_system.encrypted_keys")
    })?;
    let id = KeyId::new(id.as_hyphenated().to_string())?;
    Ok(KeyRef::Replicated { system_key: system_key.to_owned(), id })
}

fn check_length(id: &KeyId, longest: usize) -> Result<()> {
    let length = id.as_str().len();
    if length <= longest {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the id of the target key has {length} bytes, and the database writes at most {longest}"
    ))
    .hint(
        "if the property com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength is raised \
         on every node, give its value: --max-key-id-length",
    ))
}

/// Stands for the id of a key that is not made yet; about as long as most ids are.
const TO_BE_MADE: &str = "(the key that the run will make)    ";
