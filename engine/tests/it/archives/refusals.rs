//! What is refused rather than guessed, with the archive's name.

use std::os::unix::fs::symlink;

use rekey_engine::ErrorKind;
use rekey_engine::event::NoObserver;
use rekey_engine::plan::{Action, Severity};

use super::*;

#[test]
fn only_archives_behind_links_or_with_logs_are_refused() {
    let node = Node::usual();
    let good = node.link("snapshots/good", &[]);
    let elsewhere = node.workspace.root.path().join("elsewhere");
    link_files(&node.table(), &elsewhere, &[]);
    symlink(&elsewhere, node.archive("snapshots/linked")).unwrap();
    let logged = node.link("snapshots/logged", &["oa-2-big"]);
    let log = "oa_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log";
    fs::write(logged.join(log), "").unwrap();
    let before = [tree(&elsewhere), tree(&logged)];

    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!(plan.rewrites().count(), 4);
    let refusals: Vec<_> =
        plan.findings.iter().filter(|finding| finding.severity == Severity::Refusal).collect();
    let places: Vec<_> = refusals.iter().map(|finding| finding.error.path().unwrap()).collect();
    assert_eq!(places, [node.archive("snapshots/linked"), logged.join(log)]);
    assert!(refusals.iter().all(|finding| finding.error.hint_text().is_some()));

    let report = node.workspace.upgrade(&node.target).unwrap();
    assert_eq!((rewritten(&report), copies(&report), report.failures().count()), (4, 4, 2));
    assert_eq!(data_inodes(&good), data_inodes(&node.table()));
    assert!([tree(&elsewhere), tree(&logged)] == before);
    // They do not matter to a run that was not asked for them.
    let mut node = node;
    node.workspace.archives = Archives { snapshots: false, backups: true };
    assert_eq!(node.workspace.plan(&node.target).unwrap().findings.len(), 0);
}

#[test]
fn files_that_are_links_are_refused() {
    let node = Node::usual();
    let snapshot = node.link("snapshots/s", &[]);
    let path = snapshot.join("oa-2-big-Digest.crc32");
    fs::remove_file(&path).unwrap();
    symlink(node.table().join("oa-2-big-Digest.crc32"), &path).unwrap();
    let plan = node.workspace.plan(&node.target).unwrap();
    let refused: Vec<_> = plan
        .sstables
        .iter()
        .filter_map(|planned| match &planned.action {
            Action::Refuse(error) => Some((planned.is_live, error)),
            _ => None,
        })
        .collect();
    let [(false, error)] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(path.as_path())));
    let report = node.workspace.upgrade(&node.target).unwrap();
    assert_eq!((rewritten(&report), copies(&report), report.failures().count()), (4, 3, 1));
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
}

/// A damaged copy is refused by itself; and what is damaged in a live one need not be in a snapshot.
#[test]
fn copies_and_live_sstables_are_checked_separately() {
    let node = Node::usual();
    let snapshot = node.link("snapshots/s", &[]);
    fs::remove_file(node.table().join("oa-2-big-Index.db")).unwrap();
    let backups = node.link("backups", &["oa-3-big"]);
    let toc = backups.join("oa-3-big-TOC.txt");
    fs::remove_file(&toc).unwrap();
    // Its list is a separate file, so it is not a copy of the live one.
    fs::write(&toc, "Data.db\nNope.db\n").unwrap();
    fs::remove_file(backups.join("oa-3-big-Index.db")).unwrap();

    let report = node.workspace.upgrade(&node.target).unwrap();
    let failures: Vec<_> = report.failures().map(|error| error.path().unwrap()).collect();
    let mut expected = [node.table().join("oa-2-big-Index.db"), backups.join("oa-3-big-Index.db")];
    expected.sort();
    let mut failures: Vec<_> = failures.into_iter().map(Path::to_owned).collect();
    failures.sort();
    assert_eq!(failures, expected);
    assert_eq!((rewritten(&report), copies(&report)), (4, 4));
    assert_eq!(node.rows(&snapshot, "new-key").len(), 4);
}

#[test]
fn copies_changed_since_the_plan_are_left_alone() {
    let node = Node::usual();
    let snapshot = node.link("snapshots/s", &[]);
    let session = node.workspace.session(LeaseMode::Exclusive).unwrap();
    let (all, sources) = (Selection::default(), node.workspace.sources());
    let prepared = node.workspace.prepare_on(&session, &all, &node.target, &sources).unwrap();
    let path = snapshot.join("oa-2-big-CompressionInfo.db");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "other").unwrap();
    let before = tree(&snapshot);
    let (_, report) = prepared.run(node.workspace.threads, &mut NoObserver).unwrap();
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!((failures[0].kind(), failures[0].path()), (ErrorKind::Busy, Some(path.as_path())));
    let of = |all: Vec<(PathBuf, Vec<u8>)>| -> Vec<_> {
        let is_it = |path: &Path| path.to_str().unwrap().contains("oa-2-big-");
        all.into_iter().filter(|(path, _)| is_it(path)).collect()
    };
    assert!(of(tree(&snapshot)) == of(before));
    assert!(node.table().join("oa-2-big-Data.db").exists(), "the live one is as it was, too");
}
