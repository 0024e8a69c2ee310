//! The power fails at every operation, and the disk keeps an arbitrary part of the rest.

use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::LocalStorage;

use super::bench::{Bench, Broken, Scenario};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};
use super::power::{Cut, Habit, PowerLoss};

/// Outages of a first run, of the run after it, and so on; then a run without faults.
struct Outage {
    scenario: Scenario,
    /// A run before that was killed or met an error; what it wrote is in the cache.
    cached: Option<(usize, Fault)>,
    /// An error that the first run survives before that.
    error: Option<(usize, Fault)>,
    cuts: Vec<(Cut, Habit)>,
    core: bool,
    /// If the power fails outside a swap, the next run resumes from what is durable.
    resumes: bool,
}

impl Case for Outage {
    fn group(&self) -> String {
        self.scenario.name()
    }

    fn is_core(&self) -> bool {
        self.core
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let bench = Bench::new(self.scenario);
        let root = std::fs::canonicalize(bench.workspace.data()).unwrap();
        let mut resumes = self.resumes;
        for (number, (cut, habit)) in self.cuts.iter().enumerate() {
            let disk = PowerLoss::new(&root, None);
            if let Some(fault) = self.cached.filter(|_| number == 0) {
                let storage = FaultStorage::new(Box::new(disk.clone()), &[fault]);
                bench.check_stopped(&bench.run(Box::new(storage.clone())))?;
                fired.fetch_add(storage.fired(), Ordering::SeqCst);
            }
            disk.arm(*cut);
            let error = self.error.filter(|_| number == 0);
            let storage = FaultStorage::new(Box::new(disk.clone()), error.as_slice());
            let outcome = bench.run(Box::new(storage.clone()));
            fired.fetch_add(storage.fired() + usize::from(disk.is_out()), Ordering::SeqCst);
            // By what this run did: its operations may differ slightly from those of the reference,
            // since the time of journalling depends on the clock.
            let cut = storage.log().into_iter().nth(cut.at - 1);
            resumes &= cut.is_some_and(|operation| !operation.is_swap());
            // A run that has ended loses power immediately after.
            disk.crash(*habit);
            bench.check_stopped(&outcome).map_err(|why| {
                format!("outage {} at {:?}: {why}", number + 1, storage.log().last())
            })?;
        }
        match resumes {
            true => bench.check_next_run_resumes(),
            false => bench.check_next_run(Box::new(LocalStorage)),
        }
    }

    fn words(&self) -> String {
        let Self { cached, error, cuts, .. } = self;
        format!("{} {cached:?} {error:?} {cuts:?}", self.scenario.name())
    }
}

/// The operations of a run without faults, as the model sees them.
fn reference(scenario: Scenario) -> Vec<Operation> {
    let bench = Bench::new(scenario);
    let root = std::fs::canonicalize(bench.workspace.data()).unwrap();
    let disk = PowerLoss::new(&root, None);
    let storage = FaultStorage::new(Box::new(disk.clone()), &[]);
    let report = bench.run(Box::new(storage.clone())).unwrap();
    bench.check_finished(&report).unwrap();
    assert_eq!(disk.count(), storage.log().len());
    storage.log()
}

/// Habits that are tried at each operation.
const HABITS: u64 = 8;

fn single(scenario: Scenario) -> Vec<Outage> {
    let operations = reference(scenario);
    println!("outages: {}: {} operations", scenario.name(), operations.len());
    let mut cases = Vec::new();
    // One more: the power fails after the run has ended.
    for at in 1..=operations.len() + 1 {
        let operation = operations.get(at - 1);
        let halves =
            operation.is_some_and(|op| matches!(op.call, "copy_attributes" | "set_modified"));
        for habit in 0..HABITS {
            let seed = if habit < 4 { habit } else { habit + HABITS * u64::try_from(at).unwrap() };
            for within in [false, true] {
                if within && !halves {
                    continue;
                }
                cases.push(Outage {
                    scenario,
                    cached: None,
                    error: None,
                    cuts: vec![(Cut { at, within }, Habit::of(seed))],
                    core: operation.is_none_or(Operation::is_core),
                    resumes: true,
                });
            }
        }
    }
    cases
}

