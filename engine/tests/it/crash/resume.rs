//! What a resumed run does, does not do, and refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::ErrorKind;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage, Storage};
use rekey_engine::journal::{History, State};
use rekey_engine::plan::{Selection, Target, Targets};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Report};

use super::bench::{Bench, Scenario};
use super::fault::{Fault, FaultStorage, Operation};
use crate::kit::workspace::{files, is_at_rest, left, local_target, threads, write_secret};

/// DA of Converged Core: eight ranges in the first SSTable.
fn scenario() -> Scenario {
    Scenario { stepped: true, ..Scenario::ALL[3] }
}

fn reference(scenario: Scenario) -> Vec<Operation> {
    let bench = Bench::new(scenario);
    let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
    bench.run(Box::new(storage.clone())).unwrap();
    storage.log()
}

fn state_dir(bench: &Bench) -> PathBuf {
    bench.workspace.data().join(".sstablerekey")
}

fn history(bench: &Bench) -> Option<History> {
    History::open(&LocalStorage, &state_dir(bench)).unwrap()
}

/// Ranges that were written, by the name of the staging directory.
fn ranges_written(log: &[Operation]) -> BTreeMap<String, u64> {
    let mut written = BTreeMap::new();
    let data = log.iter().filter(|op| op.call == "write_at" && op.path.ends_with("Data.db.staged"));
    for operation in data {
        let staging = operation.path.parent().unwrap().file_name().unwrap();
        *written.entry(staging.to_str().unwrap().to_owned()).or_default() += 1;
    }
    written
}

/// Kills a run when the first SSTable, of eight ranges, has this many of them durable.
fn killed_with_ranges(scenario: Scenario, ranges: u64) -> Bench {
    for at in 1.. {
        let bench = Bench::new(scenario);
        let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, Fault::DieBefore)]);
        let _dead = bench.run(Box::new(storage));
        let history = history(&bench);
        let is_far = |history: &History| {
            history.resumable().any(|(_, entry)| entry.written.count() >= ranges)
        };
        if history.as_ref().is_some_and(is_far) {
            return bench;
        }
    }
    unreachable!()
}

fn run(bench: &Bench) -> rekey_engine::Result<Report> {
    bench.run(Box::new(LocalStorage))
}

#[test]
fn durable_work_is_not_repeated() {
    let operations = reference(scenario());
    let all = ranges_written(&operations);
    assert_eq!(all.values().sum::<u64>(), 8 + 3, "{all:?}");
    let (mut resumed, mut in_swaps) = (0, 0);
    for at in (1..=operations.len()).step_by(4) {
        let bench = Bench::new(scenario());
        let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, Fault::DieBefore)]);
        let _dead = bench.run(Box::new(storage.clone()));
        let history = history(&bench);
        let mut expected = all.clone();
        if history.is_none() && !ranges_written(&storage.log()).is_empty() {
            // The journal is removed: the run is over.
            expected.clear();
        }
        for (_, entry) in history.iter().flat_map(History::resumable) {
            let staging = entry.staged.as_ref().unwrap().directory.file_name().unwrap();
            *expected.get_mut(staging.to_str().unwrap()).unwrap() -= entry.written.count();
            resumed += entry.written.count();
            in_swaps += u64::from(entry.state == State::Verified);
        }
        // Those that are in their places.
        for (_, entry) in history.iter().flat_map(|history| &history.sstables) {
            if entry.state == State::Swapped {
                expected.retain(|staging, _| !staging.ends_with(&format!(".{}", entry.old)));
            }
        }
        expected.retain(|_, ranges| *ranges > 0);
        let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
        let report = bench.run(Box::new(storage.clone())).unwrap();
        bench.check_finished(&report).unwrap();
        assert_eq!(ranges_written(&storage.log()), expected, "at {at}: {:?}", operations[at - 1]);
        assert!(report.sstables.iter().all(|line| line.warnings.is_empty()), "at {at}");
    }
    assert!(resumed > 100 && in_swaps > 5, "{resumed} {in_swaps}");
}

