//! JSON lines: their types and fields are part of the interface.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{KMIP_LINES, KMIP_MAP, Node, Run};

/// All of these are there, and not null.
fn has(line: &Value, fields: &[&str]) {
    for field in fields {
        assert!(!line[*field].is_null(), "no '{field}' in {line}");
    }
}

fn damaged() -> Node {
    let node = Node::usual();
    let data = node.table().join("oa-2-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    bytes[66_000] ^= 1;
    fs::write(&data, bytes).unwrap();
    node
}

fn summary(run: &Run) -> Value {
    let lines = run.lines();
    let last = lines.last().unwrap().clone();
    assert_eq!(last["type"], "summary", "the last line is the summary: {run:?}");
    assert_eq!(run.of_type("summary").len(), 1);
    last
}

#[test]
fn a_plan_says_what_becomes_of_the_index() {
    for (set, flavor, expected) in [
        ("da-aes-cbc-256-16k", "apache-4", "kept"),
        ("bb-local-cbc", "hcd", "in_place"),
        ("plain-da", "hcd", "laid_out"),
    ] {
        let node = Node::with(set);
        let map = node.map(256);
        let asked = ["plan", "--data-dir", "data", "--flavor", flavor, "--create-key"];
        let of_tables = ["--compression", &map, "rk", "t"];
        let json = node.run(&[&asked[..], &of_tables, &["--json"]].concat()).exits(0);
        let sstables = json.of_type("sstable");
        assert!(sstables.len() >= 4, "{json:?}");
        for line in sstables {
            assert_eq!((&line["action"], &line["index"]), (&json!("rewrite"), &json!(expected)));
        }
        let text = node.run(&[&asked[..], &of_tables].concat()).exits(0);
        assert_eq!(text.out.contains("index laid out"), expected == "laid_out", "{text:?}");
    }
}

#[test]
fn a_plan() {
    let node = damaged();
    fs::remove_file(node.table().join("oa-3-big-Index.db")).unwrap();
    let run = node.plan(&["--create-key", "--json"]).exits(3);
    let sstables = run.of_type("sstable");
    assert_eq!(sstables.len(), 4);
    for line in &sstables {
        has(line, &["table", "data", "action"]);
        assert_eq!(line["table"], "rk.t");
        match line["action"].as_str().unwrap() {
            "rewrite" => {
                has(line, &["bytes", "total_bytes", "current", "new", "space", "target_key"]);
                let current = &line["current"];
                assert_eq!(current["class"], "Encryptor");
                assert_eq!(current["cipher"], "AES/CBC/PKCS5Padding");
                assert_eq!(
                    (&current["strength"], &current["chunk_length"]),
                    (&json!(256), &json!(65_536))
                );
                has(&current["keys"][0], &["key", "chunks", "bytes"]);
                assert_eq!(current["keys"][0]["key"]["provider"], "local_file");
                assert_eq!(current["keys"][0]["key"]["file"], "keys/aes-cbc-256");
                let file = line["target_key"]["file"].as_str().unwrap();
                assert!(file.ends_with("/new-key"), "{file}");
            }
            "refuse" => {
                has(&line["error"], &["kind", "message", "path", "cure"]);
                assert_eq!(line["error"]["kind"], "corrupt");
            }
            other => panic!("{other}"),
        }
    }
    let findings = run.of_type("finding");
    assert!(findings.iter().any(|line| line["severity"] == "refused"));
    for line in &findings {
        has(line, &["severity", "kind", "message", "sstables"]);
    }
    let summary = summary(&run);
    assert_eq!((&summary["sstables"], &summary["rewrites"]), (&json!(4), &json!(3)));
    assert_eq!(summary["flavor"], "apache-4");
    has(&summary, &["bytes", "target"]);
    let options = &summary["target"]["options"];
    assert!(options["secret_key_file"].as_str().unwrap().ends_with("/new-key"), "{options}");
}

#[test]
fn a_run() {
    let node = damaged();
    let run = node.upgrade(&["--json"]).exits(3);
    let done: Vec<_> =
        run.of_type("sstable").into_iter().filter(|line| !line["outcome"].is_null()).collect();
    let of = |outcome: &str| done.iter().filter(|line| line["outcome"] == outcome).count();
    assert_eq!((of("rewritten"), of("failed")), (3, 1), "{run:?}");
    for line in &done {
        has(line, &["table", "data"]);
        match line["outcome"].as_str().unwrap() {
            "rewritten" => has(line, &["new"]),
            _ => {
                let error = &line["error"];
                has(error, &["kind", "message", "path", "chunk", "cure"]);
                assert_eq!((&error["kind"], &error["chunk"]), (&json!("corrupt"), &json!(1)));
                assert!(error["path"].as_str().unwrap().ends_with("oa-2-big-Data.db"));
            }
        }
    }
    let summary = summary(&run);
    assert_eq!((&summary["rewritten"], &summary["failed"]), (&json!(3), &json!(1)));
    has(&summary, &["verified", "skipped", "seconds"]);
    let again = node.upgrade(&["--json"]);
    assert_eq!(again.of_type("summary")[0]["skipped"], 3);
}

#[test]
fn a_verification_and_a_census() {
    let node = damaged();
    let run = node.read("verify", &["--json"]).exits(3);
    let done: Vec<_> =
        run.of_type("sstable").into_iter().filter(|line| !line["outcome"].is_null()).collect();
    assert_eq!(done.iter().filter(|line| line["outcome"] == "verified").count(), 3);
    for line in done.iter().filter(|line| line["outcome"] == "verified") {
        has(line, &["table", "data", "chunks"]);
    }
    assert_eq!((&summary(&run)["verified"], &summary(&run)["failed"]), (&json!(3), &json!(1)));

    let run = node.read("census", &["--json"]).exits(0);
    let keys = run.of_type("key");
    assert_eq!(keys.len(), 1);
    has(&keys[0], &["key", "chunks", "bytes", "sstables", "tables"]);
    assert_eq!((&keys[0]["sstables"], &keys[0]["tables"]), (&json!(4), &json!(["rk.t"])));
    let counts = [
        "keys",
        "not_encrypted_sstables",
        "not_encrypted_bytes",
        "clear_chunks",
        "unknown_sstables",
    ];
    has(&summary(&run), &counts);

    fs::write(node.table().join("oa-3-big-CompressionInfo.db"), "x").unwrap();
    let run = node.read("census", &["--json"]).exits(3);
    let unknown = run.of_type("unknown");
    assert_eq!(unknown.len(), 1);
    has(&unknown[0], &["kind", "message", "path", "cure"]);
    assert_eq!(summary(&run)["unknown_sstables"], 1);
}

#[test]
fn kmip_keys_by_their_ids() {
    let node = Node::with("oa-kmip-a");
    let keys = node.file("kmip-keys", KMIP_LINES);
    let run = node.read("census", &["--json"]).exits(0);
    assert_eq!(
        run.of_type("key")[0]["key"],
        json!({"provider": "kmip", "group": "kmip1", "id": "02-449"})
    );
    let rest = [
        "-a",
        "--json",
        "--flavor",
        "apache-4",
        "--compression",
        KMIP_MAP,
        "--key-id",
        "0eb2277e-0acc-4adb-9241-1dd84dde691c",
        "--kmip-keys",
        keys.to_str().unwrap(),
    ];
    node.read("upgradesstables", &rest).exits(0);
    let run = node.read("census", &["--json"]).exits(0);
    assert_eq!(run.of_type("key").len(), 1);
    assert_eq!(run.of_type("key")[0]["key"]["id"], "0eb2277e-0acc-4adb-9241-1dd84dde691c");
}

/// Each SSTable is one line of a run, as it ends; what the line says is not said again.
#[test]
fn an_sstable_ends_once() {
    let node = damaged();
    fs::remove_file(node.table().join("oa-3-big-Index.db")).unwrap();
    let run = node.upgrade(&["--json"]).exits(3);
    let lines = run.lines();
    let mut data: Vec<_> = run.of_type("sstable").iter().map(|line| line["data"].clone()).collect();
    data.sort_by_key(ToString::to_string);
    data.dedup();
    assert_eq!((data.len(), run.of_type("sstable").len()), (4, 4), "{run:?}");
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    let at = |name| types.iter().position(|of| *of == name).unwrap();
    assert!(at("started") < at("sstable") && at("sstable") < at("summary"), "{types:?}");
    let worked_on = run.of_type("sstable").iter().filter(|line| line["bytes"].is_u64()).count();
    assert_eq!(run.of_type("started")[0]["sstables"], worked_on);
}

/// The last line says how it ended, whatever the command.
#[test]
fn the_last_line_of_every_command() {
    let node = Node::usual();
    let config = node.file("hcd.yaml", "cluster_name: x\n");
    let config = config.to_str().unwrap();
    for (words, kind, code, command) in [
        (&["status", "--data-dir", "data"][..], "summary", 0, "status"),
        (&["abandon", "--data-dir", "data"], "summary", 0, "abandon"),
        (&["census", "--data-dir", "data"], "summary", 0, "census"),
        (&["verify", "--data-dir", "data"], "summary", 0, "verify"),
        (&["report", "--data-dir", "data"], "error", 2, "report"),
        (&["keys", "list", "g", "--config", config], "error", 2, "keys list"),
        (&["keys", "test", "--config", config], "error", 2, "keys test"),
        (&["keys", "expire", "g", "k", "--yes", "--config", config], "error", 2, "keys expire"),
        (&["census"], "error", 2, "census"),
        (&["config", "--conf", "data"], "error", 2, "config"),
        (&["census", "--data-dir", "data", "--flavour", "x"], "error", 2, "help"),
        (&["plan", "--data-dir", "data", "--io", "magic"], "error", 2, "help"),
    ] {
        let run = node.run(&[words, &["--json"]].concat()).exits(code);
        let last = run.lines().last().unwrap().clone();
        assert_eq!((&last["type"], &last["command"]), (&json!(kind), &json!(command)));
        assert_eq!((&last["exit_status"], &last["schema_version"]), (&json!(code), &json!(1)));
    }
    let run = node.run(&["census", "--data-dir", "data", "--threds", "2", "--json"]);
    let error = &run.lines()[0];
    assert_eq!(error["message"], "unexpected argument '--threds' found");
    assert!(error["cure"].as_str().unwrap().contains("'--threads'"), "{error}");
    // A word after the arguments requests nothing.
    let run = Run::from(node.command(&["nonsense", "--", "--json"]).output().unwrap()).exits(2);
    assert!(run.out.is_empty() && run.err.contains("nonsense"), "{run:?}");
}

/// An error that ends a command is a line like the others, and nothing else is printed there.
#[test]
fn errors() {
    let node = Node::usual();
    let map = node.map(256);
    for (arguments, code, kind) in [
        (vec!["census", "--data-dir", "absent"], 2, "invalid"),
        (vec!["verify", "--data-dir", "data", "nope"], 2, "invalid"),
        (vec!["plan", "--data-dir", "data", "--compression", "{"], 2, "invalid"),
        (
            vec![
                "upgradesstables",
                "-a",
                "--data-dir",
                "data",
                "--flavor",
                "apache-4",
                "--compression",
                &map,
            ],
            6,
            "key_unavailable",
        ),
    ] {
        let run = node.run(&[arguments.as_slice(), &["--json"]].concat()).exits(code);
        let lines = run.of_type("error");
        let notes = run.of_type("note").len();
        assert_eq!((lines.len(), run.lines().len()), (1, 1 + notes), "{run:?}");
        has(&lines[0], &["message", "cure"]);
        assert_eq!(lines[0]["kind"], kind);
    }
}

#[test]
fn a_finished_log() {
    let node = Node::usual();
    let table = fs::canonicalize(node.table()).unwrap();
    let path = format!("{}/oa-9-big-", table.display());
    let mut crc = crc32fast::Hasher::new();
    crc.update(path.as_bytes());
    crc.update(b"ADD");
    crc.update(&[0; 12]);
    let name = "oa_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log";
    fs::write(table.join(name), format!("ADD:[{path},0,0][{}]\n", crc.finalize())).unwrap();
    for run in [node.plan(&["--create-key", "--json"]), node.upgrade(&["--json"])] {
        let run = run.exits(0);
        let log = &run.of_type("log")[0];
        assert_eq!(log["verdict"], "roll_back");
        assert!(log["log"].as_str().unwrap().ends_with(name));
    }
    assert!(!table.join(name).exists());
}
