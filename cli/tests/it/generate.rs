//! What packages install beside the program.

use std::fs;
use std::process::{Command, Stdio};

use crate::kit::Node;

const VERBS: [&str; 8] =
    ["census", "keys", "may-destroy", "plan", "report", "status", "upgradesstables", "verify"];

#[test]
fn completions_know_every_command() {
    let node = Node::empty();
    for shell in ["bash", "fish", "zsh"] {
        let run = node.run(&["generate", "completions", shell]).exits(0);
        for word in VERBS.iter().chain(&["data-dir", "create-key"]) {
            assert!(run.out.contains(word), "{shell}: {word}");
        }
        assert_eq!(run.err, "");
    }
    node.run(&["generate", "completions", "tcsh"]).exits(2).says("bash");
}

#[test]
fn the_completions_for_bash_are_a_script_that_bash_takes() {
    use std::io::Write as _;

    let node = Node::empty();
    let script = node.run(&["generate", "completions", "bash"]).exits(0).out;
    let typed = "\nCOMP_WORDS=(sstablerekey upgr); COMP_CWORD=1\n\
                 _sstablerekey sstablerekey upgr sstablerekey\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    let mut bash =
        Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(format!("{script}{typed}").as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "upgradesstables\n");
}

#[test]
fn every_command_has_a_manual_page() {
    let node = Node::empty();
    fs::create_dir(node.root.path().join("man1")).unwrap();
    node.run(&["generate", "man", "man1"]).exits(0);
    let read = |name: &str| fs::read_to_string(node.root.path().join("man1").join(name)).unwrap();
    for verb in VERBS {
        let printed = verb.replace('-', "\\-");
        assert!(read("sstablerekey.1").contains(&printed), "{verb}");
        assert!(read(&format!("sstablerekey-{verb}.1")).contains(".SH SYNOPSIS"), "{verb}");
    }
    let page = read("sstablerekey-upgradesstables.1");
    assert!(page.contains("\\-\\-compression") && page.contains("\\-\\-snapshots"), "{page}");
}

#[test]
fn pages_are_not_written_to_a_directory_that_is_not_there() {
    let node = Node::empty();
    let run = node.run(&["generate", "man", "absent"]).exits(1);
    run.says("cannot write the manual pages").says("absent").says("hint: ");
}