#[test]
fn a_run_killed_at_every_range_still_completes() {
    let bench = Bench::new(scenario());
    let mut runs = 0;
    loop {
        let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
        let left = history(&bench).map_or(0, |history| {
            history.resumable().map(|(_, entry)| entry.written.count()).sum::<u64>()
        });
        // At most some operations beyond the last checkpoint.
        let fault = [(60, Fault::DieAfter)];
        let faulty = FaultStorage::new(Box::new(storage), &fault);
        let outcome = bench.run(Box::new(faulty.clone()));
        runs += 1;
        bench.check_stopped(&outcome).unwrap();
        if faulty.fired() == 0 {
            bench.check_finished(&outcome.unwrap()).unwrap();
            break;
        }
        let now = history(&bench).map_or(0, |history| {
            history.resumable().map(|(_, entry)| entry.written.count()).sum::<u64>()
        });
        assert!(runs < 60, "{left} ranges, then {now}");
    }
    assert!(runs > 4, "{runs}");
}

/// On a full disk the record that an SSTable has begun cannot be written. The run continues
/// nevertheless, and records it again before anything is journalled that relies on it: no record
/// may refer to an SSTable that never began.
#[test]
fn a_run_survives_a_beginning_that_was_not_journalled() {
    let operations = reference(scenario());
    let is_record = |op: &Operation| op.call == "write_at" && op.path.ends_with("journal");
    let mut records = (1..).zip(&operations).filter(|(_, op)| is_record(op)).map(|(at, _)| at);
    // The first one is of the run.
    let begun = records.nth(1).unwrap();
    let mut resumed = 0;
    for fault in [Fault::Enospc, Fault::Short, Fault::Eio] {
        for death in (begun + 1..=operations.len()).step_by(5) {
            let bench = Bench::new(scenario());
            let faults = [(begun, fault), (death, Fault::DieBefore)];
            let storage = FaultStorage::new(Box::new(LocalStorage), &faults);
            let outcome = bench.run(Box::new(storage));
            bench.check_stopped(&outcome).unwrap();
            resumed += history(&bench).map_or(0, |history| history.resumable().count());
            bench.check_next_run_resumes().unwrap();
        }
    }
    assert!(resumed > 20, "{resumed}");
}

