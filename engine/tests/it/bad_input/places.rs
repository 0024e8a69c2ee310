//! Directories: names that a log cannot have, links, what cannot be read, what is not there.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rekey_engine::ErrorKind;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::plan::{Selection, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Session};

use crate::kit::patient::sstables;
use crate::kit::workspace::threads;
use crate::kit::workspace::{copy_tree, files, is_at_rest, testdata};
use crate::kit::{TestStorage, Workspace};

const SET: &str = "fixtures/oa-aes-cbc-256-64k";
const TABLE: &str = "t-5ab1e000000011f0800000000000000a";

/// A data directory with one table of four SSTables under these names.
fn named(keyspace: &str, table: &str) -> (Workspace, Target) {
    named_in(Workspace::empty(), keyspace, table)
}

fn named_in(workspace: Workspace, keyspace: &str, table: &str) -> (Workspace, Target) {
    let from = testdata().join(SET).join("rk").join(TABLE);
    copy_tree(&from, &workspace.data().join(keyspace).join(table));
    copy_tree(&testdata().join("fixtures/keys"), &workspace.root.path().join("keys"));
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    (workspace, target)
}

fn upgrade(workspace: &Workspace, target: &Target) -> upgrade::Report {
    workspace.upgrade_on(TestStorage::quick().boxed(), target).unwrap()
}

/// Stops a swap after its COMMIT, when the first old file is about to be deleted.
fn stop_after_commit() -> TestStorage {
    TestStorage::failing(|op| {
        let old = op.path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            (2..=5).any(|id| name.starts_with(&format!("oa-{id}-big-")))
        });
        (op.name == "remove_file" && old).then_some(io::ErrorKind::Other)
    })
}

#[test]
fn names_with_spaces_and_unicode_work_in_every_form_of_log() {
    let table = format!("tä ble %2F+é☃-{}", &TABLE[2..]);
    for flavor in [Flavor::Apache4, Flavor::ConvergedCore] {
        let workspace = Workspace::empty_in("key space & ö");
        let (mut workspace, target) = named_in(workspace, "key_space", &table);
        workspace.flavor = Some(flavor);
        let report = workspace.upgrade_on(stop_after_commit().boxed(), &target).unwrap();
        assert_eq!(report.failures().count(), 4, "each was stopped after its COMMIT");
        let logs: Vec<_> =
            workspace.files().into_iter().filter(|name| name.contains("_txn_")).collect();
        assert_eq!(logs.len(), 4);
        let text = fs::read_to_string(workspace.table().join(&logs[0])).unwrap();
        let path = text.split(['[', ',']).nth(1).unwrap();
        // FORMATS.md 9.2: a plain path, or the directory's URI as Java writes it.
        let canonical = fs::canonicalize(workspace.table()).unwrap();
        let expected = match flavor {
            Flavor::ConvergedCore => {
                let above = fs::canonicalize(workspace.data()).unwrap().display().to_string();
                format!(
                    "file://{}/key_space/t%C3%A4%20ble%20%252F+%C3%A9%E2%98%83-{}/",
                    above.replace("key space & ö", "key%20space%20&%20%C3%B6"),
                    &TABLE[2..]
                )
            }
            _ => format!("{}/", canonical.display()),
        };
        assert!(path.starts_with(&expected) && path.ends_with('-'), "{flavor}: {path}");
        // What was cut off is finished by the next run, which reads its own log.
        let report = upgrade(&workspace, &target);
        assert_eq!((report.failures().count(), report.successes()), (0, 4));
        assert_eq!(files(&workspace.table()).len(), 32);
        assert_eq!(workspace.verify().failures().count(), 0);
    }
}

#[test]
fn a_comma_or_a_line_end_cannot_be_in_a_log() {
    for bad in ["a,b", "a\nb"] {
        let (workspace, target) = named("ks", &format!("{bad}-{}", &TABLE[2..]));
        copy_tree(
            &testdata().join(SET).join("rk").join(TABLE),
            &workspace.data().join("ks").join(format!("u-{}", &TABLE[2..])),
        );
        let table = workspace.data().join("ks").join(format!("{bad}-{}", &TABLE[2..]));
        let before = files(&table);
        let report = upgrade(&workspace, &target);
        assert_eq!((report.failures().count(), report.successes()), (4, 4));
        for error in report.failures() {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
            assert!(error.path().is_some_and(|path| path.starts_with(&table)), "{error:?}");
            assert!(error.hint_text().is_some_and(|hint| hint.contains("path")));
        }
        assert_eq!(files(&table), before);
        assert!(is_at_rest(&workspace.data()));
    }
}

