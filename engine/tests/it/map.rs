//! Holds the map true: every place that ARCHITECTURE.md names is there.

use std::path::Path;

use crate::sources::root;

/// Names in backticks that are places: with a slash. `VERB` stands for any command.
fn places(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| {
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        name.contains('/') && !name.contains("VERB") && name.chars().all(is_path)
    })
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