#[test]
fn another_plan_is_refused_with_the_difference() {
    let bench = killed_with_ranges(scenario(), 3);
    let refused = |run: rekey_engine::Result<Report>, parts: &[&str]| {
        let error = run.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        for part in parts {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(error.hint_text().unwrap().contains("abandon"), "{error:?}");
        // What can be resumed is there.
        let left = left(&bench.workspace.data());
        assert_eq!(left, ["journal", "rk.t-5ab1e000000011f0800000000000000a.da-2-bti", "run"]);
    };
    let workspace = &bench.workspace;
    let other = root_key(&bench, "other-key", 128);
    refused(workspace.upgrade(&other), &["target options: then", "/new-key", "/other-key", "128"]);
    let some = Selection { keyspace: Some("rk".to_owned()), tables: vec![] };
    let session = workspace.session(LeaseMode::Exclusive).unwrap();
    let plan = |selection: &Selection, flavor| {
        let targets = Targets::one(bench.target.clone());
        let request = upgrade::PlanRequest {
            archives: upgrade::Archives::default(),
            selection,
            targets: &targets,
            flavor: Some(flavor),
            sources: &workspace.sources(),
            threads: threads(1),
        };
        let prepared = upgrade::prepare(&session, &request)?;
        prepared.run(threads(1), &mut NoObserver).map(|(_, report)| report)
    };
    refused(plan(&some, Flavor::ConvergedCore), &["keyspace: then all, now rk"]);
    let all = Selection::default();
    refused(plan(&all, Flavor::Apache4), &["flavor: then converged-core, now apache-4"]);
    drop(session);
    let report = run(&bench).unwrap();
    bench.check_finished(&report).unwrap();
}

/// A key file and a target that names it.
fn root_key(bench: &Bench, name: &str, bits: usize) -> Target {
    let mut path = bench.workspace.root.path().join(name);
    let key = base64(&vec![0x77; bits / 8]);
    write_secret(&path, &format!("AES/CBC/PKCS5Padding:{bits}:{key}\n"));
    path = fs::canonicalize(path).unwrap();
    local_target(path.to_str().unwrap(), "AES/CBC/PKCS5Padding", bits)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn another_key_of_the_same_name_is_refused() {
    let bench = killed_with_ranges(scenario(), 3);
    let path = bench.workspace.root.path().join("new-key");
    let before = fs::read(&path).unwrap();
    root_key(&bench, "new-key", 256);
    assert_ne!(fs::read(&path).unwrap(), before);
    let error = run(&bench).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    assert!(error.chain().contains("new-key"), "{error}");
    fs::write(&path, before).unwrap();
    bench.check_finished(&run(&bench).unwrap()).unwrap();
}

/// Only what the node has compacted or changed between two nights starts over, or is skipped if it
/// is gone: the operator does not have to abandon anything.
#[test]
fn only_a_changed_source_is_dropped_with_a_warning() {
    type Change = fn(&Bench, PathBuf);
    let changes: [(&str, Change); 4] = [
        ("was written to", |_, path| {
            fs::File::open(path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
        }),
        ("has another length", |_, path| {
            let mut filter = fs::read(&path).unwrap();
            filter.push(0);
            fs::write(path, filter).unwrap();
        }),
        ("is new", |_, path| {
            fs::write(path.with_file_name("da-2-bti-Extra.db"), "x").unwrap();
        }),
        ("is gone", |bench, _| {
            for name in bench.workspace.files().iter().filter(|name| name.starts_with("da-2-")) {
                fs::remove_file(bench.workspace.table().join(name)).unwrap();
            }
        }),
    ];
    for (words, change) in changes {
        let bench = killed_with_ranges(scenario(), 3);
        change(&bench, bench.workspace.table().join("da-2-bti-Filter.db"));
        // Ended before it comes to what was dropped, it does not come back either.
        let storage = FaultStorage::new(Box::new(LocalStorage), &[(60, Fault::DieBefore)]);
        let _dead = bench.run(Box::new(storage));
        let report = run(&bench).unwrap();
        assert_eq!(report.failures().count(), 0, "{words}");
        assert!(is_at_rest(&bench.workspace.data()), "{words}");

        let bench = killed_with_ranges(scenario(), 3);
        change(&bench, bench.workspace.table().join("da-2-bti-Filter.db"));
        let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
        let report = bench.run(Box::new(storage.clone())).unwrap();
        assert_eq!(report.failures().count(), 0, "{words}");
        let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
        assert!(warning.to_string().contains(words), "{warning}");
        assert!(warning.path().unwrap().to_str().unwrap().contains("da-2-bti"), "{warning}");
        let again = ranges_written(&storage.log());
        let ranges = again.iter().find(|(staging, _)| staging.ends_with(".da-2-bti"));
        let expected = if words == "is gone" { None } else { Some(8) };
        assert_eq!(ranges.map(|(_, ranges)| *ranges), expected, "{words}");
        assert!(is_at_rest(&bench.workspace.data()), "{words}");
    }
}

/// They are identified by their content, in whatever order they are given.
#[test]
fn a_run_resumes_in_moved_data_directories() {
    for elsewhere in [false, true] {
        let mut bench = two_data_directories(elsewhere);
        let old = bench.workspace.root.path().join("more");
        let new = bench.workspace.root.path().join("moved");
        fs::rename(&old, &new).unwrap();
        bench.workspace.more_data = vec![new.clone()];
        let before = history(&bench);
        assert_eq!(before.is_some(), !elsewhere);
        let storage = FaultStorage::new(Box::new(LocalStorage), &[]);
        // The given ones are the second and the first.
        let data = [new.clone(), bench.workspace.data()];
        let session =
            upgrade::Session::open(Box::new(storage.clone()), &data, LeaseMode::Exclusive, true);
        let (checkpoint, range) = bench.workspace.stepped.unwrap();
        let session = session
            .unwrap()
            .with_state_dir(bench.workspace.state_dir.clone())
            .with_checkpoint(checkpoint)
            .with_range_bytes(range);
        let (all, sources) = (Selection::default(), bench.workspace.sources());
        let targets = Targets::one(bench.target.clone());
        let request = upgrade::PlanRequest {
            archives: upgrade::Archives::default(),
            selection: &all,
            targets: &targets,
            flavor: bench.workspace.flavor,
            sources: &sources,
            threads: threads(1),
        };
        let prepared = upgrade::prepare(&session, &request).unwrap();
        assert!(prepared.resumes().is_some());
        let (_, report) = prepared.run(threads(1), &mut NoObserver).unwrap();
        drop(session);
        assert_eq!(report.failures().count(), 0);
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
        // Three ranges were durable, and are not written again.
        let written = ranges_written(&storage.log());
        let of_first = written.iter().find(|(staging, _)| staging.ends_with(".da-2-bti")).unwrap();
        assert_eq!(*of_first.1, 5, "{written:?}");
        assert!(is_at_rest(&new) && is_at_rest(&bench.workspace.data()));
    }
}

/// What shows that a directory without an SSTable is a node's.
const SYSTEM: &str = "system/local-7ad54392bcdd35a684174e047860b377";

/// An SSTable in clear, which a run skips.
fn plain() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/fixtures/plain-nb/rk/t-5ab1e000000011f0800000000000000a")
}

/// A killed run of two data directories: the table lies in the second one.
fn two_data_directories(elsewhere: bool) -> Bench {
    for at in 1..1000 {
        let mut bench = Bench::new(scenario());
        let (data, more) = (bench.workspace.data(), bench.workspace.root.path().join("more"));
        fs::rename(&data, &more).unwrap();
        crate::kit::workspace::copy_tree(&plain(), &data.join(SYSTEM));
        bench.workspace.more_data = vec![more.clone()];
        let state = bench.workspace.root.path().join("state");
        bench.workspace.state_dir = elsewhere.then(|| state.clone());
        let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, Fault::DieBefore)]);
        let _dead = bench.run(Box::new(storage));
        let place = if elsewhere { state } else { state_dir(&bench) };
        let history = History::open(&LocalStorage, &place).unwrap();
        let is_far =
            |history: History| history.resumable().any(|(_, entry)| entry.written.count() >= 3);
        if history.is_some_and(is_far) {
            return bench;
        }
    }
    panic!("no run came so far")
}

