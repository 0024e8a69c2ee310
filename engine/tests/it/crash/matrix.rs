//! Every operation of a run, with every fault; and faults in the runs that clean up after them.

use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::LocalStorage;

use super::bench::{Bench, Broken, Scenario};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};

/// Faults of a first run, of the run after it, and so on; then a run without any.
struct FaultCase {
    scenario: Scenario,
    runs: Vec<Vec<(usize, Fault)>>,
    core: bool,
}

impl Case for FaultCase {
    fn group(&self) -> String {
        self.scenario.name()
    }

    fn is_core(&self) -> bool {
        self.core
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let bench = Bench::new(self.scenario);
        for (number, faults) in self.runs.iter().enumerate() {
            let storage = FaultStorage::new(Box::new(LocalStorage), faults);
            let outcome = bench.run(Box::new(storage.clone()));
            fired.fetch_add(storage.fired(), Ordering::SeqCst);
            bench.check_stopped(&outcome).map_err(|why| {
                let log = storage.log();
                let at: Vec<_> =
                    faults.iter().filter_map(|(at, _)| log.get(at.saturating_sub(1))).collect();
                format!("run {}, {at:?}: {why}", number + 1)
            })?;
        }
        bench.check_next_run(Box::new(LocalStorage))
    }

    fn words(&self) -> String {
        format!("{} {:?}", self.scenario.name(), self.runs)
    }
}

/// The operations of a run without faults.
fn reference(scenario: Scenario) -> Vec<Operation> {
    let bench = Bench::new(scenario);
    let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
    let report = bench.run(Box::new(storage.clone())).unwrap();
    bench.check_finished(&report).unwrap();
    storage.log()
}

/// All operations with all faults that fit, in one run.
fn single(scenario: Scenario) -> Vec<FaultCase> {
    let operations = reference(scenario);
    println!("faults: {}: {} operations", scenario.name(), operations.len());
    let case = |(at, operation): (usize, &Operation), fault: Fault| FaultCase {
        scenario,
        runs: vec![vec![(at + 1, fault)]],
        core: operation.is_core(),
    };
    operations
        .iter()
        .enumerate()
        .flat_map(|(at, operation)| {
            let fits = Fault::ALL.into_iter().filter(|fault| fault.fits(operation));
            fits.map(move |fault| case((at, operation), fault))
        })
        .collect()
}

/// The most operations in which a run cleans up after another one: it removes what was staged and
/// finishes logs. Later faults meet an ordinary run.
const CLEANING: usize = 40;

/// A death, then a fault in the run that follows, then one in the run after that.
fn nested(scenario: Scenario) -> Vec<FaultCase> {
    let operations = reference(scenario);
    let mut cases = Vec::new();
    let mut turn = 0;
    for (first, operation) in (1..).zip(&operations) {
        for second in 1..=CLEANING {
            turn += 1;
            if turn % 11 != 0 {
                continue;
            }
            let fault = |n: usize| Fault::ALL[n % Fault::ALL.len()];
            let death = if turn % 2 == 0 { Fault::DieAfter } else { Fault::DieBefore };
            let mut runs = vec![vec![(first, death)], vec![(second, fault(turn / 11))]];
            if turn % 3 == 0 {
                runs.push(vec![(1 + turn % (CLEANING / 2), fault(turn / 77))]);
            }
            cases.push(FaultCase { scenario, runs, core: operation.is_core() });
        }
    }
    cases
}

/// An error that the process survives, and a death or an error some operations later in the same
/// run: then several logs may be left.
fn pairs(scenario: Scenario) -> Vec<FaultCase> {
    let operations = reference(scenario);
    let mut cases = Vec::new();
    let mut turn = 0;
    for (first, operation) in (1..).zip(&operations) {
        for second in first + 1..=operations.len().min(first + 2 * CLEANING) {
            turn += 1;
            if turn % 29 != 0 {
                continue;
            }
            let early = [Fault::Eio, Fault::LateEio, Fault::Short][turn / 29 % 3];
            let late = Fault::ALL[turn / 87 % Fault::ALL.len()];
            let runs = vec![vec![(first, early), (second, late)]];
            cases.push(FaultCase { scenario, runs, core: operation.is_core() });
        }
    }
    cases
}

/// A read that fails before a swap, during it, or while it is undone; perhaps combined with a
/// failing operation, since an undo reads only then.
struct LookCase {
    scenario: Scenario,
    look: usize,
    fault: Option<(usize, Fault)>,
}

impl Case for LookCase {
    fn group(&self) -> String {
        self.scenario.name()
    }

