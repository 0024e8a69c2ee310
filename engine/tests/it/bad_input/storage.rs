//! Disks that are full, read-only or broken, and two runs at once.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Target;

use crate::kit::patient::{assert_clean, sstables};
use crate::kit::storage::Op;
use crate::kit::{TestStorage, Workspace, oracle};

const SET: &str = "fixtures/oa-aes-cbc-256-64k";

fn fresh() -> (Workspace, Target) {
    let workspace = Workspace::copy_of(SET);
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    (workspace, target)
}

/// The plaintext of every SSTable, whichever key it is under.
fn plaintexts(workspace: &Workspace) -> BTreeSet<Vec<u8>> {
    let root = workspace.root.path();
    sstables(&workspace.table())
        .iter()
        .map(|name| {
            let prefix = format!("{}-", workspace.table().join(name).display());
            let options = oracle::chunks(&prefix, true).options;
            let (_, file) = options.iter().find(|(key, _)| key == "secret_key_file").unwrap();
            let key = oracle::key_file(&root.join(file));
            oracle::plaintext(&prefix, true, |_| key.clone())
        })
        .collect()
}

/// Runs with a storage that fails at the n-th step, for every n that there is; checks the errors,
/// then runs again on a sound disk: at the end all is rewritten and nothing is lost.
fn fail_at_every_step(
    fails: impl Fn(usize, &Op<'_>) -> Option<io::ErrorKind> + Copy + Send + Sync + 'static,
    kind: ErrorKind,
) {
    let wanted = plaintexts(&fresh().0);
    let mut at = 0;
    loop {
        let (workspace, target) = fresh();
        let storage = TestStorage::failing(move |op| fails(at, op));
        match workspace.upgrade_on(storage.boxed(), &target) {
            Err(error) => panic!("step {at} stops the whole run: {error:?}"),
            Ok(report) => {
                assert_eq!(report.sstables.len(), 4);
                for error in report.failures() {
                    assert_eq!(error.kind(), kind, "step {at}: {error:?}");
                    assert!(error.path().is_some() && error.hint_text().is_some(), "{error:?}");
                }
                if storage.steps() <= at {
                    assert_eq!(report.failures().count(), 0, "step {at} was never reached");
                    assert_clean(&workspace);
                    return;
                }
            }
        }
        let report = workspace.upgrade_on(TestStorage::quick().boxed(), &target).unwrap();
        assert_eq!((report.failures().count(), report.successes()), (0, 4), "after step {at}");
        assert_clean(&workspace);
        assert_eq!(plaintexts(&workspace), wanted, "after step {at}");
        assert_eq!(workspace.files().len(), 32, "after step {at}");
        at += 1;
    }
}

#[test]
fn a_disk_that_fills_up_at_any_step_loses_nothing() {
    fail_at_every_step(
        |at, op| (op.number >= at && op.takes_space()).then_some(io::ErrorKind::StorageFull),
        ErrorKind::NoSpace,
    );
}

#[test]
fn a_step_that_fails_once_loses_nothing() {
    fail_at_every_step(
        |at, op| (op.number == at).then_some(io::ErrorKind::InvalidData),
        ErrorKind::Io,
    );
}

#[test]
fn a_full_disk_is_reported_and_changes_nothing() {
    let (workspace, target) = fresh();
    let before = workspace.contents();
    let storage = TestStorage::failing(|op| op.takes_space().then_some(io::ErrorKind::StorageFull));
    let report = workspace.upgrade_on(storage.boxed(), &target).unwrap();
    assert_eq!((report.failures().count(), report.failure_kind()), (4, Some(ErrorKind::NoSpace)));
    assert!(report.failures().all(|error| error.hint_text().unwrap().contains("free space")));
    assert_eq!(workspace.contents(), before);
    assert_clean(&workspace);
}

#[test]
fn a_read_only_file_system_is_reported_and_changes_nothing() {
    let (workspace, target) = fresh();
    let before = workspace.contents();
    let storage =
        TestStorage::failing(|op| (op.name != "list").then_some(io::ErrorKind::ReadOnlyFilesystem));
    let report = workspace.upgrade_on(storage.boxed(), &target).unwrap();
    assert_eq!((report.failures().count(), report.failure_kind()), (4, Some(ErrorKind::Io)));
    for error in report.failures() {
        assert!(error.chain().contains("read-only"), "{error:?}");
        assert!(error.path().is_some_and(|path| path.starts_with(workspace.data())));
        assert!(error.hint_text().unwrap().contains("permissions"));
    }
    assert_eq!(workspace.contents(), before);
}

#[test]
fn a_second_run_is_refused_while_the_first_holds_the_data() {
    let (workspace, target) = fresh();
    let before = workspace.contents();
    let first = workspace.session(LeaseMode::Exclusive).unwrap();
    let error = workspace.upgrade(&target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.path().is_some() && error.hint_text().is_some());
    assert!(error.chain().contains(&std::process::id().to_string()), "{error}");
    assert_eq!(workspace.plan(&target).unwrap_err().kind(), ErrorKind::Busy);
    drop(first);
    // A reader keeps out a writer, too.
    let reader = workspace.session(LeaseMode::Shared).unwrap();
    assert_eq!(workspace.upgrade(&target).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(workspace.contents(), before);
    drop(reader);
    assert_eq!(workspace.upgrade(&target).unwrap().successes(), 4);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_replaced() {
    let (workspace, target) = fresh();
    let data = workspace.table().join("oa-2-big-Data.db");
    let before = fs::read(&data).unwrap();
    let touched = data.clone();
    let storage = TestStorage::failing(move |op| {
        if op.name == "write"
            && op.path.ends_with("rk.t-5ab1e000000011f0800000000000000a.oa-2-big/Data.db.staged")
        {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
            fs::File::open(&touched).unwrap().set_modified(time).unwrap();
        }
        None
    });
    let report = workspace.upgrade_on(storage.boxed(), &target).unwrap();
    assert_eq!((report.failures().count(), report.successes()), (1, 3));
    let error = report.failures().next().unwrap();
    assert_eq!(
        (error.kind(), error.path().unwrap().ends_with("oa-2-big-Data.db")),
        (ErrorKind::Busy, true)
    );
    assert_eq!(fs::read(&data).unwrap(), before);
    assert_clean(&workspace);
}
