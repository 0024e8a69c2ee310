//! What earlier runs and others left: staging directories, `.tmp` files, files in the way, links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Selection;
use rekey_engine::upgrade;

use crate::kit::patient::assert_clean;
use crate::kit::workspace::files;
use crate::kit::workspace::threads;
use crate::kit::{Patient, TestStorage, Workspace};

fn state(workspace: &Workspace) -> PathBuf {
    workspace.data().join(".sstablerekey")
}

#[test]
fn what_a_killed_run_staged_is_swept() {
    let patient = Patient::usual();
    for name in ["rk.t-5ab1e000000011f0800000000000000a.oa-6-big", "rk.gone.nb-1-big", ""] {
        let staging = state(&patient.workspace).join(name);
        fs::create_dir_all(&staging).unwrap();
        fs::write(staging.join("Data.db"), "half").unwrap();
        fs::write(staging.join("CompressionInfo.db"), "").unwrap();
    }
    patient.recovers();
}

#[test]
fn a_plan_leaves_what_a_killed_run_staged() {
    let patient = Patient::usual();
    fs::create_dir_all(
        state(&patient.workspace).join("rk.t-5ab1e000000011f0800000000000000a.oa-6-big"),
    )
    .unwrap();
    assert_eq!(patient.workspace.plan(&patient.target).unwrap().rewrites().count(), 4);
    assert!(
        state(&patient.workspace).join("rk.t-5ab1e000000011f0800000000000000a.oa-6-big").exists()
    );
}

