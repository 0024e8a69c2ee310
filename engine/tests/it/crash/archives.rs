//! Snapshots and backups, whose replacement no node finishes: every operation of the whole command and
//! of `abandon`, with every fault, and outages.
//!
//! When the process has stopped, in whatever way, a copy is completely old or completely new,
//! unless there is a record beside the files staged for it; then no census may be certain of
//! anything. When the next command has ended, there is no record, and no copy that is neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::{LeaseMode, LocalStorage, Storage};
use rekey_engine::journal::{REPLACEMENT_FILE, Replacement};
use rekey_engine::sstable::Component;
use rekey_engine::upgrade::{self, Archives, Outcome, Report};

use super::bench::{Bench, Broken, Scenario};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};
use super::power::{Cut, Habit, PowerLoss};
use crate::kit::workspace::{files, is_at_rest};

/// A bench with archives: all of the table in one snapshot, half of it in another one and in the
/// backups, and an SSTable that has no live one in both snapshots.
struct Shelf {
    bench: Bench,
    original: BTreeMap<String, Copy>,
}

/// One SSTable of an archive, as far as it must be kept.
#[derive(PartialEq, Eq)]
struct Copy {
    rows: Vec<u8>,
    /// Component to content, or to `None` for what is rewritten.
    files: BTreeMap<String, Option<Vec<u8>>>,
    toc: BTreeSet<String>,
    modes: BTreeSet<u32>,
}

/// How a failing command ends.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Fault(usize, Fault),
    /// Two in one run: the run survives the first.
    Faults([(usize, Fault); 2]),
    Cut(Cut, Habit),
    /// A fault, and then a power loss in the command that follows, which may be a different one.
    Both((usize, Fault), Verb, Cut, Habit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Upgrade,
    Abandon,
}

const FOLDERS: [&str; 3] = ["backups", "snapshots/a", "snapshots/b"];

impl Shelf {
    fn new(scenario: Scenario) -> Self {
        let mut bench = Bench::new(scenario);
        bench.workspace.archives = Archives::ALL;
        let table = bench.workspace.table();
        let names = files(&table);
        for folder in FOLDERS {
            fs::create_dir_all(table.join(folder)).unwrap();
        }
        let half = names[names.len() / 2].rsplit_once('-').unwrap().0.to_owned();
        let first = names[0].rsplit_once('-').unwrap().0.to_owned();
        for name in &names {
            fs::hard_link(table.join(name), table.join("snapshots/a").join(name)).unwrap();
            if *name < half {
                for folder in ["snapshots/b", "backups"] {
                    fs::hard_link(table.join(name), table.join(folder).join(name)).unwrap();
                }
            }
            // Its own files, under a name that no live one has.
            if let Some(component) = name.strip_prefix(&first) {
                let version = first.split('-').next().unwrap();
                let format = first.rsplit('-').next().unwrap();
                let gone = format!("{version}-77-{format}{component}");
                let path = table.join("snapshots/a").join(&gone);
                fs::copy(table.join(name), &path).unwrap();
                fs::hard_link(path, table.join("snapshots/b").join(gone)).unwrap();
            }
        }
        for folder in FOLDERS {
            fs::write(table.join(folder).join("manifest.json"), folder).unwrap();
        }
        let mut shelf = Self { bench, original: BTreeMap::new() };
        for prefix in shelf.prefixes() {
            shelf.original.insert(prefix.clone(), shelf.copy(&prefix));
        }
        assert!(shelf.original.len() >= 8);
        shelf
    }

    fn table(&self) -> PathBuf {
        self.bench.workspace.table()
    }

    /// `.../oa-2-big-` of each SSTable in an archive.
    fn prefixes(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for folder in FOLDERS {
            let folder = self.table().join(folder);
            for name in files(&folder) {
                if let Some(name) = name.strip_suffix("Data.db") {
                    all.insert(folder.join(name).to_str().unwrap().to_owned());
                }
            }
        }
        all
    }

