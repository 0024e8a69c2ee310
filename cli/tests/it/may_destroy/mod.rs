//! `may-destroy`: the answers and their exit codes, reports, and several of them put together.

mod names;
mod traps;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rekey_engine::evidence::Evidence;
use serde_json::{Value, json};

use crate::kit::{Node, Run, copy_tree, testdata};
use crate::schema::Schema;

const KEY: &str = "keys/aes-cbc-256";
const OTHER: &str = "kmip vault/02-449";

/// The first line says the answer.
fn answers(run: &Run, code: i32) {
    let word = match code {
        0 => "yes: ",
        3 => "unknown: ",
        4 => "no: ",
        _ => unreachable!(),
    };
    assert!(run.code == code && run.out.starts_with(word), "{code}: {run:?}");
}

/// A node with all its directories, whose SSTables are under [`KEY`].
fn node() -> Node {
    let node = Node::usual();
    for keyspace in ["system", "system_schema"] {
        copy_tree(&testdata().join("schema/oa").join(keyspace), &node.data().join(keyspace));
    }
    let root = fs::canonicalize(node.root.path()).unwrap();
    let mut text = format!("data_file_directories: [{}]\n", root.join("data").display());
    for (name, folder) in [
        ("commitlog_directory", "commitlog"),
        ("hints_directory", "hints"),
        ("saved_caches_directory", "saved_caches"),
        ("cdc_raw_directory", "cdc_raw"),
    ] {
        fs::create_dir(root.join(folder)).unwrap();
        text.push_str(&format!("{name}: {}\n", root.join(folder).display()));
    }
    fs::create_dir(root.join("conf")).unwrap();
    fs::write(root.join("conf/cassandra.yaml"), text).unwrap();
    write_log(&node);
    node
}

/// An empty segment of this second: what is older than it was written by the node.
fn write_log(node: &Node) {
    let folder = node.root.path().join("commitlog");
    for entry in fs::read_dir(&folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    // After every SSTable, also by clocks of a second.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    fs::write(folder.join("CommitLog-7-1795980212000.log"), [0; 64]).unwrap();
}

fn ask(node: &Node, more: &[&str]) -> Run {
    node.run(&[&["may-destroy", "--conf", "conf"], more].concat())
}

#[test]
fn each_answer_has_its_exit_code() {
    let node = node();
    let run = ask(&node, &[OTHER]).exits(0);
    assert!(run.out.starts_with("yes: kmip vault/02-449"), "{run:?}");
    let run = ask(&node, &[KEY]).exits(4);
    assert!(run.out.starts_with("no: keys/aes-cbc-256\n"), "{run:?}");
    let run = run.says("1. 4 SSTables of rk.t").says("sstablerekey upgradesstables -a ");
    run.says("looked at: ").says("(commit_log), 1 file, 64 B");
    // The worst of several decides; each has its lines.
    let run = ask(&node, &[OTHER, KEY]).exits(4).says("yes: kmip vault/02-449");
    run.says("no: keys/aes-cbc-256");
    fs::write(node.root.path().join("hints/x"), "x").unwrap();
    let run = ask(&node, &[OTHER]).exits(3);
    assert!(run.out.starts_with("unknown: kmip vault/02-449"), "{run:?}");
    run.says("a file of no known kind in the directory for hints").says("hints/x");
    fs::remove_file(node.root.path().join("hints/x")).unwrap();
    let state = node.data().join(".sstablerekey");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("rewritten"), "").unwrap();
    let run = ask(&node, &[OTHER]).exits(3);
    assert!(run.out.starts_with("yes, after the next start: "), "{run:?}");
    // Not without the node's configuration, even if the data is named.
    node.run(&["may-destroy", OTHER, "--data-dir", "data"]).exits(3).says("nobody has looked at");
}

#[test]
fn json_has_every_reason() {
    let node = node();
    let run = ask(&node, &[KEY, "--json"]).exits(4);
    let verdict = &run.of_type("verdict")[0];
    assert_eq!((&verdict["answer"], &verdict["reasons"]), (&json!("no"), &json!(1)));
    let key = json!({"provider": "local_file", "file": KEY, "transformation": "AES/CBC/PKCS5Padding", "strength": 256});
    assert_eq!(verdict["keys"], json!([{"key": key, "state": null}]));
    let reason = &run.of_type("reason")[0];
    assert_eq!((&reason["work"], &reason["answer"]), (&json!("live"), &json!("no")));
    assert_eq!(run.of_type("summary")[0]["answer"], "no");
    let run = ask(&node, &[OTHER, "--json"]).exits(0);
    assert!(run.of_type("reason").is_empty());
    let run = node.run(&["census", "--conf", "conf", "--json"]).exits(0);
    let line = &run.of_type("key")[0];
    assert_eq!((&line["sstables"], &line["places"][0]["files"]), (&json!(4), &json!(4)));
    assert!(line["oldest"].as_str().unwrap() <= line["newest"].as_str().unwrap());
    let weak = run.of_type("weakness");
    assert_eq!(weak.iter().filter(|line| line["kind"] == "clear_index").count(), 1);
}

#[test]
fn what_is_no_key_is_refused() {
    let node = node();
    ask(&node, &[]).exits(2).says("KEY");
    for wrong in ["", " ", "aes-cbc-256", "keystore "] {
        ask(&node, &[wrong]).exits(2).says("hint: ");
    }
    // A group that the configuration does not have.
    node.file("conf/hcd.yaml", "kmip_hosts:\n  vault:\n    hosts: 127.0.0.1:1\n");
    ask(&node, &["vualt/02-449"]).exits(2).says("no group vualt");
    ask(&node, &["vault/02-449"]).exits(0);
}

