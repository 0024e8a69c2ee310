//! All places that a run may take keys from.

use super::{KeyProvider, KeyRef, KmipKeyFile, KmipServers, LocalKeyFiles, SecretKey};
use crate::error::{Error, ErrorKind, Result};

/// Where keys come from.
#[derive(Debug, Default)]
pub struct KeySources {
    /// Key files on this machine.
    pub local: LocalKeyFiles,
    /// Keys of KMIP servers that were exported to a file; asked before the servers.
    pub exported: Option<KmipKeyFile>,
    /// The KMIP servers of the node's configuration.
    pub servers: Option<KmipServers>,
}

impl KeySources {
    /// The names of further keys of a KMIP group that have so many bits: a chunk may be under one
    /// of them although its header names another key (KMIP.md 3.4). The names may be more than
    /// there are keys of that length.
    ///
    /// # Errors
    /// As [`KmipServers::names_of`].
    pub fn more_of(&self, group: &str, bits: u32) -> Result<Vec<KeyRef>> {
        let mut names = Vec::new();
        if let Some(file) = &self.exported {
            let key = |id| KeyRef::Kmip { group: group.to_owned(), id };
            names.extend(file.ids().cloned().map(key));
        }
        if let Some(servers) = &self.servers {
            names.extend(servers.names_of(group, bits)?);
        }
        Ok(names)
    }
}

impl KeyProvider for KeySources {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        if let KeyRef::LocalFile { .. } = key {
            return self.local.read_key(key);
        }
        let exported = self.exported.as_ref().map(|file| file.read_key(key));
        match (exported, &self.servers) {
            (Some(Err(error)), Some(servers)) if error.kind() == ErrorKind::KeyUnavailable => {
                servers.read_key(key)
            }
            (Some(answer), _) => answer,
            (None, Some(servers)) => servers.read_key(key),
            (None, None) => Err(Error::key_unavailable(
                "the key is on a KMIP server, and neither a configuration of such servers nor a \
                 file of their keys is given",
            )
            .key(key)
            .cure(
                "give the node's configuration: --config /etc/hcd/hcd.yaml (or dse.yaml); or its \
                 keys as lines 'id = hex' in a file of mode 0600: --kmip-keys FILE",
            )),
        }
    }
}
