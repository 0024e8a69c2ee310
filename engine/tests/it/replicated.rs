//! The replicated provider of DSE (FORMATS.md 5.4): chunks that name their keys by UUID, and those
//! without a header, under the key of a file.

use std::fs;
use std::path::PathBuf;

use rekey_engine::ErrorKind::{Corrupt, Invalid, KeyUnavailable};
use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{KeyId, KeyRef};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{Action, Selection, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives};

use crate::kit::synthetic::{Provider, Recipe, table_in};
use crate::kit::workspace::{target, threads, write_secret};
use crate::kit::{Workspace, oracle};

const FIRST: [u8; 16] = *b"\x1c\xc4\x1f\x80\x8a\x5a\x11\xf0\x90\x01\x00\x00\x00\x00\x00\x01";
const SECOND: [u8; 16] = *b"\x1c\xc4\x1f\x80\x8a\x5a\x11\xf0\x90\x01\x00\x00\x00\x00\x00\x02";
const FIRST_ID: &str = "1cc41f80-8a5a-11f0-9001-000000000001";
const SECOND_ID: &str = "1cc41f80-8a5a-11f0-9001-000000000002";
const FIRST_KEY: [u8; 16] = [0x11; 16];
const SECOND_KEY: [u8; 16] = [0x22; 16];
const FILE_KEY: [u8; 16] = [0x33; 16];

/// Keys of an escrow file; operators write UUIDs in either case.
const ESCROW: &str = "1CC41F80-8A5A-11F0-9001-000000000001 = 11111111111111111111111111111111\n\
                      1cc41f80-8a5a-11f0-9001-000000000002 = 22222222222222222222222222222222\n";

const DSE_OPTIONS: &str = "'class': 'Encryptor', 'key_provider': 'ReplicatedKeyProviderFactory', \
                           'system_key_file': 'system_key_1', 'secret_key_strength': 128";

fn recipe(generation: &str, keys: &[(Option<[u8; 16]>, [u8; 16])]) -> Recipe {
    let mut recipe = Recipe::local("md", generation, "", vec![]);
    let keys = keys.iter().map(|(id, key)| (*id, key.to_vec())).collect();
    recipe.provider = Provider::Replicated { keys };
    recipe
}

/// The usual one: two keys, and chunks that were written before the database had a table for them.
fn usual(generation: &str) -> Recipe {
    recipe(generation, &[(Some(FIRST), FIRST_KEY), (Some(SECOND), SECOND_KEY), (None, FILE_KEY)])
}

/// Five chunks, the last one short.
fn plain() -> Vec<u8> {
    let mut plain = b"\0\x05first".to_vec();
    plain.extend((0..18_000_u32).map(|i| u8::try_from(i * i % 251).unwrap()));
    plain
}

struct Site {
    workspace: Workspace,
}

impl Site {
    fn new() -> Self {
        let mut workspace = Workspace::empty();
        workspace.flavor = Some(Flavor::Dse);
        let keys = workspace.root.path().join("keys");
        fs::create_dir(&keys).unwrap();
        let line = Recipe::local("md", "0", "", FILE_KEY.to_vec()).key_line();
        write_secret(&keys.join("before"), &line);
        Self { workspace }
    }

    fn with_escrow() -> Self {
        let mut site = Self::new();
        site.workspace.give_kmip_keys(ESCROW);
        site
    }

    fn table(&self) -> PathBuf {
        table_in(&self.workspace.data())
    }

    fn write(&self, recipe: &Recipe) -> String {
        recipe.write(&self.table(), &plain())
    }

    /// A local key file with a new key; and how the oracle reads it.
    fn local(&self) -> Target {
        self.workspace.new_key("new", "AES/CBC/PKCS5Padding", 256)
    }

    fn census(&self) -> Vec<(KeyRef, u64)> {
        let session = self.workspace.session(LeaseMode::Shared).unwrap();
        let archives = Archives::default();
        let census =
            upgrade::census(&session, &Selection::default(), archives, threads(1)).unwrap();
        census.keys.into_iter().map(|(key, used)| (key, used.chunks)).collect()
    }
}

