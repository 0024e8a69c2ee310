//! Keys: made with the right mode, refused with a wrong one, and never shown.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use base64::Engine as _;

use crate::kit::{KMIP_LINES, KMIP_MAP, Node, Run, copy_tree, testdata};

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_new_key_is_made_once_for_its_owner_alone() {
    let node = Node::usual();
    node.upgrade(&[]).exits(0).says("made a new key");
    let path = node.root.path().join("new-key");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let line = fs::read_to_string(&path).unwrap();
    let fields: Vec<_> = line.trim_end().split(':').collect();
    assert_eq!(fields[..2], ["AES/CBC/PKCS5Padding", "256"]);
    assert!(line.ends_with('\n') && line.lines().count() == 1);
    let key = base64::engine::general_purpose::STANDARD.decode(fields[2]).unwrap();
    assert_eq!(key.len(), 32);
    assert_ne!(key, [0; 32]);
    // It is unchanged, and one for another strength is added.
    let again = node.upgrade(&[]).exits(0);
    assert!(!again.text().contains("made a new key"), "{again:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), line);
    let map = node.map(128);
    let rest = ["-a", "--create-key", "--flavor", "apache-4", "--compression", &map];
    node.read("upgradesstables", &rest).exits(0).says("made a new key");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&line) && text.lines().count() == 2);
}

#[test]
fn two_new_keys_differ() {
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let node = Node::usual();
            node.upgrade(&[]).exits(0);
            fs::read_to_string(node.root.path().join("new-key")).unwrap()
        })
        .collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn neither_a_plan_nor_a_failed_run_makes_a_key() {
    let node = Node::usual();
    node.plan(&["--create-key"]).exits(0);
    node.read("verify", &[]).exits(0);
    assert!(!node.root.path().join("new-key").exists());
    // Without --create-key nothing is made.
    let map = node.map(256);
    let rest = ["-a", "--flavor", "apache-4", "--compression", &map];
    node.read("upgradesstables", &rest).exits(6).says("--create-key");
    assert!(!node.root.path().join("new-key").exists());
}

/// What a plan accepts, a run does; and a key that nothing is written with is not made.
#[test]
fn a_run_that_can_do_nothing_makes_no_key() {
    type Change = fn(&Node);
    let same = ["--data-dir", "data"];
    let cases: [(Change, &[&str], &str); 5] = [
        (
            |node| fs::remove_file(node.root.path().join("keys/aes-cbc-256")).unwrap(),
            &same,
            "missing",
        ),
        (|_| {}, &["--data-dir", "data", "--key-base", "nothere"], "missing"),
        (
            |node| fs::rename(node.data(), node.root.path().join("da,ta")).unwrap(),
            &["--data-dir", "da,ta"],
            "comma",
        ),
        (
            |node| drop(node.file("state", "")),
            &["--data-dir", "data", "--state-dir", "state"],
            "not a directory",
        ),
        (|_| {}, &["--data-dir", "data", "--state-dir", "no/such/place"], "is not there"),
    ];
    for (change, place, words) in cases {
        let node = Node::usual();
        change(&node);
        let map = node.map(256);
        let rest = ["--create-key", "--flavor", "apache-4", "--compression", &map];
        let plan = node.run(&[&["plan"], place, &rest].concat()).says(words);
        let run = node.run(&[&["upgradesstables", "-a"], place, &rest].concat()).says(words);
        assert!(plan.code != 0 && run.code != 0, "{words}: {plan:?} {run:?}");
        assert!(!node.root.path().join("new-key").exists(), "{words}: {run:?}");
    }
}

#[test]
fn kmip_keys_that_others_may_read_are_refused() {
    let node = Node::with("oa-kmip-a");
    let keys = node.file("kmip-keys", KMIP_LINES);
    let rest = ["--kmip-keys", "kmip-keys"];
    node.read("verify", &rest).exits(0);
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601, 0o4600] {
        fs::set_permissions(&keys, fs::Permissions::from_mode(mode)).unwrap();
        let run = node.read("verify", &rest).exits(2).says("only its owner").says("chmod 600");
        assert!(run.text().contains(&format!("{mode:04o}")), "{run:?}");
    }
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o400)).unwrap();
    node.read("verify", &rest).exits(0);
    node.read("verify", &["--kmip-keys", "absent"]).exits(6).says("absent");
    node.file("kmip-keys2", "no equals sign here\n");
    node.read("verify", &["--kmip-keys", "kmip-keys2"]).exits(2).says("line 1");
}

/// Keys in every spelling that one could be printed in.
fn spellings(key: &[u8]) -> Vec<String> {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = base64(key);
    let listed: Vec<String> = key.iter().map(u8::to_string).collect();
    vec![
        hex[..16].to_owned(),
        hex[16..32].to_uppercase(),
        text[..12].to_owned(),
        text[8..20].to_owned(),
        listed[..6].join(", "),
    ]
}

