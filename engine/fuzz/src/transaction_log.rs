//! The database's transaction logs, each line with a right checksum, among the files they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::io::LocalStorage;
use rekey_engine::txn::{DirectoryView, LogRecord, RecordKind, recover};

/// `[files, 2 bytes] line (LF line)*`, in two replicas if a zero byte divides it. `@` is the
/// table's directory. A line whose checksum is `?` gets the right one.
pub fn run(bytes: &[u8]) {
    let Some((files, text)) = bytes.split_first_chunk::<2>() else { return };
    let root = tempfile::tempdir().expect("a temporary directory");
    let root = root.path().canonicalize().expect("a temporary directory");
    let tables = ["a", "b"].map(|name| root.join(name).join("ks/t-1"));
    for table in &tables {
        fs::create_dir_all(table).expect("room for a directory");
    }
    let outside = root.join("nb-1-big-Data.db");
    fs::write(&outside, "").expect("room for a file");
    for (bit, name) in (0..).zip(FILES) {
        if u16::from_be_bytes(*files) & 1 << bit == 0 {
            fs::write(tables[0].join(name), "").expect("room for a file");
        }
    }
    for (table, replica) in tables.iter().zip(text.split(|byte| *byte == 0)) {
        let text = String::from_utf8_lossy(replica);
        let lines: Vec<_> = text.split('\n').map(|line| line_of(line, &tables[0])).collect();
        fs::write(table.join(LOG), lines.join("\n")).expect("room for a file");
    }

    let tables: Vec<PathBuf> = tables.into();
    let before = DirectoryView::of(&LocalStorage, &tables).expect("directories that can be read");
    let there = files_of(&tables);
    let recovered = recover(&LocalStorage, &tables);
    let after = DirectoryView::of(&LocalStorage, &tables).expect("directories that can be read");
    assert!(outside.exists(), "a file outside of the table was deleted");
    assert_eq!(before.live, after.live, "what a node would load must stay");
    let condemned: BTreeSet<_> = before
        .condemned
        .iter()
        .flat_map(|sstable| sstable.components.iter().map(|component| sstable.path(component)))
        .collect();
    let left = files_of(&tables);
    for gone in there.difference(&left) {
        assert!(condemned.contains(gone) || gone.ends_with(LOG), "{} is gone", gone.display());
    }
    match recovered {
        Ok(_) => {
            assert!(after.condemned.is_empty() && !after.has_logs() && after.refused.is_empty());
        }
        Err(_) => assert_eq!(there, left, "a log that is refused changes nothing"),
    }
}

fn line_of(line: &str, table: &Path) -> String {
    let line = line.replace('@', &table.to_string_lossy());
    let fields = || {
        let (kind, fields) = line.strip_suffix("][?]")?.split_once(":[")?;
        let mut fields = fields.rsplitn(3, ',');
        let file_count = fields.next()?.parse().ok()?;
        let update_time = fields.next()?.parse().ok()?;
        let path = fields.next()?.to_owned();
        let kind = [RecordKind::Add, RecordKind::Remove, RecordKind::Commit, RecordKind::Abort]
            .into_iter()
            .find(|known| known.name() == kind)?;
        Some(LogRecord { kind, path, update_time, file_count })
    };
    fields().map_or_else(|| line.clone(), |record: LogRecord| record.to_string())
}

fn files_of(tables: &[PathBuf]) -> BTreeSet<PathBuf> {
    tables
        .iter()
        .flat_map(|table| fs::read_dir(table).expect("a directory of our own"))
        .map(|entry| entry.expect("a file of our own").path())
        .collect()
}

const LOG: &str = "nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log";

const FILES: [&str; 8] = [
    "nb-1-big-Data.db",
    "nb-1-big-Statistics.db",
    "nb-1-big-TOC.txt",
    "nb-2-big-Data.db",
    "nb-2-big-TOC.txt",
    "nb-3-big-Data.db",
    "nb-02-big-Data.db",
    "nb-11-big-Data.db",
];

/// Logs that are undone, finished, torn and refused.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let add = "ADD:[@/nb-2-big-,0,0][?]";
    // The time of deleted files is never read.
    let remove = "REMOVE:[@/nb-1-big-,1700000000000,3][?]";
    let commit = "COMMIT:[,0,0][2613697770]";
    let log = |lines: &[&str]| lines.join("\n");
    [
        log(&[add]),
        log(&[add, remove]),
        log(&[add, remove, commit, ""]),
        log(&[add, remove, "ABORT:[,0,0][?]"]),
        log(&["ADD:[file://@/nb-2-big,0,0][?]", "REMOVE:[@/nb-1-big,1700000000000,0][?]", commit]),
        log(&[add, "COMMIT:[,0"]),
        log(&[add, add]),
        log(&["ADD:[@/../nb-1-big-,0,0][?]", commit]),
        format!("{}\0{}", log(&[add, remove, commit]), log(&[add, remove])),
    ]
    .into_iter()
    .flat_map(|text| [[0, 0], [0, 7]].map(|files| [&files[..], text.as_bytes()].concat()))
    .collect()
}