fn replicated(id: &str) -> KeyRef {
    KeyRef::Replicated { system_key: "system_key_1".to_owned(), id: KeyId::new(id).unwrap() }
}

#[test]
fn chunks_under_several_keys_and_without_a_header_are_rewritten() {
    let site = Site::with_escrow();
    site.write(&usual("1"));
    let file = KeyRef::LocalFile {
        file: "keys/before".to_owned(),
        transformation: "AES/CBC/PKCS5Padding".to_owned(),
        strength: 128,
    };
    let expected = [(file, 1), (replicated(FIRST_ID), 2), (replicated(SECOND_ID), 2)];
    assert_eq!(site.census(), expected);
    assert_eq!(replicated(FIRST_ID).to_string(), format!("replicated system_key_1/{FIRST_ID}"));
    assert_eq!(site.workspace.verify().failures().count(), 0);

    let report = site.workspace.upgrade(&site.local()).unwrap();
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
    fs::remove_file(site.workspace.root.path().join("keys/before")).unwrap();
    fs::remove_file(site.workspace.root.path().join("kmip.keys")).unwrap();
    let prefix = format!("{}-", site.table().join("md-2-big").display());
    let read = oracle::plaintext(&prefix, false, |_| vec![0x5a; 32]);
    assert!(read == plain());
}

/// Nothing names the provider in some files of DSE.
#[test]
fn options_without_a_provider_are_those_of_the_replicated_one() {
    let site = Site::with_escrow();
    let prefix = site.write(&recipe("1", &[(Some(FIRST), FIRST_KEY)]));
    let path = format!("{prefix}CompressionInfo.db");
    let info = fs::read(&path).unwrap();
    // Removes the last three of five entries, each of two texts with their lengths.
    let provider = b"\0\x0ckey_provider";
    let at = info.windows(provider.len()).position(|window| window == provider).unwrap();
    let end = info.windows(11).position(|window| window == b"keys/before").unwrap() + 11;
    let mut shorter = [&info[..at], &info[end..]].concat();
    let count = 2 + "Encryptor".len() + 3;
    assert_eq!(shorter[count], 5);
    shorter[count] = 2;
    fs::write(&path, shorter).unwrap();
    let key = KeyRef::Replicated {
        system_key: "system_key".to_owned(),
        id: KeyId::new(FIRST_ID).unwrap(),
    };
    assert_eq!(site.census(), [(key, 5)]);
    let report = site.workspace.upgrade(&site.local()).unwrap();
    assert_eq!(report.failures().count(), 0);
}

#[test]
fn keys_unavailable_offline_are_a_finding() {
    for escrow in [None, Some(ESCROW.lines().next().unwrap())] {
        let mut site = Site::new();
        if let Some(lines) = escrow {
            site.workspace.give_kmip_keys(lines);
        }
        site.write(&usual("1"));
        let before = site.workspace.contents();
        let plan = site.workspace.plan(&site.local()).unwrap();
        let Action::Refuse(error) = &plan.sstables[0].action else { panic!("{plan:?}") };
        assert_eq!(error.kind(), KeyUnavailable);
        let text = error.chain();
        assert!(text.contains("dse_system.encrypted_keys and cannot be had offline"), "{text}");
        let id = if escrow.is_some() { SECOND_ID } else { FIRST_ID };
        assert!(text.contains(id), "{text}");
        assert!(error.hint_text().unwrap().contains("--kmip-keys FILE"), "{error:?}");
        let report = site.workspace.upgrade(&site.local()).unwrap();
        assert_eq!(report.failures().count(), 1);
        assert_eq!(site.workspace.contents(), before);
    }
}

