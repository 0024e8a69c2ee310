//! The commands that talk to KMIP servers, against the simulator.

mod change;
mod destroy;
mod doctor;
mod list;
mod memory;
mod rotate;
mod secrets;
mod states;

use std::fs;
use std::path::PathBuf;

use rekey_kmip::client::choice::NAMESPACE;
use rekey_kmip::message::{
    Attribute, AttributeName, AttributeValue, BlockCipherMode, CryptographicAlgorithm,
    CryptographicParameters, PaddingMethod, Timestamp,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Simulator, SimulatorSettings};

use crate::kit::{Node, Run};

/// The group of the KMIP fixtures, and the key that they are under; its namespace is `a`.
const GROUP: &str = "kmip1";
const OLD: &str = "02-449";
const YEAR: i64 = 365 * 86_400;

/// A node with a table under [`OLD`], and its key server.
struct Site {
    node: Node,
    sim: Simulator,
}

impl Site {
    fn new() -> Self {
        Self::with(SimulatorSettings::default())
    }

    fn with(settings: SimulatorSettings) -> Self {
        Self::of(Node::with("oa-kmip-a"), settings)
    }

    /// With data that is under no key.
    fn unused() -> Self {
        Self::of(Node::with("oa-lz4"), SimulatorSettings::default())
    }

    /// Without data.
    fn empty(settings: SimulatorSettings) -> Self {
        Self::of(Node::empty(), settings)
    }

    fn of(node: Node, settings: SimulatorSettings) -> Self {
        let sim = Simulator::with(settings).unwrap();
        let config = sim.node_config(GROUP, node.root.path()).unwrap();
        let site = Self { node, sim };
        site.node.file("hcd.yaml", &config.replace("timeout: 5000", "timeout: 20000"));
        let key: Vec<u8> = (0..32).collect();
        site.keep(OLD, key, 2, vec![namespace("a")]);
        site
    }

    /// Keeps a key for AES/CBC, active for so many years. Attributes that are given replace others.
    fn keep(&self, id: &str, key: Vec<u8>, years: i64, more: Vec<Attribute>) {
        let mut own = vec![cbc(), ago(Tag::ACTIVATION_DATE, years), ago(Tag::INITIAL_DATE, years)];
        own.retain(|own| more.iter().all(|given| given.name != own.name));
        own.extend(more);
        self.sim.store().keep_key(&id.into(), CryptographicAlgorithm::AES, key.into(), own);
    }

    fn config(&self) -> PathBuf {
        self.node.root.path().join("hcd.yaml")
    }

    /// Changes the node's configuration.
    fn configure(&self, old: &str, new: &str) -> &Self {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(old), "{text}");
        self.node.file("hcd.yaml", &text.replace(old, new));
        self
    }

    /// `keys VERB --config hcd.yaml MORE`
    fn keys(&self, verb: &str, more: &[&str]) -> Run {
        self.node.run(&[&["keys", verb, "--config", "hcd.yaml"], more].concat())
    }

    /// The lines of `keys list --json` by their ids.
    fn listed(&self, id: &str) -> serde_json::Value {
        let run = self.keys("list", &[GROUP, "--json"]).exits(0);
        let mut found = run.of_type("key");
        found.retain(|line| line["id"] == id);
        assert_eq!(found.len(), 1, "{run:?}");
        found.remove(0)
    }
}

fn cbc() -> Attribute {
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), AttributeValue::Parameters(parameters))
}

/// A date so many years ago; in the future for a negative number.
fn ago(tag: Tag, years: i64) -> Attribute {
    let seconds = Timestamp::now().seconds() - years * YEAR;
    Attribute::new(tag.into(), Timestamp::from_seconds(seconds))
}

fn namespace(text: &str) -> Attribute {
    Attribute::new(AttributeName::custom(NAMESPACE), text)
}

fn date(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_unknown_group_lists_those_that_are_there() {
    let site = Site::empty(SimulatorSettings::default());
    for arguments in [
        &["list", "nope"][..],
        &["test", "nope"],
        &["expire", "nope", OLD, "--yes"],
        &["revoke", "nope", OLD, "--yes", "--force"],
        &["destroy", "nope", OLD, "--yes", "--force"],
    ] {
        let run = site.keys(arguments[0], &arguments[1..]).exits(2).says("hint: ");
        let run = run.says("kmip_hosts has kmip1, and no group nope");
        assert_eq!(run.out, "");
        let json = site.keys(arguments[0], &[&arguments[1..], &["--json"]].concat()).exits(2);
        assert_eq!(json.of_type("error")[0]["kind"], "invalid");
        assert_eq!(json.err, "");
    }
    assert_eq!(site.sim.connections(), 0);
    let run = site.node.run(&["keys", "list", "--config", "absent.yaml", GROUP]);
    assert_ne!(run.code, 0);
    assert!(run.says("absent.yaml").err.contains("hint: "));
    site.node.file("hcd.yaml", "kmip_hosts: [\n");
    site.keys("list", &[GROUP]).exits(2);
    site.node.file("hcd.yaml", "cluster_name: x\n");
    site.keys("list", &[GROUP]).exits(2).says("no group kmip1");
    site.keys("test", &[]).exits(2).says("has no kmip_hosts");
    // The verbs themselves need a configuration and a key.
    for arguments in [
        &["keys"][..],
        &["keys", "list", GROUP],
        &["keys", "list", "--config", "hcd.yaml"],
        &["keys", "expire", "--config", "hcd.yaml", GROUP],
        &["keys", "revoke", "--config", "hcd.yaml", GROUP, OLD, "--reason", "whim"],
        &["keys", "revoke", "--config", "hcd.yaml", GROUP, OLD, "--yes"],
        &["keys", "destroy", "--config", "hcd.yaml", GROUP, OLD, "--yes"],
    ] {
        site.node.run(arguments).exits(2);
    }
}

#[test]
fn a_server_that_is_down_is_6_for_every_verb() {
    let site = Site::unused();
    let port = site.sim.address().port();
    let Site { node, sim } = site;
    drop(sim);
    for arguments in [
        &["list", GROUP][..],
        &["test", GROUP],
        &["expire", GROUP, OLD, "--yes"],
        &["revoke", GROUP, OLD, "--yes", "--data-dir", "data", "--not-a-node"],
        &["destroy", GROUP, OLD, "--yes", "--data-dir", "data", "--not-a-node"],
    ] {
        let arguments = [&["keys", arguments[0], "--config", "hcd.yaml"], &arguments[1..]].concat();
        let run = node.run(&arguments).exits(6);
        run.says(&format!("localhost:{port}: cannot connect")).says("its port, and the firewall");
    }
}
