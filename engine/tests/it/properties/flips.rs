//! One wrong byte in anything that is read: the SSTable is refused and unchanged, or the change was
//! harmless and the plaintext is the same. Never a panic, never another plaintext.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Selection;
use rekey_engine::upgrade::{self, Outcome};

use super::config;
use crate::kit::synthetic::{Provider, Recipe, table_in};
use crate::kit::workspace::threads;
use crate::kit::{TestStorage, Workspace, oracle};

fn recipe(kmip: bool, version: &'static str, empty_chunk: bool) -> Recipe {
    let mut recipe = Recipe::local(version, "1", "old-key", vec![0x11; 16]);
    recipe.empty_chunk = empty_chunk;
    if kmip {
        let keys = vec![("key-a".to_owned(), vec![1; 16]), ("key-b".to_owned(), vec![2; 16])];
        recipe.provider = Provider::Kmip { keys };
    }
    recipe
}

fn workspace(recipe: &Recipe, plain: &[u8]) -> (Workspace, rekey_engine::plan::Target) {
    let mut workspace = Workspace::empty();
    recipe.write(&table_in(&workspace.data()), plain);
    fs::write(workspace.root.path().join("old-key"), recipe.key_line()).unwrap();
    workspace.give_kmip_keys(&format!(
        "key-a = {}\nkey-b = {}\n",
        "01".repeat(16),
        "02".repeat(16)
    ));
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    (workspace, target)
}

/// Changes one byte and runs the whole command. Returns whether it was noticed.
fn noticed(recipe: &Recipe, component: &str, at: usize, mask: u8) -> bool {
    let plain: Vec<u8> = (0..9000_u32).map(|i| i.to_be_bytes()[3] ^ i.to_be_bytes()[2]).collect();
    let (workspace, target) = workspace(recipe, &plain);
    let table = table_in(&workspace.data());
    let path = table.join(format!("{}-{component}", recipe.name()));
    let mut bytes = fs::read(&path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= mask;
    fs::write(&path, bytes).unwrap();
    let before = contents(&table);
    let what = || format!("{component} byte {at} ^ {mask:#x} of {}", recipe.name());

    // Neither a census nor a verification may panic; what is not counted is unknown.
    let session = workspace.session(LeaseMode::Shared).unwrap();
    let census =
        upgrade::census(&session, &Selection::default(), upgrade::Archives::default(), threads(1))
            .unwrap();
    let counted: u64 = census.keys.values().map(|row| row.chunks).sum();
    let clear = census.clear_chunks.chunks;
    assert!(counted + clear > 0 || census.unknown.len() == 1, "{}: {census:?}", what());
    assert_eq!(census.not_encrypted.sstables, 0, "{}", what());
    drop(session);
    let verified = workspace.verify();

    let report = workspace.upgrade_on(TestStorage::quick().boxed(), &target).unwrap();
    assert_eq!(report.sstables.len(), 1, "{}", what());
    match &report.sstables[0].outcome {
        Outcome::Rewritten { new } => {
            let prefix = format!("{}-", table.join(new.to_string()).display());
            let read = oracle::plaintext(&prefix, recipe.has_max_length(), |_| vec![0x5a; 32]);
            assert!(read == plain, "another plaintext was accepted: {}", what());
            assert_eq!(verified.failures().count(), 0, "{}", what());
            false
        }
        Outcome::Failed(error) => {
            assert_ne!(error.kind(), ErrorKind::Internal, "{}: {error:?}", what());
            assert!(error.hint_text().is_some(), "{}: {error:?}", what());
            assert_eq!(contents(&table), before, "{}", what());
            true
        }
        other => panic!("{}: {other:?}", what()),
    }
}

fn contents(table: &Path) -> Vec<(String, Vec<u8>)> {
    crate::kit::workspace::files(table)
        .into_iter()
        .map(|name| (name.clone(), fs::read(table.join(name)).unwrap()))
        .collect()
}

fn length(recipe: &Recipe, component: &str) -> usize {
    let (workspace, _) = workspace(recipe, &[0; 9000]);
    let path = table_in(&workspace.data()).join(format!("{}-{component}", recipe.name()));
    usize::try_from(fs::metadata(path).unwrap().len()).unwrap()
}

/// Every byte of CompressionInfo.db, which nothing protects.
#[test]
fn every_byte_of_compression_info() {
    for recipe in [recipe(false, "oa", false), recipe(true, "me", true)] {
        let length = length(&recipe, "CompressionInfo.db");
        let harmless: Vec<usize> = (0..length)
            .filter(|at| !noticed(&recipe, "CompressionInfo.db", *at, 1 << (at % 8)))
            .collect();
        // Names that do not matter, and the limit beyond which chunks are in clear.
        assert!(harmless.len() < length / 4, "{harmless:?}");
    }
}

#[test]
fn every_byte_of_toc_and_digest() {
    let recipe = recipe(false, "da", false);
    for component in ["TOC.txt", "Digest.crc32"] {
        for at in 0..length(&recipe, component) {
            let noticed = noticed(&recipe, component, at, 1 << (at % 7));
            assert!(noticed || component == "TOC.txt", "byte {at} of {component}");
        }
    }
}

proptest! {
    #![proptest_config(config(96))]

    /// Each byte of Data.db is under a CRC.
    #[test]
    fn any_byte_of_data(
        kmip in any::<bool>(),
        version in prop::sample::select(vec!["mc", "nb", "oa", "da"]),
        empty_chunk in any::<bool>(),
        at in any::<usize>(),
        mask in 1..=255_u8,
    ) {
        prop_assert!(noticed(&recipe(kmip, version, empty_chunk), "Data.db", at, mask));
    }

    #[test]
    fn any_byte_of_compression_info(
        kmip in any::<bool>(),
        version in prop::sample::select(vec!["mc", "nb", "oa", "da"]),
        empty_chunk in any::<bool>(),
        at in any::<usize>(),
        mask in 1..=255_u8,
    ) {
        noticed(&recipe(kmip, version, empty_chunk), "CompressionInfo.db", at, mask);
    }

    /// No content of CompressionInfo.db causes a panic.
    #[test]
    fn any_file_in_the_place_of_compression_info(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        replace in any::<bool>(),
    ) {
        let recipe = recipe(false, "oa", false);
        let (workspace, target) = workspace(&recipe, &[7; 9000]);
        let path = table_in(&workspace.data()).join("oa-1-big-CompressionInfo.db");
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        let end = if replace { (at + noise.len()).min(bytes.len()) } else { at };
        bytes.splice(at..end, noise);
        fs::write(&path, bytes).unwrap();
        let session = workspace.session(LeaseMode::Shared).unwrap();
        upgrade::census(&session, &Selection::default(), upgrade::Archives::default(), threads(1)).unwrap();
        let plan = workspace.plan_on(&session, &target).unwrap();
        prop_assert_eq!(plan.sstables.len(), 1);
    }
}