/// A log needs the canonical path, staging needs the same file system, and a table that is
/// reached by two names would be rewritten twice at a time.
#[test]
fn only_a_table_behind_a_link_is_refused() {
    let (workspace, target) = named("ks", TABLE);
    let elsewhere = workspace.root.path().join("elsewhere");
    copy_tree(&workspace.data().join("ks").join(TABLE), &elsewhere);
    let link = workspace.data().join("ks").join(format!("linked-{}", &TABLE[2..]));
    symlink(&elsewhere, &link).unwrap();
    let before = files(&elsewhere);
    let report = upgrade(&workspace, &target);
    assert_eq!((report.failures().count(), report.successes()), (1, 4));
    for error in report.failures() {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.chain().contains("symbolic link"), "{error:?}");
        assert_eq!(
            error.path(),
            Some(
                fs::canonicalize(workspace.data())
                    .unwrap()
                    .join("ks")
                    .join(format!("linked-{}", &TABLE[2..]))
                    .as_path()
            )
        );
        assert!(error.hint_text().is_some());
    }
    assert_eq!(files(&elsewhere), before);
}

#[test]
fn a_table_that_is_there_under_two_names_loses_nothing() {
    for keyspace_is_linked in [false, true] {
        let (workspace, target) = named("ks", TABLE);
        let data = workspace.data();
        if keyspace_is_linked {
            symlink(data.join("ks"), data.join("alias")).unwrap();
        } else {
            let alias = format!("alias-{}", &TABLE[2..]);
            symlink(data.join("ks").join(TABLE), data.join("ks").join(alias)).unwrap();
        }
        let report = upgrade(&workspace, &target);
        assert_eq!((report.failures().count(), report.successes()), (1, 4));
        let table = data.join("ks").join(TABLE);
        assert_eq!(sstables(&table), ["oa-6-big", "oa-7-big", "oa-8-big", "oa-9-big"]);
    }
}

#[test]
fn a_data_directory_behind_a_link_is_its_target() {
    let (workspace, target) = named("ks", TABLE);
    let link = workspace.root.path().join("link");
    symlink(workspace.data(), &link).unwrap();
    let mut both = workspace;
    both.more_data = vec![link, both.data().join("."), both.data().join("ks/..")];
    let report = upgrade(&both, &target);
    assert_eq!((report.failures().count(), report.successes()), (0, 4), "it counts once");
}

#[test]
fn an_unlistable_directory_is_an_error() {
    for below in ["", "ks", TABLE] {
        let (is_table, is_root) = (below == TABLE, below.is_empty());
        let below = if is_table { format!("ks/{TABLE}") } else { below.to_owned() };
        let (workspace, target) = named("ks", TABLE);
        let unreadable = fs::canonicalize(workspace.data()).unwrap().join(&below);
        let before = files(&workspace.data().join("ks").join(TABLE));
        let path = unreadable.clone();
        let storage = TestStorage::failing(move |op| {
            (op.name == "list" && op.path.components().eq(path.components()))
                .then_some(io::ErrorKind::PermissionDenied)
        });
        let result = workspace.upgrade_on(storage.boxed(), &target);
        // A directory without any visible SSTable cannot be worked on.
        let error = result.unwrap_err();
        let kind = if is_root { ErrorKind::Io } else { ErrorKind::Invalid };
        assert_eq!(error.kind(), kind, "{below}: {error:?}");
        let named: PathBuf = unreadable.components().collect();
        assert!(error.chain().contains(&named.display().to_string()), "{error:?}");
        assert!(error.chain().contains("cannot list the directory"), "{error:?}");
        assert_eq!(files(&workspace.data().join("ks").join(TABLE)), before);

        // Beside other data it is a separate failure, and the others continue.
        if is_root {
            continue;
        }
        copy_tree(&testdata().join(SET).join("rk"), &workspace.data().join("other"));
        let report = workspace.upgrade_on(storage.boxed(), &target).unwrap();
        assert_eq!((report.failures().count(), report.successes()), (1, 4));
        let error = report.failures().next().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io, "{below}: {error:?}");
        assert!(error.path().unwrap().components().eq(unreadable.components()), "{error:?}");
        assert!(error.hint_text().unwrap().contains("permissions"));
        let session = workspace.session_on(storage.boxed(), LeaseMode::Shared).unwrap();
        let (all, archives) = (Selection::default(), upgrade::Archives::default());
        let census = upgrade::census(&session, &all, archives, threads(1)).unwrap();
        assert_eq!(census.unknown.len(), 1, "{below}");
        assert_eq!(files(&workspace.data().join("ks").join(TABLE)), before);
        assert_eq!(is_table, census.unknown[0].path().unwrap().ends_with(TABLE));
    }
}

