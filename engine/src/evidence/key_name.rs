//! Names of everything that encrypts something on a node.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keys::KeyRef;
use crate::options::escape;

/// The name of a key: those that SSTables are under ([`KeyRef`]), and those beside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyName {
    /// A key on a KMIP server.
    Kmip {
        /// The group of servers.
        group: String,
        /// The key's id there.
        id: String,
    },
    /// The key of a local key file for one cipher and strength.
    LocalFile {
        /// The file as the options name it.
        file: String,
        /// The cipher's transformation.
        transformation: String,
        /// The strength in bits.
        strength: u32,
    },
    /// A key in the database's own table.
    Replicated {
        /// The system key that it is encrypted with there.
        system_key: String,
        /// Its UUID.
        id: String,
    },
    /// A key of the keystore that Apache's `transparent_data_encryption_options` name.
    Keystore {
        /// Its alias.
        alias: String,
    },
    /// A system key in a file (FORMATS.md 6.2).
    SystemKey {
        /// The name of the file.
        name: String,
    },
}

impl KeyName {
    /// The word in front of the name, and the name.
    pub(super) fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Kmip { group, id } => ("kmip", format!("{group}/{id}")),
            Self::LocalFile { file, transformation, strength } => {
                ("file", format!("{file} {transformation}:{strength}"))
            }
            Self::Replicated { system_key, id } => ("replicated", format!("{system_key}/{id}")),
            Self::Keystore { alias } => ("keystore", alias.clone()),
            Self::SystemKey { name } => ("system", name.clone()),
        }
    }
}

impl From<&KeyRef> for KeyName {
    fn from(key: &KeyRef) -> Self {
        match key {
            KeyRef::Kmip { group, id } => {
                Self::Kmip { group: group.clone(), id: id.as_str().to_owned() }
            }
            KeyRef::LocalFile { file, transformation, strength } => Self::LocalFile {
                file: file.clone(),
                transformation: transformation.clone(),
                strength: *strength,
            },
            KeyRef::Replicated { system_key, id } => {
                Self::Replicated { system_key: system_key.clone(), id: id.as_str().to_owned() }
            }
            KeyRef::Keystore { alias } => Self::Keystore { alias: alias.clone() },
        }
    }
}

/// As a [`KeyRef`] prints, control characters escaped.
impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, name) = self.parts();
        write!(f, "{word} ")?;
        escape(f, &name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;

    #[test]
    fn a_key_of_an_sstable_is_named_as_everywhere() {
        let id = || KeyId::new("02-449\n").unwrap();
        for key in [
            KeyRef::Kmip { group: "g".to_owned(), id: id() },
            KeyRef::Replicated { system_key: "s".to_owned(), id: id() },
            KeyRef::Keystore { alias: "tde".to_owned() },
            KeyRef::LocalFile {
                file: "/k".to_owned(),
                transformation: "AES/CBC/PKCS5Padding".to_owned(),
                strength: 128,
            },
        ] {
            let name = KeyName::from(&key);
            assert_eq!(name.to_string(), key.to_string());
            let json = serde_json::to_value(&name).unwrap();
            assert_eq!(json, serde_json::to_value(&key).unwrap());
            assert_eq!(serde_json::from_value::<KeyName>(json).unwrap(), name);
        }
    }
}
