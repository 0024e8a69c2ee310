//! Commit log segments and hints on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{KMIP_LINES, Node, Run, testdata};

const SEGMENT: &str = "CommitLog-7-1700000000001.log";
const HINTS: &str = "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1700000000002-2.hints";

/// A node with a segment, twice, and hints.
fn node() -> Node {
    let node = Node::usual();
    for directory in ["commitlog", "hints", "archive"] {
        fs::create_dir(node.root.path().join(directory)).unwrap();
    }
    let put = |name: &str, directory: &str| {
        let place = node.root.path().join(directory).join(name);
        fs::copy(testdata().join("system").join(name), place).unwrap();
    };
    put(SEGMENT, "commitlog");
    put(HINTS, "hints");
    put(&HINTS.replace(".hints", ".crc32"), "hints");
    node
}

fn segment(node: &Node) -> PathBuf {
    node.root.path().join("commitlog").join(SEGMENT)
}

const DIRS: [&str; 4] = ["--commitlog-dir", "commitlog", "--hints-dir", "hints"];

#[test]
fn files_are_planned_re_encrypted_and_verified_with_the_tables() {
    let node = node();
    let before = fs::read(segment(&node)).unwrap();
    let plan = node.plan(&[&DIRS[..], &["--create-key"]].concat()).exits(0);
    assert!(plan.out.contains("2 of 2 files beside the tables to change"), "{plan:?}");
    assert_eq!(fs::read(segment(&node)).unwrap(), before);

    let run = node.upgrade(&DIRS).exits(0);
    assert!(run.out.contains("4 SSTables and 2 files beside the tables"), "{run:?}");
    assert!(run.out.contains("2 re-encrypted in their place"), "{run:?}");
    let after = fs::read(segment(&node)).unwrap();
    assert_ne!(after, before);
    let json = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[12], bytes[13]]));
    assert_eq!(json(&after), json(&before), "the header keeps its length");

    // The old key is not needed any more.
    fs::remove_file(node.root.path().join("keys/aes-cbc-256")).unwrap();
    let run = node.read("verify", &DIRS).exits(0);
    assert!(run.out.contains("6 verified"), "{run:?}");
}

#[test]
fn json_has_a_line_for_each_file() {
    let node = node();
    let plan = node.plan(&[&DIRS[..], &["--create-key", "--json"]].concat()).exits(0).lines();
    let files: Vec<_> = plan.iter().filter(|line| line["type"] == "file").collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|line| line["action"] == "rewrite" && line["keys"].is_array()));
    assert_eq!(plan.last().unwrap()["file_changes"], 2);
    let run = node.upgrade(&[&DIRS[..], &["--json"]].concat()).exits(0).lines();
    let files: Vec<_> = run.iter().filter(|line| line["type"] == "file").collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|line| line["outcome"] == "rewritten"), "{files:?}");
    let verified = node.read("verify", &[&DIRS[..], &["--json"]].concat()).exits(0).lines();
    let files = verified.iter().filter(|line| line["type"] == "file");
    assert!(files.clone().all(|line| line["outcome"] == "verified") && files.count() == 2);
}

#[test]
fn only_narrows() {
    let node = node();
    let plan = node.plan(&[&DIRS[..], &["--only", "hints", "--create-key"]].concat()).exits(0);
    assert!(plan.out.contains("1 of 1 files") && !plan.out.contains("rk.t"), "{plan:?}");
    let run = node.upgrade(&[&DIRS[..], &["--only", "commitlog"]].concat()).exits(0);
    assert!(run.out.contains("1 file beside the tables"), "{run:?}");
    assert_eq!(node.sstables().len(), 4);
    let plan = node.plan(&["--only", "tables"]).exits(0);
    assert!(!plan.out.contains("beside the tables"), "{plan:?}");
    // Whoever names tables means no more than these, but directories that are named are meant.
    let run = node.upgrade(&DIRS).exits(0);
    assert!(run.out.contains("1 re-encrypted in their place"), "{run:?}");
    assert!(run.out.contains("1 skipped"), "{run:?}");
}

