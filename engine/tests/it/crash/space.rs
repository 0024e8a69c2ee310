//! Disks that are too small, of every size between one on which nothing fits and one on which all
//! does.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::ErrorKind;
use rekey_engine::io::LocalStorage;
use rekey_engine::upgrade::{Outcome, Report};

use super::bench::{Bench, Broken, Scenario};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage};
use crate::kit::small_disk::{BLOCK, SmallDisk};
use crate::kit::workspace::files;

/// A run on a disk with this many free bytes.
struct SpaceCase {
    scenario: Scenario,
    free: u64,
    /// The disk reports more: another process takes the rest in between.
    lies: bool,
}

impl Case for SpaceCase {
    fn group(&self) -> String {
        let lies = if self.lies { ", less than it says" } else { "" };
        format!("{}{lies}", self.scenario.name())
    }

    fn is_core(&self) -> bool {
        false
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let bench = Bench::new(self.scenario);
        let fits = self.fitting(&bench);
        let disk =
            if self.lies { SmallDisk::that_lies(self.free) } else { SmallDisk::with(self.free) };
        let outcome = bench.run(Box::new(disk.clone()));
        fired.fetch_add(disk.refused().len(), Ordering::SeqCst);
        bench.check_stopped(&outcome)?;
        let report = outcome.map_err(|error| error.chain())?;
        check_failures(&report)?;
        if !self.lies {
            check_admission(&report, &disk, &fits)?;
        }
        // The same disk, after space was freed on it.
        bench.check_next_run(Box::new(LocalStorage))
    }

    fn words(&self) -> String {
        format!("{} with {} bytes", self.group(), self.free)
    }
}

impl SpaceCase {
    /// The SSTables that must be done, since they fit when they are alone: beside the state
    /// directory, a journal of a few blocks, and what those before it have grown by.
    fn fitting(&self, bench: &Bench) -> BTreeSet<String> {
        let plan = bench.workspace.plan(&bench.target).unwrap();
        let new: u64 = plan.rewrites().map(|rewrite| rewrite.sstable.space.most).sum();
        let table = bench.workspace.table();
        let length = |name: &String| fs::metadata(table.join(name)).unwrap().len();
        let old: u64 = files(&table).iter().map(length).sum();
        let growth = if self.scenario.grows() { new.saturating_sub(old) } else { 0 };
        let free = self.free.saturating_sub(4 * BLOCK + growth);
        let fitting = plan.rewrites().filter(|rewrite| rewrite.sstable.space.least <= free);
        fitting.map(|rewrite| rewrite.sstable.sstable.descriptor.to_string()).collect()
    }
}

/// Whatever failed did so for lack of space, and says what to do.
fn check_failures(report: &Report) -> Result<(), Broken> {
    for error in report.failures() {
        let hint = error.hint_text().unwrap_or_default();
        if error.kind() != ErrorKind::NoSpace || !hint.contains("free space") {
            return Err(format!("{}, {hint}", error.chain()));
        }
    }
    Ok(())
}

/// Nothing that was begun met a full disk, and all that fits was done.
fn check_admission(
    report: &Report,
    disk: &SmallDisk,
    fits: &BTreeSet<String>,
) -> Result<(), Broken> {
    let is_own = |path: &std::path::PathBuf| {
        path.ends_with(".sstablerekey") || path.ends_with(".sstablerekey/journal")
    };
    let met: Vec<_> = disk.refused().into_iter().filter(|path| !is_own(path)).collect();
    if !met.is_empty() {
        return Err(format!("begun, and there was no space for {met:?}"));
    }
    let failed: Vec<_> = report
        .sstables
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Failed(_)))
        .filter_map(|line| line.data.file_name()?.to_str()?.strip_suffix("-Data.db"))
        .filter(|name| fits.contains(*name))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("{failed:?} would have fitted")) }
}

/// Every size in blocks, from none to what an unhindered run takes.
fn every_size(scenario: Scenario, lies: bool) -> impl Iterator<Item = SpaceCase> {
    let disk = SmallDisk::with(1 << 30);
    let bench = Bench::new(scenario);
    let report = bench.run(Box::new(disk.clone())).unwrap();
    bench.check_finished(&report).unwrap();
    let plan = Bench::new(scenario);
    let plan = plan.workspace.plan(&plan.target).unwrap();
    let wanted: u64 = plan.rewrites().map(|rewrite| rewrite.sstable.space.most).sum();
    let taken = (1 << 30) - disk.least_free();
    assert!(taken <= wanted + 4 * BLOCK, "{taken} taken, {wanted} planned");
    println!("space: {}: {taken} bytes taken at a time, {wanted} planned", scenario.name());
    (0..=wanted / BLOCK + 4).map(move |blocks| SpaceCase { scenario, free: blocks * BLOCK, lies })
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    let stepped = Scenario::stepped();
    let all = [0, 3, 4, 8].into_iter().map(|at| Scenario::ALL[at]).chain(stepped);
    all.flat_map(|scenario| [1, 2].map(|threads| Scenario { threads, ..scenario }))
}

#[test]
fn a_disk_may_have_any_size() {
    let cases = scenarios().flat_map(|scenario| every_size(scenario, false)).collect();
    run_all("disks of any size", &thinned(cases, 120));
}

#[test]
fn a_disk_may_be_fuller_than_reported() {
    let cases = scenarios().flat_map(|scenario| every_size(scenario, true)).collect();
    run_all("disks that are fuller than they said", &thinned(cases, 120));
}

/// The process dies on a disk that has just enough, and the next run resumes there.
struct KilledCase {
    scenario: Scenario,
    free: u64,
    at: usize,
}

impl Case for KilledCase {
    fn group(&self) -> String {
        format!("{}, killed", self.scenario.name())
    }

    fn is_core(&self) -> bool {
        false
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let bench = Bench::new(self.scenario);
        let disk = SmallDisk::with(self.free);
        let storage = FaultStorage::new(Box::new(disk.clone()), &[(self.at, Fault::DieAfter)]);
        let outcome = bench.run(Box::new(storage.clone()));
        fired.fetch_add(storage.fired(), Ordering::SeqCst);
        bench.check_stopped(&outcome)?;
        bench.check_next_run(Box::new(disk.clone()))?;
        match disk.refused() {
            refused if refused.is_empty() => Ok(()),
            refused => Err(format!("there was no space for {refused:?}")),
        }
    }

    fn words(&self) -> String {
        format!("{} at {} with {} bytes", self.group(), self.at, self.free)
    }
}

/// What an earlier run has staged counts as there: it would not fit a second time.
#[test]
fn a_run_resumes_with_space_for_only_the_rest() {
    let mut cases = Vec::new();
    for scenario in scenarios().filter(|scenario| scenario.threads == 1) {
        let bench = Bench::new(scenario);
        let plan = bench.workspace.plan(&bench.target).unwrap();
        let largest = plan.rewrites().map(|rewrite| rewrite.sstable.space.most).max().unwrap();
        let free = largest + 4 * BLOCK;
        let storage = FaultStorage::new(Box::new(SmallDisk::with(free)), &[]);
        let report = bench.run(Box::new(storage.clone())).unwrap();
        bench.check_finished(&report).unwrap();
        cases.extend((1..=storage.log().len()).map(|at| KilledCase { scenario, free, at }));
    }
    run_all("killed on a disk that has just enough", &thinned(cases, 100));
}
