//! Keys of the replicated provider: rows of a table of the database, encrypted by a system key
//! (FORMATS.md 6.2).
//!
//! The table is read when a key of it is first asked for: most nodes have none, and what is wrong with
//! it concerns only what needs it.

mod row;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use uuid::Uuid;

pub use self::row::{EncryptedKey, KeyTable};
use super::{KeyId, KeyRef, KmipServers, SecretKey, SystemKey, system_key};
use crate::crypto::Transformation;
use crate::error::{Error, ErrorKind, Result};

/// Reads all rows of the tables of a node.
pub trait KeyRows: fmt::Debug + Send + Sync {
    /// The rows of both products' tables; those of a partition in the order in which the database has
    /// them. None if a node has no such table.
    ///
    /// # Errors
    /// What is wrong with a table.
    fn read(&self) -> Result<Vec<EncryptedKey>>;
}

/// The keys of the tables.
#[derive(Debug)]
pub struct ReplicatedKeys {
    source: Box<dyn KeyRows>,
    system_keys: Option<PathBuf>,
    table: Option<KeyTable>,
    rows: OnceLock<Result<Vec<EncryptedKey>>>,
    opened: Mutex<BTreeMap<String, Result<Arc<SystemKey>>>>,
}

impl ReplicatedKeys {
    /// Keys of these rows. `system_keys` is the directory with the keys that encrypt them, if it is
    /// known, and `table` that of the product that runs on the node, if that is known.
    #[must_use]
    pub fn new(
        source: Box<dyn KeyRows>,
        system_keys: Option<PathBuf>,
        table: Option<KeyTable>,
    ) -> Self {
        let (rows, opened) = (OnceLock::new(), Mutex::default());
        Self { source, system_keys, table, rows, opened }
    }

    /// Whether the node is known to be of a product to which options without a `key_provider` mean
    /// this provider (FORMATS.md 5.2): DSE, by what was said or by its table.
    #[must_use]
    pub fn is_default_provider(&self) -> bool {
        let has = |rows: &[EncryptedKey], table| rows.iter().any(|row| row.table == table);
        match self.table {
            Some(table) => table == KeyTable::Dse,
            None => {
                self.rows().is_ok_and(|rows| has(rows, KeyTable::Dse) && !has(rows, KeyTable::Hcd))
            }
        }
    }

    /// The row whose key the database would write with: the first one of a system key, a bare algorithm
    /// and a strength.
    ///
    /// # Errors
    /// What is wrong with a table; [`ErrorKind::Invalid`] when both products' tables have one, and
    /// nobody knows which product will run.
    pub fn to_write(
        &self,
        system_key: &str,
        cipher: &str,
        strength: u32,
    ) -> Result<Option<&EncryptedKey>> {
        let rows = self.rows()?;
        let first = |table| {
            rows.iter().find(|row| {
                row.table == table
                    && row.system_key == system_key
                    && row.cipher == cipher
                    && row.strength == strength
            })
        };
        match (self.table, first(KeyTable::Dse), first(KeyTable::Hcd)) {
            (Some(table), ..) => Ok(first(table)),
            (None, Some(dse), Some(hcd)) if dse.id != hcd.id => Err(Error::invalid(format!(
                "{} and {} have different keys to write with, and the product of the node is not known",
                dse.table, hcd.table
            ))
            .key(system_key.escape_debug())
            .hint("say which product will run: --flavor dse or --flavor hcd; or name the key with --key-id")),
            (None, dse, hcd) => Ok(dse.or(hcd)),
        }
    }

    /// Decrypts a key.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when there is no such row, it cannot be read, or its system key
    /// cannot be had or does not decrypt it; [`ErrorKind::Corrupt`] when rows contradict each other.
    pub(super) fn read_key(
        &self,
        key: &KeyRef,
        servers: Option<&KmipServers>,
    ) -> Result<SecretKey> {
        let KeyRef::Replicated { system_key, id } = key else {
            return Err(
                Error::key_unavailable("it is not a key of the replicated provider").key(key)
            );
        };
        let cannot = |error: Error| {
            let what = "the key of the database's own table cannot be had";
            Error::key_unavailable(what).key(key).wrapping(error)
        };
        let rows = self.rows().map_err(cannot)?;
        let id = Uuid::parse_str(id.as_str()).map_err(|error| {
            Error::invalid("the id of a key of the replicated provider is a UUID")
                .key(key)
                .caused_by(error)
        })?;
        let mut found: Option<SecretKey> = None;
        let mut refused = None;
        for row in rows.iter().filter(|row| row.id == id && row.system_key == *system_key) {
            match (self.decrypt(row, servers), &found) {
                (Ok(other), Some(one)) if !one.same_as(&other) => return Err(differ(key, row)),
                (Ok(other), _) => found = Some(other),
                (Err(error), _) => refused = Some(error),
            }
        }
        match (found, refused) {
            (Some(found), _) => Ok(found),
            (None, Some(error)) => Err(cannot(error)),
            (None, None) => Err(no_row(key, rows.is_empty())),
        }
    }

