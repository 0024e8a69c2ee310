//! The judge is judged: what a real Cassandra 5.0.5 did (FORMATS.md 9.3).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::{Node, Start, start};

const COMPONENTS: [&str; 8] = [
    "CompressionInfo.db",
    "Data.db",
    "Digest.crc32",
    "Filter.db",
    "Index.db",
    "Statistics.db",
    "Summary.db",
    "TOC.txt",
];
const MILLIS: u64 = 1_700_000_000_500;

/// `oa-2-big` replaces `oa-1-big`, in one directory, all files equally old.
struct Case {
    root: tempfile::TempDir,
    form: Form,
}

/// A record's path for `/directory/oa-1-big`.
type Form = fn(&str) -> String;

fn dashed(base: &str) -> String {
    format!("{base}-")
}

fn bare(base: &str) -> String {
    base.to_owned()
}

fn uri(base: &str) -> String {
    format!("file://{base}-").replace("/d ", "/d%20")
}

impl Case {
    fn new(form: Form) -> Self {
        let case = Self { root: tempfile::tempdir().unwrap(), form };
        fs::create_dir(case.directory()).unwrap();
        for name in ["oa-1-big", "oa-2-big"] {
            for component in COMPONENTS {
                case.file(&format!("{name}-{component}"), MILLIS);
            }
        }
        case
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("d 1")
    }

    fn file(&self, name: &str, millis: u64) {
        let path = self.directory().join(name);
        fs::write(&path, name).unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(millis);
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.directory().join(name)).unwrap();
    }

    fn line(&self, kind: &str, name: &str, time: u64, files: i32) -> String {
        let base = self.directory().join(name);
        let path =
            if name.is_empty() { String::new() } else { (self.form)(base.to_str().unwrap()) };
        let time_bytes = time.to_be_bytes();
        let summed = [
            path.as_bytes(),
            kind.as_bytes(),
            &time_bytes[4..],
            &time_bytes[..4],
            &files.to_be_bytes(),
        ]
        .concat();
        format!("{kind}:[{path},{time},{files}][{}]\n", crc32fast::hash(&summed))
    }

    /// ADD and REMOVE, then whatever the end is.
    fn log(&self, end: &str) {
        let add = self.line("ADD", "oa-2-big", 0, 8);
        let remove = self.line("REMOVE", "oa-1-big", MILLIS, 8);
        let name = "nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log";
        fs::write(self.directory().join(name), format!("{add}{remove}{end}")).unwrap();
    }

    fn starts(&self, node: Node) -> Start {
        start(node, &[self.directory()])
    }

    fn assert_loads(&self, node: Node, names: &[&str]) {
        let prefix = |name: &&str| format!("{}-", self.directory().join(name).display());
        let expected: BTreeSet<String> = names.iter().map(prefix).collect();
        assert_eq!(self.starts(node), Start::Loads(expected), "{node:?}");
    }

    fn assert_refuses(&self, node: Node) {
        let found = self.starts(node);
        assert!(matches!(found, Start::Refuses(_)), "{node:?}: {found:?}");
    }
}

const COMMIT: &str = "COMMIT:[,0,0][2613697770]\n";
const ALL: [(Node, Form); 5] = [
    (Node::Apache3, bare),
    (Node::Apache4, dashed),
    (Node::Apache5, dashed),
    (Node::ConvergedCore, uri),
    (Node::Dse, dashed),
];

#[test]
fn a_committed_log_is_finished_and_any_other_undone() {
    for (node, form) in ALL {
        let case = Case::new(form);
        case.log(COMMIT);
        case.assert_loads(node, &["oa-2-big"]);
        for end in ["", "COMM", "COMMIT:[,0,0][2613697771]\n"] {
            case.log(end);
            case.assert_loads(node, &["oa-1-big"]);
        }
        case.log(COMMIT);
        for component in &COMPONENTS[1..] {
            case.remove(&format!("oa-1-big-{component}"));
        }
        case.assert_loads(node, &["oa-2-big"]);
    }
}

#[test]
fn a_torn_commit_needs_the_old_sstable_whole() {
    for (node, form) in ALL {
        let case = Case::new(form);
        case.log("COMM");
        case.remove("oa-1-big-TOC.txt");
        case.assert_refuses(node);
        case.log("");
        case.assert_loads(node, &["oa-1-big"]);
    }
}

#[test]
fn times_count_as_each_product_counts_them() {
    for (node, form) in ALL {
        let exact = matches!(node, Node::Apache3 | Node::Dse);
        for (component, millis, accepted) in [
            ("Data.db", MILLIS + 5_000, false),
            ("Data.db", MILLIS + 499, !exact),
            ("Data.db", MILLIS, true),
            ("Statistics.db", MILLIS + 5_000, matches!(node, Node::Apache5 | Node::ConvergedCore)),
            ("Extra.db", MILLIS + 5_000, false),
        ] {
            let case = Case::new(form);
            case.log(COMMIT);
            case.file(&format!("oa-1-big-{component}"), millis);
            if accepted {
                case.assert_loads(node, &["oa-2-big"]);
            } else {
                case.assert_refuses(node);
            }
        }
    }
}

#[test]
fn another_product_s_paths_leave_both_sstables() {
    for (node, form) in [(Node::Apache5, uri as Form), (Node::ConvergedCore, dashed)] {
        let case = Case::new(form);
        case.log(COMMIT);
        case.assert_loads(node, &["oa-1-big", "oa-2-big"]);
    }
}

#[test]
fn records_that_no_node_writes_prevent_a_start() {
    for (node, form) in ALL {
        let case = Case::new(form);
        for end in [
            format!("{COMMIT}{COMMIT}"),
            format!("{COMMIT}{}", case.line("ABORT", "", 0, 0)),
            case.line("ADD", "oa-2-big", 0, 8),
            format!("garbage\n{COMMIT}"),
        ] {
            case.log(&end);
            case.assert_refuses(node);
        }
    }
}

#[test]
fn orphans_without_rows_are_not_loaded() {
    let case = Case::new(dashed);
    fs::write(case.directory().join("oa-1-big-Data.db"), "").unwrap();
    case.remove("oa-2-big-Data.db");
    case.assert_loads(Node::Apache5, &[]);
}
