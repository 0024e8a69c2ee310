//! Standard output that cannot be written: a lost report is a failure, and a run continues.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use crate::kit::{Node, Run};

impl Node {
    /// With standard output on a disk that is full.
    fn on_a_full_disk(&self, arguments: &[&str]) -> Run {
        let full = File::options().write(true).open("/dev/full").unwrap();
        Run::from(self.command(arguments).stdout(full).output().unwrap())
    }

    /// With standard output into a pipe without a reader.
    fn on_a_closed_pipe(&self, arguments: &[&str]) -> Run {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Run::from(self.command(arguments).stdout(writer).output().unwrap())
    }
}

fn is_said(run: &Run) -> bool {
    run.err.contains("error: standard output cannot be written: No space left on device")
        && run.err.contains("hint: ")
}

#[test]
fn a_lost_report_is_a_failure() {
    let node = Node::usual();
    let map = node.map(256);
    let plan = [
        "plan",
        "--data-dir",
        "data",
        "--flavor",
        "apache-4",
        "--create-key",
        "--compression",
        &map,
    ];
    for arguments in [
        &["census", "--data-dir", "data"][..],
        &["verify", "--data-dir", "data"],
        &["status", "--data-dir", "data"],
        &["may-destroy", "kmip a/b", "--not-a-node", "--data-dir", "data"],
        &plan,
    ] {
        for json in [&[][..], &["--json"]] {
            let words = [arguments, json].concat();
            let run = node.on_a_full_disk(&words).exits(1);
            assert!(is_said(&run), "{run:?}");
            let run = node.on_a_closed_pipe(&words).exits(0);
            assert!(!run.err.contains("error"), "{run:?}");
        }
    }
    for words in [&["--help"][..], &["--version"], &["census", "--help"]] {
        let run = node.on_a_full_disk(words).exits(1);
        assert!(is_said(&run), "{run:?}");
        assert_eq!(node.on_a_closed_pipe(words).exits(0).err, "");
    }
    node.upgrade(&[]).exits(0);
    let run = node.on_a_full_disk(&["report", "--data-dir", "data"]).exits(1);
    assert!(is_said(&run), "{run:?}");
    // A more specific status is kept.
    let run = node.on_a_full_disk(&["census", "--data-dir", "absent", "--json"]).exits(2);
    assert!(is_said(&run), "{run:?}");
}

#[test]
fn a_run_continues_and_reports_it() {
    let node = Node::usual();
    let map = node.map(256);
    let words = [
        "upgradesstables",
        "-a",
        "--create-key",
        "--data-dir",
        "data",
        "--flavor",
        "apache-4",
        "--json",
        "--compression",
        &map,
    ];
    let run = node.on_a_full_disk(&words).exits(0);
    assert!(is_said(&run), "{run:?}");
    node.upgrade(&[]).exits(0).says("4 skipped");
    let run = node.on_a_full_disk(&["abandon", "--data-dir", "data"]).exits(0);
    assert!(is_said(&run), "{run:?}");
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_fails_on_a_full_disk() {
    let node = Node::empty();
    let run = node.on_a_full_disk(&["demo", "--dir", "demo"]).exits(1);
    assert!(is_said(&run), "{run:?}");
}

/// Another process may have made the pipe non-blocking.
#[test]
fn a_full_pipe_is_awaited() {
    let node = Node::usual();
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    // More than a pipe takes at once.
    let path = node.root.path().join("x".repeat(100)).join("y".repeat(100));
    std::fs::create_dir_all(&path).unwrap();
    std::fs::rename(node.data(), path.join("data")).unwrap();
    let table = path.join("data/rk/t-5ab1e000000011f0800000000000000a");
    for id in 100..400 {
        std::fs::write(table.join(format!("oa-{id}-big-Data.db")), "x").unwrap();
        std::fs::write(table.join(format!("oa-{id}-big-TOC.txt")), "Data.db\n").unwrap();
    }
    let mut command = node.command(&["census", "--json", "--data-dir"]);
    command.arg(path.join("data")).stdout(writer).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).exits(3);
    assert_eq!(run.err, "");
    let run = Run { out: text, ..run };
    assert!(run.out.len() > 1 << 16, "more than a pipe takes: {}", run.out.len());
    assert_eq!(run.lines().last().unwrap()["type"], "summary");
}
