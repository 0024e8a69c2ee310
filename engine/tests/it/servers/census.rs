//! The census that guards `keys destroy`: live data, snapshots, backups, and what cannot be read.

use std::path::PathBuf;

use rekey_engine::io::Storage;
use rekey_engine::plan::KeyCensus;
use rekey_engine::upgrade::Archives;

use super::*;
use crate::kit::TestStorage;

struct Tables(Workspace);

impl Tables {
    fn new() -> Self {
        Self(Workspace::empty())
    }

    /// An SSTable of five chunks under these keys in a folder below `data/`.
    fn write(&self, folder: &str, generation: &str, ids: &[&str]) -> String {
        recipe(generation, ids).write(&self.path(folder), &plain(generation))
    }

    fn path(&self, folder: &str) -> PathBuf {
        self.0.data().join(folder)
    }

    fn census(&self, archives: Archives) -> KeyCensus {
        self.census_on(Box::new(LocalStorage), archives, &Selection::default())
    }

    fn census_on(
        &self,
        storage: Box<dyn Storage>,
        archives: Archives,
        selection: &Selection,
    ) -> KeyCensus {
        let session = self.0.session_on(storage, LeaseMode::Shared).unwrap();
        upgrade::census(&session, selection, archives, self.0.threads).unwrap()
    }
}

const T: &str = "ks/t-5ab1e000000011f0800000000000000a";
const LIVE: Archives = Archives { snapshots: false, backups: false };

/// Key, chunks, SSTables, tables.
fn rows(census: &KeyCensus) -> Vec<(&str, u64, u64, Vec<&str>)> {
    census
        .keys
        .iter()
        .map(|(key, row)| {
            let KeyRef::Kmip { id, .. } = key else { panic!("{key}") };
            let tables = row.tables.iter().map(String::as_str).collect();
            (id.as_str(), row.chunks, row.sstables, tables)
        })
        .collect()
}

#[test]
fn snapshots_and_backups_count_when_requested() {
    let tables = Tables::new();
    tables.write(T, "9", &["live"]);
    tables.write(&format!("{T}/snapshots/before"), "1", &["live", "snap"]);
    tables.write(&format!("{T}/snapshots/after"), "2", &["snap"]);
    tables.write(&format!("{T}/backups"), "3", &["back"]);
    // Indices have folders of their own, in archives, too.
    tables.write(&format!("{T}/.by_n"), "1", &["index"]);
    tables.write(&format!("{T}/snapshots/before/.by_n"), "1", &["snap index"]);
    tables.write(&format!("{T}/backups/.by_n"), "1", &["back index"]);
    // What a snapshot contains besides SSTables.
    for name in ["manifest.json", "schema.cql"] {
        fs::write(tables.path(&format!("{T}/snapshots/before/{name}")), "{}").unwrap();
    }
    let live = [("index", 5, 1, vec!["ks.t.by_n"]), ("live", 5, 1, vec!["ks.t"])];
    let census = tables.census(LIVE);
    assert_eq!(rows(&census), live);
    assert_eq!((census.archives.len(), census.counted_archives), (3, 0));
    assert_eq!(census.unknown.len(), 0);

    let snapshots = Archives { snapshots: true, backups: false };
    let census = tables.census(snapshots);
    assert_eq!(
        rows(&census),
        [
            ("index", 5, 1, vec!["ks.t.by_n"]),
            // Five live ones, and three of the five in the snapshot.
            ("live", 8, 2, vec!["ks.t"]),
            ("snap", 7, 2, vec!["ks.t"]),
            ("snap index", 5, 1, vec!["ks.t"]),
        ]
    );
    assert_eq!(census.archives, [tables.path(&format!("{T}/backups"))]);
    assert_eq!(census.counted_archives, 2);

    let census = tables.census(Archives { snapshots: false, backups: true });
    let ids: Vec<_> = rows(&census).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["back", "back index", "index", "live"]);
    assert_eq!((census.archives.len(), census.counted_archives), (2, 1));

    let census = tables.census(Archives::ALL);
    let ids: Vec<_> = rows(&census).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["back", "back index", "index", "live", "snap", "snap index"]);
    assert_eq!((census.archives.len(), census.counted_archives), (0, 3));
    assert_eq!((census.unknown.len(), census.not_encrypted.sstables), (0, 0));
}

/// A dropped table leaves its directory, with nothing in it but a snapshot.
#[test]
fn snapshots_of_dropped_tables_count() {
    let tables = Tables::new();
    tables.write("ks/gone-5ab1e000000011f0800000000000000b/snapshots/dropped-1-gone", "1", &["k"]);
    tables.write("old/t-5ab1e000000011f0800000000000000c/snapshots/x", "1", &["k"]);
    let census = tables.census(Archives::ALL);
    assert_eq!(rows(&census), [("k", 10, 2, vec!["ks.gone", "old.t"])]);
    assert_eq!(rows(&tables.census(LIVE)), []);
    // Only those of the selected tables.
    let selection = Selection { keyspace: Some("ks".to_owned()), tables: vec![] };
    let census = tables.census_on(Box::new(LocalStorage), Archives::ALL, &selection);
    assert_eq!(rows(&census), [("k", 5, 1, vec!["ks.gone"])]);
}

