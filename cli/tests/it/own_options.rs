//! Without `--compression` each table becomes what the schema says of it: `--schema`, `--set`, and the
//! command `schema`.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::kit::{Node, copy_tree, testdata};

const CBC: &str = "AES/CBC/PKCS5Padding";

/// Tables of their own from fixtures, with the last digit of their ids.
const TABLES: [(&str, &str, char); 5] = [
    ("a", "oa-aes-cbc-256-64k", 'a'),
    ("b", "oa-encrypting-lz4", 'b'),
    ("c", "oa-encrypting-deflate", 'c'),
    ("clear", "oa-lz4", 'd'),
    ("gone", "oa-desede-cbc-168-16k", 'e'),
];

fn node() -> Node {
    let node = Node::usual();
    fs::remove_dir_all(node.data().join("rk")).unwrap();
    for (name, set, digit) in TABLES {
        let from = testdata().join(format!("fixtures/{set}/rk/t-5ab1e000000011f0800000000000000a"));
        copy_tree(
            &from,
            &node.data().join(format!("ks/{name}-5ab1e000000011f0800000000000000{digit}")),
        );
    }
    node
}

fn options(class: &str, kib: u32, file: &str) -> String {
    format!(
        "{{'class': 'org.apache.cassandra.io.compress.{class}', 'chunk_length_in_kb': '{kib}', \
         'cipher_algorithm': '{CBC}', 'secret_key_strength': '256', \
         'key_provider': 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '{file}'}}"
    )
}

fn statement(table: &str, digit: char, options: &str) -> String {
    format!(
        "CREATE TABLE ks.{table} (k int PRIMARY KEY) WITH ID = 5ab1e000-0000-11f0-8000-00000000000{digit} \
         AND compression = {options};\n"
    )
}

/// A schema in which these tables have the key file; of the last table there is none.
fn schema(node: &Node, name: &str, file: &str) {
    let of = |class, kib| options(class, kib, file);
    let text = [
        statement("a", 'a', &of("Encryptor", 64)),
        statement("b", 'b', &of("EncryptingLZ4Compressor", 16)),
        statement("c", 'c', &of("EncryptingDeflateCompressor", 16)),
        statement("clear", 'd', "{'class': 'LZ4Compressor', 'chunk_length_in_kb': '16'}"),
    ];
    node.file(name, &text.concat());
}

fn new_key(node: &Node) -> String {
    node.root.path().join("new-key").display().to_string()
}

/// The class, chunk length and key files of each table, and what a plan says of its SSTables.
fn tables(node: &Node, more: &[&str]) -> BTreeMap<String, (String, u64, String, String)> {
    let flavor: &[&str] = if more.contains(&"--flavor") { &[] } else { &["--flavor", "apache-4"] };
    let run = node.read("plan", &[&["--json"], flavor, more].concat());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    run.of_type("sstable")
        .iter()
        .map(|line| {
            let current = &line["current"];
            let key = text(&current["keys"][0]["key"]["file"]);
            let length = current["chunk_length"].as_u64().unwrap();
            (text(&line["table"]), (text(&current["class"]), length, key, text(&line["action"])))
        })
        .collect()
}

fn state(class: &str, kib: u64, key: &str, action: &str) -> (String, u64, String, String) {
    (class.to_owned(), kib << 10, key.to_owned(), action.to_owned())
}

#[test]
fn each_table_keeps_its_class_and_gets_the_key_of_the_schema() {
    let node = node();
    let new = new_key(&node);
    schema(&node, "schema.cql", &new);
    let words = ["--schema", "schema.cql", "--create-key"];
    let before = tables(&node, &words);
    assert_eq!(before["ks.a"], state("Encryptor", 64, "keys/aes-cbc-256", "rewrite"));
    assert_eq!(before["ks.clear"].3, "skip");
    assert_eq!(before["ks.gone"].3, "skip", "its own options, and so its own key");

    let run = node
        .read("upgradesstables", &[&["-a", "--flavor", "apache-4"], &words[..]].concat())
        .exits(0)
        .says("the schema has no table ks.gone of this id: it was dropped");
    assert!(!run.text().contains("ALTER TABLE"), "the schema says so already: {run:?}");
    let after = tables(&node, &words);
    assert_eq!(after["ks.a"], state("Encryptor", 64, &new, "skip"));
    assert_eq!(after["ks.b"], state("EncryptingLZ4Compressor", 16, &new, "skip"));
    assert_eq!(after["ks.c"], state("EncryptingDeflateCompressor", 16, &new, "skip"));
    assert_eq!(after["ks.clear"], state("LZ4Compressor", 16, "", "skip"));
    assert_eq!(after["ks.gone"], state("Encryptor", 16, "keys/desede-cbc-168", "skip"));
    node.read("verify", &[]).exits(0);
}

