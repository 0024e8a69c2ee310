//! The key that a target is written with: one that has a name, or one that the run makes.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::write_key::{self, KeyChoice, KeyWish, Settled};
use crate::keys::{HeaderKind, KeyHeader, KeyId, KeyRef, KeySources};
use crate::options::{CompressionParams, EncryptorOptions, ProviderOptions, escape};
use crate::{Error, Result};

/// The key to write with.
///
/// Serializes as [`KeyRef`] does; where a server has yet to give an id, words stand in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKey {
    /// It has this name, and is there or should be.
    Known(KeyRef),
    /// The run makes it.
    ToBeMade(NewKey),
}

/// A key that the run makes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewKey {
    /// In a key file, unless it is there already: the options name it.
    InFile(KeyRef),
    /// On the servers of a group, which give it its id.
    OnServer {
        /// The group.
        group: String,
    },
}

impl NewKey {
    /// What stands for the id of a key on a server in reports.
    pub const ID: &'static str = "(the key that the run will make)    ";

    /// About the length of the ids that servers give.
    const ID_LENGTH: usize = 36;
}

impl TargetKey {
    /// Its name; none as long as a server has to give it one.
    #[must_use]
    pub const fn name(&self) -> Option<&KeyRef> {
        match self {
            Self::Known(key) | Self::ToBeMade(NewKey::InFile(key)) => Some(key),
            Self::ToBeMade(NewKey::OnServer { .. }) => None,
        }
    }

    /// Bytes of the header of each chunk, about, where the key has no id yet.
    pub(super) fn header_length(&self) -> usize {
        match self.name() {
            Some(key) => header(key).encoded_length(),
            None => HeaderKind::Kmip.longest(NewKey::ID_LENGTH),
        }
    }

    /// Settles the key for these options, and why, if a server was asked. Makes none.
    pub(super) fn settle(
        params: &CompressionParams,
        encryptor: &EncryptorOptions,
        wish: KeyWish<'_>,
        sources: &KeySources,
        longest_id: usize,
    ) -> Result<(Self, Option<KeyChoice>)> {
        match encryptor.provider() {
            ProviderOptions::Local { secret_key_file } => {
                let key = local_key(encryptor, secret_key_file, wish)?;
                let key = match wish {
                    KeyWish::New(_) => Self::ToBeMade(NewKey::InFile(key)),
                    _ => Self::Known(key),
                };
                Ok((key, None))
            }
            ProviderOptions::Replicated { system_key_file, .. } => {
                Ok((Self::Known(replicated_key(params, system_key_file, wish)?), None))
            }
            ProviderOptions::Kmip { host, .. } => {
                let Settled { id, choice } =
                    write_key::settle(encryptor, wish, sources.servers.as_ref())?;
                let group = host.clone();
                let length = id.as_ref().map_or(NewKey::ID_LENGTH, |id| id.as_str().len());
                check_length(length, longest_id)?;
                let key = match id {
                    Some(id) => Self::Known(KeyRef::Kmip { group, id }),
                    None => Self::ToBeMade(NewKey::OnServer { group }),
                };
                Ok((key, choice))
            }
        }
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(key) | Self::ToBeMade(NewKey::InFile(key)) => key.fmt(f),
            Self::ToBeMade(NewKey::OnServer { group }) => {
                f.write_str("kmip ")?;
                escape(f, group)?;
                write!(f, "/{}", NewKey::ID)
            }
        }
    }
}

impl Serialize for TargetKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        /// The fields of [`KeyRef::Kmip`].
        #[derive(Serialize)]
        #[serde(tag = "provider", rename = "kmip")]
        struct Unnamed<'a> {
            group: &'a str,
            id: &'static str,
        }
        match self {
            Self::Known(key) | Self::ToBeMade(NewKey::InFile(key)) => key.serialize(serializer),
            Self::ToBeMade(NewKey::OnServer { group }) => {
                Unnamed { group, id: NewKey::ID }.serialize(serializer)
            }
        }
    }
}

/// The header of each chunk under a key.
pub(super) fn header(key: &KeyRef) -> KeyHeader {
    match key {
        KeyRef::Kmip { id, .. } => KeyHeader::Kmip(id.clone()),
        KeyRef::Replicated { id, .. } => {
            // Settling the target took nothing but a UUID.
            Uuid::parse_str(id.as_str()).map_or(KeyHeader::None, KeyHeader::Replicated)
        }
        KeyRef::LocalFile { .. } => KeyHeader::None,
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

/// Refuses an id that the database would not write.
pub(super) fn check_length(length: usize, longest: usize) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_an_id_reads_as_one_with_words_for_it() {
        let group = "kmip1".to_owned();
        let unnamed = TargetKey::ToBeMade(NewKey::OnServer { group: group.clone() });
        let named = TargetKey::Known(KeyRef::Kmip { group, id: KeyId::new(NewKey::ID).unwrap() });
        assert_eq!(unnamed.to_string(), named.to_string());
        assert_eq!(serde_json::to_value(&unnamed).unwrap(), serde_json::to_value(&named).unwrap());
        assert_eq!(unnamed.header_length(), named.header_length());
        assert_eq!(unnamed.name(), None);
    }
}
