//! What a run would not be allowed to do is refused by the plan, before anything is touched.

use std::path::Path;

use rekey_engine::io::{LeaseMode, Standing};
use rekey_engine::plan::{Action, Plan, Severity};
use rekey_engine::upgrade::Archives;

use crate::kit::Workspace;
use crate::kit::storage::TestStorage;
use crate::kit::workspace::is_at_rest;

type Change = fn(&mut Standing);

/// A node on which every path with this ending has other properties, and its plan; a run there must
/// do what the plan says.
fn planned(end: &'static str, change: Change, archives: Archives) -> (Workspace, Plan) {
    let mut node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    node.archives = archives;
    let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    for folder in ["snapshots/s", "backups"] {
        let folder = node.table().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for name in node.files().iter().filter(|name| name.starts_with("oa-2-big")) {
            std::fs::hard_link(node.table().join(name), folder.join(name)).unwrap();
        }
    }
    let storage = move || {
        TestStorage::seeing(move |path: &Path, standing: &mut Standing| {
            if path.to_str().unwrap().ends_with(end) {
                change(standing);
            }
        })
    };
    let session = node.session_on(storage().boxed(), LeaseMode::Shared).unwrap();
    let plan = node.plan_on(&session, &target).unwrap();
    drop(session);
    let (before, refused) = (node.files(), refusals(&plan).len());
    match node.upgrade_on(storage().boxed(), &target) {
        Ok(report) => assert_eq!(report.failures().count(), refused, "{end}"),
        Err(error) => assert_eq!(error.chain(), plan.blocker().unwrap().error.chain()),
    }
    if plan.rewrites().next().is_none() || plan.blocker().is_some() {
        assert_eq!(node.files(), before, "{end}: a refusal changes nothing");
    }
    assert!(is_at_rest(&node.data()));
    (node, plan)
}

fn refusals(plan: &Plan) -> Vec<String> {
    let refused = plan.sstables.iter().filter_map(|planned| match &planned.action {
        Action::Refuse(error) => Some(error),
        _ => None,
    });
    refused
        .map(|error| {
            assert!(error.path().is_some() && error.hint_text().is_some(), "{error}");
            error.to_string()
        })
        .collect()
}

#[test]
fn unusable_directories_are_refused() {
    const TABLE: &str = "/t-5ab1e000000011f0800000000000000a";
    let cases: [(&str, Change, &str); 6] = [
        (TABLE, |it| it.is_read_only = true, "mount that is read-only"),
        (TABLE, |it| it.is_writable = false, "may not make or remove files"),
        (TABLE, |it| it.is_immutable = true, "immutable"),
        (TABLE, |it| it.is_append_only = true, "appended to only"),
        (TABLE, |it| it.place.mount += 1, "another mount than its data directory"),
        (TABLE, |it| it.place.device += 1, "another mount than its data directory"),
    ];
    for (end, change, words) in cases {
        let (_node, plan) = planned(end, change, Archives::default());
        let refused = refusals(&plan);
        assert_eq!(refused.len(), 4, "{words}: {refused:?}");
        assert!(refused.iter().all(|error| error.contains(words) && error.contains(end)));
    }
}

#[test]
fn an_unwritable_data_directory_is_refused() {
    let (_node, plan) = planned("/data", |it| it.is_writable = false, Archives::default());
    assert_eq!(refusals(&plan).len(), 4);
}

#[test]
fn one_undeletable_file_fails_only_its_sstable() {
    let cases: [(Change, &str); 3] = [
        (|it| it.is_immutable = true, "immutable"),
        (|it| it.is_append_only = true, "appended to only"),
        (|it| it.place.mount += 1, "a mount of its own"),
    ];
    for (change, words) in cases {
        let (_node, plan) = planned("/oa-3-big-Filter.db", change, Archives::default());
        let refused = refusals(&plan);
        assert_eq!(refused.len(), 1, "{words}");
        assert!(refused[0].contains(words) && refused[0].contains("oa-3-big-Filter.db"));
        assert_eq!(plan.rewrites().count(), 3);
    }
}

/// Also where their files are those of live ones, as on a bind mount of the same file system.
#[test]
fn archives_on_another_mount_are_refused_and_live_ones_are_done() {
    for folder in ["/snapshots/s", "/backups"] {
        let (_node, plan) = planned(folder, |it| it.place.mount += 1, Archives::ALL);
        let refused = refusals(&plan);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("another mount") && refused[0].contains(folder));
        assert_eq!(plan.rewrites().count(), 4);
        let copies: usize = plan.rewrites().map(|rewrite| rewrite.sstable.copies.len()).sum();
        assert_eq!(copies, 1, "the copy in the other folder");
    }
}

#[test]
fn without_a_place_for_the_journal_nothing_is_begun() {
    // Above the directory that would be created.
    let (node, plan) = {
        let mut node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
        node.archives = Archives::default();
        let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        let storage = TestStorage::seeing(|path, standing| {
            standing.is_writable &= !path.ends_with("closed");
        });
        let closed = node.root.path().join("closed");
        std::fs::create_dir(&closed).unwrap();
        let session = node.session_on(storage.boxed(), LeaseMode::Exclusive).unwrap();
        let session = session.with_state_dir(Some(closed.join("state")));
        let plan = node.plan_on(&session, &target).unwrap();
        (node, plan)
    };
    let blocker = &plan.findings.iter().find(|it| it.severity == Severity::Blocker).unwrap().error;
    assert_eq!(blocker.path(), Some(node.root.path().join("closed").as_path()));
}