#[test]
fn every_data_directory_is_counted() {
    let mut tables = Tables::new();
    let second = tables.0.root.path().join("data2");
    tables.0.more_data.push(second.clone());
    tables.write(T, "1", &["a"]);
    recipe("2", &["b"]).write(&second.join(T).join("snapshots/s"), &plain("2"));
    assert_eq!(rows(&tables.census(Archives::ALL)).len(), 2);
}

#[test]
fn unreadable_data_in_an_archive_is_unknown() {
    for folder in ["snapshots/s", "backups", "snapshots/s/.by_n", "backups/.by_n"] {
        let tables = Tables::new();
        tables.write(T, "9", &["live"]);
        let prefix = tables.write(&format!("{T}/{folder}"), "1", &["hidden"]);
        fs::write(tables.path(&format!("{T}/{folder}/beside")), "").unwrap();
        // Damaged: any key may be in it.
        let info = fs::read(format!("{prefix}CompressionInfo.db")).unwrap();
        fs::write(format!("{prefix}CompressionInfo.db"), &info[..30]).unwrap();
        let census = tables.census(Archives::ALL);
        assert_eq!(rows(&census), [("live", 5, 1, vec!["ks.t"])], "{folder}");
        assert_eq!(census.unknown.len(), 1, "{folder}");
        let path = PathBuf::from(format!("{prefix}CompressionInfo.db"));
        assert_eq!(census.unknown[0].path(), Some(path.as_path()), "{folder}");
        assert_eq!(tables.census(LIVE).unknown.len(), 0, "{folder}");
        // A component that is missing.
        fs::write(format!("{prefix}CompressionInfo.db"), info).unwrap();
        fs::remove_file(format!("{prefix}Statistics.db")).unwrap();
        assert_eq!(tables.census(Archives::ALL).unknown.len(), 1, "{folder}");
        // A file that looks like an SSTable, and is of no version that is known.
        for name in crate::kit::workspace::files(&tables.path(&format!("{T}/{folder}"))) {
            if name.starts_with("oa-") {
                fs::remove_file(tables.path(&format!("{T}/{folder}/{name}"))).unwrap();
            }
        }
        assert_eq!(tables.census(Archives::ALL).unknown.len(), 0, "{folder}");
        let stranger = tables.path(&format!("{T}/{folder}/ks-t-hc-1-Data.db"));
        fs::write(&stranger, "x").unwrap();
        let census = tables.census(Archives::ALL);
        assert_eq!(census.unknown.len(), 1, "{folder}");
        assert_eq!(census.unknown[0].path(), Some(stranger.as_path()), "{folder}");
    }
}

#[test]
fn a_folder_that_cannot_be_listed_is_unknown_and_stops_nothing() {
    for folder in ["snapshots", "snapshots/s", "snapshots/s/.by_n", "backups", "backups/.by_n"] {
        let tables = Tables::new();
        tables.write(T, "9", &["live"]);
        tables.write("ks/u-5ab1e000000011f0800000000000000d", "1", &["other"]);
        tables.write(&format!("{T}/{folder}"), "1", &["hidden"]);
        let refused = tables.path(&format!("{T}/{folder}"));
        let storage = TestStorage::failing(move |op| {
            (op.name == "list" && op.path == refused)
                .then_some(std::io::ErrorKind::PermissionDenied)
        });
        let census = tables.census_on(storage.boxed(), Archives::ALL, &Selection::default());
        assert_eq!(census.unknown.len(), 1, "{folder}");
        let path = tables.path(&format!("{T}/{folder}"));
        assert_eq!(census.unknown[0].path(), Some(path.as_path()), "{folder}");
        let ids: Vec<_> = rows(&census).into_iter().map(|(id, ..)| id).collect();
        assert!(!ids.contains(&"hidden") && ids.contains(&"other"), "{folder}: {ids:?}");
    }
}

/// A link to a snapshot elsewhere is a snapshot.
#[test]
fn links_are_followed() {
    let tables = Tables::new();
    tables.write(T, "9", &["live"]);
    let away = tables.0.root.path().join("away");
    recipe("1", &["linked"]).write(&away, &plain("1"));
    fs::create_dir(tables.path(&format!("{T}/snapshots"))).unwrap();
    std::os::unix::fs::symlink(&away, tables.path(&format!("{T}/snapshots/linked"))).unwrap();
    let ids: Vec<_> =
        rows(&tables.census(Archives::ALL)).into_iter().map(|(id, ..)| id.to_owned()).collect();
    assert_eq!(ids, ["linked", "live"]);
}
