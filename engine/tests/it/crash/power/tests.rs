//! The model forgets what it may forget, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::io::Storage as _;

use super::super::bench::in_memory;
use super::{Habit, PowerLoss};

/// What is left of a tree that `work` was done on, for each of many habits.
fn outcomes(work: impl Fn(&PowerLoss, &Path)) -> BTreeSet<Vec<(PathBuf, Vec<u8>)>> {
    (0..200)
        .map(|seed| {
            let parent = tempfile::tempdir_in(in_memory()).unwrap();
            let root = fs::canonicalize(parent.path()).unwrap().join("root");
            fs::create_dir(&root).unwrap();
            fs::write(root.join("old"), "old").unwrap();
            let disk = PowerLoss::new(&root, None);
            work(&disk, &root);
            disk.crash(Habit::of(seed));
            let mut files: Vec<_> = fs::read_dir(&root)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        })
        .collect()
}

fn tree(files: &[(&str, &str)]) -> Vec<(PathBuf, Vec<u8>)> {
    files.iter().map(|(name, bytes)| (name.into(), bytes.as_bytes().to_vec())).collect()
}

fn new_file(disk: &PowerLoss, root: &Path, synced: bool) {
    let file = disk.create(&root.join("new")).unwrap();
    file.write_at(b"new", 0).unwrap();
    if synced {
        file.sync().unwrap();
    }
}

#[test]
fn synced_data_survives() {
    let found = outcomes(|disk, root| {
        new_file(disk, root, true);
        disk.remove_file(&root.join("old")).unwrap();
        disk.sync_directory(root).unwrap();
    });
    assert_eq!(found, BTreeSet::from([tree(&[("new", "new")])]));
}

#[test]
fn a_file_without_its_name_and_a_name_without_its_file() {
    let synced = outcomes(|disk, root| new_file(disk, root, true));
    let without = tree(&[("old", "old")]);
    assert_eq!(synced, BTreeSet::from([without, tree(&[("new", "new"), ("old", "old")])]));

    let named = outcomes(|disk, root| {
        new_file(disk, root, false);
        disk.sync_directory(root).unwrap();
    });
    for bytes in ["", "n", "new", "\0ew", "\0\0\0"] {
        assert!(named.contains(&tree(&[("new", bytes), ("old", "old")])), "{bytes:?}");
    }
    assert!(named.iter().all(|files| files.len() == 2));
}

#[test]
fn a_rename_may_show_twice_or_not_at_all() {
    let found = outcomes(|disk, root| disk.rename(&root.join("old"), &root.join("new")).unwrap());
    let expected = [
        tree(&[]),
        tree(&[("old", "old")]),
        tree(&[("new", "old")]),
        tree(&[("new", "old"), ("old", "old")]),
    ];
    assert_eq!(found, BTreeSet::from(expected));
}
