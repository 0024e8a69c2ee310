//! Memory is bounded, whatever the files say and however large they are (PIPELINE.md 7).

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};

use crate::kit::plaintext;
use crate::kit::{Node, Run};
use crate::synthetic::{Recipe, table_in};

const MIB: usize = 1 << 20;

/// Runs the binary to its end and returns the most memory that it had resident: the kernel's high
/// water mark, read until the process is gone.
fn peak(node: &Node, arguments: &[&str]) -> (Run, usize) {
    let mut child =
        node.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = kib.and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok()) {
            peak = peak.max(kib);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let run = child.wait_with_output().unwrap().into();
    assert!(peak > 1024, "the high water mark was never seen");
    (run, peak * 1024)
}

/// threads x (image + stored range), each max(2 MiB, chunk length), and a process around it.
fn bound(threads: usize, chunk_length: usize) -> usize {
    64 * MIB + threads * 2 * chunk_length.max(2 * MIB)
}

fn upgrade<'a>(map: &'a str, threads: &'a str) -> Vec<&'a str> {
    let first = ["upgradesstables", "-a", "--create-key", "--data-dir", "data", "--flavor"];
    let rest = ["apache-4", "--io", "read", "--threads", threads, "--compression", map];
    [&first[..], &rest].concat()
}

/// An SSTable of one chunk, repeated: as large as one likes, and quickly written.
fn large(node: &Node, chunk_length: usize, bytes: usize) {
    let mut recipe = Recipe::local("oa", "1", "old-key", vec![3; 32]);
    recipe.chunk_length = chunk_length;
    let prefix = recipe.write(&table_in(&node.data()), &plaintext(chunk_length));
    node.file("old-key", &recipe.key_line());
    let record = fs::read(format!("{prefix}Data.db")).unwrap();
    let count = bytes / chunk_length;
    let mut data = BufWriter::new(File::create(format!("{prefix}Data.db")).unwrap());
    let mut digest = crc32fast::Hasher::new();
    for _ in 0..count {
        data.write_all(&record).unwrap();
        digest.update(&record);
    }
    data.into_inner().unwrap();
    let info = recipe.compression_info(&vec![record.len() - 4; count], count * chunk_length);
    fs::write(format!("{prefix}CompressionInfo.db"), info).unwrap();
    fs::write(format!("{prefix}Digest.crc32"), digest.finalize().to_string()).unwrap();
}

#[test]
fn a_large_sstable_is_rewritten_in_bounded_memory() {
    for (chunk_length, bytes) in [(64 << 10, 256 * MIB), (8 * MIB, 128 * MIB)] {
        let node = Node::empty();
        let map = node.map(256);
        large(&node, chunk_length, bytes);
        let (run, peak) = peak(&node, &upgrade(&map, "2"));
        run.exits(0).says("1 rewritten");
        let bound = bound(2, chunk_length);
        assert!(peak < bound, "{} MiB resident, more than {} MiB", peak / MIB, bound / MIB);
    }
}

#[test]
fn many_small_sstables_are_rewritten_in_bounded_memory() {
    let node = Node::empty();
    let map = node.map(256);
    let table = table_in(&node.data());
    let mut recipe = Recipe::local("oa", "1", "old-key", vec![3; 32]);
    node.file("old-key", &recipe.key_line());
    for id in 1..=300 {
        recipe.id = id.to_string();
        recipe.write(&table, &plaintext(5000 + id));
    }
    let (run, peak) = peak(&node, &upgrade(&map, "2"));
    run.exits(0).says("300 rewritten");
    let bound = bound(2, 4096);
    assert!(peak < bound, "{} MiB resident, more than {} MiB", peak / MIB, bound / MIB);
    assert_eq!(fs::read_dir(&table).unwrap().count(), 300 * 8);
}

/// With 1 GiB of address space an allocation of what such a number declares would end the
/// process.
#[test]
fn no_number_in_a_file_makes_a_large_allocation() {
    let node = Node::usual();
    let path = node.table().join("oa-2-big-CompressionInfo.db");
    let sound = fs::read(&path).unwrap();
    // From the end: two offsets, chunk count, data length, max length, chunk length.
    let from_end = |at: usize| sound.len() - at;
    let option_count = 2 + "Encryptor".len();
    let edits: [(usize, &[u8]); 12] = [
        (0, &[0xff, 0xff]),
        (option_count, &i32::MAX.to_be_bytes()),
        (option_count, &0x0100_0000_i32.to_be_bytes()),
        (option_count + 4, &[0xff, 0xff]),
        (from_end(36), &(1_i32 << 30).to_be_bytes()),
        (from_end(36), &(1_i32 << 24).to_be_bytes()),
        (from_end(28), &i64::MAX.to_be_bytes()),
        (from_end(28), &(1_i64 << 44).to_be_bytes()),
        (from_end(20), &i32::MAX.to_be_bytes()),
        (from_end(16), &i64::MAX.to_be_bytes()),
        (from_end(8), &i64::MAX.to_be_bytes()),
        (from_end(8), &(1_i64 << 40).to_be_bytes()),
    ];
    assert_eq!(&sound[from_end(36)..from_end(32)], 65_536_i32.to_be_bytes());
    for (at, bytes) in edits {
        let mut damaged = sound.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, damaged).unwrap();
        for (verb, io) in [("census", "map"), ("verify", "read")] {
            let run: Run = Command::new("sh")
                .args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""])
                .arg(env!("CARGO_BIN_EXE_sstablerekey"))
                .args([verb, "--data-dir", "data", "--threads", "2", "--io", io])
                .current_dir(node.root.path())
                .output()
                .unwrap()
                .into();
            run.exits(3).says("oa-2-big-");
        }
    }
    // The limit itself does not prevent a run.
    fs::write(&path, sound).unwrap();
    node.read("census", &[]).exits(0);
}
