//! Many cases on all cores, thinned to a budget, counted.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bench::Broken;
use super::dice::Dice;

/// One case to try.
pub(crate) trait Case: Send + Sync {
    /// How many at a time for each core: more if they wait for processes.
    const AT_ONCE: usize = 1;

    /// Whose figures it adds to.
    fn group(&self) -> String;

    /// Comes first where a budget is short: half of it goes to these.
    fn is_core(&self) -> bool;

    /// Tries it, adding the faults that happened to `faults`.
    fn run(&self, faults: &AtomicUsize) -> Result<(), Broken>;

    /// In words, for the developer who has to investigate.
    fn words(&self) -> String;
}

/// The cases of a budget: the same at each run, spread over all there are.
pub(crate) fn thinned<T: Case>(cases: Vec<T>, by_default: usize) -> Vec<T> {
    let budget = match std::env::var("REKEY_FAULTS").as_deref() {
        Ok("all") => return cases,
        Ok(number) => number.parse().unwrap(),
        Err(_) => by_default,
    };
    if budget >= cases.len() {
        return cases;
    }
    let (core, rest): (Vec<T>, Vec<T>) = cases.into_iter().partition(Case::is_core);
    let half = budget / 2 + (budget / 2).saturating_sub(rest.len());
    let core = some_of(core, half);
    let rest = some_of(rest, budget.saturating_sub(core.len()));
    core.into_iter().chain(rest).collect()
}

fn some_of<T>(mut all: Vec<T>, number: usize) -> Vec<T> {
    let mut dice = Dice(number.try_into().unwrap());
    for last in (1..all.len()).rev() {
        all.swap(last, dice.below(last + 1));
    }
    all.truncate(number);
    all
}

/// Runs them, prints the figures, and fails if an invariant did not hold. Returns how many faults
/// happened.
pub(crate) fn run_all<T: Case>(title: &str, cases: &[T]) -> usize {
    let (next, faults) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tally: Mutex<BTreeMap<String, [usize; 2]>> = Mutex::default();
    let broken: Mutex<Vec<String>> = Mutex::default();
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            // The oracle panics on what it cannot read.
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| case.run(&faults)))
                .unwrap_or_else(|panic| Err(words(&*panic)));
            let mut tally = tally.lock().unwrap();
            let row = tally.entry(case.group()).or_default();
            row[0] += 1;
            if let Err(why) = result {
                row[1] += 1;
                broken.lock().unwrap().push(format!("{}: {why}", case.words()));
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4) * T::AT_ONCE;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    for (name, [cases, violations]) in tally.into_inner().unwrap() {
        println!("{title}: {name}: {cases} cases, {violations} violations");
    }
    let mut broken = broken.into_inner().unwrap();
    broken.sort();
    let faults = faults.into_inner();
    println!("{title}: faults injected {faults}, violations {}", broken.len());
    let first: Vec<_> = broken.iter().take(20).collect();
    assert!(broken.is_empty(), "{} violations, such as {first:#?}", broken.len());
    faults
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("panic: {}", text.unwrap_or_default())
}