    fn copy(&self, prefix: &str) -> Copy {
        let rewritten = ["Data.db", "CompressionInfo.db", "Digest.crc32", "TOC.txt"];
        let folder = Path::new(prefix).parent().unwrap();
        let (mut found, mut modes) = (BTreeMap::new(), BTreeSet::new());
        for name in files(folder) {
            let path = folder.join(name);
            let Some(component) = path.to_str().unwrap().strip_prefix(prefix) else { continue };
            let kept = (!rewritten.contains(&component)).then(|| fs::read(&path).unwrap());
            found.insert(component.to_owned(), kept);
            modes.insert(fs::metadata(&path).unwrap().mode() & 0o7777);
        }
        let toc = fs::read_to_string(format!("{prefix}TOC.txt")).unwrap();
        let toc = toc.lines().map(str::to_owned).collect();
        Copy { rows: self.bench.rows(prefix), files: found, toc, modes }
    }

    /// The copies that a record says may be neither old nor new.
    fn pending(&self) -> Option<BTreeSet<String>> {
        let data = fs::canonicalize(self.bench.workspace.data()).unwrap();
        let state = data.join(".sstablerekey");
        let mut pending = None;
        for staging in state.is_dir().then(|| files(&state)).into_iter().flatten() {
            let record = state.join(staging).join(REPLACEMENT_FILE);
            let Ok(bytes) = fs::read(record) else { continue };
            let copies = Replacement::decode(&bytes).unwrap().copies;
            let prefix = |(folder, name): &(PathBuf, rekey_engine::sstable::Descriptor)| {
                let data = name.path(&self.bench.workspace.data().join(folder), &Component::Data);
                data.to_str().unwrap().trim_end_matches("Data.db").to_owned()
            };
            let all = pending.get_or_insert_with(BTreeSet::new);
            all.extend(copies.iter().map(prefix));
        }
        pending
    }

    /// Every copy without a pending replacement is completely what it was, under one key or the
    /// other.
    fn check_copies(&self) -> Result<(), Broken> {
        let pending = self.pending();
        let mut whole = self.prefixes();
        if let Some(pending) = &pending {
            whole.retain(|prefix| !pending.contains(prefix));
        } else if !whole.iter().eq(self.original.keys()) {
            return Err(format!("the archives have {whole:?}"));
        }
        for prefix in &whole {
            let original = &self.original[prefix];
            let found = self.copy(prefix);
            if found != *original {
                let same = [found.rows == original.rows, found.files == original.files];
                return Err(format!("{prefix} is not what it was (rows, files: {same:?})"));
            }
        }
        for folder in FOLDERS {
            if fs::read_to_string(self.table().join(folder).join("manifest.json")).ok().as_deref()
                != Some(folder)
            {
                return Err(format!("the manifest of {folder} is another one"));
            }
        }
        let live = self.bench.live()?;
        let all: BTreeSet<_> = whole.union(&live).cloned().collect();
        let is_sure = self.bench.check_census(&all, Archives::ALL)?;
        match is_sure && pending.is_some() {
            true => Err("a census is sure although copies may be torn".to_owned()),
            false => Ok(()),
        }
    }

    /// What the bench does not know is judged here.
    fn split(&self, report: &Report) -> (Report, Report) {
        let table = fs::canonicalize(self.table()).unwrap();
        let (live, archived) = report
            .sstables
            .iter()
            .cloned()
            .partition(|line| line.data.parent() == Some(table.as_path()));
        (
            Report { sstables: live, ..Report::default() },
            Report { sstables: archived, ..Report::default() },
        )
    }

    fn first_old(&self) -> Option<&String> {
        self.original.keys().find(|prefix| !self.bench.is_new(prefix))
    }