#[test]
fn the_step_that_is_printed_does_the_work() {
    let node = node();
    let run = ask(&node, &[KEY]).exits(4);
    let line = run.out.lines().find(|line| line.contains("upgradesstables -a")).unwrap();
    let command = line.trim().trim_start_matches("-> ");
    // A stopped node's product may be any.
    let command = command.replace("-a ", "-a --flavor apache-4 ");
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &command]).current_dir(node.root.path()).output().unwrap();
    Run::from(output).exits(0).says("4 rewritten");
    // It was not started since.
    let run = ask(&node, &[KEY]).exits(3).says("yes, after the next start");
    run.says("start the node once");
}

#[test]
fn a_report_is_written_once_and_is_as_documented() {
    let node = node();
    ask(&node, &[KEY, "--report", "r.json"]).exits(4).says("report: r.json");
    let path = node.root.path().join("r.json");
    let before = fs::read(&path).unwrap();
    ask(&node, &[KEY, "--report", "r.json"]).exits(1).says("r.json").says("not there yet");
    assert_eq!(fs::read(&path).unwrap(), before);
    let value: Value = serde_json::from_slice(&before).unwrap();
    Schema::documented().check_object(&value, "evidence");
    let text = String::from_utf8(before).unwrap();
    assert!(!text.contains("YUhD4BZgGBgZjyLZ0b55"), "no key is in it");
}

/// The example of the document is one that the program reads.
#[test]
fn the_documented_report_is_one() {
    let document = include_str!("../../../docs/JSON.md");
    let example = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    Evidence::parse(example.as_bytes(), &PathBuf::from("JSON.md")).unwrap();
    Schema::documented().check_object(&serde_json::from_str(example).unwrap(), "evidence");
}

/// Three nodes of one ring, each with a report.
fn reports(node: &Node) -> Vec<String> {
    ask(node, &[OTHER, "--report", "1.json"]).exits(0);
    let text = fs::read_to_string(node.root.path().join("1.json")).unwrap();
    let first: Value = serde_json::from_str(&text).unwrap();
    let own = first["node"]["host_id"].as_str().unwrap().to_owned();
    let ids = [own, "2".repeat(32), "3".repeat(32)];
    let ring: Vec<Value> = (1..)
        .zip(&ids)
        .map(|(number, id)| {
            let address = format!("10.0.0.{number}");
            json!({"host_id": id, "address": address, "data_center": "dc", "rack": "r"})
        })
        .collect();
    let mut names = Vec::new();
    for (number, id) in (1..).zip(&ids) {
        let mut report = first.clone();
        report["ring"] = json!(ring);
        report["node"]["host_id"] = json!(id);
        report["host"] = json!(format!("node{number}"));
        let name = format!("node{number}.json");
        fs::write(node.root.path().join(&name), report.to_string()).unwrap();
        names.push(name);
    }
    names
}

#[test]
fn a_node_of_the_ring_without_a_report_is_missed() {
    let node = node();
    let names = reports(&node);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let merge = |names: &[&str], more: &[&str]| {
        node.run(&[&["may-destroy", OTHER, "--merge"], names, more].concat())
    };
    merge(&all, &[]).exits(0).says("yes: kmip vault/02-449").says("node3.json, of node3");
    let run = merge(&all[..2], &[]).exits(3).says("unknown: kmip vault/02-449");
    run.says("10.0.0.3 (host id 33333333333333333333333333333333) has no report")
        .says("no report: 10.0.0.3");
    let run = merge(&all[..2], &["--json"]).exits(3);
    assert_eq!(run.of_type("missing")[0]["host_id"], "3".repeat(32));
    assert_eq!(run.of_type("reason")[0]["work"], "node");
    let summary = &run.of_type("summary")[0];
    assert_eq!((&summary["nodes"], &summary["missing"]), (&json!(2), &json!(1)));
    // Without a key: every key that is in one.
    let run = node.run(&[&["may-destroy", "--merge"], all.as_slice()].concat()).exits(4);
    run.says("no: file keys/aes-cbc-256 AES/CBC/PKCS5Padding:256")
        .says("node2: 4 SSTables of rk.t");
}

#[test]
fn a_report_that_is_none_is_named_with_its_place() {
    let node = node();
    let names = reports(&node);
    let good = fs::read_to_string(node.root.path().join(&names[0])).unwrap();
    for (content, words) in [
        (String::new(), "not a report of may-destroy"),
        ("{}".to_owned(), "line 1"),
        (good.replace("\"format\":1", "\"format\":2"), "format 2"),
        (good.replace("\"hints\"", "\"hunts\""), "unknown variant"),
        ("[".repeat(1_000_000), "not a report"),
        (good[..good.len() / 2].to_owned(), "EOF"),
    ] {
        fs::write(node.root.path().join("bad.json"), content).unwrap();
        let run = node.run(&["may-destroy", OTHER, "--merge", &names[0], "bad.json"]);
        assert!([1, 2].contains(&run.code), "{run:?}");
        run.says("bad.json").says(words).says("hint: ");
    }
    node.run(&["may-destroy", OTHER, "--merge", "gone.json"]).exits(1).says("gone.json");
    let other = good.replace("interop", "elsewhere");
    fs::write(node.root.path().join("bad.json"), other).unwrap();
    node.run(&["may-destroy", OTHER, "--merge", &names[0], "bad.json"]).exits(2).says("elsewhere");
    // A look and a merge are two things.
    let run = node.run(&["may-destroy", OTHER, "--merge", &names[0], "--conf", "conf"]);
    run.exits(2);
}