#[test]
fn what_is_damaged_is_refused_and_the_rest_is_done() {
    let node = node();
    let mut bytes = fs::read(segment(&node)).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    fs::write(segment(&node), &bytes).unwrap();
    let run = node.upgrade(&DIRS).exits(3);
    assert!(run.out.contains("1 failed"), "{run:?}");
    assert_eq!(fs::read(segment(&node)).unwrap(), bytes);
}

#[test]
fn the_directories_are_those_of_the_configuration() {
    let node = node();
    let root = fs::canonicalize(node.root.path()).unwrap();
    fs::create_dir_all(root.join("home/conf")).unwrap();
    let yaml = format!(
        "data_file_directories: [{0}/data]\ncommitlog_directory: {0}/commitlog\nhints_directory: \
         {0}/hints\nsaved_caches_directory: {0}/saved_caches\ncdc_raw_directory: {0}/cdc_raw\n",
        root.display()
    );
    fs::write(root.join("home/conf/cassandra.yaml"), &yaml).unwrap();
    let map = node.map(256);
    let plan =
        ["plan", "--conf", "home", "--flavor", "apache-4", "--compression", &map, "--create-key"];
    let run = node.run(&plan).exits(0);
    assert!(run.out.contains("2 of 2 files beside the tables"), "{run:?}");
    // One that is named adds to these, by an option or by a variable, for every command.
    fs::copy(segment(&node), root.join("archive").join(SEGMENT)).unwrap();
    let run = node.run(&[&plan[..], &["--commitlog-dir", "archive"]].concat()).exits(0);
    assert!(run.out.contains("3 of 3 files beside the tables"), "{run:?}");
    let by_variable = |arguments: &[&str]| {
        let mut command = node.command(arguments);
        Run::from(command.env("SSTABLEREKEY_COMMITLOG_DIR", "archive").output().unwrap())
    };
    let run = by_variable(&plan).exits(0);
    assert!(run.out.contains("3 of 3 files beside the tables"), "{run:?}");
    // Its next ones are in clear: nobody says what these are to become.
    node.upgrade(&[]).exits(0);
    let ask = ["may-destroy", "keys/aes-cbc-256", "--conf", "home"];
    let run = by_variable(&ask).exits(4).says("1 segment in an archive of the commit log");
    let run = run.says("re-encrypt them by the options of the new key");
    assert!(!run.out.contains(" --only=hints --hints-dir"), "{run:?}");
    // Where the configuration says it, the commands work as they are printed; an archive has folders.
    let day = root.join("archive/2026-11-30");
    fs::create_dir(&day).unwrap();
    fs::rename(root.join("archive").join(SEGMENT), day.join(SEGMENT)).unwrap();
    let hook = |setting: &str| {
        format!(
            "{setting}:\n  - class_name: EncryptingLZ4Compressor\n    parameters:\n      - \
             cipher_algorithm: AES/CBC/PKCS5Padding\n        secret_key_strength: 256\n        \
             key_provider: LocalFileSystemKeyProviderFactory\n        secret_key_file: {}/next-key\n",
            root.display()
        )
    };
    let yaml = format!("{yaml}{}{}", hook("commitlog_compression"), hook("hints_compression"));
    fs::write(root.join("home/conf/cassandra.yaml"), yaml).unwrap();
    let run = by_variable(&ask).exits(4).says("1 segment in an archive of the commit log");
    let commands: Vec<&str> = run.out.lines().filter(|line| line.contains(" --only=")).collect();
    assert_eq!(commands.len(), 3, "the log, an archive, hints: {run:?}");
    for command in commands {
        let (_, arguments) = command.split_once(" upgradesstables ").unwrap();
        let words: Vec<&str> =
            std::iter::once("upgradesstables").chain(arguments.split(' ')).collect();
        let run = node.run(&words).exits(0);
        assert!(run.out.contains("re-encrypted in their place"), "{run:?}");
    }
    by_variable(&ask).says("nothing that was looked at is under it");
    // Of other data the node's own directories are no part.
    fs::create_dir(root.join("other")).unwrap();
    let other = [&plan[..], &["--data-dir", "other", "--not-a-node"]].concat();
    let run = node.run(&other);
    assert!(!run.out.contains("beside the tables"), "{run:?}");
    // Nor are they where tables are named.
    let run = node.run(&[&plan[..], &["rk"]].concat()).exits(0);
    assert!(!run.out.contains("beside the tables"), "{run:?}");
}

