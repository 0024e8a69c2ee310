//! Pipes where files are expected: refused or skipped with a message, and never waited for.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::kit::{Node, Run};

/// A run that has not ended by then is blocked on a pipe.
const PATIENCE: &str = "60";

fn pipe(path: &Path) {
    let _may_be_there = fs::remove_file(path);
    mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).unwrap();
}

fn run(node: &Node, arguments: &[&str]) -> Run {
    let mut command = Command::new("timeout");
    command.args(["--signal", "KILL", PATIENCE, env!("CARGO_BIN_EXE_sstablerekey")]);
    command.args(arguments).current_dir(node.root.path()).output().unwrap().into()
}

fn upgrade(node: &Node, more: &[&str]) -> Run {
    let map = node.map(256);
    let usual = ["upgradesstables", "-a", "--create-key", "--data-dir", "data"];
    run(node, &[&usual[..], &["--flavor", "apache-4", "--compression", &map], more].concat())
}

#[test]
fn a_component_that_is_a_pipe_fails_its_sstable_alone() {
    for component in ["Data.db", "Index.db", "Statistics.db", "CompressionInfo.db"] {
        let node = Node::usual();
        pipe(&node.table().join(format!("oa-2-big-{component}")));
        for verb in ["census", "verify"] {
            let looked = run(&node, &[verb, "--data-dir", "data"]);
            assert_ne!(looked.code, 0, "{component}: {looked:?}");
            looked.says("oa-2-big");
        }
        let ran = upgrade(&node, &[]);
        assert_eq!(ran.code, 3, "{component}: {ran:?}");
        ran.says("oa-2-big");
        let left = node.sstables();
        assert_eq!(left.iter().filter(|name| !name.starts_with("oa-2-")).count(), 3, "{left:?}");
    }
}

#[test]
fn a_transaction_log_that_is_a_pipe_is_refused() {
    let node = Node::usual();
    let name = "nb_txn_compaction_c2d11a90-aadd-11ee-8000-1dbe93a00001.log";
    pipe(&node.table().join(name));
    let before = node.sstables();
    for verb in ["census", "verify"] {
        let looked = run(&node, &[verb, "--data-dir", "data"]);
        assert_ne!(looked.code, 0, "{looked:?}");
        looked.says(name);
    }
    let ran = upgrade(&node, &[]);
    assert_ne!(ran.code, 0, "{ran:?}");
    ran.says(name);
    assert_eq!(node.sstables(), before);
}

#[test]
fn a_journal_or_a_marker_that_is_a_pipe_is_refused() {
    for name in ["journal", "run", "rotations"] {
        let node = Node::usual();
        upgrade(&node, &["--stop-after", "1"]).exits(75);
        let before = node.sstables();
        pipe(&node.data().join(".sstablerekey").join(name));
        let ran = upgrade(&node, &[]);
        // A record of rotations is read only for KMIP keys.
        if name != "rotations" {
            assert_ne!(ran.code, 0, "{name}: {ran:?}");
            ran.says("not a file that this program has made").says(name);
            assert_eq!(node.sstables(), before, "{name}");
        }
        assert_ne!(run(&node, &["abandon", "--data-dir", "data"]).code, 137, "{name}");
    }
}

#[test]
fn a_document_that_is_a_pipe_is_refused() {
    let node = Node::usual();
    pipe(&node.root.path().join("pipe"));
    let shown = run(&node, &["report", "pipe"]);
    assert_ne!(shown.code, 0, "{shown:?}");
    shown.says("regular file");
    node.upgrade(&[]).exits(0);
    let shown = run(&node, &["report", "--data-dir", "data", "--html", "pipe", "--force"]);
    shown.exits(2).says("only a regular file is replaced");
}

#[test]
fn keys_and_configuration_that_are_pipes_are_refused() {
    let node = Node::usual();
    let path = node.root.path().join("pipe");
    pipe(&path);
    let path = path.to_str().unwrap();
    for option in ["--config", "--kmip-keys"] {
        run(&node, &["verify", "--data-dir", "data", option, path]).exits(2).says("regular file");
    }
    pipe(&node.root.path().join("new-key"));
    let ran = upgrade(&node, &[]);
    assert_ne!(ran.code, 0, "{ran:?}");
    ran.says("regular file");
    fs::remove_file(node.root.path().join("new-key")).unwrap();
    pipe(&node.root.path().join("new-key.unfinished"));
    let ran = upgrade(&node, &[]);
    assert_ne!(ran.code, 0, "{ran:?}");
    ran.says("new-key.unfinished");
}