    fn check_stopped(&self, outcome: rekey_engine::Result<Report>) -> Result<(), Broken> {
        let outcome = outcome.map(|report| self.split(&report));
        self.check_copies()?;
        let Ok((live, archived)) = outcome else {
            return self.bench.check_stopped(&outcome.map(|(live, _)| live));
        };
        for line in &archived.sstables {
            let Outcome::Rewritten { new } = &line.outcome else { continue };
            let prefix = format!("{}-", line.data.with_file_name(new.to_string()).display());
            if !self.bench.is_new(&prefix) {
                return Err(format!("{prefix} was reported and is old"));
            }
        }
        let has_failed = live.failures().chain(archived.failures()).next().is_some();
        // Where something has failed, a copy may be torn.
        if !has_failed && let Some(old) = self.first_old() {
            return Err(format!("nothing was reported as failed, and {old} is old"));
        }
        // Whatever is live and old: the bench knows only failures of live ones.
        if archived.failures().next().is_none() {
            return self.bench.check_stopped(&Ok(live));
        }
        Ok(())
    }

    fn check_next_run(&self) -> Result<(), Broken> {
        let report = self
            .bench
            .run(Box::new(LocalStorage))
            .map_err(|error| format!("next run: {}", error.chain()))?;
        let (live, archived) = self.split(&report);
        if let Some(error) = archived.failures().next() {
            return Err(format!("next run: {}", error.chain()));
        }
        self.bench.check_finished(&live)?;
        self.check_copies().map_err(|why| format!("after the next run: {why}"))?;
        match self.first_old() {
            Some(old) => Err(format!("after the next run: {old} is old")),
            None => Ok(()),
        }
    }

    /// Runs a command; its result matters only for a run.
    fn command(
        &self,
        verb: Verb,
        storage: Box<dyn Storage>,
    ) -> rekey_engine::Result<Option<Report>> {
        if verb == Verb::Upgrade {
            return self.bench.run(storage).map(Some);
        }
        let session = self.bench.workspace.session_on(storage, LeaseMode::Exclusive)?;
        upgrade::abandon(&session).map(|_| None)
    }

    fn check(&self, outcome: rekey_engine::Result<Option<Report>>) -> Result<(), Broken> {
        match outcome {
            Ok(Some(report)) => self.check_stopped(Ok(report)),
            Ok(None) => self.check_copies(),
            Err(error) => self.check_stopped(Err(error)),
        }
    }

    fn check_abandoned(&self) -> Result<(), Broken> {
        self.command(Verb::Abandon, Box::new(LocalStorage))
            .map_err(|error| format!("abandon: {}", error.chain()))?;
        if !is_at_rest(&self.bench.workspace.data()) {
            return Err("abandon: staged files are left".to_owned());
        }
        self.check_copies().map_err(|why| format!("abandon: {why}"))
    }
}

/// Failing commands, one after the other; then one without faults.
struct ArchiveCase {
    scenario: Scenario,
    wrong: Vec<(Verb, Wrong)>,
    last: Verb,
    core: bool,
}

impl Case for ArchiveCase {
    fn group(&self) -> String {
        self.scenario.name()
    }

    fn is_core(&self) -> bool {
        self.core
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let shelf = Shelf::new(self.scenario);
        let root = fs::canonicalize(shelf.bench.workspace.data()).unwrap();
        for (number, (verb, wrong)) in self.wrong.iter().enumerate() {
            let at = |why| format!("command {}: {why}", number + 1);
            let faulty = |verb, fault: &[(usize, Fault)], inner: Box<dyn Storage>| {
                let storage = FaultStorage::new(inner, fault);
                let outcome = shelf.command(verb, Box::new(storage.clone()));
                fired.fetch_add(storage.fired(), Ordering::SeqCst);
                let operation =
                    fault.first().and_then(|(at, _)| storage.log().get(at - 1).cloned());
                shelf.check(outcome).map_err(|why| at(format!("{operation:?}: {why}")))
            };
            let cut = |verb, disk: PowerLoss, cut, habit| {
                disk.arm(cut);
                let outcome = shelf.command(verb, Box::new(disk.clone()));
                fired.fetch_add(usize::from(disk.is_out()), Ordering::SeqCst);
                disk.crash(habit);
                shelf.check(outcome).map_err(at)
            };
            match *wrong {
                Wrong::Fault(number, fault) => {
                    faulty(*verb, &[(number, fault)], Box::new(LocalStorage))?;
                }
                Wrong::Faults(faults) => faulty(*verb, &faults, Box::new(LocalStorage))?,
                Wrong::Cut(at, habit) => cut(*verb, PowerLoss::new(&root, None), at, habit)?,
                Wrong::Both(fault, next, at, habit) => {
                    let disk = PowerLoss::new(&root, None);
                    faulty(*verb, &[fault], Box::new(disk.clone()))?;
                    cut(next, disk, at, habit)?;
                }
            }
        }
        if self.last == Verb::Abandon {
            shelf.check_abandoned()?;
        }
        shelf.check_next_run()
    }

