//! Defects once found by the matrices, or by review with them in mind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rekey_engine::io::LocalStorage;
use rekey_engine::txn::{LogRecord, recover};

use super::bench::in_memory;
use super::fault::{Fault, FaultStorage};
use super::judge::{Node, Start, start};
use super::power::{Cut, Habit, PowerLoss};

const LOG: &str = "oa_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log";
const COMPONENTS: [&str; 4] = ["Data.db", "Index.db", "Statistics.db", "TOC.txt"];

/// A table in two data directories, with a transaction of the database in both.
struct Table {
    root: tempfile::TempDir,
}

impl Table {
    fn new() -> Self {
        let table = Self { root: tempfile::tempdir_in(in_memory()).unwrap() };
        for directory in table.directories() {
            fs::create_dir_all(&directory).unwrap();
        }
        table
    }

    fn directories(&self) -> [PathBuf; 2] {
        let root = fs::canonicalize(self.root.path()).unwrap();
        ["d1", "d2"].map(|name| root.join(name))
    }

    /// Components that are a second older each, from the second `newest` down, TOC.txt last.
    fn sstable(&self, directory: usize, name: &str, newest: u64) -> String {
        let path = self.directories()[directory].join(name);
        for (age, component) in (0..).zip(COMPONENTS.iter().rev()) {
            write(&path, component, UNIX_EPOCH + Duration::from_secs(newest - age));
        }
        format!("{}-", path.display())
    }

    fn log(&self, records: &[LogRecord]) {
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        for directory in self.directories() {
            fs::write(directory.join(LOG), &text).unwrap();
        }
    }

    /// What every node of the log's form would load.
    fn live(&self) -> BTreeSet<String> {
        let loads = [Node::Apache4, Node::Apache5].map(|node| start(node, &self.directories()));
        let [Start::Loads(live), Start::Loads(_)] = &loads else { unreachable!("{loads:?}") };
        live.clone()
    }
}

fn write(path: &Path, component: &str, time: SystemTime) {
    let path = format!("{}-{component}", path.display());
    fs::write(&path, component).unwrap();
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
}

/// An SSTable of each directory is replaced by one in the first.
fn compacted() -> (Table, String) {
    let table = Table::new();
    let old =
        [table.sstable(0, "oa-1-big", 1_700_000_000), table.sstable(1, "oa-2-big", 1_600_000_000)];
    let new = table.sstable(0, "oa-3-big", 1_750_000_000);
    let [first, second] = old;
    table.log(&[
        LogRecord::add(new.clone()),
        LogRecord::remove(first, 1_700_000_000_000, 4),
        LogRecord::remove(second, 1_600_000_000_000, 4),
        LogRecord::commit(),
    ]);
    (table, new)
}

/// The replicas of a log are deleted one by one: what is left must still be understood.
#[test]
fn a_log_in_two_directories_is_finished_from_either_replica() {
    let (table, _) = compacted();
    let counter = FaultStorage::new(Box::new(LocalStorage), &[]);
    recover(&counter, &table.directories()).unwrap();
    for at in 1..=counter.log().len() {
        for fault in [Fault::DieBefore, Fault::DieAfter, Fault::Eio, Fault::LateEio] {
            let (table, new) = compacted();
            let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, fault)]);
            let _failed = recover(&storage, &table.directories());
            assert_eq!(table.live(), BTreeSet::from([new]), "{fault:?} at {at}");
            recover(&LocalStorage, &table.directories()).unwrap();
            let left: Vec<_> = table
                .directories()
                .iter()
                .map(|directory| fs::read_dir(directory).unwrap().count())
                .collect();
            assert_eq!(left, [COMPONENTS.len(), 0], "{fault:?} at {at}");
        }
    }
}

#[test]
fn a_log_in_two_directories_is_finished_after_an_outage() {
    let (table, _) = compacted();
    let counter = FaultStorage::new(Box::new(LocalStorage), &[]);
    recover(&counter, &table.directories()).unwrap();
    for at in 1..=counter.log().len() {
        for seed in 0..24 {
            let (table, new) = compacted();
            let root = fs::canonicalize(table.root.path()).unwrap();
            let disk = PowerLoss::new(&root, Some(Cut { at, within: false }));
            let _failed = recover(&disk, &table.directories());
            disk.crash(Habit::of(seed));
            assert_eq!(table.live(), BTreeSet::from([new]), "at {at}, seed {seed}");
            recover(&LocalStorage, &table.directories()).unwrap();
        }
    }
}

/// Cassandra 5 leaves Statistics.db out of the time that it records: when everything else is
/// gone, the time of that one says nothing.
#[test]
fn a_lone_statistics_file_does_not_stop_the_recovery() {
    let make = || {
        let table = Table::new();
        let old = table.sstable(0, "oa-1-big", 1_700_000_000);
        let path = table.directories()[0].join("oa-1-big");
        write(&path, "Statistics.db", UNIX_EPOCH + Duration::from_secs(1_700_009_999));
        let new = table.sstable(0, "oa-3-big", 1_750_000_000);
        let remove = LogRecord::remove(old, 1_700_000_000_000, 4);
        table.log(&[LogRecord::add(new.clone()), remove, LogRecord::commit()]);
        (table, new)
    };
    let (table, _) = make();
    let counter = FaultStorage::new(Box::new(LocalStorage), &[]);
    recover(&counter, &table.directories()).unwrap();
    for at in 1..=counter.log().len() {
        for seed in 0..24 {
            let (table, new) = make();
            let root = fs::canonicalize(table.root.path()).unwrap();
            let disk = PowerLoss::new(&root, Some(Cut { at, within: false }));
            let _failed = recover(&disk, &table.directories());
            disk.crash(Habit::of(seed));
            let found = start(Node::Apache5, &table.directories());
            assert_eq!(found, Start::Loads(BTreeSet::from([new])), "at {at}, seed {seed}");
            recover(&LocalStorage, &table.directories()).unwrap();
        }
    }
}