    fn is_core(&self) -> bool {
        self.fault.is_some()
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let bench = Bench::new(self.scenario);
        let looks = FaultStorage::failing_look(Box::new(LocalStorage), self.look);
        let storage = FaultStorage::new(Box::new(looks.clone()), self.fault.as_slice());
        let outcome = bench.run(Box::new(storage.clone()));
        fired.fetch_add(storage.fired() + looks.fired(), Ordering::SeqCst);
        bench.check_stopped(&outcome)?;
        bench.check_next_run(Box::new(LocalStorage))
    }

    fn words(&self) -> String {
        format!("{} look {} {:?}", self.scenario.name(), self.look, self.fault)
    }
}

/// Every read, and for a sample of failing operations the reads around them.
fn looks(scenario: Scenario) -> Vec<LookCase> {
    let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
    Bench::new(scenario).run(Box::new(storage.clone())).unwrap();
    let all = storage.looks();
    let alone = (1..=all).map(|look| LookCase { scenario, look, fault: None });
    let both = (1..=storage.log().len()).step_by(7).flat_map(|at| {
        let fault = Some((at, if at % 2 == 0 { Fault::Eio } else { Fault::LateEio }));
        (1 + at % 5..=all).step_by(5).map(move |look| LookCase { scenario, look, fault })
    });
    alone.chain(both).collect()
}

fn every(make: impl Fn(Scenario) -> Vec<FaultCase>, threads: usize) -> Vec<FaultCase> {
    let scenarios = Scenario::ALL.into_iter().map(|scenario| Scenario { threads, ..scenario });
    scenarios.flat_map(make).collect()
}

#[test]
fn operations_come_in_the_same_order_with_one_thread() {
    for scenario in [Scenario::ALL[0], Scenario::ALL[5]] {
        let calls = || -> Vec<_> { reference(scenario).iter().map(|op| op.call).collect() };
        assert_eq!(calls(), calls());
    }
}

#[test]
fn every_operation_may_fail_or_be_the_last() {
    run_all("faults", &thinned(every(single, 1), 160));
}

#[test]
fn the_runs_that_clean_up_may_fail_too() {
    run_all("nested faults", &thinned(every(nested, 1), 80));
}

#[test]
fn an_error_and_a_death_in_one_run() {
    run_all("paired faults", &thinned(every(pairs, 1), 80));
}

/// Deeper: the following run resumes what is staged, and the one after that again.
fn resumed(scenario: Scenario) -> Vec<FaultCase> {
    let operations = reference(scenario);
    let mut cases = Vec::new();
    let mut turn = 0;
    for (first, operation) in (1..).zip(&operations) {
        for second in (1 + first % 3..operations.len()).step_by(3) {
            turn += 1;
            if turn % 17 != 0 {
                continue;
            }
            let fault = |n: usize| Fault::ALL[n % Fault::ALL.len()];
            let deaths = [Fault::DieBefore, Fault::DieWithin, Fault::DieAfter];
            let death =
                deaths.into_iter().cycle().skip(turn / 17).find(|death| death.fits(operation));
            let mut runs = vec![vec![(first, death.unwrap())], vec![(second, fault(turn / 17))]];
            if turn % 2 == 0 {
                runs.push(vec![(1 + second * 7 % operations.len(), fault(turn / 119))]);
            }
            cases.push(FaultCase { scenario, runs, core: operation.is_core() });
        }
    }
    cases
}

#[test]
fn a_journalled_run_may_be_stopped_anywhere() {
    let cases: Vec<_> = Scenario::stepped().flat_map(single).collect();
    run_all("journalled faults", &thinned(cases, 120));
}

#[test]
fn a_resumed_run_may_be_stopped_anywhere_and_resumed() {
    let cases: Vec<_> = Scenario::stepped().flat_map(resumed).collect();
    run_all("faults while resuming", &thinned(cases, 120));
}

#[test]
fn two_workers_may_be_stopped_and_resumed() {
    let scenarios = Scenario::stepped().map(|all| Scenario { threads: 2, ..all });
    let cases: Vec<_> = scenarios.flat_map(resumed).step_by(5).collect();
    run_all("faults while two workers resume", &thinned(cases, 40));
}

#[test]
fn a_read_may_fail_too() {
    let scenarios =
        [Scenario::ALL[0], Scenario::ALL[5]].into_iter().chain(Scenario::stepped().take(1));
    run_all("failing looks", &thinned(scenarios.flat_map(looks).collect(), 50));
}

#[test]
fn two_workers_may_be_stopped_anywhere() {
    let cases: Vec<_> = every(single, 2).into_iter().step_by(5).collect();
    run_all("faults with two workers", &thinned(cases, 60));
}