    fn words(&self) -> String {
        format!("{} {:?} {:?}", self.scenario.name(), self.wrong, self.last)
    }
}

/// Plain and stepped, of each provider and form.
fn scenarios() -> Vec<Scenario> {
    [0, 3, 8].map(|at| Scenario::ALL[at]).into_iter().chain(Scenario::stepped().take(2)).collect()
}

fn reference(scenario: Scenario) -> Vec<Operation> {
    let shelf = Shelf::new(scenario);
    let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
    let report = shelf.bench.run(Box::new(storage.clone())).unwrap();
    shelf.check_stopped(Ok(report)).unwrap();
    assert!(shelf.original.keys().all(|prefix| shelf.bench.is_new(prefix)));
    // Shared as before: twelve names, of which two have files of their own.
    let inode = |prefix: &String| fs::metadata(format!("{prefix}Data.db")).unwrap().ino();
    let inodes: BTreeSet<u64> =
        shelf.prefixes().iter().chain(&shelf.bench.live().unwrap()).map(inode).collect();
    assert_eq!(inodes.len(), shelf.bench.live().unwrap().len() + 1);
    println!("archives: {}: {} operations", scenario.name(), storage.log().len());
    storage.log()
}

/// Whether an operation is of the replacement: it touches an archive, or the record and links.
fn is_replacing(operation: &Operation) -> bool {
    let path = operation.path.to_str().unwrap();
    ["/snapshots/", "/backups", "/replacement", ".replaced", ".link"]
        .iter()
        .any(|part| path.contains(part))
}

const fn verb(turn: usize) -> Verb {
    if turn.is_multiple_of(2) { Verb::Upgrade } else { Verb::Abandon }
}

fn single(scenario: Scenario) -> Vec<ArchiveCase> {
    let mut cases = Vec::new();
    for (at, operation) in (1..).zip(&reference(scenario)) {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(operation)) {
            let wrong = vec![(Verb::Upgrade, Wrong::Fault(at, fault))];
            let core = is_replacing(operation);
            cases.push(ArchiveCase { scenario, wrong, last: verb(cases.len()), core });
        }
    }
    cases
}

/// A death, then faults in what follows, be it a run or `abandon`.
fn nested(scenario: Scenario) -> Vec<ArchiveCase> {
    let mut cases = Vec::new();
    let mut turn = 0;
    for (first, operation) in (1..).zip(&reference(scenario)) {
        let core = is_replacing(operation);
        for second in 1..=60 {
            turn += 1;
            if turn % if core { 7 } else { 61 } != 0 {
                continue;
            }
            let fault = |n: usize| Fault::ALL[n % Fault::ALL.len()];
            let death = if turn % 2 == 0 { Fault::DieAfter } else { Fault::DieBefore };
            let mut wrong = vec![
                (Verb::Upgrade, Wrong::Fault(first, death)),
                (verb(turn / 7), Wrong::Fault(second, fault(turn / 7))),
            ];
            if turn % 3 == 0 {
                wrong.push((verb(turn / 21), Wrong::Fault(1 + turn % 30, fault(turn / 49))));
            }
            cases.push(ArchiveCase { scenario, wrong, last: verb(turn / 14), core });
        }
    }
    cases
}

