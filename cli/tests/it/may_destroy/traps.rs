//! What hides that something is under a key.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::{KEY, OTHER, answers, ask, node, write_log};
use crate::kit::{Node, copy_tree, testdata};

const SEGMENT: &str = "CommitLog-7-1700000000001.log";
const HINTS: &str = "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1700000000002-2.hints";

/// A node whose tables have gone.
fn without_tables() -> Node {
    let node = node();
    fs::remove_dir_all(node.data().join("rk")).unwrap();
    answers(&ask(&node, &[KEY]), 0);
    node
}

fn of_the_log(name: &str) -> Vec<u8> {
    fs::read(testdata().join("system").join(name)).unwrap()
}

/// Where the first section of a segment begins.
fn header_of(segment: &[u8]) -> usize {
    14 + usize::from(u16::from_be_bytes([segment[12], segment[13]])) + 4
}

#[test]
fn a_header_alone_is_under_the_key_that_it_names() {
    let node = without_tables();
    let place = |directory: &str, name: &str| node.root.path().join(directory).join(name);
    let whole = of_the_log(SEGMENT);
    let header = header_of(&whole);
    let mut without_marker = whole.clone();
    without_marker[header..header + 8].fill(0);
    let preallocated = [&whole[..header], &[0; 100]].concat();
    for bytes in [&whole[..header], &preallocated, &whole[..header + 60], &without_marker] {
        fs::write(place("commitlog", SEGMENT), bytes).unwrap();
        answers(&ask(&node, &[KEY]), 4);
    }
    write_log(&node);
    answers(&ask(&node, &[KEY]), 0);
    let whole = of_the_log(HINTS);
    for length in [whole.len(), whole.len() / 2, 300] {
        fs::write(place("hints", HINTS), &whole[..length]).unwrap();
        answers(&ask(&node, &[KEY]), 4);
    }
    // What only has such a name.
    fs::remove_file(place("hints", HINTS)).unwrap();
    fs::write(place("hints", &HINTS.replace(".hints", ".crc32")), [7; 5000]).unwrap();
    answers(&ask(&node, &[KEY]), 3);
}

/// Whoever restores a snapshot of that table needs the system keys of its rows.
#[test]
fn a_snapshot_of_the_table_of_keys_needs_its_system_keys() {
    let node = without_tables();
    answers(&ask(&node, &["system system_key_1"]), 0);
    let table = "dse_system/encrypted_keys-0f3243d0ec2a11f1831ffd1e8eac023d";
    for folder in ["snapshots/before", "backups"] {
        let archive = node.data().join(table).join(folder);
        copy_tree(&testdata().join("key_tables/oa").join(table), &archive);
        let run = ask(&node, &["system system_key_1"]);
        answers(&run, 4);
        run.says("of encrypted_keys, encrypted by it")
            .says(folder)
            .says("snapshots and backups of");
        fs::remove_dir_all(&archive).unwrap();
    }
    answers(&ask(&node, &["system system_key_1"]), 0);
}

/// A name alone makes no transaction log.
#[test]
fn nothing_hides_behind_the_name_of_a_log() {
    let node = without_tables();
    let name = "oa_txn_compaction_6f9c1c00-0000-11f0-8000-00000000000a.log";
    let file = node.data().join("system").join(name);
    fs::write(&file, "ADD:[/d/ks/t-1/nb-1-big-,0,0][1]\n").unwrap();
    answers(&ask(&node, &[KEY]), 0);
    fs::write(&file, of_the_log(SEGMENT)).unwrap();
    let run = ask(&node, &[KEY]);
    answers(&run, 3);
    run.says("the name of a transaction log");
}

#[test]
fn what_the_configuration_writes_next_is_under_its_key() {
    let node = without_tables();
    let root = fs::canonicalize(node.root.path()).unwrap();
    let yaml = root.join("conf/cassandra.yaml");
    let before = fs::read_to_string(&yaml).unwrap();
    let key = root.join(KEY).display().to_string();
    let transparent = "transparent_data_encryption_options:\n  enabled: true\n  cipher: \
                       AES/CBC/PKCS5Padding\n  key_alias: testing:1\n  key_provider:\n    - \
                       class_name: org.apache.cassandra.security.JKSKeyProvider\n";
    let hook = format!(
        "commitlog_compression:\n  - class_name: EncryptingLZ4Compressor\n    parameters:\n      - \
         cipher_algorithm: AES/CBC/PKCS5Padding\n        secret_key_strength: 256\n        \
         key_provider: LocalFileSystemKeyProviderFactory\n        secret_key_file: {key}\n"
    );
    for (text, name) in [(transparent, "keystore testing:1"), (&hook, &key)] {
        answers(&ask(&node, &[name]), 0);
        fs::write(&yaml, format!("{before}{text}")).unwrap();
        let run = ask(&node, &[name]);
        answers(&run, 4);
        run.says("the node's next writes to its commit log, hints");
        fs::write(&yaml, &before).unwrap();
    }
}

#[test]
fn segments_that_a_command_puts_away_are_not_those_that_are_restored() {
    let node = without_tables();
    let root = fs::canonicalize(node.root.path()).unwrap();
    fs::create_dir(root.join("restored")).unwrap();
    let command = "archive_command=/bin/cp %path /backup/%name\n";
    let restored = format!("{command}restore_directories={}\n", root.join("restored").display());
    for text in [command, &restored] {
        node.file("conf/commitlog_archiving.properties", text);
        let run = ask(&node, &[KEY]);
        answers(&run, 3);
        run.says("nobody has said where they are");
    }
    answers(&ask(&node, &[KEY, "--commitlog-dir", "restored"]), 0);
}

