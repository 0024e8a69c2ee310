//! Runs that are ended from outside, or slowed down: signals, `--deadline`, `--stop-after`,
//! `--control`.

#![expect(clippy::print_stderr, reason = "says what was not tried")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Node, Run};
use crate::synthetic::{Recipe, table_in};
use crate::unfinished::{arguments, map, node, status};

/// A slow run.
fn slow(node: &Node, more: &[&str]) -> Child {
    let map = map(node, "new-key");
    node.command(&[&arguments(&map), &["--rate", "4"][..], more].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until some of its work is durable, or it has ended.
fn wait_for_work(node: &Node, child: &mut Child) {
    while child.try_wait().unwrap().is_none() {
        if status(node, &[])["durable"].as_u64().is_some_and(|bytes| bytes > 0) {
            return;
        }
    }
}

fn resumes(node: &Node) {
    node.read("upgradesstables", &["--resume"]).exits(0).says("1 rewritten");
    node.read("verify", &[]).exits(0).says("1 verified");
    assert!(node.is_clean());
}

#[test]
fn a_signal_ends_the_run_and_the_next_one_resumes() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 75)] {
        let node = node();
        let mut child = slow(&node, &[]);
        wait_for_work(&node, &mut child);
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal:?}");
        assert_eq!(status(&node, &[])["unfinished"], true);
        resumes(&node);
    }
}

#[test]
fn stop_after_limits_the_sstables_and_leaves_the_rest() {
    let node = node();
    let mut second = Recipe::local("oa", "2", "old-key", vec![3; 16]);
    second.chunk_length = 1 << 14;
    second.write(&table_in(&node.data()), b"\0\x01k and a row");
    let map = map(&node, "new-key");
    let run = node.run(&[&arguments(&map), &["--stop-after", "1"][..]].concat()).exits(75);
    assert!(run.out.contains("1 rewritten") && run.out.contains("1 left for"), "{run:?}");
    assert!(run.err.contains("exit status 75") && run.err.contains("ALTER TABLE"), "{run:?}");
    // The last words are the command, to be pasted.
    let command = run.err.lines().last().unwrap().trim();
    assert!(command.contains(" upgradesstables -a --create-key --data-dir data "), "{command}");
    assert!(command.ends_with("--stop-after 1") && command.contains("\"{'class'"), "{command}");
    node.read("verify", &[]).exits(0).says("2 verified");
    node.run(&arguments(&map)).exits(0).says("1 rewritten").says("1 ");
}

/// An SSTable that fails each time is not the only one that is ever tried.
#[test]
fn nights_of_one_sstable_get_past_one_that_fails() {
    let node = Node::usual();
    let data = node.table().join("oa-2-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&data, bytes).unwrap();
    let old = ["oa-2-big", "oa-3-big", "oa-4-big", "oa-5-big"];
    let mut nights = 0;
    while node.sstables().iter().filter(|name| old.contains(&name.as_str())).count() > 1 {
        nights += 1;
        assert!(nights <= 4, "{:?}", node.sstables());
        let night = node.upgrade(&["--stop-after", "1"]);
        assert!(matches!(night.code, 3 | 75), "{night:?}");
    }
    assert!(node.sstables().contains(&"oa-2-big".to_owned()), "it is left as it was");
    let last = node.upgrade(&[]);
    assert!(matches!(last.code, 1 | 3), "{last:?}");
    last.says("oa-2-big");
}

/// What the run did not get to has not failed, and is not in work.
#[test]
fn remaining_sstables_are_counted_and_shown_on_demand() {
    let node = node();
    for id in ["2", "3"] {
        let mut recipe = Recipe::local("oa", id, "old-key", vec![3; 16]);
        recipe.chunk_length = 1 << 14;
        recipe.write(&table_in(&node.data()), b"\0\x01k and a row");
    }
    let mut child = slow(&node, &[]);
    wait_for_work(&node, &mut child);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(75 | 130)), "{code:?}");
    let seen = status(&node, &[]);
    assert_eq!((&seen["failed"], &seen["sstables"]), (&0.into(), &3.into()), "{seen}");
    let swapped = seen["swapped"].as_u64().unwrap();
    let run = node.read("status", &[]).exits(0);
    let shown = |run: &Run| run.out.lines().filter(|l| l.contains("-big ")).count();
    let in_work = shown(&run);
    assert!(in_work >= 1 && run.out.contains(&format!("{} left", 3 - swapped)), "{run:?}");
    let all = node.read("status", &["--all"]).exits(0);
    assert_eq!(shown(&all), in_work + usize::try_from(swapped).unwrap(), "{all:?}");
    let map = map(&node, "new-key");
    node.run(&arguments(&map)).exits(0);
    node.read("verify", &[]).exits(0).says("3 verified");
}

