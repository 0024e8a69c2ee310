//! What a running process keeps in memory of the keys that it fetched: only what it needs, in
//! locked memory, and nothing else, such as data received by TLS.
//!
//! The test searches for whole keys. A round key (the first ones are halves of the key) may be on
//! the stack of a worker: that is where the compiler puts what does not fit into registers.

#![expect(clippy::print_stderr, reason = "says what was not tried")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::kit::KMIP_MAP;
use crate::unfinished;

/// A mapping of a process, and whether it is locked.
struct Mapping {
    start: u64,
    end: u64,
    is_locked: bool,
    name: String,
}

/// The mappings that a process may have written to.
fn mappings(pid: u32) -> Vec<Mapping> {
    let mut found: Vec<Mapping> = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let flags: Vec<_> = flags.split_whitespace().collect();
            let last = found.last_mut().unwrap();
            last.is_locked = flags.contains(&"lo");
            if !flags.contains(&"wr") {
                found.pop();
            }
        } else if let Some((start, end)) = words[0].split_once('-')
            && let (Ok(start), Ok(end)) =
                (u64::from_str_radix(start, 16), u64::from_str_radix(end, 16))
        {
            let name = words.get(5).copied().unwrap_or_default().to_owned();
            found.push(Mapping { start, end, is_locked: false, name });
        }
    }
    found
}

/// Where these bytes are, and whether that is locked.
fn find(pid: u32, wanted: &[u8]) -> Vec<(bool, String)> {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    for mapping in mappings(pid) {
        let mut bytes = vec![0; usize::try_from(mapping.end - mapping.start).unwrap()];
        if memory.read_exact_at(&mut bytes, mapping.start).is_err() {
            continue;
        }
        for at in memchr(&bytes, wanted) {
            found.push((mapping.is_locked, format!("{:x}+{at:x} {}", mapping.start, mapping.name)));
        }
    }
    found
}

fn memchr(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == wanted[0]);
    starts.map(|(at, _)| at).filter(|at| bytes[*at..].starts_with(wanted)).collect()
}

#[test]
fn fetched_keys_and_passwords_are_only_where_they_are_needed() {
    // Large enough to be still running when it is examined.
    let site = Site::of(unfinished::node(), SimulatorSettings::default());
    // Nothing that a table of a library could have by chance.
    let key: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(181) ^ 0x5c).collect();
    site.keep("new", key.clone(), 1, vec![namespace("a")]);
    let password = "correct-horse-71";
    site.node.file("password", &format!("{password}\n"));
    site.node.file("control", "pause\n");
    let log = File::create(site.node.root.path().join("log")).unwrap();
    let mut child = site
        .node
        .command(&[
            "upgradesstables",
            "-a",
            "--data-dir",
            "data",
            "--config",
            "hcd.yaml",
            "--kmip-set",
            "kmip1.keystore_password_file=password",
            "--flavor",
            "apache-4",
            "--compression",
            KMIP_MAP,
            "--key-id",
            "new",
            "--rate",
            "1",
            "--control",
            "control",
        ])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let said = || fs::read_to_string(site.node.root.path().join("log")).unwrap();
    let started = Instant::now();
    while !said().contains("control: pause") {
        assert!(child.try_wait().unwrap().is_none(), "{}", said());
        assert!(started.elapsed() < Duration::from_secs(60), "{}", said());
        sleep(Duration::from_millis(20));
    }
    let may_look = File::open(format!("/proc/{}/mem", child.id())).is_ok();
    let found = may_look.then(|| (find(child.id(), &key), find(child.id(), password.as_bytes())));
    site.node.file("control", "rate 1000\n");
    assert!(child.wait().unwrap().success(), "{}", said());
    let Some((keys, passwords)) = found else {
        eprintln!("skipped: this user may not look into the memory of a process that hides it");
        return;
    };
    assert!(!keys.is_empty(), "the run writes with it");
    let open: Vec<_> = keys.iter().filter(|(is_locked, _)| !is_locked).collect();
    assert!(open.is_empty(), "the key lies in memory that is not locked: {open:?}");
    assert!(passwords.is_empty(), "the password is needed no more: {passwords:?}");
}
