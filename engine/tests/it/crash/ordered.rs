//! After a compressor the durable part has no gaps: killed, resumed, and the power fails.
//!
//! The target is in clear and the compressor is deterministic, so each SSTable must be, byte for
//! byte, the old one or that of a run without faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::{LocalStorage, Storage};
use rekey_engine::plan::Target;
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::Report;

use super::bench::{Broken, in_memory};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};
use super::judge::{Node, Start, start};
use super::power::{Cut, Habit, PowerLoss};
use crate::kit::Workspace;
use crate::kit::workspace::{is_at_rest, target, threads};

/// Component to content.
type Files = BTreeMap<String, Vec<u8>>;

struct Ordered {
    workspace: Workspace,
    target: Target,
}

impl Ordered {
    fn new(workers: usize) -> Self {
        let mut workspace = Workspace::copy_in(&in_memory(), "fixtures/da-aes-cbc-256-16k");
        workspace.flavor = Some(Flavor::Apache4);
        workspace.threads = threads(workers);
        workspace.step();
        let target = target("{'class': 'LZ4Compressor', 'chunk_length_in_kb': 4}", None);
        Self { workspace, target }
    }

    fn run(&self, storage: Box<dyn Storage>) -> rekey_engine::Result<Report> {
        self.workspace.upgrade_on(storage, &self.target)
    }

    /// What a node would load.
    fn sstables(&self) -> Result<BTreeSet<Files>, Broken> {
        let live = match start(Node::Apache5, &[self.workspace.table()]) {
            Start::Loads(live) => live,
            Start::Refuses(why) => return Err(why),
        };
        let of_one = |prefix: &String| {
            let names = self.workspace.files();
            let own = names.iter().filter_map(|name| {
                let path = self.workspace.table().join(name);
                let component = path.to_str().unwrap().strip_prefix(prefix)?.to_owned();
                Some((component, fs::read(path).unwrap()))
            });
            own.collect()
        };
        Ok(live.iter().map(of_one).collect())
    }

    fn data(&self) -> PathBuf {
        fs::canonicalize(self.workspace.data()).unwrap()
    }
}

struct Reference {
    old: BTreeSet<Files>,
    new: BTreeSet<Files>,
    operations: Vec<Operation>,
}

impl Reference {
    fn new() -> Self {
        let ordered = Ordered::new(1);
        let old = ordered.sstables().unwrap();
        let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
        let report = ordered.run(Box::new(storage.clone())).unwrap();
        assert_eq!(report.failures().count(), 0);
        let new = ordered.sstables().unwrap();
        assert_eq!((old.len(), new.len()), (4, 4));
        Self { old, new, operations: storage.log() }
    }

    fn check(&self, ordered: &Ordered) -> Result<(), Broken> {
        let found = ordered.sstables()?;
        let known = found.iter().all(|files| self.old.contains(files) || self.new.contains(files));
        match known && found.len() == self.old.len() {
            true => Ok(()),
            false => Err(format!("a node would load {} SSTables, or others", found.len())),
        }
    }

    fn finish(&self, ordered: &Ordered) -> Result<(), Broken> {
        let report = ordered.run(Box::new(LocalStorage)).map_err(|error| error.chain())?;
        if let Some(error) = report.failures().next() {
            return Err(error.chain());
        }
        if ordered.sstables()? != self.new {
            return Err("the SSTables are not those of a run in peace".to_owned());
        }
        if !is_at_rest(&ordered.workspace.data()) {
            return Err("staged files are left".to_owned());
        }
        Ok(())
    }
}

/// What goes wrong in a first run, in the next one, and so on.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Fault(usize, Fault),
    Outage(usize, u64),
}

struct OrderedCase<'a> {
    reference: &'a Reference,
    workers: usize,
    wrong: Vec<Wrong>,
}

impl Case for OrderedCase<'_> {
    fn group(&self) -> String {
        format!("x{}", self.workers)
    }

    fn is_core(&self) -> bool {
        false
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let ordered = Ordered::new(self.workers);
        for wrong in &self.wrong {
            match *wrong {
                Wrong::Fault(at, fault) => {
                    let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, fault)]);
                    let _failed = ordered.run(Box::new(storage.clone()));
                    fired.fetch_add(storage.fired(), Ordering::SeqCst);
                }
                Wrong::Outage(at, habit) => {
                    let cut = Cut { at, within: false };
                    let disk = PowerLoss::new(&ordered.data(), Some(cut));
                    let _failed = ordered.run(Box::new(disk.clone()));
                    fired.fetch_add(usize::from(disk.is_out()), Ordering::SeqCst);
                    disk.crash(Habit::of(habit));
                }
            }
            self.reference.check(&ordered)?;
        }
        self.reference.finish(&ordered)
    }

    fn words(&self) -> String {
        format!("{:?} x{}", self.wrong, self.workers)
    }
}

#[test]
fn a_recompression_may_be_stopped_anywhere_and_resumed() {
    let reference = &Reference::new();
    let operations = &reference.operations;
    let mut cases = Vec::new();
    for (at, operation) in (1..).zip(operations) {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(operation)) {
            cases.push(vec![Wrong::Fault(at, fault)]);
            let next = 1 + at * 7 % operations.len();
            cases.push(vec![Wrong::Fault(at, fault), Wrong::Fault(next, Fault::DieBefore)]);
        }
        for habit in (0..4).chain([4 + u64::try_from(at).unwrap()]) {
            cases.push(vec![Wrong::Outage(at, habit)]);
            let next = 1 + at * 11 % operations.len();
            cases.push(vec![Wrong::Outage(at, habit), Wrong::Outage(next, habit + 5)]);
        }
    }
    let cases: Vec<_> = cases
        .into_iter()
        .flat_map(|wrong| {
            [1, 2].map(|workers| OrderedCase { reference, workers, wrong: wrong.clone() })
        })
        .collect();
    println!("recompression: {} operations", operations.len());
    run_all("recompression", &thinned(cases, 200));
}
