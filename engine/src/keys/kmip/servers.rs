//! Keys from the groups of KMIP servers in a node's configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use rekey_kmip::client::choice::{Choice, KeyRequest};
use rekey_kmip::client::{Client, Detour, ListedObject, Listing, Rest};
use rekey_kmip::message::{Attribute, Attributes, ObjectType, Timestamp, UniqueIdentifier};
use rekey_kmip::transport::{Failure, Host};
use rekey_kmip::ttlv::Tag;

use super::connect;
use super::error::with_group;
use crate::config::{NodeConfig, label};
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{KeyCreation, KeyId, KeyProvider, KeyRef, SecretKey};

/// Clients of the groups of a configuration, made when a group is first used, then kept.
///
/// A group whose servers cannot be reached is tried once: each further key fails at once, for the
/// same reason.
pub struct KmipServers {
    config: NodeConfig,
    groups: Mutex<BTreeMap<String, Group>>,
    warnings: Mutex<Vec<String>>,
}

enum Group {
    Up(Box<Client>),
    Down(Error),
}

impl KmipServers {
    /// Takes the node's configuration; connects to nothing.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        let warnings = Mutex::new(config.warnings().to_vec());
        Self { config, groups: Mutex::default(), warnings }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Warnings that were not returned yet: about the configuration, the stores of the groups used
    /// so far, and hosts that were passed over.
    #[must_use]
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The host of a group that answered last.
    #[must_use]
    pub fn answering(&self, group: &str) -> Option<String> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        match groups.get(group) {
            Some(Group::Up(client)) => client.host().map(ToString::to_string),
            _ => None,
        }
    }

    /// Closes all connections, so that the data they last received, including keys, is freed. The
    /// next request opens them again.
    pub fn disconnect(&self) {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups.values_mut() {
            if let Group::Up(client) = group {
                client.disconnect();
            }
        }
    }

    /// Runs `work` with the client of a group.
    ///
    /// # Errors
    /// The errors of [`connect()`] and of `work`, with the group's name.
    pub fn with<T>(
        &self,
        group: &str,
        work: impl FnOnce(&mut Client) -> rekey_kmip::Result<T>,
    ) -> Result<T> {
        // One exchange at a time: a client has one connection.
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if !groups.contains_key(group) {
            groups.insert(group.to_owned(), self.open(group));
        }
        match groups.get_mut(group) {
            Some(Group::Up(client)) => {
                let result = work(client);
                self.note_detours(group, client.take_detours());
                let error = match result {
                    Ok(done) => return Ok(done),
                    Err(error) => error,
                };
                let is_down = is_down(&error);
                let host = client.host().filter(|_| !is_down && client.hosts().len() > 1);
                let error = of_group(group, host, error.into());
                if is_down {
                    groups.insert(group.to_owned(), Group::Down(error.clone()));
                }
                Err(error)
            }
            Some(Group::Down(error)) => Err(error.clone()),
            None => Err(Error::new(ErrorKind::Internal, "a group was not kept")),
        }
    }

    fn note_detours(&self, group: &str, detours: Vec<Detour>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings
            .extend(detours.iter().map(|detour| format!("kmip_hosts.{}: {detour}", label(group))));
    }

    fn open(&self, group: &str) -> Group {
        match connect(&self.config, group) {
            Ok(opened) => {
                let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
                warnings.extend(opened.warnings);
                Group::Up(Box::new(opened.client))
            }
            Err(error) => Group::Down(error),
        }
    }

    /// The key that the database would write with, and the reasons against the others (KMIP.md 1.2
    /// to 1.5).
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn choose(&self, group: &str, wanted: &KeyRequest) -> Result<Choice> {
        self.with(group, |client| client.choose(wanted, Timestamp::now()))
    }

    /// What the servers report about these objects.
    ///
    /// # Errors
    /// As [`Self::with`]; a refusal for one object is in its row.
    pub fn describe(&self, group: &str, ids: &[UniqueIdentifier]) -> Result<Vec<ListedObject>> {
        self.with(group, |client| client.attributes_of(ids))
    }

    /// Creates a key and activates it, as the database does when it finds none (KMIP.md 1.3). If
    /// there is a key that was created before and never activated, it is activated instead: an
    /// earlier run may have ended between the two steps.
    ///
    /// # Errors
    /// As [`Self::with`]; and [`ErrorKind::Invalid`] when the server gives the key an id that is
    /// not a [`KeyId`].
    pub fn create(&self, group: &str, wanted: &KeyRequest) -> Result<(KeyId, KeyCreation)> {
        let (id, how) = self.with(group, |client| {
            Ok(match client.take_up(wanted, Timestamp::now())? {
                Some(id) => (id, KeyCreation::TakenUp),
                None => (client.create_active(wanted.new_key(None))?, KeyCreation::Created),
            })
        })?;
        Ok((KeyId::new(id.as_str())?, how))
    }

    /// The names of the symmetric keys of a group that have this many bits or an unknown length,
    /// and what is known of keys that the server does not list.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn names_of(&self, group: &str, bits: u32) -> Result<Listing<KeyRef>> {
        let Ok(bits) = i32::try_from(bits) else {
            return Ok(Listing { found: vec![], rest: Rest::None });
        };
        let filter = [
            Attribute::new(Tag::OBJECT_TYPE.into(), ObjectType::SYMMETRIC_KEY.number()),
            Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), bits),
        ];
        let Listing { found, rest } = self.with(group, |client| {
            let Listing { found, rest } = client.locate_all(&filter)?;
            Ok(Listing { found: client.attributes_of(&found)?, rest })
        })?;
        let fits = |attributes: &Attributes| {
            attributes.object_type().is_none_or(|kind| kind == ObjectType::SYMMETRIC_KEY)
                && attributes.length().is_none_or(|length| length == bits)
        };
        let names = found
            .into_iter()
            // A key whose attributes are refused may still be fetched.
            .filter(|object| object.attributes.as_ref().map_or(true, fits))
            .filter_map(|object| KeyId::new(object.id.as_str()).ok())
            .map(|id| KeyRef::Kmip { group: group.to_owned(), id });
        Ok(Listing { found: names.collect(), rest })
    }
}

/// The host is named if there are several and one of them answered.
fn of_group(group: &str, host: Option<&Host>, error: Error) -> Error {
    let host = host.map_or_else(String::new, |host| format!(", {host}"));
    Error::new(error.kind(), format!("KMIP group '{}'{host}", group.escape_debug()))
        .wrapping(with_group(group, error))
}

/// Whether no host of the group can be reached. A host that answers nonsense about one key may
/// still be right about the next.
fn is_down(error: &rekey_kmip::Error) -> bool {
    match error {
        rekey_kmip::Error::AllHostsFailed(failures) => {
            failures.iter().all(|host| !matches!(host.failure, Failure::Protocol(_)))
        }
        _ => false,
    }
}

impl KeyProvider for KmipServers {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        let KeyRef::Kmip { group, id } = key else {
            return Err(Error::key_unavailable("a KMIP server has no local keys").key(key));
        };
        let id = UniqueIdentifier::new(id.as_str());
        let fetched = self.with(group, |client| client.fetch(&id)).map_err(|e| e.key(key))?;
        Ok(SecretKey::from(fetched.material.into_inner()))
    }
}

impl fmt::Debug for KmipServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("KmipServers").field("asked", &groups.keys()).finish_non_exhaustive()
    }
}