/// One of the two, both and a stranger, or one whose journal lies elsewhere: neither the run nor
/// `abandon` touches what does not belong to it, and both name it.
#[test]
fn data_directories_of_another_run_are_refused_and_not_swept() {
    for elsewhere in [false, true] {
        let bench = two_data_directories(elsewhere);
        let (data, more) = (bench.workspace.data(), bench.workspace.root.path().join("more"));
        let other = bench.workspace.root.path().join("other");
        crate::kit::workspace::copy_tree(&plain(), &other.join(SYSTEM));
        let state = bench.workspace.state_dir.clone();
        let before = left(&more);
        assert_eq!(before.len(), 2, "{before:?}");
        let mut cases = vec![
            (vec![&data], state.clone()),
            (vec![&more], state.clone()),
            (vec![&data, &more, &other], state.clone()),
        ];
        if elsewhere {
            cases.push((vec![&other], state.clone()));
            cases.push((vec![&data, &more], None));
        }
        for (given, state_dir) in cases {
            let given: Vec<PathBuf> = given.into_iter().cloned().collect();
            let session = || {
                upgrade::Session::open(boxed(), &given, LeaseMode::Exclusive, true)
                    .unwrap()
                    .with_state_dir(state_dir.clone())
            };
            // Each releases its locks before the next one begins.
            let with = |ask: &dyn Fn(&upgrade::Session) -> rekey_engine::Error| ask(&session());
            for error in [
                with(&|session| upgrade::find(session).unwrap_err()),
                with(&|session| upgrade::recover(session, &Selection::default()).unwrap_err()),
                with(&|session| upgrade::abandon(session).unwrap_err()),
                upgrade::status(
                    &LocalStorage,
                    &upgrade::canonical(&given).unwrap(),
                    state_dir.as_deref(),
                )
                .unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
                assert!(error.path().unwrap().ends_with("journal"), "{error:?}");
                assert!(error.hint_text().is_some());
                if state_dir == state && given != [more.clone()] {
                    assert!(error.to_string().contains(more.to_str().unwrap()), "{error}");
                }
            }
            assert_eq!(left(&more), before);
        }
        let session = bench.workspace.session(LeaseMode::Exclusive).unwrap();
        assert!(upgrade::abandon(&session).unwrap().had_journal);
        drop(session);
        assert!(is_at_rest(&more) && is_at_rest(&bench.workspace.data()));
    }
}

/// A blocked plan, or a different key, loses nothing that is staged, and makes no key.
#[test]
fn a_refused_run_sweeps_nothing() {
    let bench = killed_with_ranges(scenario(), 3);
    let state = state_dir(&bench);
    fs::create_dir(state.join("of an earlier time")).unwrap();
    let path = bench.workspace.root.path().join("new-key");
    let before = fs::read(&path).unwrap();
    for blocked in [true, false] {
        if blocked {
            fs::remove_file(&path).unwrap();
        } else {
            root_key(&bench, "new-key", 256);
        }
        assert_eq!(run(&bench).unwrap_err().kind(), ErrorKind::KeyUnavailable);
        let left = left(&bench.workspace.data());
        assert_eq!(left.len(), 4, "{left:?}");
    }
    fs::write(&path, before).unwrap();
    bench.check_finished(&run(&bench).unwrap()).unwrap();
}

