//! One key under several names: none of them gets a yes as long as something is under the key.

use std::fs;
use std::os::unix::fs::symlink;

use super::{KEY, OTHER, answers, ask, node};
use crate::kit::{Node, copy_tree, testdata};

#[test]
fn a_key_file_has_many_paths() {
    let node = node();
    let root = fs::canonicalize(node.root.path()).unwrap();
    let whole = root.join(KEY).display().to_string();
    symlink(&whole, root.join("link")).unwrap();
    for name in [
        whole.as_str(),
        "./keys/aes-cbc-256",
        "keys//aes-cbc-256",
        "keys/../keys/aes-cbc-256",
        // A word alone has the form of no key.
        "file link",
        "./link",
        "keys/aes-cbc-256 AES/CBC/PKCS5Padding",
        "keys/aes-cbc-256  aes/cbc/pkcs5padding:256",
        &format!("file {whole} AES/CBC/PKCS5Padding:256"),
    ] {
        answers(&ask(&node, &[name]), 4);
    }
    let base = root.display().to_string();
    answers(&ask(&node, &[&whole, "--key-base", &base]), 4);
    // Nobody can tell where these are.
    for name in
        ["old/keys/aes-cbc-256", "file aes-cbc-256", "system aes-cbc-256", "keys/aes-cbc-256 AES:x"]
    {
        let run = ask(&node, &[name]);
        answers(&run, 3);
        run.says("file keys/aes-cbc-256 AES/CBC/PKCS5Padding:256 may be the same key");
    }
    // Another key of the same file, and other files.
    let other = root.join("keys/aes-cbc-128").display().to_string();
    for name in ["keys/aes-cbc-256 AES/ECB/PKCS5Padding:128", &other] {
        answers(&ask(&node, &[name]), 0);
    }
    // On another machine no file tells where a path leads; the report does.
    ask(&node, &[KEY, "--report", "r.json"]).exits(4);
    fs::remove_file(root.join(KEY)).unwrap();
    node.run(&["may-destroy", &whole, "--merge", "r.json"]).exits(4);
    node.run(&["may-destroy", "file aes-cbc-256", "--merge", "r.json"]).exits(3);
}

#[test]
fn a_copy_of_the_key_is_the_key() {
    let node = node();
    let root = fs::canonicalize(node.root.path()).unwrap();
    let at = |name: &str| root.join(name);
    let line = fs::read_to_string(at(KEY)).unwrap();
    let other = fs::read_to_string(at("keys/aes-cbc-128")).unwrap();
    fs::hard_link(at(KEY), at("hard")).unwrap();
    node.file("copy", &line);
    node.file("both", &format!("{other}{line}"));
    for name in ["./hard", "./copy", "./both", "file copy", "./both AES/CBC/PKCS5Padding:256"] {
        let run = ask(&node, &[name]);
        answers(&run, 4);
        run.says("(it is file keys/aes-cbc-256 AES/CBC/PKCS5Padding:256)");
    }
    // The other key in that file.
    answers(&ask(&node, &["./both AES/CBC/PKCS5Padding:128"]), 0);
    // Nobody can tell what a file that is gone had.
    fs::remove_file(at("hard")).unwrap();
    fs::remove_file(at("copy")).unwrap();
    fs::rename(at(KEY), at("moved")).unwrap();
    for name in ["./moved", "./both"] {
        let run = ask(&node, &[name]);
        answers(&run, 3);
        run.says("its own file cannot be read").says("put its file back");
    }
    answers(&ask(&node, &[KEY]), 4);
    answers(&ask(&node, &[OTHER]), 0);
    ask(&node, &[OTHER, "--report", "r.json"]).exits(0);
    node.run(&["may-destroy", "/elsewhere/key", "--merge", "r.json"])
        .exits(3)
        .says("cannot be read");
}

