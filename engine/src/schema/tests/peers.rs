//! The peers of a node as real nodes write them (`testdata/peers`), against what CQL showed of them.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::{Limits, Peer, peers};
use super::testdata;
use crate::io::LocalStorage;
use crate::keys::LocalKeyFiles;

const FORMATS: [&str; 3] = ["nb", "oa", "da"];

fn read(format: &str) -> Vec<Peer> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let (local, limits) = (LocalKeyFiles::default(), Limits::default());
    let data_dirs = [testdata().join("peers").join(format)];
    peers(&LocalStorage, &data_dirs, &local, limits, now).unwrap()
}

#[test]
fn peers_are_those_that_cql_shows() {
    for format in FORMATS {
        let text = fs::read(testdata().join("peers").join(format).join("expected.json")).unwrap();
        let said: Value = serde_json::from_slice(&text).unwrap();
        let mut expected: BTreeMap<String, [Option<String>; 3]> = BTreeMap::new();
        for table in ["system.peers_v2", "system.peers"] {
            for row in said[table].as_array().unwrap() {
                let text = |column: &str| row[column].as_str().map(str::to_owned);
                let Some(id) = text("host_id") else { continue };
                let address: IpAddr = text("peer").unwrap().parse().unwrap();
                let row = [Some(address.to_string()), text("data_center"), text("rack")];
                expected.entry(id.replace('-', "")).or_insert(row);
            }
        }
        let found: BTreeMap<String, [Option<String>; 3]> = read(format)
            .into_iter()
            .map(|peer| (peer.host_id, [Some(peer.address), peer.data_center, peer.rack]))
            .collect();
        assert_eq!(found, expected, "{format}");
    }
}

/// So that the comparison says something (`testdata/peers/statements.cql`).
#[test]
fn a_peer_of_either_table_counts_once_and_a_deleted_one_does_not() {
    for format in FORMATS {
        let found = read(format);
        let addresses: Vec<&str> = found.iter().map(|peer| peer.address.as_str()).collect();
        assert_eq!(addresses, ["10.0.0.2", "2001:db8::3", "10.0.0.5"], "{format}");
        assert_eq!(found[0].rack.as_deref(), Some("r7"), "{format}");
        assert_eq!(found[2].data_center, None, "{format}");
    }
}

#[test]
fn a_node_without_these_tables_has_none() {
    let now = SystemTime::now();
    let local = LocalKeyFiles::default();
    let data_dirs = [testdata().join("schema/oa")];
    let found = peers(&LocalStorage, &data_dirs, &local, Limits::default(), now).unwrap();
    assert_eq!(found, []);
}
