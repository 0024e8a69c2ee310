//! `plan`, `upgradesstables` and `verify` with the node's configuration: the whole rotation.

use rekey_kmip_sim::Quirk;
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
fn the_database_chooses_the_old_key_until_it_expires() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    let run = with(&site, "plan", &[]).exits(2);
    let run = run.says("blocked: these SSTables are already under the key that the database would");
    run.says("still choose (key kmip kmip1/02-449)")
        .says("if another key is to take its place, have one made (--create-key)")
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
    let rest = [GROUP, OLD, "--yes", "--data-dir", "data", "--not-a-node"];
    site.keys("revoke", &rest).exits(0);
    site.keys("destroy", &rest).exits(0);
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(0).says("4 verified");
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let site = Site::new();
    let run = with(&site, "plan", &["--create-key"]).exits(0).says("4 of 4 SSTables to rewrite");
    run.says("warning: the target key is made when the run starts")
        .says("the database itself keeps writing with another key than the target's (key 02-449)");
    assert_eq!(site.sim.store().len(), 1);
    let run = with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
    run.says("made a new key: kmip kmip1/02-001")
        .says("target: Encryptor, AES/CBC/PKCS5Padding 256 bits, kmip kmip1/02-001 (Active)")
        .says("keeps writing with another key than the target's (key 02-449)");
    assert_eq!(site.sim.store().len(), 2);
    let run = site.node.read("census", &["--json"]).exits(0);
    assert_eq!(run.of_type("key")[0]["key"]["id"], "02-001");
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(0);
    with(&site, "upgradesstables", &["--key-id", "02-001"]).exits(0).says("4 skipped");
    assert_eq!(site.sim.store().len(), 2);
}

#[test]
fn an_interrupted_run_resumes_with_a_named_key() {
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
    let run = with(&site, "upgradesstables", &["--create-key"]).exits(0);
    run.says("4 rewritten").says("1 skipped").says("this key: the youngest of 2 keys in use");
    assert_eq!((keys_in_use(&site.node), site.sim.store().len()), (vec!["new".to_owned()], 2));
}

/// The ids of the keys that anything is under.
fn keys_in_use(node: &Node) -> Vec<String> {
    let run = node.read("census", &["--snapshots", "--backups", "--json"]).exits(0);
    let id = |line: &Value| line["key"]["id"].as_str().unwrap().to_owned();
    run.of_type("key").iter().map(id).collect()
}

/// Said again, `--create-key` means the same key.
#[test]
fn a_rotation_is_made_once_however_often_it_is_requested() {
    let site = Site::new();
    with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
    let before = site.node.sstables();
    for verb in ["upgradesstables", "plan", "upgradesstables"] {
        let run = with(&site, verb, &["--create-key"]).exits(0);
        run.says("everything selected is under kmip kmip1/02-001 already (the key of the rotation")
            .says("expire it first: sstablerekey keys expire --config hcd.yaml kmip1 02-001");
    }
    assert_eq!((site.node.sstables(), site.sim.store().len()), (before.clone(), 2));
    // Nor is it the old key when no new one is requested, once the old one is expired.
    site.keys("expire", &[GROUP, OLD, "2020-01-01", "--yes"]).exits(0);
    with(&site, "upgradesstables", &[]).exits(0).says("everything selected is under");
    with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 skipped");
    assert_eq!((site.node.sstables(), site.sim.store().len()), (before, 2));
    // Expired itself, it ends the rotation, and the next one begins with a key of its own.
    site.keys("expire", &[GROUP, "02-001", "--yes"]).exits(0);
    with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
    assert_eq!(keys_in_use(&site.node), ["02-002"]);
    with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 skipped");
    assert_eq!((keys_in_use(&site.node), site.sim.store().len()), (vec!["02-002".to_owned()], 3));
}

