//! The exit statuses of the README. Those of a key that is still in use are in `servers`, and those
//! of a run that is asked to end in `ended`. There is no case for 8: a caller cannot make a written
//! SSTable read back differently.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use crate::kit::plaintext;
use crate::kit::{KMIP_MAP, Node};
use crate::synthetic::{Recipe, table_in};

#[test]
fn done_is_0() {
    let node = Node::usual();
    node.read("census", &[]).exits(0);
    node.read("verify", &[]).exits(0).says("4 verified");
    node.plan(&["--create-key"]).exits(0).says("4 of 4 SSTables to rewrite");
    node.upgrade(&[]).exits(0).says("4 rewritten");
    node.read("verify", &[]).exits(0).says("4 verified");
    node.upgrade(&[]).exits(0).says("4 skipped (already under the target key)");
    node.read("report", &[]).exits(0).says("done: ");
}

#[test]
fn failed_is_1() {
    let node = Node::usual();
    for name in node.sstables() {
        fs::write(node.table().join(format!("{name}-CompressionInfo.db")), "x").unwrap();
    }
    node.upgrade(&[]).exits(1).says("4 SSTables: 4 failed");
    node.read("verify", &[]).exits(1);
}

#[test]
fn usage_and_configuration_are_2() {
    let node = Node::usual();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["census"],
        &["may-destroy"],
        &["may-destroy", "a/b"],
        &["census", "--data-dir"],
        &["census", "--data-dir", "data", "--threads", "0"],
        &["census", "--data-dir", "data", "--io", "magic"],
        &["plan", "--data-dir", "data"],
        &["upgradesstables", "--data-dir", "data", "--compression", "{}"],
        &["plan", "--data-dir", "data", "--compression", "{}", "--flavor", "apache-9"],
        // What clap lets pass.
        &["census", "--data-dir", "absent"],
        &["report", "--data-dir", "data"],
        &["report", "absent"],
        &["census", "--data-dir", "data", "--data-dir", "data/rk"],
        &["census", "--data-dir", "data", "nope"],
        &["plan", "--data-dir", "data", "--compression", "{"],
        &["plan", "--data-dir", "data", "--compression", UNKNOWN_OPTION],
        &["plan", "--data-dir", "data", "--compression", KMIP_MAP],
    ] {
        let run = node.run(arguments).exits(2);
        assert!(!run.err.is_empty(), "{arguments:?}");
    }
    // Whatever is wrong with a map, in a plan and in a run alike.
    for (map, part) in [
        ("{'class': 'ZstdDictionaryCompressor'}", "ZstdDictionaryCompressor"),
        ("{'class': 'LZ4Compressor', 'min_compress_ratio': 2}", "only 0"),
        ("{'class': 'Encryptor', 'key_provider': 'Nobody'}", "key provider 'Nobody'"),
        ("{'class': 'Encryptor'", "character 22"),
    ] {
        let rest = ["--flavor", "apache-4", "--compression", map];
        node.read("plan", &rest).exits(2).says(part).says("hint:");
        let rest = ["-a", "--flavor", "apache-4", "--compression", map];
        node.read("upgradesstables", &rest).exits(2).says(part).says("hint:");
    }
    // Without a flavor it is unknown whose transaction logs to write.
    let map = node.map(256);
    let rest = ["--create-key", "--compression", &map];
    node.read("plan", &rest).exits(2).says("--flavor");
}

