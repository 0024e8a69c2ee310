//! The key store of Apache's `transparent_data_encryption_options` (FORMATS.md 10.3).

use std::path::PathBuf;

use rekey_kmip::keystore::{self, KeyStoreError, MAX_BYTES};

use super::{KeyProvider, KeyRef, SecretKey};
use crate::config::{self, TransparentEncryption};
use crate::error::{Error, Result};

/// The key store of a node's configuration.
#[derive(Debug)]
pub struct NodeKeystore {
    settings: TransparentEncryption,
    path: PathBuf,
}

impl NodeKeystore {
    /// The one that a section names; none if it names none.
    #[must_use]
    pub fn new(settings: TransparentEncryption) -> Option<Self> {
        let path = settings.keystore.clone()?;
        Some(Self { settings, path })
    }

    /// A warning when users other than the owner may read or change it.
    #[must_use]
    pub fn permission_warning(&self, key: &KeyRef) -> Option<String> {
        match key {
            KeyRef::Keystore { .. } => config::exposed(&self.path, "the key store"),
            _ => None,
        }
    }
}

impl KeyProvider for NodeKeystore {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        let KeyRef::Keystore { alias } = key else {
            return Err(Error::key_unavailable("it is not in the node's key store").key(key));
        };
        // The bytes are encrypted, or certificates.
        let bytes = config::read_file(&self.path, "the key store", MAX_BYTES)?;
        let declared = self.settings.store_type.as_deref().and_then(|text| text.parse().ok());
        let TransparentEncryption { keystore_password, key_password, .. } = &self.settings;
        let (store, own) = (keystore_password.as_ref(), key_password.as_ref());
        let found = keystore::load_secret_key(&bytes, declared, store, own, alias);
        let mut bytes = found.map_err(|error| self.unavailable(&error, key))?;
        Ok(SecretKey::from(std::mem::take(&mut *bytes)))
    }
}

impl NodeKeystore {
    fn unavailable(&self, error: &KeyStoreError, key: &KeyRef) -> Error {
        let hint = match error {
            KeyStoreError::NoSuchAlias { .. } | KeyStoreError::NoKey { .. } => {
                "restore the key to the key store: old segments and hints stay under it"
            }
            _ => {
                "correct the key provider's parameters in transparent_data_encryption_options: \
                 keystore, store_type, keystore_password, key_password"
            }
        };
        Error::key_unavailable(error.to_string()).at(&self.path).key(key).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use rekey_kmip::secret::Secret;

    fn keystore(name: &str, password: &str) -> NodeKeystore {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        NodeKeystore::new(TransparentEncryption {
            enabled: true,
            cipher: "AES/CBC/PKCS5Padding".to_owned(),
            key_alias: Some("new".to_owned()),
            keystore: Some(root.join("../testdata/keystores").join(name)),
            store_type: Some("JCEKS".to_owned()),
            keystore_password: Some(Secret::new(password.to_owned())),
            key_password: None,
        })
        .unwrap()
    }

    fn named(alias: &str) -> KeyRef {
        KeyRef::Keystore { alias: alias.to_owned() }
    }

    #[test]
    fn keys_are_read_by_their_aliases() {
        for name in ["secret.jceks", "secret.p12"] {
            let store = keystore(name, "cassandra");
            assert_eq!(store.read_key(&named("old")).unwrap().bits(), 128);
            assert_eq!(store.read_key(&named("NEW")).unwrap().bits(), 256);
            let error = store.read_key(&named("gone")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
            assert!(error.hint_text().unwrap().contains("restore the key"), "{error:?}");
        }
    }

    #[test]
    fn a_wrong_password_is_not_shown() {
        let error = keystore("secret.jceks", "secretive").read_key(&named("old")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(!error.chain().contains("secretive"), "{error:?}");
    }
}
