//! The rows of each set of `testdata/sstables`, by the hash that the release made that wrote it. The hash
//! has everything that a row means; `testdata/interop` says it once more, in Java.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sha2::{Digest as _, Sha256};

use super::super::limits::Limits;
use super::super::open::Opener;
use super::super::rows::{
    Bound, Cell, ColumnCells, Deletion, Liveness, Partition, Row, Rows, State, Unfiltered,
};
use super::{local_keys, put, testdata};
use crate::io::LocalStorage;
use crate::keys::KmipKeyFile;
use crate::sstable::RowHeader;
use crate::txn::DirectoryView;

#[derive(Default)]
struct ContentHash(Sha256);

impl ContentHash {
    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.number(i64::from(flag));
    }

    fn bytes(&mut self, bytes: Option<&[u8]>) {
        self.number(bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap()));
        self.0.update(bytes.unwrap_or_default());
    }

    fn text(&mut self, text: &str) {
        self.bytes(Some(text.as_bytes()));
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.flag(deletion == Deletion::NONE);
        if deletion != Deletion::NONE {
            self.number(deletion.timestamp);
            self.number(deletion.local);
        }
    }

    fn partition(&mut self, partition: &Partition, header: &RowHeader) {
        self.bytes(Some(&partition.key));
        self.deletion(partition.deletion);
        self.text("STATIC_CLUSTERING");
        match &partition.statics {
            Some(row) => self.row(row, &header.statics),
            None => {
                self.flag(true);
                self.flag(true);
            }
        }
        for unfiltered in &partition.content {
            match unfiltered {
                Unfiltered::Row(row) => {
                    self.text("ROW");
                    self.text("CLUSTERING");
                    row.clustering.iter().for_each(|value| self.bytes(value.as_deref()));
                    self.row(row, &header.columns);
                }
                Unfiltered::Marker(marker) => {
                    self.text("RANGE_TOMBSTONE_MARKER");
                    self.bound(&marker.bound);
                    marker.ends.into_iter().for_each(|deletion| self.deletion(deletion));
                    marker.begins.into_iter().for_each(|deletion| self.deletion(deletion));
                }
            }
        }
    }

    fn bound(&mut self, bound: &Bound) {
        self.text(match bound.kind {
            0 => "EXCL_END_BOUND",
            1 => "INCL_START_BOUND",
            2 => "EXCL_END_INCL_START_BOUNDARY",
            5 => "INCL_END_EXCL_START_BOUNDARY",
            6 => "INCL_END_BOUND",
            _ => "EXCL_START_BOUND",
        });
        bound.values.iter().for_each(|value| self.bytes(value.as_deref()));
    }

    fn row(&mut self, row: &Row, columns: &[crate::sstable::ColumnHeader]) {
        self.flag(row.liveness.is_none());
        if let Some(Liveness { timestamp, expires }) = row.liveness {
            self.number(timestamp);
            self.number(expires.map_or(0, |(_, ttl)| ttl));
            expires.into_iter().for_each(|(until, _)| self.number(until));
        }
        self.deletion(row.deletion);
        for ColumnCells { column, is_multi_cell, deletion, cells } in &row.columns {
            self.bytes(Some(&columns[*column].name));
            if *is_multi_cell {
                self.deletion(*deletion);
            }
            for (path, cell) in cells {
                self.cell(path.as_deref(), cell);
            }
        }
    }

    fn cell(&mut self, path: Option<&[u8]>, cell: &Cell) {
        self.number(cell.timestamp);
        match cell.state {
            State::Live => self.number(0),
            State::Expiring { until, ttl } => {
                self.number(ttl);
                self.number(until);
            }
            State::Deleted { local } => {
                self.number(0);
                self.number(local);
            }
        }
        self.flag(path.is_some());
        if path.is_some() {
            self.bytes(path);
        }
        self.bytes(Some(&cell.value));
    }
}

#[test]
fn every_row_of_every_version_is_what_its_release_says() {
    let sets = testdata().join("sstables");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(sets.join("manifest.json")).unwrap()).unwrap();
    // Git does not keep the mode that such a file must have.
    let private = tempfile::tempdir().unwrap();
    let exported = private.path().join("keys");
    put(&exported, &fs::read(sets.join("keys/kmip-keys")).unwrap());
    fs::set_permissions(&exported, fs::Permissions::from_mode(0o600)).unwrap();
    let mut keys = local_keys();
    keys.exported = Some(KmipKeyFile::open(exported).unwrap());
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    let mut seen = 0;
    for set in manifest["sets"].as_array().unwrap() {
        let folder = set["folder"].as_str().unwrap();
        let keyspace = sets.join(folder).join("rk");
        let table = fs::read_dir(keyspace).unwrap().next().unwrap().unwrap().path();
        let view = DirectoryView::of(&LocalStorage, &[table]).unwrap();
        let (mut hashes, mut count) = (vec![], 0);
        for sstable in &view.live {
            let mut limits = Limits::default();
            let opened = opener.open(sstable).unwrap();
            let data = opened.plaintext(&mut limits).unwrap();
            let mut rows = Rows::new(&data, &opened.header, opened.version).unwrap();
            let mut hash = ContentHash::default();
            while let Some(partition) = rows.next(&mut limits).unwrap() {
                let is_row = |of: &&Unfiltered| matches!(of, Unfiltered::Row(_));
                count += partition.content.iter().filter(is_row).count();
                hash.partition(&partition, &opened.header);
            }
            assert_eq!(rows.position(), data.len());
            hashes.push(hash.finish());
        }
        hashes.sort();
        let mut all = ContentHash::default();
        hashes.iter().for_each(|hash| all.text(hash));
        assert_eq!(Some(count as u64), set["rows"].as_u64(), "{folder}");
        assert_eq!(all.finish(), set["content_sha256"].as_str().unwrap(), "{folder}");
        seen += 1;
    }
    assert!(seen >= 10);
}