#[test]
fn no_key_appears_in_any_output() {
    let mut secrets = Vec::new();
    let mut runs: Vec<Run> = Vec::new();

    let node = Node::usual();
    let old = fs::read_to_string(node.root.path().join("keys/aes-cbc-256")).unwrap();
    let decode = |line: &str| {
        let text = line.trim_end().rsplit(':').next().unwrap();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    };
    secrets.extend(spellings(&decode(&old)));
    for json in [&[][..], &["--json"]] {
        runs.push(node.plan(&[&["--create-key"], json].concat()));
        runs.push(node.read("verify", json));
        runs.push(node.read("census", json));
    }
    runs.push(node.upgrade(&[]));
    secrets
        .extend(spellings(&decode(&fs::read_to_string(node.root.path().join("new-key")).unwrap())));
    // Broken key files: the line is named, never its content.
    let key = [0xc3; 32];
    secrets.extend(spellings(&key));
    for content in [
        format!("AES/CBC/PKCS5Padding:256:{}\n\n", base64(&key)),
        format!("AES/CBC/PKCS5Padding:128:{}\n", base64(&key)),
        format!("AES/CBC/PKCS5Padding:256:{}*\n", base64(&key)),
        format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&key[..31])),
        format!("AES/CBC/PKCS5Padding:256:{}\n", base64(&key)),
        base64(&key),
    ] {
        node.file("new-key", &content);
        for json in [&[][..], &["--json"]] {
            runs.push(node.read("verify", json));
            runs.push(node.upgrade(json));
        }
    }

    let kmip = Node::with("oa-kmip-a");
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let other = [0x7d; 32];
    secrets.extend(spellings(&other));
    let other: String = other.iter().map(|byte| format!("{byte:02x}")).collect();
    for lines in [
        KMIP_LINES.to_owned(),
        format!("02-449 = {hex}\n0eb2277e-0acc-4adb-9241-1dd84dde691c = {other}\n"),
        format!("02-449 = {hex}\n02-449 = {other}\n"),
        format!("02-449 = {hex}q\n"),
        format!("{hex}\n"),
        format!("02-449 : {other}\n"),
        format!("02-449 = {}\n", &hex[..30]),
    ] {
        kmip.file("kmip-keys", &lines);
        for json in [&[][..], &["--json"]] {
            let rest = [&["--kmip-keys", "kmip-keys"], json].concat();
            runs.push(kmip.read("verify", &rest));
            let target = ["--flavor", "apache-4", "--compression", KMIP_MAP, "--key-id"];
            let id = ["0eb2277e-0acc-4adb-9241-1dd84dde691c"];
            runs.push(kmip.read("plan", &[&target, &id[..], &rest].concat()));
        }
    }
    let id = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    secrets.extend([id[..20].to_owned(), "f0e0d0c0b0a09080706050".to_owned()]);

    assert!(runs.iter().any(|run| run.code == 0) && runs.iter().any(|run| run.code == 2));
    for run in &runs {
        for secret in &secrets {
            assert!(!run.text().contains(secret.as_str()), "{secret} in {run:?}");
        }
    }
}

#[test]
fn a_key_on_a_server_is_not_made_without_the_server() {
    let node = Node::with("oa-kmip-a");
    node.file("kmip-keys", KMIP_LINES);
    let rest = [
        "-a",
        "--create-key",
        "--flavor",
        "apache-4",
        "--compression",
        KMIP_MAP,
        "--kmip-keys",
        "kmip-keys",
    ];
    node.read("upgradesstables", &rest).exits(2).says("hint:").says("--config");
}

/// The table of the replicated provider is read from the node's files, with a system key of its
/// configuration.
#[test]
fn the_replicated_provider_works_on_a_stopped_node() {
    let node = Node::usual();
    let tables = testdata().join("key_tables");
    copy_tree(&tables.join("oa/dse_system"), &node.data().join("dse_system"));
    node.file("dse.yaml", "system_key_directory: system\n");
    fs::create_dir(node.root.path().join("system")).unwrap();
    let line = fs::read_to_string(tables.join("system_key_1")).unwrap();
    node.file("system/system_key_1", &line);
    let map = "{'class': 'Encryptor', 'key_provider': 'ReplicatedKeyProviderFactory', \
               'system_key_file': 'system_key_1', 'secret_key_strength': 256}";
    let rest = ["--flavor", "apache-4", "--compression", map];
    let id = "1cc41f80-8a5a-11f0-9001-000000000004";
    let with = |more: &[&'static str]| [more, &rest].concat();
    // The row alone names the key; its bytes need the system key.
    node.read("plan", &rest).exits(6).says(id).says("--config");
    let config = ["--config", "dse.yaml"];
    let plan = node.read("plan", &with(&config)).exits(0).says(id);
    assert!(plan.text().contains("the first row of dse_system.encrypted_keys"), "{plan:?}");
    node.read("upgradesstables", &with(&["-a", "--config", "dse.yaml"])).exits(0);
    node.read("census", &[]).exits(0).says(id);
    node.read("verify", &config).exits(0);
    node.read("verify", &[]).exits(3).says("--config");
    // Others may read the system key.
    let system_key = node.root.path().join("system/system_key_1");
    fs::set_permissions(&system_key, fs::Permissions::from_mode(0o644)).unwrap();
    node.read("plan", &with(&config)).says("the system key");
    // What the database would have to make is said with how.
    let weak = map.replace("256", "40").replace("}", ", 'cipher_algorithm': 'RC2'}");
    node.read("plan", &["--compression", &weak, "--config", "dse.yaml"])
        .exits(6)
        .says("no RC2 key of 40 bits")
        .says("nodetool drain");
}