#[test]
fn a_table_that_cannot_be_listed_does_not_stop_the_others() {
    let (workspace, target) = named("ks", TABLE);
    let other = fs::canonicalize(workspace.data()).unwrap().join("ks/other");
    copy_tree(&workspace.data().join("ks").join(TABLE), &other);
    let (before, path) = (files(&other), other.clone());
    let storage = TestStorage::failing(move |op| {
        (op.name == "list" && op.path == path).then_some(io::ErrorKind::PermissionDenied)
    });
    let report = workspace.upgrade_on(storage.boxed(), &target).unwrap();
    assert_eq!((report.failures().count(), report.successes()), (1, 4));
    let error = report.failures().next().unwrap();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(other.as_path())));
    assert_eq!(files(&other), before);
}

fn open(directories: &[PathBuf]) -> rekey_engine::Error {
    Session::open(Box::new(LocalStorage), directories, LeaseMode::Shared, true).unwrap_err()
}

#[test]
fn data_directories_that_cannot_be_are_refused_by_name() {
    let (workspace, _) = named("ks", TABLE);
    let data = workspace.data();
    let file = workspace.root.path().join("file");
    fs::write(&file, "").unwrap();
    for bad in [workspace.root.path().join("absent"), file] {
        let error = open(std::slice::from_ref(&bad));
        assert_eq!((error.kind(), error.path()), (ErrorKind::Invalid, Some(bad.as_path())));
        assert!(error.hint_text().unwrap().contains("--data-dir"));
    }
    for nested in [data.join("ks"), workspace.root.path().to_owned()] {
        let error = open(&[data.clone(), nested]);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.chain().contains("lies in another one"), "{error}");
        assert!(error.hint_text().is_some(), "{error:?}");
    }
}

#[test]
fn a_keyspace_or_table_that_is_nowhere_is_refused() {
    let (workspace, target) = named("ks", TABLE);
    for (keyspace, tables, part) in [
        ("nope", vec![], "'nope'"),
        ("KS", vec![], "'KS'"),
        ("ks", vec!["nope"], "'nope'"),
        ("ks", vec!["t", "nope"], "'nope'"),
        ("ks", vec![TABLE], TABLE),
        ("", vec![], "''"),
        ("..", vec![], "'..'"),
    ] {
        let selection = Selection {
            keyspace: Some(keyspace.to_owned()),
            tables: tables.into_iter().map(str::to_owned).collect(),
        };
        let error = workspace.plan_of(&selection, &target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.chain().contains(part), "{error}");
        assert!(error.hint_text().unwrap().contains("name"));
    }
}

#[test]
fn an_index_folder_is_a_table_of_its_own() {
    let (workspace, target) = named("ks", TABLE);
    let table = workspace.data().join("ks").join(TABLE);
    copy_tree(&testdata().join(SET).join("rk").join(TABLE), &table.join(".by_n"));
    fs::remove_file(table.join(".by_n/oa-3-big-Data.db")).unwrap();
    let report = upgrade(&workspace, &target);
    assert_eq!((report.failures().count(), report.successes()), (1, 7));
    let failed: Vec<_> = report
        .sstables
        .iter()
        .filter(|line| matches!(line.outcome, upgrade::Outcome::Failed(_)))
        .map(|line| (line.table.as_str(), line.data.as_path()))
        .collect();
    let canonical = fs::canonicalize(&table).unwrap();
    assert_eq!(failed, [("ks.t.by_n", canonical.join(".by_n/oa-3-big-Data.db").as_path())]);
    assert!(Path::new(&table.join(".by_n/oa-3-big-TOC.txt")).exists());
}

/// A table that was dropped and made again: two directories of one name, with the same ids.
#[test]
fn tables_of_the_same_name_are_staged_separately() {
    for _ in 0..5 {
        let (workspace, target) = named("ks", TABLE);
        let again = workspace.data().join("ks").join(format!("t-{}", "b".repeat(32)));
        copy_tree(&workspace.data().join("ks").join(TABLE), &again);
        let report = upgrade(&workspace, &target);
        assert_eq!((report.failures().count(), report.successes()), (0, 8));
        assert_eq!(sstables(&again), ["oa-6-big", "oa-7-big", "oa-8-big", "oa-9-big"]);
    }
}
