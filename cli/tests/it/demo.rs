//! The demo, killed anywhere: the next one resumes, ends, and proves what it says.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Run, testdata};
use crate::oracle;

/// A temporary directory of its own, in which demos are run.
struct Stage {
    temporary: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap() }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sstablerekey"));
        command.arg("demo").args(more).env("TMPDIR", self.temporary.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, more: &[&str]) -> Run {
        self.command(more).output().unwrap().into()
    }

    /// Runs it to its end.
    fn proves(&self, more: &[&str]) -> Run {
        self.run(more).exits(0).says("Proved: every chunk is under the new key")
    }

    /// Where the demos of this user live.
    fn usual(&self) -> PathBuf {
        let user = rustix::process::geteuid();
        self.temporary.path().join(format!("sstablerekey-demo-{user}"))
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.temporary.path()).unwrap().next().is_none()
    }

    /// Runs a demo that keeps its files to its end, and checks every byte of them.
    fn ends_whole(&self) {
        self.proves(&["--keep"]);
        let kept = self.usual().join("kept");
        let keys = kept.join("kmip-keys");
        let id = fs::read_to_string(&keys).unwrap().split_once(" = ").unwrap().0.to_owned();
        for (keyspace, set, key_file) in SETS {
            let now = plaintexts(&kept.join("data").join(keyspace), |used| {
                assert_eq!(used, Some(id.as_str()));
                exported(&keys)
            });
            let bundled = testdata().join("sstables");
            let key_file = bundled.join("keys").join(key_file);
            let before = plaintexts(&bundled.join(set).join("rk"), |used| match used {
                Some(_) => exported(&key_file),
                None => oracle::key_file(&key_file),
            });
            assert!(before.len() == 2 && now == before, "{keyspace}");
        }
        assert_eq!(fs::read_dir(kept.join("keys")).unwrap().count(), 0, "old keys are left");
    }
}

/// The demo's keyspaces, the bundled sets that they are, and the files of their keys.
const SETS: [(&str, &str, &str); 3] = [
    ("orders", "oa-aes-cbc-256-16k-kmip", "kmip-keys"),
    ("customers", "da-aes-cbc-256-16k", "aes-cbc-256"),
    ("archive", "oa-aes-ecb-128-16k", "aes-ecb-128"),
];

