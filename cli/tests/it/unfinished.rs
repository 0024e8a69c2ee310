//! A run that is killed, examined, resumed, refused and abandoned: `status`, `abandon`,
//! `--checkpoint`, `--resume`, `--state-dir`.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::kit::{Node, Run, copy_tree, plaintext, testdata};
use crate::synthetic::{Recipe, table_in};

/// A node with an SSTable of some MiB, and a target whose cipher is slow.
pub(crate) fn node() -> Node {
    let node = Node::empty();
    let mut recipe = Recipe::local("oa", "1", "old-key", vec![3; 16]);
    recipe.chunk_length = 1 << 14;
    recipe.write(&table_in(&node.data()), &plaintext(24 << 20));
    node.file("old-key", &recipe.key_line());
    node
}

pub(crate) fn map(node: &Node, file: &str) -> String {
    format!(
        "{{'class': 'Encryptor', 'cipher_algorithm': 'DESede/CBC/PKCS5Padding', \
         'secret_key_strength': 168, 'key_provider': 'LocalFileSystemKeyProviderFactory', \
         'secret_key_file': '{}'}}",
        node.root.path().join(file).display()
    )
}

pub(crate) fn arguments(map: &str) -> Vec<&str> {
    vec![
        "upgradesstables",
        "-a",
        "--create-key",
        "--data-dir",
        "data",
        "--flavor",
        "apache-4",
        "--threads",
        "1",
        "--checkpoint",
        "1",
        "--compression",
        map,
    ]
}

fn upgrade(node: &Node, file: &str, more: &[&str]) -> Run {
    node.run(&[&arguments(&map(node, file)), more].concat())
}

pub(crate) fn status(node: &Node, more: &[&str]) -> Value {
    let run = node.read("status", &[&["--json"], more].concat()).exits(0);
    run.of_type("summary").remove(0)
}

