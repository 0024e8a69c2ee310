//! Checks the diagram of the layers, and the rules about what only some modules may do.
//!
//! A module imports from layers before its own, never from a neighbour or from above.
//! The source is read as text, without comments and tests.

use std::collections::BTreeSet;

use super::sources::{Source, code_of};

/// Lowest first.
const LAYERS: [&[&str]; 10] = [
    &["error"],
    &["wire", "io", "memory"],
    &["options", "crypto", "compress", "event"],
    &["pipeline", "config"],
    &["keys", "sstable"],
    &["codec", "txn", "evidence"],
    &["schema", "system", "trie"],
    &["plan", "journal"],
    &["rewrite"],
    &["upgrade"],
];

/// Imports that the diagram does not allow: importing and imported module, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "options",
        "crypto",
        "typed options hold the parsed Transformation, whose key and IV lengths decide what is valid",
    ),
    ("options", "compress", "typed options hold the Codec, whose levels decide what is valid"),
];

impl Source {
    /// The top-level module.
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap()
    }
}

fn sources() -> Vec<Source> {
    let sources = Source::all("engine");
    assert!(sources.len() > 60, "the sources were not found");
    sources
}

/// What follows each `crate::`: the module, or the names of the crate's root.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, after) in code.match_indices("crate::").map(|(at, text)| (at, &code[at + text.len()..]))
    {
        match after.strip_prefix('{') {
            Some(group) => found.extend(heads_of_group(group)),
            None => found.extend(head(after)),
        }
    }
    found
}

/// The first name of each path in `{a::b, c, d::{e, f}}`.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut expected) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expected = true,
            c if expected && !c.is_whitespace() => {
                heads.extend(head(&group[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> Option<String> {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let name = &path[..end];
    match name {
        "Error" | "ErrorKind" | "Result" => Some("error".to_owned()),
        _ => (!name.is_empty()).then(|| name.to_owned()),
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_import_only_from_layers_below() {
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for source in sources().iter().filter(|source| source.name != "lib.rs") {
        let module = source.module();
        seen.insert(module.to_owned());
        let own = layer(module).unwrap_or_else(|| panic!("'{module}' is in no layer"));
        for import in imports(&source.code).iter().filter(|import| *import != module) {
            let allowed = layer(import).is_some_and(|imported| imported < own);
            let exception = EXCEPTIONS.iter().any(|(a, b, _)| (*a, *b) == (module, import));
            if exception {
                excused.insert((module.to_owned(), import.clone()));
            } else if !allowed {
                wrong.push(format!("{} imports {import}", source.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(excused.len(), EXCEPTIONS.len(), "an exception is not needed any more: {excused:?}");
    assert_eq!(seen.len(), LAYERS.concat().len(), "a module of the drawing is gone");
}

#[test]
fn the_scanner_sees_every_form_of_import() {
    let code = code_of(
        "use crate::{Error, plan::{self, rewrite}, txn as t};\nuse crate::io::File; // crate::no\n\
         fn f() -> crate::keys::Key { crate::Result }\n#[cfg(test)]\nmod tests { use crate::upgrade; }",
    );
    let found: Vec<_> = imports(&code).into_iter().collect();
    assert_eq!(found, ["error", "io", "keys", "plan", "txn"]);
}

/// Files outside `allowed` that contain one of the patterns.
fn offenders(patterns: &[&str], allowed: &[&str]) -> Vec<String> {
    sources()
        .iter()
        .filter(|source| !allowed.iter().any(|place| source.name.starts_with(place)))
        .flat_map(|source| {
            let found = patterns.iter().filter(|pattern| source.code.contains(**pattern));
            found.map(|pattern| format!("{}: {pattern}", source.name))
        })
        .collect()
}

#[test]
fn unsafe_stays_in_its_two_modules() {
    let patterns = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait"];
    let rooms = ["io/mmap.rs", "crypto/x86.rs"];
    assert_eq!(offenders(&patterns, &rooms), Vec::<String>::new());
    for room in rooms {
        let source = sources().into_iter().find(|source| source.name == room).unwrap();
        assert!(source.code.contains("unsafe {"), "{room} needs none");
    }
}

const WRITES: [&str; 19] = [
    "fs::write",
    "fs::rename",
    "fs::copy",
    "fs::remove",
    "fs::create_dir",
    "fs::hard_link",
    "fs::soft_link",
    "fs::set_permissions",
    "unix::fs::symlink",
    "File::create",
    "OpenOptions",
    "DirBuilder",
    "chown(",
    "set_permissions(",
    "set_len(",
    "set_times(",
    "rustix::fs::rename",
    "rustix::fs::unlink",
    "memmap2",
];

#[test]
fn only_io_and_the_creation_of_local_keys_write() {
    assert_eq!(offenders(&WRITES, &["io/", "keys/local/append.rs"]), Vec::<String>::new());
}

/// What `io` itself may not do: a path may lead elsewhere by the time it is used.
#[test]
fn io_changes_files_only_through_an_open_directory() {
    let by_path = [
        "fs::write(",
        "fs::rename(",
        "fs::copy(",
        "fs::remove_file(",
        "fs::remove_dir(",
        "fs::create_dir(",
        "fs::hard_link(",
        "fs::set_permissions(",
        "unix::fs::chown(",
        "File::create",
        "DirBuilder",
        "rustix::fs::unlink(",
        "rustix::fs::link(",
        "rustix::fs::mkdir(",
        "rustix::fs::chown(",
        "rustix::fs::chmod(",
    ];
    for source in sources().iter().filter(|source| source.name.starts_with("io/")) {
        for pattern in by_path {
            assert!(!source.code.contains(pattern), "{}: {pattern}", source.name);
        }
    }
}

/// What the crate's documentation promises of the whole engine.
#[test]
fn nothing_prints_reads_the_environment_or_talks_to_a_network() {
    let patterns = [
        "println!",
        "print!",
        "dbg!",
        "io::stdout",
        "io::stderr",
        "stdout()",
        "stderr()",
        "std::net",
        "TcpStream",
        "process::exit",
        "process::Command",
    ];
    assert_eq!(offenders(&patterns, &[]), Vec::<String>::new());
    // One place, in debug builds, for tests.
    let environment = ["std::env", "env::var"];
    assert_eq!(offenders(&environment, &["crypto/kernel.rs"]), Vec::<String>::new());
}
