//! What every SSTable is to become.

use std::path::Path;

use super::facts::Facts;
use super::target_key::{NewKey, TargetKey, check_length, header};
use super::write_key::{self, KeyChoice, KeyWish, Recorded};
use crate::compress::Codec;
use crate::keys::{DATABASE_KEY_ID_LIMIT, KeyCreation, KeyHeader, KeyId, KeyRef, KeySources};
use crate::options::{ChunkLength, ChunkScheme, CompressionParams, EncryptorOptions};
use crate::sstable::{CRC_CHUNK_LENGTH, CompressionHeader, MAX_COMPRESSED_LENGTH_NONE};
use crate::{Error, Result};

/// The target of a run: the compression options as the schema will have them, and the one key
/// that is written with, unless it is written in clear.
#[derive(Debug, Clone)]
pub struct Target {
    params: CompressionParams,
    /// None for an uncompressed target.
    scheme: Option<ChunkScheme>,
    /// None for a target in clear.
    key: Option<TargetKey>,
    /// Whether it was tried to make the key. That is done once: a server may have made one all the same.
    was_tried: bool,
    /// Why the key was taken, when a server was asked.
    choice: Option<KeyChoice>,
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
        let (key, choice) = match scheme.as_ref().and_then(ChunkScheme::encryptor) {
            Some(encryptor) => {
                let settled = TargetKey::settle(&params, encryptor, wish, sources, longest_id)?;
                (Some(settled.0), settled.1)
            }
            None => {
                check_in_clear(wish)?;
                (None, None)
            }
        };
        Ok(Self { params, scheme, key, was_tried: false, choice, longest_id })
    }

    /// Makes the key, if [`Self::find`] was asked for a new one and it is not there; a key file is
    /// given to the owner of `like`.
    ///
    /// # Errors
    /// What the place of keys refuses. [`crate::ErrorKind::Invalid`] when a server gives the key
    /// an id that is longer than the site's limit: the key is there then.
    pub fn make_key(&mut self, sources: &KeySources, like: &Path) -> Result<KeyCreation> {
        if std::mem::replace(&mut self.was_tried, true) {
            return Ok(KeyCreation::AlreadyThere);
        }
        let (Some(TargetKey::ToBeMade(new)), Some(encryptor)) = (&self.key, self.encryptor())
        else {
            return Ok(KeyCreation::AlreadyThere);
        };
        let (key, how) = match (new, &sources.servers) {
            (NewKey::InFile(key), _) => (key.clone(), sources.local.create(key, like)?),
            (NewKey::OnServer { group }, Some(servers)) => {
                let group = group.clone();
                let request = write_key::key_request(encryptor)?;
                let (id, how) = servers.create(&group, &request)?;
                if let Some(choice) = &mut self.choice {
                    choice.state = Some("Active".to_owned());
                    choice.warnings = write_key::check_made(servers, &group, &request, &id);
                }
                let length = id.as_str().len();
                let key = KeyRef::Kmip { group, id };
                check_length(length, self.longest_id).map_err(|error| error.key(&key))?;
                (key, how)
            }
            (NewKey::OnServer { .. }, None) => {
                return Err(Error::key_unavailable("no server is configured"));
            }
        };
        self.key = Some(TargetKey::Known(key));
        Ok(how)
    }

    /// Whether the database would look for the keys of both by the same attributes, and find the same.
    pub(super) fn shares_key_with(&self, other: &Self) -> bool {
        match (self.encryptor(), other.encryptor()) {
            (Some(own), Some(other)) => own.shares_key_with(other),
            _ => false,
        }
    }

    /// Takes the key that was made for one that it shares it with.
    pub(super) fn take_key_of(&mut self, other: &Self) {
        self.key.clone_from(&other.key);
        self.choice.clone_from(&other.choice);
        self.was_tried = true;
    }

    /// Says that the key is that of a rotation, if it is: what is under it already is done then, and
    /// not under the old key.
    pub fn recall(&mut self, recorded: &Recorded) {
        if let Some(TargetKey::Known(KeyRef::Kmip { id, .. })) = &self.key
            && let Some(choice) = &mut self.choice
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
        matches!(self.key, Some(TargetKey::ToBeMade(_))) && !self.was_tried
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

    /// The key to write with; none for a target in clear.
    #[must_use]
    pub const fn target_key(&self) -> Option<&TargetKey> {
        self.key.as_ref()
    }

    /// The name of that key; none as long as a server has to give it one.
    #[must_use]
    pub fn key(&self) -> Option<&KeyRef> {
        self.key.as_ref().and_then(TargetKey::name)
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

    /// The header of each chunk; none as long as a server has to give the key its id.
    #[must_use]
    pub fn key_header(&self) -> Option<KeyHeader> {
        match &self.key {
            Some(key) => key.name().map(header),
            None => Some(KeyHeader::None),
        }
    }

    /// Its length in bytes, about, where the key has no id yet.
    pub(super) fn key_header_length(&self) -> usize {
        self.key.as_ref().map_or(0, TargetKey::header_length)
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

fn check_in_clear(wish: KeyWish<'_>) -> Result<()> {
    match wish {
        KeyWish::AsTheDatabase => Ok(()),
        _ => Err(Error::invalid("a key is asked for, but the target is written in clear")
            .hint("leave --key-id and --create-key out, or name a class that encrypts")),
    }
}