#[test]
fn a_deadline_ends_it_with_work_left_for_the_next_one() {
    let node = node();
    let mut child = slow(&node, &["--deadline", "3s"]);
    assert_eq!(child.wait().unwrap().code(), Some(75));
    node.read("verify", &[]).exits(0).says("1 verified");
    let map = map(&node, "new-key");
    node.run(&arguments(&map)).exits(0).says("1 rewritten");
    node.read("verify", &[]).exits(0).says("1 verified");
    for wrong in ["tomorrow", "25:00", "0s"] {
        node.run(&[&arguments(&map), &["--deadline", wrong][..]].concat())
            .exits(2)
            .says("neither a time (05:00) nor a duration");
    }
}

#[test]
fn a_file_pauses_speeds_up_and_ends_it() {
    let node = node();
    let file = node.root.path().join("control");
    let say = |word: &str| fs::write(&file, word).unwrap();
    say("pause");
    // At full speed it would be over in a second.
    let map = map(&node, "new-key");
    let said = fs::File::create(node.root.path().join("said")).unwrap();
    let mut child = node
        .command(&[&arguments(&map), &["--control", "control"][..]].concat())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap();
    let said = || fs::read_to_string(node.root.path().join("said")).unwrap();
    while !said().contains("control: pause") {
        assert!(child.try_wait().unwrap().is_none(), "it did not look: {}", said());
    }
    std::thread::sleep(Duration::from_secs(4));
    for _ in 0..5 {
        let seen = status(&node, &[]);
        // It may have got to its first pieces before it checked.
        assert!(seen["swapped"].as_u64().is_none_or(|swapped| swapped == 0), "{seen}");
    }
    assert!(child.try_wait().unwrap().is_none(), "a paused run has ended");
    say("rate 1000");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(said().contains("control: rate 1000"), "{}", said());
    node.read("verify", &[]).exits(0).says("1 verified");

    let node = self::node();
    fs::write(node.root.path().join("control"), "nonsense").unwrap();
    let mut child = slow(&node, &["--control", "control"]);
    wait_for_work(&node, &mut child);
    fs::write(node.root.path().join("control"), "stop").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(75));
    resumes(&node);
}