#[test]
fn a_directory_that_is_not_there_is_not_empty() {
    let node = node();
    for option in ["--commitlog-dir", "--hints-dir"] {
        for verb in ["plan", "upgradesstables", "verify"] {
            let run = node.read(verb, &[option, "odl"]);
            run.exits(2).says("odl: the directory for ").says("is not there");
        }
    }
    let by_variable = |name: &str| {
        let mut command = node.command(&["verify", "--data-dir", "data"]);
        Run::from(command.env(name, "odl").output().unwrap())
    };
    by_variable("SSTABLEREKEY_COMMITLOG_DIR").exits(2).says("is not there");
    for (only, option) in [("commitlog", "--commitlog-dir DIR"), ("hints", "--hints-dir DIR")] {
        let run = node.read("verify", &["--only", only]).exits(2);
        run.says("no directory for ").says(option);
    }
    // One of the node's is said, and refused where it is all that was asked for.
    let root = node.root.path().display().to_string();
    fs::create_dir(node.root.path().join("conf")).unwrap();
    node.file(
        "conf/cassandra.yaml",
        &format!(
            "data_file_directories: [{root}/data]\ncommitlog_directory: {root}/commitlog\n\
             hints_directory: {root}/odl\nsaved_caches_directory: {root}/odl\n"
        ),
    );
    let run = node.run(&["verify", "--conf", "conf"]).exits(0);
    let run = run.says("warning: ").says("the directory for hints is not there");
    assert_eq!(run.text().matches("is not there").count(), 1, "{run:?}");
    node.run(&["verify", "--conf", "conf", "--only", "hints"]).exits(2);
    node.run(&["verify", "--conf", "conf", "--only", "commitlog"]).exits(0);
    // What is there and empty is said.
    fs::create_dir(node.root.path().join("empty")).unwrap();
    let run = node.plan(&["--commitlog-dir", "empty", "--create-key"]).exits(0);
    run.says("there is no segment, no hints and no saved cache");
}

#[test]
fn what_a_run_may_not_do_a_plan_refuses() {
    let mark = |sign: &str, path: &Path| {
        let run = std::process::Command::new("chattr").arg(sign).arg(path).status();
        run.is_ok_and(|status| status.success())
    };
    for marked in [&format!("commitlog/{SEGMENT}"), "hints"] {
        let node = node();
        let path = node.root.path().join(marked);
        if !mark("+i", &path) {
            return;
        }
        let (plan, run) =
            (node.plan(&[&DIRS[..], &["--create-key"]].concat()), node.upgrade(&DIRS));
        assert!(mark("-i", &path));
        for run in [plan, run] {
            run.exits(3).says("marked as immutable").says(marked);
        }
        node.upgrade(&DIRS).exits(0);
    }
}

/// The key id is of the files beside the tables, which the node encrypts by a key server; the tables have
/// a key file, and keep it.
#[test]
fn a_key_id_may_be_of_the_files_beside_the_tables_alone() {
    let node = node();
    let keys = node.file("kmip-keys", KMIP_LINES);
    let config = "kmip_hosts:\n  kmip1:\n    hosts: localhost:1\nsystem_info_encryption:\n  enabled: \
                  true\n  cipher_algorithm: AES\n  secret_key_strength: 256\n  key_provider: \
                  KmipKeyProviderFactory\n  kmip_host: kmip1\n";
    node.file("hcd.yaml", config);
    let set = format!("secret_key_file={}", node.root.path().join("keys/aes-cbc-256").display());
    let id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
    let words = ["--set", &set, "--config", "hcd.yaml", "--flavor", "hcd", "--key-id", id];
    let words = [&words[..], &["--kmip-keys", keys.to_str().unwrap()]].concat();
    let plan = |more: &[&str]| node.read("plan", &[&words, more].concat());
    // Nothing that is selected has one, whatever else lies beside it.
    for more in [&[][..], &["--only", "tables", "--commitlog-dir", "commitlog"]] {
        plan(more).exits(2).says("nothing that is selected has a key that has an id");
    }
    for more in [&DIRS[..], &[&DIRS[..], &["--only", "hints"]].concat()] {
        let plan = plan(more).exits(0);
        assert!(plan.out.contains(id), "{plan:?}");
    }
}