/// Deleting through a link could reach anything.
#[test]
fn a_link_in_place_of_the_staging_directory_is_not_followed() {
    for below in [false, true] {
        let patient = Patient::usual();
        let precious = patient.workspace.root.path().join("precious");
        fs::create_dir_all(precious.join("dir")).unwrap();
        fs::write(precious.join("dir/file"), "x").unwrap();
        fs::write(precious.join("file"), "x").unwrap();
        if below {
            fs::create_dir(state(&patient.workspace)).unwrap();
            symlink(
                &precious,
                state(&patient.workspace).join("rk.t-5ab1e000000011f0800000000000000a.oa-6-big"),
            )
            .unwrap();
        } else {
            symlink(&precious, state(&patient.workspace)).unwrap();
        }
        let before = patient.workspace.contents();
        let result = patient.workspace.upgrade_on(TestStorage::quick().boxed(), &patient.target);
        assert_eq!(files(&precious), ["dir", "file"]);
        assert_eq!(files(&precious.join("dir")), ["file"]);
        if below {
            // The link itself may be removed, and the run continues.
            assert_eq!(result.unwrap().failures().count(), 0);
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        assert!(error.path().unwrap().starts_with(state(&patient.workspace)), "{error:?}");
        assert!(error.chain().contains("a link or a file"), "{error:?}");
        assert!(error.hint_text().is_some());
        assert_eq!(patient.workspace.contents(), before);
    }
}

#[test]
fn a_file_in_place_of_the_staging_directory_is_named() {
    let patient = Patient::usual();
    fs::write(state(&patient.workspace), "x").unwrap();
    let before = patient.workspace.contents();
    let error =
        patient.workspace.upgrade_on(TestStorage::quick().boxed(), &patient.target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert_eq!(error.path(), Some(state(&patient.workspace).as_path()));
    assert!(error.hint_text().is_some());
    assert_eq!(patient.workspace.contents(), before);
}

/// The database deletes the unfinished rewrite of a component at its start, and some products would
/// count its time as the SSTable's; other files do not matter.
#[test]
fn a_temporary_component_is_removed_but_no_other_tmp_file() {
    let patient = Patient::usual();
    let names = ["oa-2-big-.tmp", "x.tmp"];
    for name in names.into_iter().chain(["oa-2-big-Statistics.db.tmp"]) {
        fs::write(patient.workspace.table().join(name), "half").unwrap();
    }
    let workspace = patient.recovers();
    for name in names {
        assert_eq!(fs::read(workspace.table().join(name)).unwrap(), b"half");
    }
    assert_eq!(workspace.files().len(), 4 * 8 + names.len());
}

#[test]
fn other_files_of_a_table_directory_are_ignored() {
    let patient = Patient::usual();
    let names = ["manifest.json", "ks-t-ka-1-Data.db", "oa-2-big", "oa-x-big-Data.db", "README"];
    for name in names {
        fs::write(patient.workspace.table().join(name), name).unwrap();
    }
    fs::create_dir_all(patient.workspace.table().join("snapshots/s")).unwrap();
    fs::create_dir_all(patient.workspace.table().join("backups")).unwrap();
    for inner in ["snapshots/s/oa-2-big-Data.db", "backups/oa-9-big-Data.db"] {
        fs::write(patient.workspace.table().join(inner), "snapshot").unwrap();
    }
    let workspace = patient.recovers();
    for name in names {
        assert_eq!(fs::read(workspace.table().join(name)).unwrap(), name.as_bytes());
    }
    for inner in ["snapshots/s/oa-2-big-Data.db", "backups/oa-9-big-Data.db"] {
        assert_eq!(fs::read(workspace.table().join(inner)).unwrap(), b"snapshot");
    }
}

/// Rows that this program cannot read: any key may be in use there, and the others continue.
#[test]
fn a_data_file_with_an_unknown_name_is_reported() {
    for name in [
        "ks-t-ka-1-Data.db",
        "oa-x-big-Data.db",
        "OA-1-big-Data.db",
        "oa-1-raw-Data.db",
        // Other names of what has one already.
        "oa-02-big-Data.db",
        "oa-0000000002-big-Data.db",
        "oa-3GM8_0t1d_01zr42s6tfz6mplgh7-big-Data.db",
        "oa-01gk4sz4t1v7d5svxb9xs0f1w2-big-Data.db",
    ] {
        let patient = Patient::usual();
        let path = patient.workspace.table().join(name);
        fs::write(&path, name).unwrap();
        let session = patient.workspace.session(LeaseMode::Shared).unwrap();
        let census = upgrade::census(
            &session,
            &Selection::default(),
            upgrade::Archives::default(),
            threads(2),
        )
        .unwrap();
        assert_eq!(census.unknown.len(), 1);
        assert_eq!(census.unknown[0].path(), Some(path.as_path()));
        let plan = patient.workspace.plan_on(&session, &patient.target).unwrap();
        let said = plan.findings.iter().find(|f| f.error.path() == Some(path.as_path())).unwrap();
        assert_eq!(said.error.kind(), ErrorKind::Unsupported);
        assert!(said.error.hint_text().is_some());
        drop(session);
        let workspace = patient.recovers();
        assert_eq!(fs::read(workspace.table().join(name)).unwrap(), name.as_bytes());
    }
}

/// Another process writes an SSTable under the id that the plan chose, while the plan is carried
/// out.
#[test]
fn files_that_appear_under_the_new_name_are_not_deleted() {
    let mut patient = Patient::usual();
    patient.workspace.threads = threads(1);
    let table = patient.workspace.table();
    let taken: Vec<PathBuf> =
        (6..=9).map(|id| table.join(format!("oa-{id}-big-Data.db"))).collect();
    let appear = taken.clone();
    let storage = TestStorage::failing(move |op| {
        if op.name == "copy_attributes" {
            for path in &appear {
                fs::write(path, "somebody else's").unwrap();
            }
        }
        None
    });
    let report = patient.workspace.upgrade_on(storage.boxed(), &patient.target).unwrap();
    assert_eq!((report.failures().count(), report.successes()), (4, 0));
    for error in report.failures() {
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        assert!(error.path().is_some_and(|path| path.starts_with(&table)), "{error:?}");
        assert!(error.hint_text().is_some());
    }
    for path in &taken {
        assert_eq!(fs::read(path).unwrap(), b"somebody else's");
    }
    assert_clean(&patient.workspace);
}

#[test]
fn a_linked_component_is_read_and_the_link_removed() {
    let patient = Patient::usual();
    for component in ["Data.db", "Filter.db"] {
        let elsewhere = patient.workspace.root.path().join(component);
        fs::rename(patient.path(component), &elsewhere).unwrap();
        symlink(&elsewhere, patient.path(component)).unwrap();
    }
    let workspace = patient.recovers();
    for component in ["Data.db", "Filter.db"] {
        assert!(workspace.root.path().join(component).exists(), "what a link points to stays");
    }
    assert_eq!(workspace.files().len(), 4 * 8);
}

#[test]
fn a_component_with_a_dangling_link_is_missing() {
    for components in [&["Filter.db"][..], &["Data.db"], &["Data.db", "Index.db", "Filter.db"]] {
        let patient = Patient::usual();
        for component in components {
            patient.remove(component);
            symlink("/nowhere/at/all", patient.path(component)).unwrap();
        }
        let session = patient.workspace.session(LeaseMode::Shared).unwrap();
        let census = upgrade::census(
            &session,
            &Selection::default(),
            upgrade::Archives::default(),
            threads(1),
        )
        .unwrap();
        // The links, and the SSTable that may be complete at their targets, are one.
        let at: Vec<_> = census.unknown.iter().filter_map(|error| error.path()).collect();
        assert_eq!(at, [patient.path(components[0])]);
        let plan = patient.workspace.plan_on(&session, &patient.target).unwrap();
        assert_eq!(plan.rewrites().count(), 3);
    }
}
