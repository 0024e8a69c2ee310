//! All places from which a run may take keys.

use rekey_kmip::client::{Listing, Rest};

use super::kmip_file::{KmipKeyFile, not_offline};
use super::{
    KeyGroup, KeyProvider, KeyRef, KmipServers, LocalKeyFiles, NodeKeystore, ReplicatedKeys,
    SecretKey,
};
use crate::error::{Error, ErrorKind, Result};

/// Where keys come from.
#[derive(Debug, Default)]
pub struct KeySources {
    /// Key files on this machine.
    pub local: LocalKeyFiles,
    /// Keys of KMIP servers and of the database's own table that were exported to a file; used
    /// before these.
    pub exported: Option<KmipKeyFile>,
    /// The database's own table, in the node's data directories.
    pub replicated: Option<ReplicatedKeys>,
    /// The KMIP servers of the node's configuration.
    pub servers: Option<KmipServers>,
    /// The key store of its `transparent_data_encryption_options`.
    pub keystore: Option<NodeKeystore>,
}

impl KeySources {
    /// Closes the connections to servers, which frees the data they last received, including keys.
    /// Called when a run has its keys.
    pub fn disconnect(&self) {
        if let Some(servers) = &self.servers {
            servers.disconnect();
        }
    }

    /// The names of further keys of a group that have this many bits: a chunk may be under one of
    /// them although its header names another key (KMIP.md 3.4). There may be more names than keys
    /// of that length. Also what a server says of keys that it does not list.
    ///
    /// # Errors
    /// As [`KmipServers::names_of`]; what is wrong with the database's own table.
    pub fn more_of(&self, group: KeyGroup<'_>, bits: u32) -> Result<Listing<KeyRef>> {
        let mut names = Listing { found: Vec::new(), rest: Rest::None };
        if let Some(file) = &self.exported {
            names.found.extend(file.ids().cloned().map(|id| group.key(id)));
        }
        if let (Some(servers), KeyGroup::Kmip(group)) = (&self.servers, group) {
            let Listing { found, rest } = servers.names_of(group, bits)?;
            names.found.extend(found);
            names.rest = rest;
        }
        if let (Some(keys), KeyGroup::Replicated(system_key)) = (&self.replicated, group) {
            names.found.extend(keys.ids(system_key, bits)?.map(|id| group.key(id)));
        }
        Ok(names)
    }

    /// A warning when users other than its owner may read or change the file that a key is in, or the
    /// file of the system key that it is encrypted with.
    #[must_use]
    pub fn permission_warning(&self, key: &KeyRef) -> Option<String> {
        let replicated = || self.replicated.as_ref()?.permission_warning(key);
        let keystore = || self.keystore.as_ref()?.permission_warning(key);
        self.local.permission_warning(key).or_else(replicated).or_else(keystore)
    }

    fn replicated(&self, key: &KeyRef) -> Result<SecretKey> {
        let exported = self.exported.as_ref().map(|file| file.read_key(key));
        match (exported, &self.replicated) {
            (Some(Err(error)), Some(keys)) if error.kind() == ErrorKind::KeyUnavailable => {
                keys.read_key(key, self.servers.as_ref())
            }
            (Some(answer), _) => answer,
            (None, Some(keys)) => keys.read_key(key, self.servers.as_ref()),
            (None, None) => Err(not_offline(key)),
        }
    }
}

impl KeyProvider for KeySources {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        if let KeyRef::Keystore { .. } = key {
            if let Some(keystore) = &self.keystore {
                return keystore.read_key(key);
            }
            return Err(Error::key_unavailable(
                "the key is in the key store of transparent_data_encryption_options, and no \
                 configuration that names one is given",
            )
            .key(key)
            .hint("name the node's cassandra.yaml: --conf FILE"));
        }
        if let KeyRef::LocalFile { .. } = key {
            return self.local.read_key(key);
        }
        if let KeyRef::Replicated { .. } = key {
            return self.replicated(key);
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
            .hint(
                "give the node's configuration: --config /etc/hcd/hcd.yaml (or dse.yaml); or its \
                 keys as lines 'id = hex' in a file of mode 0600: --kmip-keys FILE",
            )),
        }
    }
}