#[test]
fn a_damaged_journal_is_refused_and_can_be_abandoned() {
    type Damage = fn(&mut Vec<u8>);
    let journals: [(ErrorKind, Damage); 3] = [
        (ErrorKind::Corrupt, |journal| journal[40] ^= 1),
        (ErrorKind::Unsupported, |journal| journal[9] = 4),
        (ErrorKind::Invalid, |journal| *journal = b"something else".to_vec()),
    ];
    for (kind, damage) in journals {
        let bench = killed_with_ranges(scenario(), 3);
        let path = state_dir(&bench).join("journal");
        let mut journal = fs::read(&path).unwrap();
        damage(&mut journal);
        fs::write(&path, journal).unwrap();
        let error = run(&bench).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(path.as_path())));
        assert!(error.hint_text().is_some());
        let session = bench.workspace.session(LeaseMode::Exclusive).unwrap();
        upgrade::abandon(&session).unwrap();
        drop(session);
        assert!(is_at_rest(&bench.workspace.data()));
        bench.check_finished(&run(&bench).unwrap()).unwrap();
    }
}

#[test]
fn staged_files_that_contradict_the_journal_are_rewritten() {
    for spoil in ["Data.db.staged", "CompressionInfo.db.staged"] {
        for gone in [true, false] {
            let bench = killed_with_ranges(scenario(), 5);
            let staging = state_dir(&bench).join("rk.t-5ab1e000000011f0800000000000000a.da-2-bti");
            let path = staging.join(spoil);
            if gone {
                fs::remove_file(path).unwrap();
            } else {
                fs::OpenOptions::new().write(true).open(path).unwrap().set_len(90).unwrap();
            }
            let report = run(&bench).unwrap();
            bench.check_finished(&report).unwrap();
            let warnings: Vec<_> = report.sstables.iter().flat_map(|line| &line.warnings).collect();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].to_string().contains("starts over"), "{warnings:?}");
        }
    }
}

/// The checksums in the journal are checked, too, at the end: nothing wrong is ever published.
#[test]
fn changed_staged_bytes_are_a_mismatch_and_then_rewritten() {
    let bench = killed_with_ranges(scenario(), 5);
    let staging = state_dir(&bench).join("rk.t-5ab1e000000011f0800000000000000a.da-2-bti");
    let path = staging.join("Data.db.staged");
    let mut data = fs::read(&path).unwrap();
    data[100] ^= 1;
    fs::write(&path, data).unwrap();
    let report = run(&bench).unwrap();
    assert_eq!(report.failures().count(), 1);
    bench.check_stopped(&Ok(report)).unwrap();
    bench.check_finished(&run(&bench).unwrap()).unwrap();
}

/// Two swapped records of the same length are each sound by themselves.
#[test]
fn sealed_digests_of_an_earlier_run_are_compared() {
    let operations = reference(scenario());
    let sealed = (1..=operations.len()).find_map(|at| {
        let bench = Bench::new(scenario());
        let storage = FaultStorage::new(Box::new(LocalStorage), &[(at, Fault::DieBefore)]);
        let _dead = bench.run(Box::new(storage));
        let is_sealed = |history: &History| {
            history.resumable().any(|(_, entry)| entry.state == State::Sealed && entry.bytes > 1000)
        };
        history(&bench).as_ref().is_some_and(is_sealed).then_some(bench)
    });
    let bench = sealed.unwrap();
    let staging = state_dir(&bench).join("rk.t-5ab1e000000011f0800000000000000a.da-2-bti");
    let path = staging.join("Data.db.staged");
    let mut data = fs::read(&path).unwrap();
    // [IV][16 KiB and a block of padding][CRC32]
    let record = 16 + (16 << 10) + 16 + 4;
    let (first, rest) = data.split_at_mut(record);
    first.swap_with_slice(&mut rest[..record]);
    fs::write(&path, data).unwrap();
    let report = run(&bench).unwrap();
    let kinds: Vec<_> = report.failures().map(rekey_engine::Error::kind).collect();
    assert_eq!(kinds, [ErrorKind::Mismatch]);
    bench.check_stopped(&Ok(report)).unwrap();
    bench.check_finished(&run(&bench).unwrap()).unwrap();
}

