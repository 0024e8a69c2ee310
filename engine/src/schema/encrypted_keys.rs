//! The tables of the replicated provider: `dse_system.encrypted_keys` and `hcd_system.encrypted_keys`
//! (FORMATS.md 6.2).
//!
//! Unlike the schema they are not flushed at once: what a node that was not drained has added last is
//! in its commit log only.

use std::path::PathBuf;
use std::time::SystemTime;

use rekey_kmip::secret::Secret;

use super::limits::Limits;
use super::open::Opener;
use super::seconds;
use super::table::{Table, View, archives};
use super::values::{id, int, name, text};
use crate::Result;
use crate::io::{LocalStorage, Storage};
use crate::keys::{EncryptedKey, KeyProvider, KeyRows, KeyTable, LocalKeyFiles};

/// The tables of a stopped node.
#[derive(Debug)]
pub struct NodeKeyTables {
    data_dirs: Vec<PathBuf>,
    local: LocalKeyFiles,
}

impl NodeKeyTables {
    /// Those in some data directories. Should a table itself be encrypted, then by a key of these files:
    /// no other provider is asked, since this one would need itself.
    #[must_use]
    pub const fn new(data_dirs: Vec<PathBuf>, local: LocalKeyFiles) -> Self {
        Self { data_dirs, local }
    }
}

impl KeyRows for NodeKeyTables {
    fn read(&self) -> Result<Vec<EncryptedKey>> {
        let (limits, now) = (Limits::default(), SystemTime::now());
        encrypted_keys(&LocalStorage, &self.data_dirs, &self.local, limits, now)
    }
}

/// Reads the rows of both tables as a node that starts now would, DSE's first; those of a partition in
/// their order.
///
/// # Errors
/// As [`super::read`]: what is missing in half of a table may be the first row, which the database
/// writes with.
pub fn encrypted_keys(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keys: &dyn KeyProvider,
    limits: Limits,
    now: SystemTime,
) -> Result<Vec<EncryptedKey>> {
    let opener = Opener { storage, keys };
    let mut all = Vec::new();
    for of in KeyTable::ALL {
        let table = Table::read(&opener, data_dirs, of.keyspace(), NAME, limits, seconds(now))?;
        all.extend(rows(of, &table)?);
    }
    Ok(all)
}

/// Rows in an archive of one of the tables.
#[derive(Debug)]
pub(crate) struct ArchivedKeys {
    /// The tag of the snapshot; none for backups.
    pub(crate) tag: Option<String>,
    /// The rows; or why they cannot be read.
    pub(crate) rows: Result<Vec<EncryptedKey>>,
}

/// Reads the snapshots and backups of both tables, each on its own: whoever restores one needs the system
/// keys of its rows.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when their folders cannot be listed.
pub(crate) fn archived_keys(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keys: &dyn KeyProvider,
    limits: Limits,
    now: SystemTime,
) -> Result<Vec<ArchivedKeys>> {
    let opener = Opener { storage, keys };
    let mut all = Vec::new();
    for of in KeyTable::ALL {
        for (tag, folder) in archives(storage, data_dirs, of.keyspace(), NAME)? {
            let table = Table::read_archive(&opener, folder, NAME, limits, seconds(now));
            all.push(ArchivedKeys { tag, rows: table.and_then(|table| rows(of, &table)) });
        }
    }
    Ok(all)
}

const NAME: &str = "encrypted_keys";

fn rows(of: KeyTable, table: &Table) -> Result<Vec<EncryptedKey>> {
    table.rows().map(|row| key(of, row)).collect()
}

fn key(table: KeyTable, row: View<'_>) -> Result<EncryptedKey> {
    let strength = row.clustering(1, int)?;
    Ok(EncryptedKey {
        table,
        system_key: row.key(name)?,
        cipher: row.clustering(0, text)?,
        strength: u32::try_from(strength)
            .map_err(|_negative| row.error(format!("a key has a strength of {strength} bits")))?,
        id: row.clustering(2, id)?,
        value: Secret::new(row.required("key", text)?),
        origin: row.origins().pop(),
    })
}