/// Without its record a rotation still goes forward, never back to an earlier key.
#[test]
fn without_the_record_it_never_goes_back() {
    let site = Site::new();
    let record = site.node.data().join(".sstablerekey/rotations");
    for made in ["02-001", "02-002"] {
        with(&site, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
        assert_eq!(keys_in_use(&site.node), [made]);
        fs::remove_file(&record).unwrap();
        // A second at least: keys of one second are told apart by nothing.
        site.sim.clock().advance(std::time::Duration::from_secs(2));
    }
}

/// One keyspace after the other: each of them gets the key of the first.
#[test]
fn other_tables_get_the_key_of_the_rotation() {
    for forget in [false, true] {
        let site = Site::new();
        crate::kit::copy_tree(&site.node.data().join("rk"), &site.node.data().join("ks2"));
        let run = with(&site, "upgradesstables", &["--create-key", "rk"]).exits(0);
        run.says("4 rewritten");
        if forget {
            fs::remove_file(site.node.data().join(".sstablerekey/rotations")).unwrap();
        }
        let run = with(&site, "upgradesstables", &["--create-key", "rk"]).exits(0);
        run.says("4 skipped").says("everything selected is under kmip kmip1/02-001");
        with(&site, "upgradesstables", &["--create-key", "ks2"]).exits(0).says("4 rewritten");
        assert_eq!(keys_in_use(&site.node), ["02-001"]);
        assert_eq!(site.sim.store().len(), 2);
    }
}

/// The second node of a cluster finds the key that the first one has made.
#[test]
fn a_second_node_uses_the_same_key_and_names_its_origin() {
    let site = Site::new();
    with(&site, "upgradesstables", &["--create-key"]).exits(0);
    let Site { node, sim } = site;
    let second = Site { node: Node::with("oa-kmip-a"), sim };
    let config = second.sim.node_config(GROUP, second.node.root.path()).unwrap();
    second.node.file("hcd.yaml", &config.replace("timeout: 5000", "timeout: 20000"));
    let run = with(&second, "plan", &["--create-key"]).exits(0);
    run.says("not by this run").says("other nodes may use it already");
    with(&second, "upgradesstables", &["--create-key"]).exits(0).says("4 rewritten");
    with(&second, "upgradesstables", &["--create-key"]).exits(0).says("4 skipped");
    assert_eq!(keys_in_use(&second.node), ["02-001"]);
    assert_eq!((keys_in_use(&node), second.sim.store().len()), (vec!["02-001".to_owned()], 2));
}

/// An unused key that is older than one in use has an unknown history.
#[test]
fn an_older_unused_key_is_not_used() {
    let site = Site::new();
    site.keep("stale", vec![9; 32], 5, vec![namespace("a")]);
    let run = with(&site, "upgradesstables", &["--create-key"]).exits(0);
    run.says("made by the run: what waits on the server is no younger");
    assert_eq!(keys_in_use(&site.node), ["02-001"]);
}

/// If it is ended early, the same command resumes with the same key.
#[test]
fn an_ended_rotation_resumes_with_its_key() {
    let site = Site::new();
    let words = ["--create-key", "--stop-after", "1"];
    for left in [3, 2, 1] {
        with(&site, "upgradesstables", &words).exits(75).says(&format!("{left} left"));
        assert_eq!(site.sim.store().len(), 2);
    }
    with(&site, "upgradesstables", &words).exits(0);
    with(&site, "upgradesstables", &words).exits(0).says("everything selected is under");
    assert_eq!((keys_in_use(&site.node), site.sim.store().len()), (vec!["02-001".to_owned()], 2));
}

/// A plan refuses what the run refuses, and with the same status.
#[test]
fn a_key_that_must_not_encrypt_is_6_in_the_plan_and_in_the_run() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    site.keys("revoke", &[GROUP, "new", "--yes", "--force"]).exits(0);
    let before = site.node.sstables();
    for verb in ["plan", "upgradesstables"] {
        let run = with(&site, verb, &["--key-id", "new"]).exits(6);
        run.says("nothing may be encrypted with the target key: it is Deactivated (key new)")
            .says("--even-if 'Deactivated'");
        with(&site, verb, &["--key-id", "new", "--even-if", "expired"]).exits(6);
        with(&site, verb, &["--even-if", "expired"]).exits(2);
        with(&site, verb, &["--key-id", "nope"]).exits(6);
    }
    assert_eq!(site.node.sstables(), before);
    let run = with(&site, "upgradesstables", &["--key-id", "new", "--even-if", "deactivated"]);
    run.exits(0).says("4 rewritten").says("kmip kmip1/new (Deactivated)");
}

#[test]
fn unavailable_keys_have_the_same_status_in_plan_and_run() {
    let site = Site::new();
    site.keep("new", vec![9; 32], 1, vec![namespace("a")]);
    site.sim.store().set_quirk(Quirk::RefusesGetOfDeactivated, true);
    site.keys("revoke", &[GROUP, OLD, "--yes", "--force"]).exits(0);
    for verb in ["plan", "upgradesstables"] {
        with(&site, verb, &["--key-id", "new"]).exits(6);
    }
    // The SSTables' group is one that the configuration does not have, and the target's is.
    let other = MAP.replace("'kmip_host': 'kmip1'", "'kmip_host': 'kmip2'");
    site.configure("kmip1:", "kmip2:");
    let codes = ["plan", "upgradesstables"].map(|verb| {
        let first: &[&str] = if verb == "upgradesstables" { &["-a"] } else { &[] };
        let common = ["--config", "hcd.yaml", "--flavor", "apache-4", "--key-id", "new"];
        let rest = ["--compression", &other];
        site.node.read(verb, &[first, &common, &rest].concat()).says("no group kmip1").code
    });
    assert_eq!(codes, [2, 2]);
}

#[test]
fn without_a_key_the_servers_or_an_id_there_is_a_hint() {
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