    /// The ids of the keys under a system key that have so many bits.
    ///
    /// # Errors
    /// What is wrong with a table.
    pub(super) fn ids(&self, system_key: &str, bits: u32) -> Result<impl Iterator<Item = KeyId>> {
        let rows = self.rows()?.iter();
        let of_group =
            move |row: &&EncryptedKey| row.system_key == system_key && row.strength == bits;
        Ok(rows.filter(of_group).filter_map(|row| KeyId::new(row.id.to_string()).ok()))
    }

    /// A warning when others than their owner may read or change the file of a system key.
    pub(crate) fn permission_warning(&self, key: &KeyRef) -> Option<String> {
        let KeyRef::Replicated { system_key, .. } = key else { return None };
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_file = opened.get(system_key).is_some_and(Result::is_ok)
            && !system_key::is_on_server(system_key);
        system_key::permission_warning(self.system_keys.as_deref().filter(|_| is_file)?, system_key)
    }

    fn rows(&self) -> Result<&[EncryptedKey]> {
        match self.rows.get_or_init(|| self.source.read()) {
            Ok(rows) => Ok(rows),
            Err(error) => Err(error.clone()),
        }
    }

    fn decrypt(&self, row: &EncryptedKey, servers: Option<&KmipServers>) -> Result<SecretKey> {
        let place = |error: Error| match &row.origin {
            Some(origin) => error.at(origin.to_path_buf()),
            None => error,
        };
        let system_key = self.system_key(&row.system_key, servers)?;
        let key = system_key.decrypt_key(row.value.expose()).map_err(place)?;
        let fits =
            Transformation::parse(&row.cipher).and_then(|cipher| cipher.key_length(row.strength));
        let length = fits.map_err(|error| place(error.into()))?;
        if key.expose().len() != length {
            return Err(place(Error::key_unavailable(format!(
                "the key has {} bits in {}, which are not those of a key of {} bits",
                key.bits(),
                row.table,
                row.strength
            )))
            .hint("check that the system key is the one that the row was encrypted with"));
        }
        Ok(key)
    }

    /// Opened once.
    fn system_key(&self, name: &str, servers: Option<&KmipServers>) -> Result<Arc<SystemKey>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(name) {
            return key.clone();
        }
        let key = self.open(name, servers).map(Arc::new);
        opened.insert(name.to_owned(), key.clone());
        key
    }

    fn open(&self, name: &str, servers: Option<&KmipServers>) -> Result<SystemKey> {
        match (servers, &self.system_keys) {
            (Some(servers), _) if system_key::is_on_server(name) => servers.system_key(name),
            (_, Some(directory)) => SystemKey::read(directory, name).map_err(|error| {
                // A file that is there has a hint of its own.
                match error.kind() {
                    ErrorKind::KeyUnavailable => error.hint(
                        "restore it, or correct system_key_directory in the configuration; without it, \
                         give the key itself: --kmip-keys FILE",
                    ),
                    _ => error,
                }
            }),
            (_, None) => Err(Error::key_unavailable(
                "nobody says where the system keys are that the table's keys are encrypted with",
            )
            .key(name.escape_debug())
            .hint(
                "give the node's configuration: --config /etc/dse/dse.yaml (or hcd.yaml); or the key \
                 itself: --kmip-keys FILE",
            )),
        }
    }
}

fn no_row(key: &KeyRef, is_empty: bool) -> Error {
    let what = match is_empty {
        true => {
            "the data directories have no dse_system.encrypted_keys or hcd_system.encrypted_keys with rows"
        }
        false => "the database's own table encrypted_keys does not have the key",
    };
    Error::key_unavailable(what).key(key).hint(
        "if the node was not drained, the row may be in its commit log only: start it, drain it \
         (nodetool drain), stop it; give all data directories; or give the key of another node's table, \
         decrypted, with --kmip-keys FILE",
    )
}

fn differ(key: &KeyRef, row: &EncryptedKey) -> Error {
    let error = Error::corrupt("rows with this id have different keys").key(key);
    let error = match &row.origin {
        Some(origin) => error.at(origin.to_path_buf()),
        None => error,
    };
    error.hint("find out which is right, and give it with --kmip-keys FILE")
}
