//! Names of keys.

use std::fmt;

use serde::Serialize;

use super::KeyId;
use crate::options::{EncryptorOptions, ProviderOptions, escape};

/// Names a key without its bytes: suitable for plans, reports and journals.
///
/// Serializes as an object with `provider` (`keystore`, `kmip`, `local_file` or `replicated`) and the fields
/// below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyRef {
    /// A key in the key store of Apache's `transparent_data_encryption_options`, which the node's
    /// configuration names (FORMATS.md 10.3).
    Keystore {
        /// Its alias there.
        alias: String,
    },
    /// A key on a KMIP server.
    Kmip {
        /// The group of servers, by its name in the options and in the node's configuration.
        group: String,
        /// The key's id there.
        id: KeyId,
    },
    /// The key of a local key file for one cipher and strength (FORMATS.md 6.1).
    LocalFile {
        /// The file as the options name it.
        file: String,
        /// The cipher's transformation, letter for letter.
        transformation: String,
        /// The strength in bits.
        strength: u32,
    },
    /// A key in the database's own table: `dse_system.encrypted_keys` or `hcd_system.encrypted_keys`.
    Replicated {
        /// The name of the system key that it is encrypted with in the table.
        system_key: String,
        /// Its UUID, hyphenated and in lower case.
        id: KeyId,
    },
}

/// A place that keeps several keys. When one of them is named, another one may be meant, since the
/// header of a chunk may be wrong (FORMATS.md 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyGroup<'a> {
    /// A group of KMIP servers.
    Kmip(&'a str),
    /// The database's own table, under one system key.
    Replicated(&'a str),
}

impl KeyGroup<'_> {
    /// The name of a key of the group.
    #[must_use]
    pub fn key(self, id: KeyId) -> KeyRef {
        match self {
            Self::Kmip(group) => KeyRef::Kmip { group: group.to_owned(), id },
            Self::Replicated(system_key) => {
                KeyRef::Replicated { system_key: system_key.to_owned(), id }
            }
        }
    }
}

impl fmt::Display for KeyGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kmip(name) => escape(f, name),
            Self::Replicated(name) => escape(f, name),
        }
    }
}

impl KeyRef {
    /// The key that options, and the id in the header of a chunk, speak of. None for an id where the
    /// provider writes none, and for none where it writes one.
    #[must_use]
    pub fn named_by(options: &EncryptorOptions, id: Option<KeyId>) -> Option<Self> {
        match (options.provider(), id) {
            (ProviderOptions::Kmip { host, .. }, Some(id)) => Some(KeyGroup::Kmip(host).key(id)),
            (ProviderOptions::Replicated { system_key_file, .. }, Some(id)) => {
                Some(KeyGroup::Replicated(system_key_file).key(id))
            }
            (
                ProviderOptions::Local { secret_key_file }
                | ProviderOptions::Replicated { secret_key_file, .. },
                None,
            ) => Some(Self::LocalFile {
                file: secret_key_file.clone(),
                transformation: options.transformation().text().to_owned(),
                strength: options.strength(),
            }),
            _ => None,
        }
    }

    /// Its group, and how chunk headers name it there; `None` for a key of a file.
    #[must_use]
    pub fn in_group(&self) -> Option<(KeyGroup<'_>, &KeyId)> {
        match self {
            Self::Kmip { group, id } => Some((KeyGroup::Kmip(group), id)),
            Self::Keystore { .. } | Self::LocalFile { .. } => None,
            Self::Replicated { system_key, id } => Some((KeyGroup::Replicated(system_key), id)),
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keystore { alias } => {
                f.write_str("keystore ")?;
                escape(f, alias)
            }
            Self::Kmip { group, id } => {
                f.write_str("kmip ")?;
                escape(f, group)?;
                write!(f, "/{id}")
            }
            Self::LocalFile { file, transformation, strength } => {
                f.write_str("file ")?;
                escape(f, file)?;
                f.write_str(" ")?;
                escape(f, transformation)?;
                write!(f, ":{strength}")
            }
            Self::Replicated { system_key, id } => {
                f.write_str("replicated ")?;
                escape(f, system_key)?;
                write!(f, "/{id}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OptionMap;

    fn kmip(id: &str) -> KeyRef {
        KeyRef::Kmip { group: "kmip1".to_owned(), id: KeyId::new(id).unwrap() }
    }

    fn local(strength: u32) -> KeyRef {
        KeyRef::LocalFile {
            file: "/etc/keys".to_owned(),
            transformation: "AES/CBC/PKCS5Padding".to_owned(),
            strength,
        }
    }

    #[test]
    fn options_and_the_id_in_a_header_name_a_key() {
        let named = |pairs: &[(&'static str, &'static str)], id: Option<&str>| {
            let map = OptionMap::from_pairs(pairs.iter().copied()).unwrap();
            let options = EncryptorOptions::from_options(&map).unwrap();
            KeyRef::named_by(&options, id.map(|id| KeyId::new(id).unwrap()))
        };
        let local =
            [("key_provider", "LocalFileSystemKeyProviderFactory"), ("secret_key_file", "k")];
        let server = [("key_provider", "KmipKeyProviderFactory"), ("kmip_host", "g")];
        let own = [("system_key_file", "s"), ("secret_key_file", "k")];
        let file = KeyRef::LocalFile {
            file: "k".to_owned(),
            transformation: "AES/CBC/PKCS5Padding".to_owned(),
            strength: 128,
        };
        assert_eq!(named(&local, None), Some(file.clone()));
        assert_eq!(named(&local, Some("1")), None);
        assert_eq!(
            named(&server, Some("1")),
            Some(KeyGroup::Kmip("g").key(KeyId::new("1").unwrap()))
        );
        assert_eq!(named(&server, None), None);
        let replicated = KeyGroup::Replicated("s").key(KeyId::new("1").unwrap());
        assert_eq!(named(&own, Some("1")), Some(replicated));
        assert_eq!(named(&own, None), Some(file));
    }

    #[test]
    fn names_read_well_and_stay_on_one_line() {
        assert_eq!(local(256).to_string(), "file /etc/keys AES/CBC/PKCS5Padding:256");
        assert_eq!(kmip("02-449\n").to_string(), "kmip kmip1/02-449\\u{a}");
    }

    #[test]
    fn json_says_which_provider() {
        assert_eq!(
            serde_json::to_value([kmip("a"), local(128)]).unwrap(),
            serde_json::json!([
                {"provider": "kmip", "group": "kmip1", "id": "a"},
                {
                    "provider": "local_file",
                    "file": "/etc/keys",
                    "transformation": "AES/CBC/PKCS5Padding",
                    "strength": 128
                },
            ])
        );
    }

    #[test]
    fn every_part_of_a_name_counts() {
        assert_ne!(local(128), local(256));
        assert_ne!(kmip("a"), kmip("A"));
        assert!(kmip("a") < kmip("b") && kmip("z") < local(0));
    }
}