/// The key of the first line `id = hex`.
fn exported(file: &Path) -> Vec<u8> {
    let text = fs::read_to_string(file).unwrap();
    let hex = text.lines().next().unwrap().split_once(" = ").unwrap().1;
    let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// What the SSTables of a keyspace's only table hold, whatever they are called.
fn plaintexts(keyspace: &Path, key: impl Fn(Option<&str>) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut table = fs::read_dir(keyspace).unwrap();
    let table = table.next().unwrap().unwrap().path();
    let names = fs::read_dir(&table).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = names
        .filter_map(|path| path.to_str().unwrap().strip_suffix("Data.db").map(str::to_owned))
        .map(|prefix| oracle::plaintext(&prefix, true, &key))
        .collect();
    found.sort();
    found
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How many demos are killed.
fn kills() -> u64 {
    let told = std::env::var("REKEY_DEMO_KILLS").ok();
    told.map_or(40, |text| text.parse().unwrap())
}

#[test]
fn the_demo_proves_its_claims_and_leaves_nothing() {
    let stage = Stage::new();
    let run = stage.proves(&[]).says("6 verified");
    assert!(!run.out.contains("earlier demo"), "{run:?}");
    assert!(stage.is_empty());
}

#[test]
fn kept_files_stay_until_the_next_demo() {
    let stage = Stage::new();
    stage.ends_whole();
    stage.proves(&["--keep"]).says("was asked to keep makes room").says("The files are in");
    let kept = stage.usual().join("kept");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_sstablerekey"));
    verify.arg("verify").arg("--data-dir").arg(kept.join("data"));
    let run: Run = verify.arg("--kmip-keys").arg(kept.join("kmip-keys")).output().unwrap().into();
    run.exits(0).says("6 verified");
    let left: Vec<_> =
        fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
    stage.proves(&[]);
    assert!(stage.is_empty());
}

#[test]
fn killed_at_random_moments_it_resumes_and_completes() {
    let stage = Stage::new();
    let began = Instant::now();
    stage.proves(&[]);
    let whole = u64::try_from(began.elapsed().as_micros()).unwrap();
    let mut dice = Dice(0x6b8b_4567_327b_23c6);
    let (mut killed_so_far, mut went_on) = (0, 0);
    while killed_so_far < kills() {
        let mut child = stage.command(&[]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(dice.roll(whole)));
        if child.try_wait().unwrap().is_none() {
            killed_so_far += 1;
            killed(child);
        } else {
            let run: Run = child.wait_with_output().unwrap().into();
            run.exits(0).says("Proved");
        }
        // As often as not the next one is killed, too.
        if dice.roll(2) == 0 {
            went_on += 1;
            match dice.roll(2) {
                0 => stage.ends_whole(),
                _ => {
                    stage.proves(&[]);
                    assert!(stage.is_empty());
                }
            }
        }
    }
    stage.ends_whole();
    stage.proves(&[]);
    assert!(stage.is_empty());
    assert!(went_on > 0);
}

/// Reads this many lines of a demo, and kills it there. Returns whether it got that far.
fn killed_after_line(stage: &Stage, lines: usize) -> bool {
    let mut child = stage.command(&[]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_long = (0..lines).all(|_| out.next().is_some_and(|line| line.is_ok()));
    killed(child);
    is_long
}

#[test]
fn killed_after_any_line_it_resumes_where_it_was() {
    let mut steps = Vec::new();
    for lines in (1..).step_by(2) {
        let stage = Stage::new();
        if !killed_after_line(&stage, lines) {
            break;
        }
        let run = stage.proves(&[]);
        assert!(stage.is_empty(), "line {lines}");
        let on = "An earlier demo was cut off in step ";
        let step = run
            .out
            .lines()
            .find_map(|line| line.strip_prefix(on))
            .map_or(1, |rest| rest.split(':').next().unwrap().parse::<u8>().unwrap());
        steps.push(step);
        for done in 2..step.min(5) {
            let how = format!("\n{done}. ");
            let at = run.out.find(&how).unwrap();
            let line = run.out[at + 1..].lines().next().unwrap();
            let is_said =
                line.contains("an earlier demo has done that") || line.contains("What is left");
            assert!(is_said, "{line}");
        }
    }
    assert!(steps.iter().all(|step| (1..=7).contains(step)), "{steps:?}");
    // It has continued a little since it printed the line.
    assert!(steps.iter().any(|step| *step > 3), "none was cut off so late: {steps:?}");
}

/// A slow run is shown by `status`, and resumed from its last checkpoint.
#[test]
fn a_slow_demo_is_inspected_killed_and_resumed() {
    let stage = Stage::new();
    // A name with a special meaning in YAML and shells.
    let directory = stage.temporary.path().join("it's: here #1");
    let here = ["--dir", directory.to_str().unwrap()];
    let child = stage.command(&[&here[..], &["--slow"]].concat()).spawn().unwrap();
    let data = directory.join("node/data");
    let status = || -> Run {
        let mut status = Command::new(env!("CARGO_BIN_EXE_sstablerekey"));
        status.args(["status", "--json", "--data-dir"]).arg(&data);
        status.output().unwrap().into()
    };
    let durable = || {
        let run = status();
        let summary = if run.code == 0 { run.of_type("summary") } else { vec![] };
        summary.first().and_then(|summary| summary["durable"].as_u64()).unwrap_or_default()
    };
    while durable() < 16 << 20 {
        std::thread::sleep(Duration::from_millis(50));
    }
    // On any machine it stays in this step.
    kill_process(Pid::from_child(&child), Signal::STOP).unwrap();
    // Another one has to wait, or to go elsewhere.
    let run = stage.run(&here).exits(5).says("another demo is at work");
    assert!(run.err.contains("--dir"), "{run:?}");
    killed(child);
    assert!(durable() >= 16 << 20);
    // The large one, and small ones that a slow disk had delayed.
    let is_partly_done = |sstable: &serde_json::Value| {
        ["durable", "sealed", "verified"].contains(&sstable["state"].as_str().unwrap())
    };
    let partly_done = status().of_type("sstable").iter().filter(|one| is_partly_done(one)).count();
    assert!(partly_done > 0);
    let run = stage.proves(&here).says("cut off in step 4");
    let run = run.says(&format!("partly done: {partly_done}\n"));
    // Both passes over what is not durable, and no more.
    let line = run.err.lines().find(|line| line.contains("to write and to read back")).unwrap();
    let left: f64 = line.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(left < 114.0, "{line}");
    assert!(stage.is_empty());
}

#[test]
fn a_signal_ends_it_and_the_same_command_resumes() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 75)] {
        let stage = Stage::new();
        let mut child = stage.command(&["--slow"]).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        while !out.next().unwrap().unwrap().contains("4. upgradesstables") {}
        kill_process(Pid::from_child(&child), signal).unwrap();
        drop(out);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{said}");
        assert!(said.contains("the demo was ended in step") && said.contains("hint:"), "{said}");
        stage.proves(&[]).says("cut off in step 4");
        assert!(stage.is_empty());
    }
}

#[test]
fn a_directory_is_used_only_if_it_belongs_to_a_demo() {
    let stage = Stage::new();
    let usual = stage.usual();
    // What another user may have put in the expected place.
    let elsewhere = stage.temporary.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &usual).unwrap();
    stage.run(&[]).exits(2).says("no link").says("--dir");
    fs::remove_file(&usual).unwrap();
    fs::write(&usual, "").unwrap();
    stage.run(&[]).exits(2).says("hint:");
    fs::remove_file(&usual).unwrap();
    fs::create_dir(&usual).unwrap();
    fs::set_permissions(&usual, fs::Permissions::from_mode(0o777)).unwrap();
    stage.run(&[]).exits(2).says("others may write");
    fs::set_permissions(&usual, fs::Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&usual, Some(12345), None).unwrap();
        stage.run(&[]).exits(2).says("somebody else's");
        std::os::unix::fs::chown(&usual, Some(0), None).unwrap();
    }
    // Files of this user's own, that no demo has made.
    fs::write(usual.join("thesis"), "").unwrap();
    stage.run(&[]).exits(2).says("no demo's");
    assert!(usual.join("thesis").exists());
    fs::remove_file(usual.join("thesis")).unwrap();
    stage.proves(&[]);
    assert!(!usual.exists());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    stage.run(&["--dir", "/nowhere/at/all"]).exits(1).says("hint:");
    // What is put beside a demo stays there.
    stage.proves(&["--keep"]);
    fs::write(usual.join("thesis"), "").unwrap();
    assert_eq!(fs::metadata(&usual).unwrap().permissions().mode() & 0o777, 0o700);
    stage.proves(&[]);
    assert!(usual.join("thesis").exists() && !usual.join("kept").exists());
}

#[test]
fn it_works_without_a_reader() {
    let stage = Stage::new();
    let mut child = stage.command(&[]).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(stage.is_empty());
}
