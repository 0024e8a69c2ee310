//! Holds the map true: every place and every item that ARCHITECTURE.md names is there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::sources::{Source, files, root};

/// Names in backticks that are places: with a slash. `VERB` stands for any command.
fn places(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| {
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        name.contains('/') && !name.contains("VERB") && name.chars().all(is_path)
    })
}

/// Names in backticks that are items of the code: types, functions, fields, constants.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let last = quoted.filter_map(|name| name.split("::").last());
    last.filter(|name| name.len() > 1 && name.chars().all(is_of_a_word))
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// All words of the sources, of the tests that the map names, and all names of files and folders.
fn words(root: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut add = |text: &str| {
        words.extend(text.split(|c| !is_of_a_word(c)).map(str::to_owned));
    };
    for package in ["engine", "kmip", "kmip/sim", "cli"] {
        add(package);
        for source in Source::all(package) {
            add(&source.name);
            add(&source.code);
        }
    }
    for path in files(&root.join("engine/tests"), &["rs"]) {
        add(&std::fs::read_to_string(path).unwrap());
    }
    words
}

/// As the map has it: from the root of the repository, or from one of the packages' sources.
fn is_there(root: &Path, name: &str) -> bool {
    let it = name.strip_prefix("it/").map(|rest| format!("engine/tests/it/{rest}"));
    let bases = ["", "engine/src", "kmip/src", "cli/src", "engine/tests/it"];
    let mut candidates = bases.iter().map(|base| root.join(base).join(name));
    candidates.any(|path| path.exists()) || it.is_some_and(|path| root.join(path).exists())
}

#[test]
fn the_map_names_no_place_that_is_gone() {
    let root = root();
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let gone: Vec<_> = places(&map).filter(|name| !is_there(&root, name)).collect();
    assert_eq!(gone, Vec::<&str>::new());
    assert!(places(&map).count() > 40, "the places were not found");
}

#[test]
fn a_place_that_is_gone_is_found() {
    let root = root();
    assert!(is_there(&root, "crypto/algorithm.rs") && is_there(&root, "it/layers.rs"));
    assert!(!is_there(&root, "crypto/no_such_file.rs") && !is_there(&root, "it/no_such_file.rs"));
}

#[test]
fn the_map_names_no_item_that_is_gone() {
    let root = root();
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let words = words(&root);
    let gone: Vec<_> = items(&map).filter(|name| !words.contains(*name)).collect();
    assert_eq!(gone, Vec::<&str>::new());
    assert!(items(&map).count() > 40, "the items were not found");
    assert!(!words.contains(&["no", "such", "item"].join("_")));
}