#[test]
fn a_directory_that_cannot_be_seen_is_not_empty() {
    let node = without_tables();
    let root = fs::canonicalize(node.root.path()).unwrap();
    fs::remove_dir(root.join("cdc_raw")).unwrap();
    answers(&ask(&node, &[KEY]), 0);
    for name in ["cdc_raw", "solr.data"] {
        symlink("/nowhere/at/all", root.join(name)).unwrap();
        let run = ask(&node, &[KEY]);
        answers(&run, 3);
        run.says("a link that leads to nothing");
        fs::remove_file(root.join(name)).unwrap();
    }
    node.file("conf/dse.yaml", "solr_data_dir: /mnt/gone/solr\n");
    let run = ask(&node, &[KEY]);
    answers(&run, 3);
    run.says("the directory for search is not there");
}

#[test]
fn nothing_hides_among_the_files_of_this_program() {
    let node = without_tables();
    let state = node.data().join(".sstablerekey");
    let from = testdata().join("fixtures/oa-aes-cbc-256-64k/rk/t-5ab1e000000011f0800000000000000a");
    for folder in ["measure", "reports", "rotations", "rewritten"] {
        fs::create_dir_all(state.join(folder)).unwrap();
        let data = "oa-2-big-Data.db";
        fs::copy(from.join(data), state.join(folder).join(data)).unwrap();
        let run = ask(&node, &[KEY]);
        assert_eq!(run.code, 3, "{folder}: {run:?}");
        fs::remove_dir_all(&state).unwrap();
    }
    // What a run that died has left of a replacement names the way out.
    let left = format!(".{SEGMENT}.sstablerekey");
    fs::copy(
        testdata().join("system").join(SEGMENT),
        node.root.path().join("commitlog").join(left),
    )
    .unwrap();
    let run = ask(&node, &[KEY]);
    answers(&run, 3);
    run.says("run upgradesstables again with this directory");
}

#[test]
fn a_log_of_queries_does_not_take_a_directory_away() {
    let node = without_tables();
    let root = fs::canonicalize(node.root.path()).unwrap();
    let folder = root.join("commitlog/q");
    fs::create_dir(&folder).unwrap();
    fs::copy(testdata().join("system").join(SEGMENT), folder.join(SEGMENT)).unwrap();
    let yaml = root.join("conf/cassandra.yaml");
    let text = fs::read_to_string(&yaml).unwrap();
    let log = format!("full_query_logging_options:\n  log_dir: {}\n", folder.display());
    fs::write(&yaml, text + &log).unwrap();
    answers(&ask(&node, &[KEY]), 4);
}

#[test]
fn indices_of_search_and_saved_caches_count_whenever_they_were_written() {
    let node = without_tables();
    let root = node.root.path();
    fs::create_dir(root.join("solr.data")).unwrap();
    fs::write(root.join("solr.data/_0.cfs"), "1").unwrap();
    let state = node.data().join(".sstablerekey");
    fs::create_dir_all(state.join("reports")).unwrap();
    answers(&ask(&node, &[KEY]), 4);
    fs::write(state.join("reports/r.json"), "{}").unwrap();
    answers(&ask(&node, &[KEY]), 4);
}

#[test]
fn tables_of_hcd_have_a_second_file() {
    let node = without_tables();
    let from = testdata().join("fixtures/cc-kmip-cbc/rk");
    copy_tree(&from, &node.data().join("rk"));
    write_log(&node);
    let run = ask(&node, &["kmip kmip1/another"]);
    answers(&run, 3);
    run.says("no hcd.yaml or dse.yaml");
}

/// Wherever a run keeps its journal and its report, the node has to start after it.
#[test]
fn a_run_leaves_its_mark_in_the_data() {
    for (more, beside) in [
        (&["--state-dir", "out"][..], false),
        (&["--report", "out"], false),
        (&["--only", "commitlog"], true),
    ] {
        let node = node();
        fs::create_dir(node.root.path().join("out")).unwrap();
        let log = node.root.path().join("commitlog").join(SEGMENT);
        fs::copy(testdata().join("system").join(SEGMENT), &log).unwrap();
        if beside {
            fs::remove_dir_all(node.data().join("rk")).unwrap();
        }
        let map = node.map(256);
        let words = ["upgradesstables", "--conf", "conf", "--flavor", "apache-4", "--create-key"];
        let words = [&words[..], &["--compression", &map, "--snapshots"], more].concat();
        node.run(&words).exits(0);
        write_log(&node);
        let run = ask(&node, &[KEY]);
        assert_eq!(run.code, 3, "{more:?}: {run:?}");
        run.says("yes, after the next start").says(".sstablerekey/rewritten");
        // A run that does nothing is none.
        let mark = node.data().join(".sstablerekey/rewritten");
        let time = fs::metadata(&mark).unwrap().modified().unwrap();
        node.run(&words).exits(0);
        assert_eq!(fs::metadata(&mark).unwrap().modified().unwrap(), time, "{more:?}");
    }
}

#[test]
fn what_could_not_be_judged_is_no_success_of_a_merge_without_keys() {
    let node = without_tables();
    fs::write(node.root.path().join("hints/x"), "x").unwrap();
    ask(&node, &[OTHER, "--report", "r.json"]).exits(3);
    let path = node.root.path().join("r.json");
    let mut report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    report["keys"] = json!([]);
    report["ring"] = json!([]);
    let merged = |report: &Value| {
        fs::write(&path, report.to_string()).unwrap();
        node.run(&["may-destroy", "--merge", "r.json"]).code
    };
    assert_eq!(merged(&report), 3);
    report["unknowns"] = json!([]);
    assert_eq!(merged(&report), 0);
}