#[test]
fn a_key_of_the_database_s_own_table_can_be_the_target() {
    let site = Site::with_escrow();
    site.write(&usual("1"));
    let new = target(&format!("{{{DSE_OPTIONS}}}"), Some(&SECOND_ID.to_uppercase()));
    let report = site.workspace.upgrade(&new).unwrap();
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
    assert_eq!(site.census(), [(replicated(SECOND_ID), 5)]);
    let prefix = format!("{}-", site.table().join("md-2-big").display());
    let stored = oracle::chunks(&prefix, false).chunks;
    let mut read = Vec::new();
    for (chunk, _) in stored {
        assert_eq!((chunk[0], &chunk[1..17]), (0, &SECOND[..]));
        let digest: [u8; 16] = <md5::Md5 as md5::Digest>::digest(SECOND).into();
        assert_eq!(chunk[17..33], digest);
        read.extend(oracle::cbc(&SECOND_KEY, &chunk[33..49], &chunk[49..]));
    }
    assert!(read == plain());
    assert_eq!(site.workspace.verify().failures().count(), 0);
    // The next run has nothing to do.
    assert_eq!(site.workspace.plan(&new).unwrap().rewrites().count(), 0);
}

#[test]
fn a_target_in_the_database_s_own_table_must_be_a_named_uuid() {
    let refused = |cql: &str, id: Option<&str>| {
        let options = OptionMap::parse_cql(cql).unwrap();
        let params = CompressionParams::from_cql_options(&options).unwrap();
        let error = Target::new(params, id.map(|id| KeyId::new(id).unwrap())).unwrap_err();
        assert_eq!(error.kind(), Invalid);
        (error.chain(), error.hint_text().unwrap().to_owned())
    };
    let (text, hint) = refused(&format!("{{{DSE_OPTIONS}}}"), None);
    assert!(text.contains("only a running node makes keys"), "{text}");
    assert!(hint.contains("--key-id") && hint.contains("KMIP"), "{hint}");
    let (text, _) = refused(&format!("{{{DSE_OPTIONS}}}"), Some("02-449"));
    assert!(text.contains("is a UUID") && text.contains("02-449"), "{text}");
    let (text, hint) = refused("{'class': 'Encryptor'}", Some(FIRST_ID));
    assert!(text.contains("'key_provider' is missing"), "{text}");
    assert!(hint.contains("name the provider"), "{hint}");
}

/// FORMATS.md 5.5: the header has the new key's id, and the chunk is still under the one before.
#[test]
fn a_chunk_with_a_wrong_key_in_its_header_is_still_read() {
    let site = Site::with_escrow();
    let labelled = recipe("1", &[(Some(FIRST), FIRST_KEY)]);
    let wrong = recipe("1", &[(Some(FIRST), SECOND_KEY)]).chunks(&plain());
    let mut chunks = labelled.chunks(&plain());
    chunks[3].clone_from(&wrong[3]);
    labelled.write_chunks(&site.table(), &plain(), &chunks);
    let report = site.workspace.upgrade(&site.local()).unwrap();
    assert_eq!(report.failures().count(), 0);
    let warnings: Vec<_> = report.sstables.iter().flat_map(|s| &s.warnings).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].chain().contains(SECOND_ID), "{warnings:?}");
}

/// A damaged header is not a header, for the database and for this program; its chunk is then too
/// long for its plaintext.
#[test]
fn any_flipped_byte_of_a_header_is_damage() {
    for at in 0..33 {
        let site = Site::with_escrow();
        let recipe = usual("1");
        let mut chunks = recipe.chunks(&plain());
        chunks[1][at] ^= 0x40;
        recipe.write_chunks(&site.table(), &plain(), &chunks);
        let before = site.workspace.contents();
        let report = site.workspace.upgrade(&site.local()).unwrap();
        let failures: Vec<_> = report.failures().collect();
        assert_eq!(failures.len(), 1);
        assert_eq!((failures[0].kind(), failures[0].chunk_index()), (Corrupt, Some(1)));
        assert_eq!(site.workspace.contents(), before);
    }
}
