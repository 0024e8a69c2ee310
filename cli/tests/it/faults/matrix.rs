//! Every call that changes something, with every fault; and faults in the runs that follow.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::bench::{Broken, Pristine};
use super::calls::{Call, Site, sites};
use super::cases::{Case, run_all, thinned};
use super::dice::Dice;
use super::inject::Wrong;
use super::scenario::{ORDERED, Scenario, TWO_WORKERS};

/// Something goes wrong in a first run, and perhaps in the one after it, and in the one after that.
/// After each, a run without faults succeeds; then the state is restored for the next fault.
struct Chain<'a> {
    pristine: &'a Pristine,
    first: Wrong,
    is_core: bool,
    depth: usize,
    seed: u64,
}

impl Case for Chain<'_> {
    const AT_ONCE: usize = 3;

    fn group(&self) -> String {
        self.pristine.scenario.name.to_owned()
    }

    fn is_core(&self) -> bool {
        self.is_core
    }

    fn run(&self, faults: &AtomicUsize) -> Result<(), Broken> {
        let place = self.pristine.copy();
        let mut dice = Dice(self.seed);
        let mut wrongs = vec![self.first.clone()];
        loop {
            let wrong = wrongs.last().unwrap();
            let told = |why| format!("{wrongs:?}: {why}");
            let ended = place.faulty(wrong);
            faults.fetch_add(ended.fired, Ordering::SeqCst);
            if let Some(odd) = ended.is_odd(wrong) {
                return Err(told(odd));
            }
            place.check_stopped(&ended.out, ended.code).map_err(told)?;
            if wrongs.len() == self.depth {
                return place.check_finished(&place.run()).map_err(told);
            }
            let saved = place.save();
            let (ended, calls) = place.traced();
            place.check_finished(&ended).map_err(told)?;
            let choices = choices(&calls, self.pristine.scenario.is_ordered());
            if choices.is_empty() {
                return Ok(());
            }
            place.restore(&saved);
            wrongs.push(choices[dice.below(choices.len())].0.clone());
        }
    }

    fn words(&self) -> String {
        format!("{} {:?} seed {}", self.group(), self.first, self.seed)
    }
}

/// Everything that may go wrong in a run that makes these calls, and whether it concerns a swap or
/// a journal.
fn choices(calls: &[Call], is_ordered: bool) -> Vec<(Wrong, bool)> {
    let (sites, _) = sites(calls, is_ordered);
    let of_call = |(call, site): (&Call, Site)| {
        let is_core = call.is_core();
        let mut wrongs = vec![Wrong::Killed(site.clone())];
        if !call.is_end() {
            wrongs.push(Wrong::Fails(site.clone(), "EIO"));
        }
        if call.takes_space() {
            wrongs.push(Wrong::Fails(site, "ENOSPC"));
        }
        wrongs.into_iter().map(move |wrong| (wrong, is_core))
    };
    sites.into_iter().flat_map(of_call).chain(short(calls)).collect()
}

/// Writes that can be cut short: those that go further than any before.
fn short(calls: &[Call]) -> Vec<(Wrong, bool)> {
    let (mut most, mut cases) = (0, Vec::new());
    for call in calls {
        let Some((begin, end)) = call.span.filter(|(_, end)| *end > most) else { continue };
        let limit = begin.max(most).midpoint(end);
        cases.extend([false, true].map(|is_end| (Wrong::Short { limit, is_end }, call.is_core())));
        most = end;
    }
    cases
}

/// Five MiB and a bit: three ranges.
const LARGE: usize = (5 << 20) + 4321;

fn all(scenarios: &[Scenario]) -> Vec<(Pristine, Vec<Call>)> {
    let one = |scenario: &Scenario| {
        let pristine = Pristine::new(*scenario, LARGE);
        let calls = pristine.reference();
        let (sites, lost) = sites(&calls, scenario.is_ordered());
        println!("calls: {}: {}; not to be told apart {lost:?}", scenario.name, sites.len());
        // A name in an open directory is known by the directory alone, and two threads may have
        // made as many calls there. The engine's own matrices cover what this misses.
        assert!(sites.len() > 50 && lost.len() < 16, "{} lost", lost.len());
        (pristine, calls)
    };
    scenarios.iter().map(one).collect()
}

fn chains<'a>(all: &'a [(Pristine, Vec<Call>)], depth: usize) -> Vec<Chain<'a>> {
    let of_one = |(pristine, calls): &'a (Pristine, Vec<Call>)| {
        let numbered = (0..).zip(choices(calls, pristine.scenario.is_ordered()));
        numbered.map(move |(seed, (first, is_core))| Chain {
            pristine,
            first,
            is_core,
            depth,
            seed,
        })
    };
    all.iter().flat_map(of_one).collect()
}

#[test]
#[ignore = "needs strace; testdata/interop/faults runs it"]
fn every_system_call_may_fail_or_be_the_last() {
    let all = all(&ORDERED);
    run_all("system calls", &thinned(chains(&all, 1), 90));
}

#[test]
#[ignore = "needs strace; testdata/interop/faults runs it"]
fn those_of_the_runs_that_follow_may_fail_too() {
    let all = all(&ORDERED);
    run_all("system calls of runs that follow", &thinned(chains(&all, 3), 40));
}

#[test]
#[ignore = "needs strace; testdata/interop/faults runs it"]
fn two_workers_may_be_stopped_at_any_call() {
    let all = all(&[TWO_WORKERS]);
    run_all("system calls of two workers", &thinned(chains(&all, 2), 20));
}
