//! `plan`, `upgradesstables` and `verify` with the node's configuration: the whole rotation.

use serde_json::{Value, json};

use super::*;

/// The options of the fixtures.
const MAP: &str = "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
     'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'kmip1', \
     'key_namespace': 'a'}";

fn with(site: &Site, verb: &str, more: &[&str]) -> Run {
    let common = ["--config", "hcd.yaml", "--flavor", "apache-4", "--compression", MAP];
    let first: &[&str] = if verb == "upgradesstables" { &["-a"] } else { &[] };
    site.node.read(verb, &[first, &common, more].concat())
}

/// The one finding of this weight.
fn finding(run: &Run, severity: &str) -> Value {
    let mut found = run.of_type("finding");
    found.retain(|line| line["severity"] == severity);
    assert_eq!(found.len(), 1, "{run:?}");
    found.remove(0)
}

#[test]
fn the_old_key_is_still_the_database_s_choice_until_it_is_expired() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    let run = with(&site, "plan", &[]).exits(2);
    let run = run.says("blocked: these SSTables are already under the key that the database would");
    run.says("still choose (key kmip kmip1/02-449)")
        .says("expire or revoke it first")
        .says("this key: the first of 2 keys that the database finds for these options")
        .says("not new: fits, and comes later in the database's order");
    let run = with(&site, "plan", &["--json"]).exits(2);
    let blocked = finding(&run, "blocked");
    assert_eq!(
        (&blocked["kind"], blocked["sstables"].as_array().unwrap().len()),
        (&json!("invalid"), 4)
    );
    let target = &run.of_type("summary")[0]["target"];
    assert_eq!(target["key"]["id"], OLD);
    assert_eq!(target["not_taken"][0]["id"], "new");
    assert!(target["reason"].as_str().unwrap().starts_with("the first of 2 keys"));
    let before = site.node.sstables();
    with(&site, "upgradesstables", &[]).exits(2).says("already under the key");
    assert_eq!(site.node.sstables(), before);
    // Named, it is meant.
    with(&site, "upgradesstables", &["--key-id", OLD]).exits(0).says("4 skipped");

    site.keys("expire", &[GROUP, OLD, "2020-01-01", "--yes"]).exits(0);
    let run = with(&site, "plan", &[]).exits(0).says("4 of 4 SSTables to rewrite");
    run.says("target: Encryptor, AES/CBC/PKCS5Padding 256 bits, kmip kmip1/new")
        .says("this key: the only key that the database finds")
        .says("not 02-449: expired on 2020-01-01T00:00:00Z");
    with(&site, "upgradesstables", &[]).exits(0).says("4 rewritten");
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(0).says("4 verified");
    let run = site.node.read("census", &["--json"]).exits(0);
    assert_eq!(run.of_type("key").len(), 1);
    assert_eq!(run.of_type("key")[0]["key"]["id"], "new");
    site.keys("revoke", &[GROUP, OLD, "--yes"]).exits(0);
    site.keys("destroy", &[GROUP, OLD, "--yes", "--data-dir", "data"]).exits(0);
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(0).says("4 verified");
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let site = Site::new();
    let run = with(&site, "plan", &["--create-key"]).exits(0).says("4 of 4 SSTables to rewrite");
    run.says("warning: the target key is made when the run starts").says(
        "the database itself goes on writing with another key than the target's (key 02-449)",
    );
    assert_eq!(site.sim.store().len(), 1);
    let run = with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
    run.says("made a new key: kmip kmip1/02-001")
        .says("go on with --key-id '02-001' in place of --create-key")
        .says("goes on writing with another key than the target's (key 02-449)");
    assert_eq!(site.sim.store().len(), 2);
    let run = site.node.read("census", &["--json"]).exits(0);
    assert_eq!(run.of_type("key")[0]["key"]["id"], "02-001");
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(0);
    with(&site, "upgradesstables", &["--key-id", "02-001"]).exits(0).says("4 skipped");
    assert_eq!(site.sim.store().len(), 2);
}

#[test]
fn a_run_that_was_cut_short_goes_on_with_a_named_key() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    // One SSTable is done.
    let other = Site::new();
    other.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    with(&other, "upgradesstables", &["--key-id", "new"]).exits(0);
    let done = other.node.table();
    for entry in fs::read_dir(&done).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("oa-6-") {
            fs::copy(&path, site.node.table().join(name)).unwrap();
        }
    }
    assert_eq!(site.node.sstables().len(), 5);
    let run = with(&site, "upgradesstables", &["--create-key"]).exits(2);
    run.says("the data is under several keys already").says("--key-id 'new'");
    with(&site, "upgradesstables", &["--key-id", "new"])
        .exits(0)
        .says("4 rewritten")
        .says("1 skipped");
}

#[test]
fn without_a_key_the_servers_or_an_id_there_is_advice() {
    let site = Site::new();
    site.keys("expire", &[GROUP, OLD, "2020-01-01", "--yes"]).exits(0);
    let run = with(&site, "plan", &[]).exits(6).says("have no active key for AES/CBC/PKCS5Padding");
    run.says("hint: make one: --create-key");
    with(&site, "plan", &["--key-id", "nope"]).exits(6).says("kmip kmip1/nope");
    let run = site.node.read("plan", &["--compression", MAP]).exits(2);
    run.says("--config");
    site.node.read("verify", &[]).exits(6).says("--config").says("--kmip-keys");
    with(&site, "plan", &["--key-id", &"x".repeat(300)]).exits(2).says("--max-key-id-length");
    let rest = ["--key-id", &"x".repeat(300), "--max-key-id-length", "300"];
    with(&site, "plan", &rest).exits(6);
    let json = with(&site, "plan", &["--json"]).exits(6);
    assert_eq!(json.of_type("error")[0]["kind"], "key_unavailable");
}

/// What the configuration leaves to be said is said beside the result.
#[test]
fn notes_of_the_configuration_are_notes() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    site.configure("timeout: 20000", "timeout: 20000\n    tiemout: 7");
    let run = with(&site, "plan", &["--json", "--key-id", "new"]).exits(0);
    let notes = run.of_type("note");
    assert!(
        notes.iter().any(|note| note["message"].as_str().unwrap().contains("tiemout")),
        "{run:?}"
    );
    let run = with(&site, "plan", &["--key-id", "new"]).exits(0);
    assert!(run.err.contains("note: ") && run.err.contains("tiemout"), "{run:?}");
    assert!(!run.out.contains("tiemout"));
}