/// Outages in the runs that clean up, and after an error.
fn nested(scenario: Scenario) -> Vec<Outage> {
    let operations = reference(scenario);
    let cut = |at| Cut { at, within: false };
    let mut cases = Vec::new();
    let mut turn = 0_u64;
    for (first, operation) in (1..).zip(&operations) {
        for second in 1..=40 {
            turn += 1;
            if !turn.is_multiple_of(13) {
                continue;
            }
            let mut cuts =
                vec![(cut(first), Habit::of(turn / 13 % 9)), (cut(second), Habit::of(4 + turn))];
            if turn.is_multiple_of(3) {
                cuts.push((cut(1 + second * 7 % 20), Habit::of(5 + turn)));
            }
            let error = turn.is_multiple_of(2).then(|| {
                let fault = if turn.is_multiple_of(4) { Fault::Eio } else { Fault::LateEio };
                cuts[0].0.at = first + second;
                (first, fault)
            });
            cases.push(Outage {
                scenario,
                cached: None,
                error,
                cuts,
                core: operation.is_core(),
                resumes: false,
            });
        }
    }
    cases
}

/// A run is killed or meets an error, and the power fails in the next one: what that one found in
/// the cache need not be on the disk.
fn cached(scenario: Scenario) -> Vec<Outage> {
    let operations = reference(scenario);
    let mut cases = Vec::new();
    let mut turn = 0_u64;
    for (first, operation) in (1..).zip(&operations) {
        let of_log = operation.path.extension().is_some_and(|extension| extension == "log");
        for second in 1..=40 {
            turn += 1;
            if !of_log && !turn.is_multiple_of(13) {
                continue;
            }
            let faults = [Fault::DieBefore, Fault::DieAfter, Fault::Eio, Fault::LateEio];
            let fault = faults[usize::try_from(turn / 13 % 4).unwrap()];
            let cut = Cut { at: second, within: false };
            cases.push(Outage {
                scenario,
                cached: Some((first, fault)),
                error: None,
                cuts: vec![(cut, Habit::of(turn / 52 % 9))],
                core: operation.is_core(),
                resumes: false,
            });
        }
    }
    cases
}

#[test]
fn power_loss_in_the_run_after_a_kill() {
    let cases: Vec<_> = Scenario::ALL.into_iter().flat_map(cached).collect();
    run_all("outages after kills", &thinned(cases, 90));
}

/// The power fails, and again in the run that resumes.
fn resumed(scenario: Scenario) -> Vec<Outage> {
    let operations = reference(scenario);
    let cut = |at| Cut { at, within: false };
    let mut cases = Vec::new();
    let mut turn = 0_u64;
    for (first, operation) in (1..).zip(&operations) {
        for second in (1 + first % 3..operations.len()).step_by(3) {
            turn += 1;
            if !turn.is_multiple_of(17) {
                continue;
            }
            let habit = |n: u64| Habit::of(if n % 7 < 4 { n % 7 } else { n });
            let mut cuts = vec![(cut(first), habit(turn / 17)), (cut(second), habit(turn / 119))];
            if turn.is_multiple_of(2) {
                cuts.push((cut(1 + second * 7 % operations.len()), habit(turn / 34)));
            }
            cases.push(Outage {
                scenario,
                cached: None,
                error: None,
                cuts,
                core: operation.is_core(),
                resumes: false,
            });
        }
    }
    cases
}

#[test]
fn power_loss_in_a_journalled_run() {
    let cases: Vec<_> = Scenario::stepped().flat_map(single).collect();
    run_all("journalled outages", &thinned(cases, 140));
}

#[test]
fn power_loss_in_a_journalled_run_after_a_kill() {
    let cases: Vec<_> = Scenario::stepped().flat_map(cached).collect();
    run_all("journalled outages after kills", &thinned(cases, 60));
}

#[test]
fn power_loss_in_a_resumed_run() {
    let cases: Vec<_> = Scenario::stepped().flat_map(resumed).collect();
    run_all("outages while resuming", &thinned(cases, 120));
}

#[test]
fn power_loss_at_every_operation() {
    let cases: Vec<_> = Scenario::ALL.into_iter().flat_map(single).collect();
    run_all("outages", &thinned(cases, 160));
}

#[test]
fn power_loss_with_two_workers() {
    let scenarios = Scenario::ALL.into_iter().map(|all| Scenario { threads: 2, ..all });
    let cases: Vec<_> = scenarios.flat_map(single).step_by(7).collect();
    run_all("outages with two workers", &thinned(cases, 40));
}

#[test]
fn power_loss_again_and_after_errors() {
    let cases: Vec<_> = Scenario::ALL.into_iter().flat_map(nested).collect();
    run_all("nested outages", &thinned(cases, 90));
}
