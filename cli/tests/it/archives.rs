//! `--snapshots` and `--backups`: what is reported about archives, to people and to programs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rekey_engine::journal::Replacement;
use rekey_engine::sstable::{Component, Descriptor};
use serde_json::json;

use crate::kit::{Node, copy_tree, plaintext};
use crate::synthetic::Recipe;
use crate::unfinished::{arguments, map, node as big_node, status};

/// Links the SSTables of these names into a folder of the table, as the database does.
fn link(table: &Path, folder: &str, names: &[&str]) -> PathBuf {
    let archive = table.join(folder);
    fs::create_dir_all(&archive).unwrap();
    for entry in fs::read_dir(table).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if names.iter().any(|sstable| name.starts_with(sstable)) {
            fs::hard_link(entry.path(), archive.join(name)).unwrap();
        }
    }
    archive
}

/// Four SSTables in a snapshot, one of them in backups, too; one of another snapshot is not live.
fn node() -> Node {
    let node = Node::usual();
    link(&node.table(), "snapshots/before", &["oa-"]);
    link(&node.table(), "backups", &["oa-2-big"]);
    let gone = link(&node.table(), "snapshots/gone", &["oa-3-big"]);
    for name in fs::read_dir(&gone).unwrap() {
        let name = name.unwrap().file_name();
        fs::remove_file(node.table().join(&name)).unwrap();
        fs::remove_file(node.table().join("snapshots/before").join(name)).unwrap();
    }
    node
}

#[test]
fn a_plan_shows_copies_and_what_stays() {
    let node = node();
    let run = node.plan(&["--create-key"]).exits(0);
    run.says("3 of 3 SSTables to rewrite")
        .says("left as they are, under their old keys: 5 SSTables in snapshots and backups")
        .says("--snapshots, --backups");
    let run = node.plan(&["--create-key", "--snapshots", "--all"]).exits(0);
    run.says("4 of 4 SSTables to rewrite")
        .says("rewrite as oa-7-big, and 1 copy")
        .says("snapshots/gone/oa-3-big")
        .says("rewrite in its place, as oa-3-big")
        .says("in snapshots and backups 4 copies of them to replace")
        .says("left as they are, under their old keys: 1 SSTable in snapshots and backups");
    let run = node.plan(&["--create-key", "--snapshots", "--backups", "--all"]).exits(0);
    let run = run.says("and 2 copies").says("5 copies of them to replace");
    assert!(!run.text().contains("left as they are"), "{run:?}");
}

#[test]
fn a_plan_and_a_run_as_json() {
    let node = node();
    let run = node.plan(&["--create-key", "--json"]).exits(0);
    let summary = &run.of_type("summary")[0];
    assert_eq!((&summary["copies"], &summary["archived_left"]), (&json!(0), &json!(5)));

    let all = ["--create-key", "--json", "--snapshots", "--backups"];
    let run = node.plan(&all).exits(0);
    let summary = &run.of_type("summary")[0];
    assert_eq!((&summary["rewrites"], &summary["copies"]), (&json!(4), &json!(5)));
    assert_eq!(summary["archived_left"], 0);
    let lines = run.of_type("sstable");
    let archived: Vec<_> = lines.iter().filter(|line| line["live"] == false).collect();
    assert_eq!((lines.len(), archived.len()), (4, 1));
    assert_eq!(
        (&archived[0]["new"], &archived[0]["action"]),
        (&json!("oa-3-big"), &json!("rewrite"))
    );
    assert_eq!(archived[0]["copies"], json!([archived[0]["data"]]));

    let run = node.upgrade(&["--json", "--snapshots", "--backups"]).exits(0);
    let summary = &run.of_type("summary")[0];
    assert_eq!((&summary["rewritten"], &summary["copies"]), (&json!(4), &json!(5)));
    let most = run.of_type("sstable").iter().filter_map(|line| line["copies"].as_u64()).max();
    assert_eq!(most, Some(2));
    let run = node.read("census", &["--json", "--snapshots", "--backups"]).exits(0);
    assert_eq!(run.of_type("key").len(), 1);
    assert_eq!(run.of_type("summary")[0]["archives_counted"], 3);
}

#[test]
fn a_run_reports_replaced_and_remaining_copies() {
    let node = node();
    let run = node.upgrade(&[]).exits(0).says("3 rewritten, read back and swapped in");
    run.says("left as they are, under their old keys: 5 SSTables in snapshots and backups");
    // Live ones are done; the flags say what else there is.
    let run = node.upgrade(&["--snapshots"]).exits(0);
    run.says("4 rewritten").says("4 copies in snapshots").says("3 skipped");
}