#[test]
fn some_failed_is_3() {
    let node = Node::usual();
    let data = node.table().join("oa-2-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    bytes[100] ^= 1;
    fs::write(&data, &bytes).unwrap();
    node.read("verify", &[]).exits(3).says("CRC");
    node.plan(&["--create-key"]).exits(3).says("refused").says("oa-2-big-Data.db");
    let run = node.upgrade(&[]).exits(3).says("3 rewritten").says("1 failed").says("hint:");
    assert!(run.text().contains("chunk 0"), "{run:?}");
    assert_eq!(fs::read(&data).unwrap(), bytes);
    // A census that could not read everything proves nothing.
    fs::write(node.table().join("oa-2-big-CompressionInfo.db"), "x").unwrap();
    node.read("census", &[]).exits(3).says("any key may still be in use");
}

const UNKNOWN_OPTION: &str = "{'class': 'Encryptor', 'key_provider': \
     'LocalFileSystemKeyProviderFactory', 'secret_key_file': '/k', 'x': 'y'}";

/// A process of this test that ends with it.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn another_process_at_work_is_5() {
    let node = Node::usual();
    let data = node.table().join("oa-3-big-Data.db");
    let before = fs::read(&data).unwrap();
    let child = Command::new("sleep")
        .arg("600")
        .stdin(File::open(&data).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let holder = Holder(child);
    let pid = holder.0.id();
    let run = node.upgrade(&[]).exits(5).says(&format!("process {pid} (sleep")).says("hint:");
    assert!(run.err.contains("oa-3-big-Data.db"), "{run:?}");
    // Commands that only read continue and say so.
    for verb in ["census", "verify"] {
        node.read(verb, &[]).exits(0).says(&format!("note: process {pid}"));
    }
    node.plan(&["--create-key"]).exits(0).says(&format!("note: process {pid}"));
    drop(holder);
    assert_eq!(fs::read(&data).unwrap(), before);
    node.upgrade(&[]).exits(0);
}

#[test]
fn another_run_is_5() {
    let node = Node::usual();
    let lock = File::open(node.data()).unwrap();
    lock.try_lock().unwrap();
    let own = std::process::id().to_string();
    for run in [node.upgrade(&[]), node.plan(&[]), node.read("census", &[])] {
        run.exits(5).says("locked").says(&own).says("hint:");
    }
    lock.unlock().unwrap();
    lock.try_lock_shared().unwrap();
    node.read("census", &[]).exits(0);
    node.upgrade(&[]).exits(5);
    // Also where a child of another test has just inherited the file.
    lock.unlock().unwrap();
    node.upgrade(&[]).exits(0);
}

#[test]
fn a_key_that_cannot_be_had_is_6() {
    let node = Node::usual();
    node.plan(&[]).exits(6).says("new-key").says("hint:");
    fs::rename(node.root.path().join("keys/aes-cbc-256"), node.root.path().join("away")).unwrap();
    node.upgrade(&[]).exits(6).says("keys/aes-cbc-256").says("hint:");
    node.read("verify", &[]).exits(6);
    node.read("census", &[]).exits(0).says("keys/aes-cbc-256");
    let kmip = Node::with("oa-kmip-a");
    kmip.read("verify", &[]).exits(6).says("02-449").says("--kmip-keys");
}

/// An SSTable of holes that is larger than what is free beside it.
#[test]
fn not_enough_space_is_7() {
    const CHUNK: usize = 16 << 20;
    let node = Node::empty();
    let mut recipe = Recipe::local("oa", "1", "old-key", vec![3; 16]);
    recipe.chunk_length = CHUNK;
    let table = table_in(&node.data());
    let prefix = recipe.write(&table, &plaintext(CHUNK));
    node.file("old-key", &recipe.key_line());
    let free = free_bytes(&node);
    let record = recipe.chunks(&plaintext(CHUNK))[0].len();
    let count = free / record + 64;
    let info = recipe.compression_info(&vec![record; count], count * CHUNK);
    fs::write(format!("{prefix}CompressionInfo.db"), info).unwrap();
    let data = File::options().write(true).open(format!("{prefix}Data.db")).unwrap();
    data.set_len(u64::try_from(count * (record + 4)).unwrap()).unwrap();
    drop(data);
    let run = node.upgrade(&[]).exits(7).says("are free").says("hint:");
    assert!(run.text().contains("oa-1-big-Data.db"), "{run:?}");
    assert_eq!(fs::read_dir(&table).unwrap().count(), 8, "nothing was begun");
}

fn free_bytes(node: &Node) -> usize {
    let output =
        Command::new("df").args(["--output=avail", "-B1"]).arg(node.data()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap().trim().parse().unwrap()
}