#[test]
fn status_reports_progress_without_a_lease() {
    let bench = killed_with_ranges(scenario(), 3);
    let data_dirs = [fs::canonicalize(bench.workspace.data()).unwrap()];
    let held = bench.workspace.session(LeaseMode::Exclusive).unwrap();
    let status = upgrade::status(&LocalStorage, &data_dirs, None).unwrap().unwrap();
    assert_eq!(status.worker.unwrap().pid, std::process::id());
    drop(held);
    // One with a single range, which is done at once.
    assert_eq!((status.total.sstables, status.total.swapped, status.sessions), (4, 1, 1));
    let [first, second] = status.sstables.as_slice() else { panic!("{:?}", status.sstables) };
    assert_eq!((second.state, second.durable), (State::Swapped, second.bytes));
    assert_eq!(first.state, State::Durable);
    // Three of eight ranges, of which the last one is shorter.
    assert!(first.durable > first.bytes / 4 && first.durable < first.bytes / 2, "{first:?}");
    assert_eq!((first.read_back, first.new.as_deref()), (0, None));
    assert_eq!(status.total.durable, first.durable + second.durable);
    assert!(status.total.written >= status.total.durable, "{:?}", status.total);
    assert_eq!(status.ending, None);
    assert!(status.plan.iter().any(|(name, _)| name == "data directories"));
    assert!(
        status.plan.iter().any(|(name, text)| name == "target key" && text.contains("new-key"))
    );

    bench.check_finished(&run(&bench).unwrap()).unwrap();
    assert!(upgrade::status(&LocalStorage, &data_dirs, None).unwrap().is_none());
}

#[test]
fn a_journal_may_be_elsewhere() {
    let mut bench = killed_with_ranges(scenario(), 3);
    // One that lies below the data is not overlooked.
    let elsewhere = bench.workspace.root.path().join("state");
    bench.workspace.state_dir = Some(elsewhere.clone());
    let error = run(&bench).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.path().unwrap().ends_with(".sstablerekey/journal"));
    bench.workspace.state_dir = None;
    bench.check_finished(&run(&bench).unwrap()).unwrap();

    let mut bench = Bench::new(scenario());
    bench.workspace.state_dir = Some(elsewhere.clone());
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    let storage = FaultStorage::new(Box::new(LocalStorage), &[(60, Fault::DieBefore)]);
    let _dead = bench.run(Box::new(storage));
    assert_eq!(files(&elsewhere), ["journal"]);
    assert!(state_dir(&bench).exists());
    // What is staged belongs to that run, also for a run that does not know where its journal is.
    bench.workspace.state_dir = None;
    let error = run(&bench).unwrap_err();
    assert_eq!(
        (error.kind(), error.path()),
        (ErrorKind::Invalid, Some(&*elsewhere.join("journal")))
    );
    bench.workspace.state_dir = Some(elsewhere.clone());
    bench.check_finished(&run(&bench).unwrap()).unwrap();
    assert_eq!(files(&elsewhere), [] as [&str; 0]);
}

#[test]
fn a_journal_reveals_nothing_about_keys_and_plaintext() {
    let bench = killed_with_ranges(scenario(), 8);
    let journal = fs::read(state_dir(&bench).join("journal")).unwrap();
    let contains = |bytes: &[u8]| journal.windows(bytes.len()).any(|window| window == bytes);
    assert!(contains(b"new-key") && contains(b"Encryptor"));
    let key = crate::kit::oracle::key_file(&bench.workspace.root.path().join("new-key"));
    let line = fs::read_to_string(bench.workspace.root.path().join("new-key")).unwrap();
    let encoded = line.trim_end().rsplit(':').next().unwrap();
    assert!(!contains(&key) && !contains(encoded.as_bytes()));
    // The checksum of the old Data.db, and of its first range.
    let data = fs::read(bench.workspace.table().join("da-2-bti-Data.db")).unwrap();
    for part in [&data[..], &data[..data.len() / 8]] {
        assert!(!contains(&crc32fast::hash(part).to_be_bytes()));
    }
}

/// A storage is shared by the runs of a test.
#[test]
fn an_unfinished_run_is_detected_before_any_change() {
    let bench = killed_with_ranges(scenario(), 2);
    let session = bench.workspace.session_on(boxed(), LeaseMode::Exclusive).unwrap();
    let found = upgrade::find(&session).unwrap();
    assert_eq!(found.history().unwrap().resumable().count(), 1);
    drop(session);
    bench.check_finished(&run(&bench).unwrap()).unwrap();
    let session = bench.workspace.session_on(boxed(), LeaseMode::Exclusive).unwrap();
    assert_eq!(upgrade::find(&session).unwrap().history(), None);
    assert!(!upgrade::abandon(&session).unwrap().had_journal);
}

fn boxed() -> Box<dyn Storage> {
    Box::new(LocalStorage)
}