#[test]
fn set_changes_one_option_of_each_table() {
    let node = node();
    let new = new_key(&node);
    schema(&node, "schema.cql", "keys/aes-cbc-256");
    let change = format!("secret_key_file={new}");
    let words = ["--schema", "schema.cql", "--set", &change, "--create-key"];
    // Before: the node would write under the old key.
    let run = node.read("schema", &words).exits(3).says("re-encrypt 4");
    let altered = |class, kib| format!("WITH compression = {};", options(class, kib, &new));
    run.says(&format!("ALTER TABLE ks.a {}", altered("Encryptor", 64)))
        .says(&format!("ALTER TABLE ks.b {}", altered("EncryptingLZ4Compressor", 16)));

    let run = node
        .read("upgradesstables", &[&["-a", "--flavor", "apache-4"], &words[..]].concat())
        .exits(0)
        .says(&format!("ALTER TABLE ks.c {}", altered("EncryptingDeflateCompressor", 16)));
    assert!(!run.text().contains("ALTER TABLE ks.gone"), "{run:?}");
    let after = tables(&node, &words);
    assert_eq!(after["ks.b"], state("EncryptingLZ4Compressor", 16, &new, "skip"));
    assert_eq!(after["ks.gone"], state("Encryptor", 16, &new, "skip"));
    assert_eq!(after["ks.clear"], state("LZ4Compressor", 16, "", "skip"));

    node.read("schema", &words).exits(3).says("alter it; nothing");
    schema(&node, "altered.cql", &new);
    let run = node.read("schema", &["--schema", "altered.cql", "--json"]).exits(0);
    let verdict = |table: &str| {
        let lines = run.of_type("table");
        let line = lines.iter().find(|line| line["table"] == table).unwrap();
        line["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(["ks.a", "ks.clear", "ks.gone"].map(verdict), ["as_target", "in_clear", "dropped"]);
}

/// Its next SSTable would be under the old key, though there is none yet.
#[test]
fn a_table_without_sstables_is_altered_too() {
    let node = node();
    fs::create_dir_all(node.data().join("ks/empty-5ab1e000000011f0800000000000000f")).unwrap();
    let own = options("Encryptor", 64, "keys/aes-cbc-256");
    node.file("schema.cql", &statement("empty", 'f', &own));
    let words = ["--schema", "schema.cql", "ks", "empty"];
    node.read("schema", &words).exits(0);
    let change = format!("secret_key_file={}", new_key(&node));
    let run = node.read("schema", &[&["--set", &change], &words[..]].concat()).exits(3);
    run.says("ALTER TABLE ks.empty WITH compression = {");
}

/// As in a plan, what is in clear is left alone unless it is named.
#[test]
fn one_map_for_all_alters_no_table_in_clear() {
    let node = node();
    let real = testdata().join("schema/oa");
    copy_tree(&real.join("system_schema"), &node.data().join("system_schema"));
    let said = fs::read_to_string(real.join("expected.json")).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    for (table, set) in [("last", "oa-lz4"), ("secret", "oa-aes-cbc-256-64k")] {
        let rows = said["system_schema.tables"].as_array().unwrap();
        let is_it = |row: &&Value| row["keyspace_name"] == "app" && row["table_name"] == table;
        let id = rows.iter().find(is_it).unwrap()["id"].as_str().unwrap().replace('-', "");
        let from = testdata().join(format!("fixtures/{set}/rk/t-5ab1e000000011f0800000000000000a"));
        copy_tree(&from, &node.data().join(format!("app/{table}-{id}")));
    }
    let map = options("Encryptor", 64, &new_key(&node));
    let verdicts = |more: &[&str]| -> Vec<(String, String)> {
        let words = [&["--compression", &map, "--json"], more].concat();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines = node.read("schema", &words).exits(3).of_type("table");
        lines.iter().map(|line| (text(&line["table"]), text(&line["verdict"]))).collect()
    };
    let pair = |table: &str, verdict: &str| (table.to_owned(), verdict.to_owned());
    assert_eq!(verdicts(&["app"]), [pair("app.last", "in_clear"), pair("app.secret", "alter")]);
    assert_eq!(verdicts(&["app", "last"]), [pair("app.last", "alter")]);
}

#[test]
fn a_table_that_the_schema_has_in_clear_is_refused_unless_allowed() {
    let node = node();
    let text = statement("a", 'a', "{'class': 'LZ4Compressor', 'chunk_length_in_kb': '16'}");
    node.file("schema.cql", &text);
    let words = ["--schema", "schema.cql", "--flavor", "apache-4", "ks", "a"];
    node.read("schema", &["--schema", "schema.cql", "ks", "a"]).exits(3).says("in clear");
    node.read("upgradesstables", &[&["-a"], &words[..]].concat()).exits(2).says("--decrypt");
    assert_eq!(tables(&node, &words)["ks.a"].0, "Encryptor");
    node.read("upgradesstables", &[&["-a", "--decrypt"], &words[..]].concat()).exits(0);
    assert_eq!(tables(&node, &words)["ks.a"], state("LZ4Compressor", 16, "", "skip"));
}

#[test]
fn what_cannot_be_settled_for_one_table_leaves_the_others_alone() {
    let node = node();
    let new = new_key(&node);
    let server =
        "{'class': 'Encryptor', 'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'g'}";
    let text = statement("a", 'a', server)
        + &statement("b", 'b', &options("EncryptingLZ4Compressor", 16, &new))
        + &statement("c", 'c', "{'class': 'com.example.Own'}");
    node.file("schema.cql", &text);
    let words = ["--schema", "schema.cql", "--create-key", "--flavor", "apache-4"];
    let run = node.read("upgradesstables", &[&["-a"], &words[..]].concat()).exits(3);
    run.says("a KMIP target needs the id of the key").says("4 rewritten").says("com.example.Own");
    let after = tables(&node, &words);
    assert_eq!(after["ks.b"], state("EncryptingLZ4Compressor", 16, &new, "skip"));
    assert_eq!(after["ks.a"].3, "refuse");
    assert_eq!(after["ks.c"].3, "refuse");
}

#[test]
fn a_run_with_own_options_is_resumed_by_the_journal_alone() {
    let node = node();
    let new = new_key(&node);
    schema(&node, "schema.cql", &new);
    let words = ["-a", "--schema", "schema.cql", "--create-key", "--flavor", "apache-4"];
    node.read("upgradesstables", &[&words[..], &["--stop-after", "1"]].concat()).exits(75);
    let data = node.data();
    let resume = ["upgradesstables", "--resume", "--data-dir", data.to_str().unwrap()];
    let output = node.command(&resume).current_dir("/").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let after = tables(&node, &words[1..]);
    assert!(["ks.a", "ks.b", "ks.c"].iter().all(|table| after[*table].2 == new), "{after:?}");
    // Its journal is gone with it.
    node.read("upgradesstables", &["--resume"]).exits(2).says("no unfinished run");
}

#[test]
fn mistakes_are_refused_before_anything_is_done() {
    let node = node();
    schema(&node, "schema.cql", "keys/aes-cbc-256");
    let plan = |more: &[&str]| {
        let words = [&["--flavor", "apache-4"], more].concat();
        node.read("plan", &words).exits(2)
    };
    plan(&[]).says("there is no schema below the data directories").says("--set");
    plan(&["--schema", "absent.cql"]).says("absent.cql");
    plan(&["--schema", "schema.cql", "--set", "x"]).says("OPTION=VALUE");
    plan(&["--schema", "schema.cql", "--set", "secret_key_file=new"]).says("relative path");
    plan(&["--schema", "schema.cql", "--set", "kmip_host=g"])
        .says("does not fit the other options")
        .says("name the tables that the change is for");
    plan(&["--schema", "schema.cql", "--key-id", "1"]).says("nothing that is selected has a key");
    plan(&["--schema", "schema.cql", "--compression", "{}"]).says("cannot be used with");
    node.read("schema", &[]).exits(2).says("there is no schema");
}

/// The node takes the options of its own tables from its configuration, whatever its schema says, and
/// whatever `--set` says.
#[test]
fn the_nodes_own_tables_follow_system_info_encryption() {
    let node = node();
    for (name, id) in [
        ("batches", "919a4bc57a333573b03e13fc3f68b465"),
        ("paxos", "b7b7f0c2fd0a34108c053ef614bb7c2d"),
    ] {
        let from =
            testdata().join("fixtures/oa-encrypting-lz4/rk/t-5ab1e000000011f0800000000000000a");
        copy_tree(&from, &node.data().join(format!("system/{name}-{id}")));
    }
    schema(&node, "schema.cql", "keys/aes-cbc-256");
    let keys = node.root.path().join("system-keys");
    fs::create_dir_all(keys.join("system")).unwrap();
    let config = format!(
        "system_key_directory: {}\nsystem_info_encryption:\n  enabled: true\n  cipher_algorithm: {CBC}\n  \
         secret_key_strength: 256\n  chunk_length_kb: 32\n  key_name: of_tables\n",
        keys.display()
    );
    node.file("hcd.yaml", &config);
    let change = format!("secret_key_file={}", new_key(&node));
    let words = ["--schema", "schema.cql", "--create-key", "--set", &change];
    let more = ["system", "batches", "paxos"];
    // Nobody knows it without the configuration.
    let run = node.read("plan", &[&words[..], &["--flavor", "hcd"], &more[..]].concat());
    run.exits(2).says("is in its configuration, which is not known").says("--config");

    let config = ["--config", "hcd.yaml", "--flavor", "hcd"];
    node.read("upgradesstables", &[&words[..], &config[..], &more[..]].concat()).exits(0);
    let after = tables(&node, &[&words[..], &config, &more].concat());
    let own = keys.join("system/of_tables").display().to_string();
    for table in ["system.batches", "system.paxos"] {
        assert_eq!(after[table], state("EncryptingLZ4Compressor", 32, &own, "skip"), "{table}");
    }
    node.read("verify", &["system"]).exits(0);
}