/// Kills a run when some of its work is durable.
fn killed(more: &[&str]) -> Node {
    for _ in 0..20 {
        let node = node();
        let map = map(&node, "new-key");
        let mut child = node
            .command(&[&arguments(&map), &["--rate", "8"][..], more].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            let seen = status(&node, more);
            if seen["durable"].as_u64().is_some_and(|bytes| bytes > 0) {
                // The kernel's list of locks may miss one while others come and go.
                let own = |process: u64| process == u64::from(child.id());
                assert!(seen["process"].as_u64().is_none_or(own), "{seen}");
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        if status(&node, more)["unfinished"] == true {
            return node;
        }
    }
    panic!("the runs were faster than their killer");
}

#[test]
fn a_killed_run_is_shown_and_resumed() {
    let node = killed(&[]);
    let seen = status(&node, &[]);
    assert_eq!((&seen["sstables"], &seen["swapped"]), (&1.into(), &0.into()));
    assert_eq!(seen["process"], Value::Null);
    assert!(seen["plan"]["target_key"].as_str().unwrap().contains("new-key"));
    node.read("status", &[])
        .exits(0)
        .says(" oa-1-big ")
        .says("1 SSTable: 0 swapped in, 0 failed, 1 left")
        .says(" of 24.")
        .says("nobody has worked on it for ")
        .says("same arguments");
    // Commands that only read still work.
    node.read("census", &[]).exits(0).says("old-key");

    // From the journal alone, in whatever directory.
    let data = node.data();
    let resume = ["upgradesstables", "--resume", "--data-dir", data.to_str().unwrap()];
    let output = node.command(&resume).current_dir("/").output().unwrap();
    let run = Run::from(output).exits(0).says("1 rewritten");
    assert!(run.err.contains("resuming an unfinished run"), "{run:?}");
    assert!(node.is_clean());
    node.read("verify", &[]).exits(0).says("1 verified");
    let seen = status(&node, &[]);
    assert_eq!(seen["unfinished"], false);
    node.read("status", &[]).exits(0).says("no run is unfinished");
}

#[test]
fn other_arguments_are_refused_and_named_until_it_is_abandoned() {
    let node = killed(&[]);
    let run = upgrade(&node, "other-key", &[]).exits(2).says("target options: then").says("hint:");
    assert!(run.text().contains("/new-key") && run.text().contains("/other-key"), "{run:?}");
    assert!(!node.root.path().join("other-key").exists(), "a key was made for nothing");
    let keyspace = fs::read_dir(node.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| !name.starts_with('.'))
        .unwrap();
    upgrade(&node, "new-key", &[&keyspace]).exits(2).says("keyspace: then all, now");

    node.read("abandon", &[]).exits(0).says("abandoned");
    assert!(node.is_clean());
    node.read("abandon", &[]).exits(0).says("no run was unfinished");
    upgrade(&node, "other-key", &[]).exits(0).says("1 rewritten");
    node.read("verify", &[]).exits(0).says("1 verified");
}

#[test]
fn its_journal_may_be_elsewhere() {
    let elsewhere = ["--state-dir", "elsewhere"];
    let node = killed(&elsewhere);
    assert!(node.root.path().join("elsewhere/journal").exists());
    // What is staged is of that run, and leads to it.
    let place = "elsewhere/journal";
    node.read("status", &[]).exits(2).says(place);
    node.read("abandon", &[]).exits(2).says(place);
    node.read("upgradesstables", &["--resume"]).exits(2).says(place);
    upgrade(&node, "new-key", &[]).exits(2).says(place).says("--state-dir");
    let run = node.read("abandon", &[&elsewhere[..], &["--json"]].concat()).exits(0);
    assert_eq!(run.of_type("summary")[0]["abandoned"], true);
    upgrade(&node, "new-key", &elsewhere).exits(0).says("1 rewritten");
}

/// Two nodes on one machine, and one --state-dir: neither may show, abandon or sweep the other's
/// run.
#[test]
fn another_nodes_run_cannot_be_abandoned() {
    let elsewhere = ["--state-dir", "elsewhere"];
    let node = killed(&elsewhere);
    let journal = node.root.path().join("elsewhere/journal");
    copy_tree(
        &testdata().join("fixtures/nb-des-cbc-56-16k/rk"),
        &node.root.path().join("other/rk"),
    );
    for verb in ["abandon", "status"] {
        let other = [&[verb, "--data-dir", "other"], &elsewhere[..]].concat();
        node.run(&other).exits(2).says("/data").says("/other").says("hint:");
        assert!(journal.exists());
    }
    upgrade(&node, "new-key", &elsewhere).exits(0).says("resuming").says("1 rewritten");
}

#[test]
fn at_first_there_is_nothing_to_resume() {
    let node = Node::usual();
    node.read("upgradesstables", &["--resume"]).exits(2).says("no unfinished run").says("hint:");
    // Its arguments are those of the run.
    let map = map(&node, "new-key");
    node.run(&[&arguments(&map)[..], &["--resume"]].concat()).exits(2).says("--resume");
    assert!(!node.root.path().join("new-key").exists());
    node.run(&[&arguments(&map)[..], &["--checkpoint", "0"]].concat()).exits(2);
    node.read("status", &["--state-dir", "nowhere"]).exits(0).says("no run is unfinished");
    node.run(&["status", "--data-dir", "nowhere"]).exits(2);
}

/// Nor is it among the files beside the tables, where the configuration says where these are.
#[test]
fn what_was_staged_beside_the_tables_is_abandoned_too() {
    let node = Node::usual();
    let root = node.root.path().display().to_string();
    for folder in ["conf", "log"] {
        fs::create_dir(node.root.path().join(folder)).unwrap();
    }
    let yaml = format!("data_file_directories: [{root}/data]\ncommitlog_directory: {root}/log\n");
    node.file("conf/cassandra.yaml", &yaml);
    let staged = node.file("log/.CommitLog-7-1700000000001.log.sstablerekey", "x");
    node.read("abandon", &["--not-a-node"]).exits(0).says("left in the data directories");
    assert!(staged.exists());
    node.run(&["abandon", "--conf", "conf"]).exits(0);
    assert!(!staged.exists());
}

#[test]
fn nothing_is_abandoned_while_a_run_works() {
    let node = Node::usual();
    let lock = fs::File::open(node.data()).unwrap();
    lock.try_lock().unwrap();
    node.read("abandon", &[]).exits(5).says("locked");
    node.read("status", &[]).exits(0);
}
