//! Segments and hints: a process that dies, an error, or an outage at every operation.

use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::LocalStorage;

use super::bench::Broken;
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};
use super::power::{Cut, Habit, PowerLoss};
use crate::system::{Files, Node, hints, segment};

/// What goes wrong in the first run.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Fault(usize, Fault),
    Outage(Cut, u64),
    /// One, and another at this operation of the run after it.
    Outages([(Cut, u64); 2]),
}

struct Interrupted {
    wrong: Wrong,
    core: bool,
}

fn node() -> (Node, Files) {
    let node = Node::new();
    let segments = vec![segment(node.old())];
    let files = Files { segments, hints: vec![hints(node.old())] };
    node.put(&files);
    (node, files)
}

impl Case for Interrupted {
    fn group(&self) -> String {
        match self.wrong {
            Wrong::Fault(..) => "faults".to_owned(),
            Wrong::Outage(..) => "outages".to_owned(),
            Wrong::Outages(..) => "two outages".to_owned(),
        }
    }

    fn is_core(&self) -> bool {
        self.core
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let (node, files) = node();
        match self.wrong {
            Wrong::Fault(at, fault) => {
                let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, fault)]);
                let _whatever_it_says = node.run(Box::new(storage.clone()));
                fired.fetch_add(storage.fired(), Ordering::SeqCst);
            }
            Wrong::Outage(cut, habit) => outage(&node, cut, habit, fired),
            Wrong::Outages(outages) => {
                for (cut, habit) in outages {
                    outage(&node, cut, habit, fired);
                }
            }
        }
        node.check(&files).map_err(|why| format!("stopped: {why}"))?;
        let report = node.run(Box::new(LocalStorage)).map_err(|error| error.chain())?;
        if let Some(error) = report.failures().next() {
            return Err(format!("next run: {}", error.chain()));
        }
        node.check_finished(&files).map_err(|why| format!("after the next run: {why}"))
    }

    fn words(&self) -> String {
        format!("{:?}", self.wrong)
    }
}

fn outage(node: &Node, cut: Cut, habit: u64, fired: &AtomicUsize) {
    let disk = PowerLoss::new(&node.dir(""), Some(cut));
    let _whatever_it_says = node.run(Box::new(disk.clone()));
    fired.fetch_add(usize::from(disk.is_out()), Ordering::SeqCst);
    disk.crash(Habit::of(habit));
}

/// The operations of a run without faults.
fn reference() -> Vec<Operation> {
    let (node, files) = node();
    let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
    let report = node.run(Box::new(storage.clone())).unwrap();
    assert_eq!(report.failures().count(), 0, "{report:?}");
    node.check_finished(&files).unwrap();
    storage.log()
}

#[test]
fn segments_and_hints_are_old_or_new_at_every_fault() {
    let operations = reference();
    let mut cases = Vec::new();
    for (at, operation) in (1..).zip(&operations) {
        let core = operation.call == "replace" || operation.call == "link_or_copy";
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(operation)) {
            cases.push(Interrupted { wrong: Wrong::Fault(at, fault), core });
        }
    }
    let faults = run_all("files beside the tables", &thinned(cases, 120));
    assert!(faults > 40, "{faults}");
}

#[test]
fn segments_and_hints_are_old_or_new_after_every_outage() {
    let operations = reference();
    let mut cases = Vec::new();
    for at in 1..=operations.len() + 1 {
        let core = operations.get(at - 1).is_none_or(|operation| operation.call == "replace");
        for habit in 0..8 {
            let seed = if habit < 4 { habit } else { habit + 8 * u64::try_from(at).unwrap() };
            let cut = Cut { at, within: false };
            cases.push(Interrupted { wrong: Wrong::Outage(cut, seed), core });
        }
    }
    let faults = run_all("files beside the tables", &thinned(cases, 120));
    assert!(faults > 40, "{faults}");
}

/// What ends what was left may be left in the middle, too.
#[test]
fn segments_and_hints_are_old_or_new_after_two_outages() {
    let operations = reference();
    let mut cases = Vec::new();
    for first in 1..=operations.len() + 1 {
        for second in 1..=14 {
            let seed = u64::try_from(first * 100 + second).unwrap();
            let cut = |at| Cut { at, within: false };
            let outages = [(cut(first), seed), (cut(second), seed + 50)];
            cases.push(Interrupted { wrong: Wrong::Outages(outages), core: first > 20 });
        }
    }
    let faults = run_all("files beside the tables", &thinned(cases, 120));
    assert!(faults > 40, "{faults}");
}