/// A pipe without a writer once blocked a finished run forever.
#[test]
fn only_a_regular_file_is_a_control_file() {
    let node = node();
    let fifo = node.root.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let map = map(&node, "new-key");
    for file in ["fifo", ".", "/dev/zero"] {
        let mut child = node
            .command(&[&arguments(&map), &["--control", file][..]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let code = within(&mut child, Duration::from_secs(60));
        assert_eq!(code, Some(2), "{file}");
    }
    assert!(!node.root.path().join("new-key").exists());
    // Nor one that becomes a pipe while it works.
    let mut child = slow(&node, &["--control", "later"]);
    wait_for_work(&node, &mut child);
    fs::rename(&fifo, node.root.path().join("later")).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(within(&mut child, Duration::from_secs(60)), Some(75));
    resumes(&node);
}

/// The status of a process that ends in time.
fn within(child: &mut Child, time: Duration) -> Option<i32> {
    let began = std::time::Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > time {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn how_far_it_is_is_a_line_a_second() {
    let node = node();
    let map = map(&node, "new-key");
    let run = node.run(&[&arguments(&map), &["--rate", "12", "--json"][..]].concat()).exits(0);
    let progress = run.of_type("progress");
    assert!(!progress.is_empty(), "{run:?}");
    let done: Vec<_> = progress.iter().map(|line| line["bytes_done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done[0] > 0, "{done:?}");
    let total = run.of_type("started")[0]["bytes"].clone();
    assert!(progress.iter().all(|line| line["bytes"] == total && line["sstables"] == 1));
}

/// A limit of a file's size ends what is written, and not the process.
#[test]
fn a_limit_of_a_file_s_size_is_an_error_of_an_sstable() {
    let node = Node::usual();
    let before = node.sstables();
    let map = node.map(256);
    let words = ["upgradesstables", "-a", "--create-key", "--data-dir", "data", "--flavor"];
    for limit in ["0", "2", "64"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -f \"$0\" && exec \"$@\"", limit])
            .arg(env!("CARGO_BIN_EXE_sstablerekey"))
            .args(words)
            .args(["apache-4", "--compression", &map])
            .current_dir(node.root.path())
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), None, "{limit}: {output:?}");
        let run = Run::from(output);
        assert!(run.code == 1 || run.code == 3, "{limit}: {run:?}");
        assert!(
            run.text().contains("File too large") && run.text().contains("ulimit -f"),
            "{run:?}"
        );
        assert!(node.sstables().len() == before.len(), "{limit}: {run:?}");
        node.read("verify", &[]).exits(0).says("4 verified");
    }
    node.upgrade(&[]).exits(0);
    node.read("verify", &[]).exits(0).says("4 verified");
}

/// Neither by its limit nor, where a handler takes dumps over a pipe, by its flag.
#[test]
fn a_process_that_dies_of_a_signal_leaves_no_core() {
    let node = node();
    let map = map(&node, "new-key");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_sstablerekey"))
        .args(arguments(&map))
        .args(["--rate", "4"])
        .current_dir(node.root.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_work(&node, &mut child);
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
    let left: Vec<_> = fs::read_dir(node.root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("core"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    resumes(&node);
}

/// The command that is printed at the end, run as it is, from any directory.
fn typed(run: &Run) -> Run {
    let line = run.err.lines().last().unwrap().trim().to_owned();
    Command::new("sh").args(["-c", &line]).current_dir("/").output().unwrap().into()
}

/// Three SSTables, the first of which is slow.
fn three() -> Node {
    let node = node();
    for id in ["2", "3"] {
        let mut recipe = Recipe::local("oa", id, "old-key", vec![3; 16]);
        recipe.chunk_length = 1 << 14;
        recipe.write(&table_in(&node.data()), b"\0\x01k and a row");
    }
    node
}

#[test]
fn the_printed_command_resumes_until_everything_is_done() {
    for more in [&["--stop-after", "1"][..], &["--deadline", "2s", "--rate", "6"]] {
        let node = three();
        let map = map(&node, "new-key");
        let mut run = node.run(&[&arguments(&map), more].concat());
        let mut runs = 1;
        while run.code != 0 {
            assert_eq!(run.code, 75, "{run:?}");
            // What was made has been made for all of them.
            let seen = status(&node, &[]);
            assert_eq!(seen["unfinished"], true, "{seen}");
            let ended = if more[0] == "--deadline" { "deadline" } else { "stop_after" };
            assert_eq!((&seen["ended"], seen["left"].as_u64()), (&ended.into(), left(&run)));
            let words = if more[0] == "--deadline" { "its deadline; " } else { "stopped after 1 " };
            node.read("status", &[]).exits(0).says(words).says(" left");
            assert!(runs < 60, "{run:?}");
            run = typed(&run);
            runs += 1;
        }
        assert!(runs > 2, "{run:?}");
        assert!(node.is_clean());
        node.read("verify", &[]).exits(0).says("3 verified");
        node.read("census", &[]).exits(0);
        assert!(!node.read("census", &[]).text().contains("old-key"));
    }
}

fn left(run: &Run) -> Option<u64> {
    let (before, _) = run.out.split_once(" left for")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// Whether this process ignores a signal, and so do its children.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn the_printed_command_resumes_after_a_signal_and_a_failure() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        if is_ignored(signal) {
            eprintln!("{signal:?} is ignored here, as by nohup: not tried");
            continue;
        }
        let node = three();
        let map = map(&node, "new-key");
        let said = fs::File::create(node.root.path().join("said")).unwrap();
        let mut child = node
            .command(&[&arguments(&map), &["--rate", "6"][..]].concat())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        wait_for_work(&node, &mut child);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let code = child.wait().unwrap().code().unwrap();
        assert_eq!(code, if signal == Signal::INT { 130 } else { 75 });
        assert_eq!(status(&node, &[])["ended"], "asked");
        let err = fs::read_to_string(node.root.path().join("said")).unwrap();
        typed(&Run { code, out: String::new(), err }).exits(0);
        node.read("verify", &[]).exits(0).says("3 verified");
    }
    let node = three();
    let map = map(&node, "new-key");
    let data = table_in(&node.data()).join("oa-2-big-Data.db");
    let whole = fs::read(&data).unwrap();
    let modified = fs::metadata(&data).unwrap().modified().unwrap();
    let mut torn = whole.clone();
    torn[20] ^= 1;
    fs::write(&data, torn).unwrap();
    let run = node.run(&arguments(&map)).exits(3).says("2 rewritten").says("tries them again");
    fs::write(&data, whole).unwrap();
    fs::File::options().write(true).open(&data).unwrap().set_modified(modified).unwrap();
    typed(&run).exits(0).says("1 rewritten");
    node.read("verify", &[]).exits(0).says("3 verified");
}
