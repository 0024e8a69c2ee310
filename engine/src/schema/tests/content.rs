//! The rows of each set of `testdata/sstables`, by the hash that the release made that wrote it. The hash
//! has everything that a row means; `testdata/interop` says it once more, in Java.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::limits::Limits;
use super::super::open::Opener;
use super::super::rows::{
    Bound, Cell, ColumnCells, Deletion, Liveness, Partition, Row, Rows, State, Unfiltered,
};
use super::{local_keys, put, testdata};
use crate::codec::Metadata;
use crate::io::LocalStorage;
use crate::keys::{KeySources, KmipKeyFile, LocalKeyFiles};
use crate::sstable::{BodyKind, Component, Format, RowHeader, Version};
use crate::txn::{DirectoryView, LiveSSTable};

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

/// The first table of a set.
fn view_of(set: &Path) -> DirectoryView {
    let tables = fs::read_dir(set.join("rk")).unwrap().map(|table| table.unwrap().path());
    DirectoryView::of(&LocalStorage, &[tables.min().unwrap()]).unwrap()
}

/// Keys of servers, in a file of the mode that git does not keep.
fn with_exported(mut keys: KeySources, private: &Path, lines: &str) -> KeySources {
    let exported = private.join("keys");
    put(&exported, lines.as_bytes());
    fs::set_permissions(&exported, fs::Permissions::from_mode(0o600)).unwrap();
    keys.exported = Some(KmipKeyFile::open(exported).unwrap());
    keys
}

/// The keys of `testdata/fixtures`.
fn keys_of_fixtures(private: &Path) -> KeySources {
    let sets = testdata().join("fixtures");
    let lines = fs::read_to_string(sets.join("kmip.properties")).unwrap();
    let lines: Vec<&str> = lines.lines().filter(|line| !line.starts_with("write.")).collect();
    let local = LocalKeyFiles::new(Some(sets));
    with_exported(KeySources { local, ..KeySources::default() }, private, &lines.join("\n"))
}

/// HEADER and all partitions, as a version has them.
fn all(opener: &Opener<'_>, of: &LiveSSTable, version: &Version) -> (RowHeader, Vec<Partition>) {
    let mut limits = Limits::default();
    let opened = opener.open(of).unwrap();
    let data = opened.plaintext(&mut limits).unwrap();
    let mut rows = Rows::new(&data, &opened.header, version).unwrap();
    let mut all = vec![];
    while let Some(partition) = rows.next(&mut limits).unwrap() {
        all.push(partition);
    }
    (opened.header, all)
}

/// By every compressor, cipher and provider.
#[test]
fn every_fixture_has_the_rows_of_its_plain_twin() {
    let private = tempfile::tempdir().unwrap();
    let (sets, keys) = (testdata().join("fixtures"), keys_of_fixtures(private.path()));
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    let mut seen = 0;
    for set in fs::read_dir(&sets).unwrap().map(|set| set.unwrap().path()) {
        let name = set.file_name().unwrap().to_str().unwrap();
        let Some(format @ ("nb" | "oa" | "da")) = name.split('-').next() else { continue };
        let twins = view_of(&sets.join(format!("plain-{format}")));
        for sstable in view_of(&set).live {
            let is_twin = |twin: &&Arc<LiveSSTable>| twin.descriptor == sstable.descriptor;
            let twin = twins.live.iter().find(is_twin).unwrap();
            let version = twin.descriptor.version().unwrap();
            let [rows, own] = [twin, &sstable].map(|of| all(&opener, of, version));
            assert!(rows == own && !own.1.is_empty(), "{name}: {}", sstable.descriptor);
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}

/// The tests' own writer made them of `da`, and names them after versions whose partitions begin in
/// another way.
#[test]
fn where_metadata_are_encrypted_their_header_is_read() {
    let private = tempfile::tempdir().unwrap();
    let (sets, keys) = (testdata().join("fixtures"), keys_of_fixtures(private.path()));
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    let da = Version::find("da", Format::Bti).unwrap();
    for set in ["cc-kmip-cbc", "cc-kmip-ecb", "bb-local-cbc"].map(|set| sets.join(set)) {
        let view = view_of(&set);
        assert!(view.live.len() > 3);
        for sstable in &view.live {
            let (header, rows) = all(&opener, sstable, da);
            let plain = sstable.path(&Component::Statistics);
            let plain = set.join("plain").join(plain.strip_prefix(set.join("rk")).unwrap());
            let plain = Metadata::parse_clear(&fs::read(plain).unwrap(), true).unwrap();
            let body = plain.bodies().iter().find(|body| body.kind() == BodyKind::HEADER);
            assert_eq!(header, RowHeader::parse(body.unwrap().plain()).unwrap());
            assert!(!rows.is_empty());
        }
    }
}

#[test]
fn every_row_of_every_version_is_what_its_release_says() {
    let sets = testdata().join("sstables");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(sets.join("manifest.json")).unwrap()).unwrap();
    let private = tempfile::tempdir().unwrap();
    let lines = fs::read_to_string(sets.join("keys/kmip-keys")).unwrap();
    let keys = with_exported(local_keys(), private.path(), &lines);
    let opener = Opener { storage: &LocalStorage, keys: &keys };
    let mut seen = 0;
    for set in manifest["sets"].as_array().unwrap() {
        let folder = set["folder"].as_str().unwrap();
        let view = view_of(&sets.join(folder));
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