/// As a killed run would leave it: some files of a copy are new, and what is to replace the others is
/// staged.
fn torn() -> (Node, PathBuf) {
    let (node, other) = (Node::usual(), Node::usual());
    let snapshot = link(&node.table(), "snapshots/s", &["oa-2-big"]);
    // The same SSTable under the key that a run would have made.
    let key = fs::read_to_string(other.root.path().join("keys/aes-cbc-256")).unwrap();
    let line = key.lines().next().unwrap();
    node.file("new-key", line);
    other.file("new-key", line);
    other.upgrade(&["--snapshots"]).exits(0);
    copy_tree(&other.table(), &node.root.path().join("done"));
    let name = Descriptor::parse("oa-2-big").unwrap();
    let made = Descriptor::parse("oa-6-big").unwrap();
    let put = [Component::Data, Component::CompressionInfo, Component::Digest, Component::Toc];
    let staging = node.data().join(".sstablerekey/archived.0.oa-2-big");
    fs::create_dir_all(&staging).unwrap();
    for component in &put {
        let made = made.path(&node.root.path().join("done"), component);
        fs::copy(made, staging.join(format!("{component}.staged"))).unwrap();
    }
    let below = snapshot.strip_prefix(node.data()).unwrap().to_owned();
    let record = Replacement { put: put.to_vec(), dropped: vec![], copies: vec![(below, name)] };
    fs::write(staging.join("replacement"), record.encode()).unwrap();
    let info = snapshot.join("oa-2-big-CompressionInfo.db");
    fs::remove_file(&info).unwrap();
    fs::hard_link(staging.join("CompressionInfo.db.staged"), info).unwrap();
    (node, snapshot)
}

#[test]
fn a_partly_replaced_copy_is_reported_and_finished() {
    for verb in ["abandon", "upgradesstables"] {
        for as_json in [false, true] {
            let (node, snapshot) = torn();
            let json: &[&str] = if as_json { &["--json"] } else { &[] };
            // Nothing is certain, and looking changes nothing.
            let run = node.read("census", json).exits(3);
            if as_json {
                assert_eq!(run.of_type("unknown").len(), 1);
            } else {
                run.says("a run was cut off while it replaced copies");
            }
            node.plan(&[&["--snapshots"], json].concat()).says("a run was cut off");
            let run = match verb {
                "abandon" => node.read("abandon", json).exits(0),
                _ => node.upgrade(json).exits(0),
            };
            let data = snapshot.join("oa-2-big-Data.db");
            if as_json {
                let copies = run.of_type("copy");
                assert_eq!(copies.len(), 1);
                assert_eq!(copies[0]["data"], json!(data.display().to_string()));
            } else {
                run.says("oa-2-big-Data.db: the interrupted replacement is finished");
            }
            assert!(node.is_clean());
            let run = node.read("census", &["--json", "--snapshots"]).exits(0);
            assert_eq!(run.of_type("unknown").len(), 0);
            let made = node.root.path().join("done/oa-6-big-Data.db");
            assert_eq!(fs::read(data).unwrap(), fs::read(made).unwrap());
        }
    }
}

/// The copies of a small SSTable are replaced while a big one is in work.
#[test]
fn status_counts_copies() {
    let node = big_node();
    let table = crate::synthetic::table_in(&node.data());
    let mut small = Recipe::local("oa", "2", "old-key", vec![3; 16]);
    small.chunk_length = 1 << 14;
    small.write(&table, &plaintext(100_000));
    let snapshots = ["snapshots/a", "snapshots/b"].map(|tag| link(&table, tag, &["oa-2-big"]));
    let map = map(&node, "new-key");
    // A single worker does the big one first; two workers alternate.
    let mut arguments_of_two = arguments(&map);
    let threads = arguments_of_two.iter().position(|argument| *argument == "--threads").unwrap();
    arguments_of_two[threads + 1] = "2";
    let mut command = node.command(&arguments_of_two);
    command.args(["--snapshots", "--rate", "2"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let seen = loop {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was seen at work");
        let seen = status(&node, &[]);
        if seen["copies"] == 2 && seen["durable"].as_u64().is_some_and(|bytes| bytes > 0) {
            break seen;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&seen["sstables"], &seen["failed"]), (&json!(2), &json!(0)));
    node.read("status", &[]).exits(0).says("2 copies in snapshots and backups replaced");
    // Other archives are another plan.
    let more = arguments(&map);
    node.run(&more).exits(2).says("snapshots: then re-encrypted, too, now not said");
    node.run(&[&more[..], &["--snapshots"]].concat()).exits(0);
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    let [a, b] = snapshots.map(|archive| inode(archive.join("oa-2-big-Data.db")));
    assert_eq!(a, b);
}
