//! The states of keys in a census and in the evidence of `may-destroy`.

use serde_json::Value;

use super::*;

/// The state of a key by `census --json`.
fn state(site: &Site) -> Value {
    let run = site.node.read("census", &["--config", "hcd.yaml", "--json"]).exits(0);
    let keys = run.of_type("key");
    assert_eq!(keys.len(), 1, "{run:?}");
    keys[0]["state"].clone()
}

#[test]
fn a_census_shows_the_state_that_the_server_tells() {
    let site = Site::new();
    assert_eq!(state(&site), "Active");
    site.keys("revoke", &[GROUP, OLD, "--reason", "key-compromise", "--yes", "--force"]).exits(0);
    assert_eq!(state(&site), "Compromised");
    let run = site.node.read("census", &["--config", "hcd.yaml"]).exits(0);
    assert!(run.out.contains("Compromised"), "{run:?}");
    let asked = ["may-destroy", "kmip1/02-449", "--data-dir", "data", "--not-a-node"];
    let run = site.node.run(&[&asked[..], &["--config", "hcd.yaml"]].concat()).exits(4);
    assert!(run.out.contains("Compromised"), "{run:?}");
}

#[test]
fn a_server_that_does_not_answer_costs_the_state_and_nothing_else() {
    let Site { node, sim } = Site::new();
    drop(sim);
    let run = node.read("census", &["--config", "hcd.yaml", "--json"]).exits(0);
    let keys = run.of_type("key");
    assert_eq!((keys.len(), &keys[0]["state"]), (1, &Value::Null), "{run:?}");
}