/// An error that the process survives, and a fault some operations later: the undoing fails, too.
fn paired(scenario: Scenario) -> Vec<ArchiveCase> {
    let mut cases = Vec::new();
    for (first, operation) in (1..).zip(&reference(scenario)) {
        if !is_replacing(operation) {
            continue;
        }
        for error in [Fault::Eio, Fault::LateEio] {
            // How many operations there are in a run that has met the first one.
            let shelf = Shelf::new(scenario);
            let storage = FaultStorage::new(Box::new(LocalStorage), &[(first, error)]);
            let _failed = shelf.bench.run(Box::new(storage.clone()));
            let last = storage.log().len().min(first + 24);
            for second in first + 1..=last {
                let turn = cases.len();
                let late = (second, Fault::ALL[turn % Fault::ALL.len()]);
                let wrong = vec![(Verb::Upgrade, Wrong::Faults([(first, error), late]))];
                cases.push(ArchiveCase { scenario, wrong, last: verb(turn), core: true });
            }
        }
    }
    cases
}

/// The power fails, and the disk keeps an arbitrary part.
fn outages(scenario: Scenario) -> Vec<ArchiveCase> {
    let mut cases = Vec::new();
    let operations = reference(scenario);
    for at in 1..=operations.len() + 1 {
        let core = operations.get(at - 1).is_none_or(is_replacing);
        for habit in 0..8_u64 {
            let seed = if habit < 4 { habit } else { habit + 8 * u64::try_from(at).unwrap() };
            let cut = Cut { at, within: false };
            let wrong = vec![(Verb::Upgrade, Wrong::Cut(cut, Habit::of(seed)))];
            cases.push(ArchiveCase { scenario, wrong, last: verb(cases.len() / 3), core });
        }
    }
    cases
}

/// A run is killed or meets an error, and the power fails in the command that follows.
fn cached(scenario: Scenario) -> Vec<ArchiveCase> {
    let mut cases = Vec::new();
    let mut turn = 0;
    for (first, operation) in (1..).zip(&reference(scenario)) {
        let core = is_replacing(operation);
        for second in 1..=40 {
            turn += 1;
            if turn % if core { 3 } else { 41 } != 0 {
                continue;
            }
            let faults = [Fault::DieBefore, Fault::DieAfter, Fault::Eio, Fault::LateEio];
            let fault = (first, faults[turn / 3 % 4]);
            let cut = Cut { at: second, within: false };
            let habit = Habit::of(u64::try_from(turn / 12 % 23).unwrap());
            let wrong = vec![(Verb::Upgrade, Wrong::Both(fault, verb(turn / 6), cut, habit))];
            cases.push(ArchiveCase { scenario, wrong, last: verb(turn / 24), core });
        }
    }
    cases
}

fn all(make: impl Fn(Scenario) -> Vec<ArchiveCase>) -> Vec<ArchiveCase> {
    scenarios().into_iter().flat_map(make).collect()
}

#[test]
fn copies_survive_a_fault_at_every_operation() {
    run_all("archives", &thinned(all(single), 140));
}

#[test]
fn copies_survive_faults_in_later_commands() {
    run_all("archives, nested faults", &thinned(all(nested), 100));
}

#[test]
fn copies_survive_an_error_and_a_fault_while_it_is_undone() {
    let scenarios = [Scenario::ALL[0]].into_iter().chain(Scenario::stepped().take(1));
    let cases = scenarios.flat_map(paired).collect();
    run_all("archives, paired faults", &thinned(cases, 100));
}

#[test]
fn copies_survive_an_outage_at_every_operation() {
    run_all("archives, outages", &thinned(all(outages), 140));
}

#[test]
fn copies_survive_an_outage_after_a_kill() {
    run_all("archives, outages after kills", &thinned(all(cached), 100));
}

#[test]
fn copies_survive_with_two_workers() {
    let scenarios = scenarios().into_iter().map(|all| Scenario { threads: 2, ..all });
    let cases = scenarios.flat_map(single).step_by(5).collect();
    run_all("archives, two workers", &thinned(cases, 40));
}
