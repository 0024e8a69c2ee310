//! The other nodes of the cluster, as a node knows them: `system.peers`, and `system.peers_v2` since 4.0.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::limits::Limits;
use super::open::Opener;
use super::seconds;
use super::table::{Table, View};
use super::values::{inet, text, uuid};
use crate::Result;
use crate::io::Storage;
use crate::keys::KeyProvider;

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its id in the cluster: 32 hexadecimal digits.
    pub host_id: String,
    /// Its address.
    pub address: String,
    /// Its data center.
    pub data_center: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
}

/// Reads both tables as a node that starts now would, each peer once, by its id. A row without an id is of a
/// node that has not told it yet, and is left out: it has no data.
///
/// # Errors
/// As [`super::read`].
pub fn peers(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    keys: &dyn KeyProvider,
    limits: Limits,
    now: SystemTime,
) -> Result<Vec<Peer>> {
    let opener = Opener { storage, keys };
    let mut peers: BTreeMap<String, Peer> = BTreeMap::new();
    for name in ["peers_v2", "peers"] {
        let table = Table::read(&opener, data_dirs, "system", name, limits, seconds(now))?;
        for row in table.rows() {
            if let Some(peer) = read(row)? {
                peers.entry(peer.host_id.clone()).or_insert(peer);
            }
        }
    }
    Ok(peers.into_values().collect())
}

fn read(row: View<'_>) -> Result<Option<Peer>> {
    let Some(host_id) = row.value("host_id", uuid)? else { return Ok(None) };
    Ok(Some(Peer {
        host_id,
        address: row.key(inet)?.to_string(),
        data_center: row.value("data_center", text)?,
        rack: row.value("rack", text)?,
    }))
}
