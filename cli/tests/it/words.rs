//! What people read.

use crate::kit::Node;

#[test]
fn help_and_version_are_there() {
    let node = Node::empty();
    let help = node.run(&["--help"]).exits(0);
    for word in ["plan", "census", "verify", "upgradesstables", "demo", "Exit status"] {
        assert!(help.out.contains(word), "{word}");
    }
    for verb in ["plan", "census", "verify", "upgradesstables", "demo"] {
        assert!(!node.run(&[verb, "--help"]).exits(0).out.is_empty());
    }
    assert!(node.run(&["--version"]).exits(0).out.contains(env!("CARGO_PKG_VERSION")));
}

/// Results on standard output, everything else on standard error.
#[test]
fn errors_and_hints_go_to_standard_error() {
    let node = Node::usual();
    for arguments in [
        &["census", "--data-dir", "absent"][..],
        &["verify", "--data-dir", "data", "nope"],
        &["plan", "--data-dir", "data", "--compression", "{"],
    ] {
        let run = node.run(arguments).exits(2);
        assert_eq!(run.out, "");
        let mut lines = run.err.lines();
        assert!(lines.next().unwrap().starts_with("error: "), "{run:?}");
        assert!(lines.next().unwrap().starts_with("hint: "), "{run:?}");
    }
    // The position of the mistake and the option are named.
    node.run(&["plan", "--data-dir", "data", "--compression", "{'class' 'x'}"])
        .exits(2)
        .says("--compression")
        .says("character 10");
}

#[test]
fn every_refusal_of_a_plan_has_a_hint() {
    let node = Node::with("nb-des-cbc-56-16k");
    for entry in std::fs::read_dir(node.table()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(8).position(|window| window == b"DES/CBC/") {
            bytes[at..at + 3].copy_from_slice(b"XYZ");
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let run = node.plan(&["--create-key"]).exits(3).says("XYZ/CBC/PKCS5Padding");
    let refusals = run.out.lines().filter(|line| line.starts_with("refused:")).count();
    let hints = run.out.lines().filter(|line| line.trim_start().starts_with("hint:")).count();
    assert!(refusals > 0 && hints >= refusals, "{run:?}");
}

#[test]
fn a_run_that_changes_the_key_says_what_is_left_to_do() {
    let node = Node::usual();
    node.upgrade(&[]).exits(0).says("alter the compression").says("snapshots");
}
