//! A measurement tries what a run would do with a node's own SSTables, and leaves nothing.

use std::io::ErrorKind as Io;
use std::path::Path;

use rekey_engine::ErrorKind;
use rekey_engine::io::{LeaseMode, Storage};
use rekey_engine::plan::Target;
use rekey_engine::upgrade::{self, Measured, Work};

use crate::kit::Workspace;
use crate::kit::small_disk::SmallDisk;
use crate::kit::storage::TestStorage;
use crate::kit::workspace::{is_at_rest, target, threads};

const IN_CLEAR: [&str; 2] = ["{'enabled': 'false'}", "{'class': 'LZ4Compressor'}"];

/// Measures beside whatever works there.
fn measure(
    node: &Workspace,
    storage: Box<dyn Storage>,
    target: &Target,
) -> rekey_engine::Result<Option<Measured>> {
    let session = node.session_on(storage, LeaseMode::Shared).unwrap();
    let plan = node.plan_on(&session, target).unwrap();
    upgrade::measure(&session, &plan, threads(2))
}

fn is_trial(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "measure")
}

/// What is left of trials: the content of each file.
fn left(node: &Workspace) -> Vec<Vec<u8>> {
    let directory = node.data().join(".sstablerekey/measure");
    let Ok(entries) = std::fs::read_dir(directory) else { return vec![] };
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn is_clean(node: &Workspace) -> bool {
    is_at_rest(&node.data())
}

#[test]
fn every_form_is_tried_towards_every_other() {
    let sets = [
        "oa-aes-cbc-256-64k",
        "oa-aes-ecb-128-16k",
        "oa-encrypting-lz4",
        "oa-zstd",
        "plain-oa",
        "nb-des-cbc-56-16k",
        "da-aes-cbc-256-16k",
    ];
    for set in sets {
        let node = Workspace::copy_of(&format!("fixtures/{set}"));
        let before = node.contents();
        let lz4 = "{'class': 'EncryptingLZ4Compressor', 'cipher_algorithm': \
             'AES/CBC/PKCS5Padding', 'secret_key_strength': 128, 'key_provider': \
             'LocalFileSystemKeyProviderFactory', 'secret_key_file': 'keys/other'}";
        let _key = node.new_key("keys/other", "AES/CBC/PKCS5Padding", 128);
        let lz4 =
            lz4.replace("keys/other", node.data().with_file_name("keys/other").to_str().unwrap());
        let encrypted = [
            node.new_key("new-key", "AES/CBC/PKCS5Padding", 256),
            node.new_key("fish-key", "Blowfish/CBC/PKCS5Padding", 128),
            target(&lz4, None),
        ];
        for target in encrypted.into_iter().chain(IN_CLEAR.map(|cql| target(cql, None))) {
            let tried = measure(&node, TestStorage::quick().boxed(), &target);
            let tried =
                tried.unwrap_or_else(|error| panic!("{set}: {target:?}: {}", error.chain()));
            assert!(tried.is_none_or(|tried| tried.bytes > 0), "{set}");
            assert!(is_clean(&node), "{set}");
            assert_eq!(node.contents(), before);
        }
    }
}

#[test]
fn what_is_skipped_costs_nothing() {
    let node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    node.upgrade(&target).unwrap();
    assert!(measure(&node, TestStorage::quick().boxed(), &target).unwrap().is_none());
    let session = node.session(LeaseMode::Shared).unwrap();
    assert_eq!(Work::of(&node.plan_on(&session, &target).unwrap()), Work::default());
    assert!(is_clean(&node));
}

#[test]
fn whatever_fails_nothing_is_left() {
    let node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    for name in
        ["create", "reserve", "write", "sync", "rename", "sync_directory", "create_directory"]
    {
        let storage = TestStorage::failing(move |op| {
            (op.name == name && is_trial(op.path)).then_some(Io::Other)
        });
        let error = measure(&node, storage.boxed(), &target).unwrap_err();
        assert!(error.path().is_some(), "{name}: {}", error.chain());
        assert!(left(&node).is_empty(), "{name}");
    }
}

#[test]
fn what_cannot_be_removed_is_no_plaintext_and_goes_next_time() {
    let node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let plain = Workspace::copy_of("fixtures/plain-oa");
    let plain = std::fs::read(plain.table().join("oa-2-big-Data.db")).unwrap();
    for cql in IN_CLEAR {
        let storage = TestStorage::failing(|op| {
            (op.name == "remove_file" && is_trial(op.path)).then_some(Io::PermissionDenied)
        });
        let error = measure(&node, storage.boxed(), &target(cql, None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let left = left(&node);
        assert!(left.iter().any(|bytes| bytes.len() > 60_000), "the whole SSTable was tried");
        for window in [1000, 50_000].map(|at| &plain[at..at + 24]) {
            let has = |bytes: &Vec<u8>| bytes.windows(24).any(|there| there == window);
            assert!(!left.iter().any(has), "{cql}");
        }
        measure(&node, TestStorage::quick().boxed(), &target(cql, None)).unwrap();
        assert!(is_clean(&node), "swept");
    }
}

#[test]
fn without_room_nothing_is_tried() {
    let node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let error = measure(&node, Box::new(SmallDisk::with(64 << 20)), &target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert!(error.hint_text().unwrap().contains("--measure") && is_clean(&node));
}

#[test]
fn a_run_sweeps_what_a_killed_measurement_left() {
    let node = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let target = node.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let directory = node.data().join(".sstablerekey/measure");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("0-Data.staged"), "left").unwrap();
    node.upgrade(&target).unwrap();
    assert!(is_clean(&node));
}
