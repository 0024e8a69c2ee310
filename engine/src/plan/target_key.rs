//! The key that a target is written with: one that has a name, or one that the run makes.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::write_key::replicated::{self, Asked};
use super::write_key::{self, KeyChoice, KeyWish, Settled};
use crate::keys::{HeaderKind, KeyHeader, KeyRef, KeySources};
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
                let asked = Asked { params, encryptor, system_key: system_key_file };
                let (key, choice) = replicated::key(&asked, wish, sources.replicated.as_ref())?;
                Ok((Self::Known(key), choice))
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
        KeyRef::Keystore { .. } | KeyRef::LocalFile { .. } => KeyHeader::None,
    }
}

fn local_key(encryptor: &EncryptorOptions, file: &str, wish: KeyWish<'_>) -> Result<KeyRef> {
    if wish.id().is_some() {
        return Err(Error::invalid("a key id is given, but the target key is in a file")
            .hint("leave --key-id out, or name a KMIP provider in --compression"));
    }
    Ok(KeyRef::LocalFile {
        file: file.to_owned(),
        transformation: encryptor.transformation().text().to_owned(),
        strength: encryptor.strength(),
    })
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
    use crate::keys::KeyId;

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
