//! Nothing secret is in any output: no key, no password, no private key.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use rekey_kmip::message::Operation;
use rekey_kmip_sim::{Fault, Quirk};

use super::*;
use crate::kit::{KMIP_MAP, testdata};

/// A secret in the forms in which it could be printed.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(secret);
    let listed: Vec<String> = secret.iter().map(u8::to_string).collect();
    vec![
        hex[..16].to_owned(),
        hex[16..32].to_uppercase(),
        hex[hex.len() - 16..].to_owned(),
        text[..12].to_owned(),
        text[8..20].to_owned(),
        listed[..6].join(", "),
    ]
}

/// Every command, as text and as JSON.
fn everything(site: &Site, runs: &mut Vec<Run>) {
    let target = ["--config", "hcd.yaml", "--flavor", "apache-4", "--compression", KMIP_MAP];
    for json in [&[][..], &["--json"]] {
        runs.push(site.keys("list", &[&[GROUP], json].concat()));
        runs.push(site.keys("test", &[&["--data-dir", "data"], json].concat()));
        runs.push(site.keys("expire", &[&[GROUP, "spare", "2090-01-01", "--yes"], json].concat()));
        runs.push(site.keys("revoke", &[&[GROUP, "spare", "--yes", "--force"], json].concat()));
        for id in ["spare", OLD] {
            let rest = [GROUP, id, "--yes", "--data-dir", "data", "--not-a-node"];
            runs.push(site.keys("destroy", &[&rest, json].concat()));
        }
        for key in [&[][..], &["--key-id", "new"], &["--key-id", "short"], &["--create-key"]] {
            runs.push(site.node.read("plan", &[&target, key, json].concat()));
        }
        runs.push(site.node.read("verify", &[&["--config", "hcd.yaml"], json].concat()));
        runs.push(site.node.read("census", json));
    }
    let rest = [&["-a"], &target[..], &["--key-id", "new"]].concat();
    runs.push(site.node.read("upgradesstables", &rest));
    runs.push(site.node.read("upgradesstables", &[&rest[..], &["--json"]].concat()));
}

/// Passwords that do not open what they are for, in every way to give them.
fn wrong_passwords(runs: &mut Vec<Run>) {
    let real = testdata().join("keystores");
    for (store, more) in [
        ("ec.jks", "keystore_password: hunter2-store"),
        ("java17-ec.p12", "keystore_password: hunter2-store"),
        ("pem-ec-enc.pem", "keystore_password: hunter2-store"),
        ("keypass.jks", "keystore_password: storepass2\n    keystore_key_password: hunter2-key"),
        ("ec.jks", "keystore_password_file: DIR/password"),
        ("ec.jks", "keystore_password: [hunter2-list]"),
        ("ec.jks", "keystore_password: {a: hunter2-map}"),
        ("ec.jks", "keystore_password: hunter2-a\n    keystore_password_file: DIR/password"),
        ("ec.jks", "keystore_passwrod: hunter2-misspelt"),
        ("ec.jks", "keystore_password: hunter2-clear\n    password_encryption_key_name: absent"),
    ] {
        let site = Site::new();
        let directory = site.node.root.path().display().to_string();
        let password = site.node.file("password", "hunter2-file\n");
        fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
        site.configure(
            &format!("keystore_path: {directory}/client.pem"),
            &format!(
                "keystore_path: {}/{store}\n    {}",
                real.display(),
                more.replace("DIR", &directory)
            ),
        );
        for json in [&[][..], &["--json"]] {
            runs.push(site.keys("list", &[&[GROUP], json].concat()));
            runs.push(site.keys("test", json));
            runs.push(site.node.read("verify", &[&["--config", "hcd.yaml"], json].concat()));
        }
    }
}

/// A file that is not YAML is never quoted.
fn broken_configurations(runs: &mut Vec<Run>) {
    let site = Site::new();
    for text in [
        "kmip_hosts:\n  kmip1: keystore_password: hunter2-line\n",
        "kmip_hosts:\n  kmip1:\n    keystore_password: \"hunter2-open\n",
        "keystore_password: *hunter2-alias\n",
    ] {
        site.node.file("hcd.yaml", text);
        for json in [&[][..], &["--json"]] {
            runs.push(site.keys("list", &[&[GROUP], json].concat()).exits(2));
        }
    }
}

#[test]
fn no_key_and_no_password_appears_in_any_output() {
    let mut runs = Vec::new();
    let mut secrets: Vec<String> = Vec::new();
    let keys = [("new", vec![0xc3; 32]), ("spare", vec![0x7d; 32]), ("short", vec![0x5b; 16])];
    for (_, key) in &keys {
        secrets.extend(spellings(key));
    }
    secrets.extend(spellings(&(0..32).collect::<Vec<u8>>()));
    let troubles: [&dyn Fn(&Site); 8] = [
        &|_| {},
        &|site| site.sim.store().set_quirk(Quirk::WrapsKeys, true),
        &|site| site.sim.store().set_quirk(Quirk::RefusesGetOfDeactivated, true),
        &|site| site.sim.fail_always(Operation::GET, Fault::TrailingBytes),
        &|site| site.sim.fail_always(Operation::GET, Fault::CloseMidReply),
        &|site| site.sim.fail_always(Operation::GET, Fault::WrongBatchId),
        // Another key under the old name.
        &|site| site.keep(OLD, vec![0xee; 32], 2, vec![]),
        &|site| {
            site.configure("timeout: 20000", "timeout: 20000\n    keystore_password: hunter2-own");
        },
    ];
    secrets.push("hunter2".to_owned());
    for trouble in troubles {
        let site = Site::new();
        for (id, key) in &keys {
            site.keep(id, key.clone(), 1, vec![]);
        }
        let pem = fs::read_to_string(site.node.root.path().join("client.pem")).unwrap();
        let (_, private) = pem.split_once("PRIVATE KEY-----\n").unwrap();
        secrets.push(private.lines().next().unwrap()[20..40].to_owned());
        trouble(&site);
        everything(&site, &mut runs);
    }
    wrong_passwords(&mut runs);
    secrets.push("storepass2".to_owned());
    broken_configurations(&mut runs);
    for code in [0, 2, 4, 6] {
        assert!(runs.iter().any(|run| run.code == code), "no run ends with {code}");
    }
    for run in &runs {
        for secret in &secrets {
            assert!(!run.text().contains(secret.as_str()), "{secret} in {run:?}");
        }
    }
}

/// Messages of the server are shown, cut and escaped; they may be anything.
#[test]
fn messages_of_the_server_cannot_control_a_terminal() {
    let site = Site::new();
    let text = format!("\u{1b}]0;owned\u{7}{}", "x".repeat(100_000));
    for operation in [Operation::LOCATE, Operation::QUERY, Operation::GET] {
        site.sim.fail_always(operation, Fault::Refuse(1, text.clone()));
    }
    for run in [
        site.keys("list", &[GROUP]),
        site.keys("test", &["--data-dir", "data"]),
        site.keys("list", &[GROUP, "--json"]),
        site.node.read("verify", &["--config", "hcd.yaml"]),
    ] {
        assert_eq!(run.code, 6, "{run:?}");
        assert!(!run.text().contains('\u{1b}') && !run.text().contains('\u{7}'), "{run:?}");
        assert!(run.text().len() < 10_000, "{}", run.text().len());
    }
}