#[test]
fn a_name_that_nothing_has_is_no_yes() {
    let node = node();
    for name in ["/etc/keys/odl", "file keys/odl", "./keys"] {
        ask(&node, &[name]).exits(2).says("key file");
    }
    ask(&node, &["keys/odl"]).exits(2).says("neither a file nor in a known group");
    node.file("empty", "");
    ask(&node, &["./empty"]).exits(2).says("there is no key in this file");
    node.file("text", "AES:128:AAAA\nno key\n");
    ask(&node, &["./text"]).exits(2).says("line 2: ");
    // Of copied data, where no key is, names alone tell; and so they do of reports.
    answers(&Node::usual().read("may-destroy", &["/etc/keys/old", "--not-a-node"]), 0);
    ask(&node, &[KEY, "--report", "r.json"]).exits(4);
    let run = node.run(&["may-destroy", "/etc/keys/odl", "--merge", "r.json"]);
    run.exits(3)
        .says("no report names /etc/keys/odl: a name that is not spelled right looks the same");
}

/// SSTables of a KMIP group, and three groups.
fn on_a_server(set: &str) -> Node {
    let node = node();
    fs::remove_dir_all(node.data().join("rk")).unwrap();
    copy_tree(&testdata().join("fixtures").join(set).join("rk"), &node.data().join("rk"));
    let groups = [
        ("kmip1", "127.0.0.1"),
        ("other", "127.0.0.1"),
        ("third", "keys.invalid"),
        ("far", "10.9.9.9"),
    ];
    let mut text = "kmip_hosts:\n".to_owned();
    for (name, host) in groups {
        text.push_str(&format!("  {name}:\n    hosts: {host}:1\n"));
    }
    node.file("conf/hcd.yaml", &text);
    super::write_log(&node);
    node
}

#[test]
fn one_key_of_a_server_has_the_names_of_all_its_groups() {
    let node = on_a_server("oa-kmip-a");
    for name in ["kmip1/02-449", "other/02-449", "kmip1/ 02-449"] {
        answers(&ask(&node, &[name]), 4);
    }
    let run = ask(&node, &["third/02-449"]);
    answers(&run, 3);
    run.says("kmip kmip1/02-449 may be the same key").says("may-destroy 'kmip kmip1/02-449'");
    answers(&ask(&node, &["far/02-449"]), 0);
    ask(&node, &["kmip1/02-449", "--report", "r.json"]).exits(4);
    for (name, code) in
        [("other/02-449", 4), ("third/02-449", 3), ("unknown/02-449", 3), ("far/02-449", 3)]
    {
        // The cluster of this node is not known, which makes a yes unknown.
        let run = node.run(&["may-destroy", name, "--merge", "r.json"]);
        assert_eq!(run.code, code, "{name}: {run:?}");
    }
}

#[test]
fn a_uuid_is_of_one_key_in_any_group_and_case() {
    let node = on_a_server("oa-kmip-b");
    let id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
    answers(&ask(&node, &[&format!("kmip1/{}", id.to_uppercase())]), 4);
    for group in ["Kmip1", "far", "kmip vualt"] {
        answers(&ask(&node, &[&format!("{group}/{id}")]), 3);
    }
    // A group that is not there, and another id: spelled wrong.
    let other = "11111111-0acc-4adb-9241-1dd84dde691c";
    ask(&node, &[&format!("vualt/{other}")]).exits(2).says("no group vualt").says("replicated");
    ask(&node, &[&format!("kmip vualt/{other}")]).exits(2);
    ask(&node, &[&format!("replicated vualt/{other}")]).exits(0);
}

#[test]
fn a_system_key_is_a_file_and_a_name() {
    let node = node();
    let root = fs::canonicalize(node.root.path()).unwrap();
    fs::create_dir_all(root.join("sk/system")).unwrap();
    let config = format!(
        "system_key_directory: {}/sk\nconfig_encryption_active: true\nconfig_encryption_key_name: \
         system_key\nsystem_info_encryption:\n  enabled: true\n  key_name: system_info\n",
        root.display()
    );
    node.file("conf/hcd.yaml", &config);
    let path = |name: &str| root.join("sk").join(name).display().to_string();
    answers(&ask(&node, &["system system_key"]), 4);
    answers(&ask(&node, &[&path("system_key")]), 4);
    answers(&ask(&node, &["/elsewhere/system_key"]), 3);
    answers(&ask(&node, &[&path("system/system_info")]), 4);
    answers(&ask(&node, &["system system_info"]), 3);
}
