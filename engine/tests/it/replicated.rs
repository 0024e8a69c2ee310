//! The replicated provider of DSE (FORMATS.md 5.4): chunks that name their keys by UUID, and those
//! without a header, under the key of a file. The table with its keys is one that a real node wrote
//! (`testdata/key_tables`).

use std::fs;
use std::path::PathBuf;

use rekey_engine::ErrorKind::{Corrupt, Invalid, KeyUnavailable};
use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{
    DATABASE_KEY_ID_LIMIT, KeyId, KeyRef, KeySources, KeyTable, LocalKeyFiles, ReplicatedKeys,
};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{Action, KeyWish, Plan, Selection, Target, Targets};
use rekey_engine::schema::NodeKeyTables;
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives};

use crate::kit::synthetic::{Provider, Recipe, table_in};
use crate::kit::workspace::{copy_tree, target, testdata, threads, write_secret};
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
        assert!(text.contains("dse_system.encrypted_keys") && text.contains("nothing"), "{text}");
        let id = if escrow.is_some() { SECOND_ID } else { FIRST_ID };
        assert!(text.contains(id), "{text}");
        let hint = error.hint_text().unwrap();
        assert!(hint.contains("--config") && hint.contains("--kmip-keys FILE"), "{hint}");
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
    assert!(text.contains("nothing here leads to"), "{text}");
    assert!(hint.contains("--key-id") && hint.contains("data directories"), "{hint}");
    let (text, _) = refused(&format!("{{{DSE_OPTIONS}}}"), Some("02-449"));
    assert!(text.contains("is a UUID") && text.contains("02-449"), "{text}");
    let (text, hint) = refused("{'class': 'Encryptor'}", Some(FIRST_ID));
    assert!(text.contains("'key_provider' is missing"), "{text}");
    assert!(hint.contains("name the provider") && hint.contains("--flavor dse"), "{hint}");
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

/// A stopped node of 5.0 with the table of keys, and a system key beside it.
struct Stopped {
    site: Site,
}

impl Stopped {
    fn new() -> Self {
        let mut site = Site::new();
        site.workspace.flavor = Some(Flavor::Apache4);
        let tables = testdata().join("key_tables");
        copy_tree(&tables.join("oa/dse_system"), &site.workspace.data().join("dse_system"));
        let line = fs::read_to_string(tables.join("system_key_1")).unwrap();
        write_secret(&site.workspace.root.path().join("system_key_1"), &line);
        Self { site }
    }

    fn write(&self, mut recipe: Recipe) {
        recipe.version = "oa";
        self.site.write(&recipe);
    }

    fn sources_of(&self, table: Option<KeyTable>) -> KeySources {
        let root = self.site.workspace.root.path().to_owned();
        let tables = NodeKeyTables::new(vec![self.site.workspace.data()], LocalKeyFiles::default());
        let replicated = ReplicatedKeys::new(Box::new(tables), Some(root), table);
        KeySources { replicated: Some(replicated), ..self.site.workspace.sources() }
    }

    fn sources(&self) -> KeySources {
        self.sources_of(None)
    }

    fn find(&self, cql: &str, wish: KeyWish<'_>) -> rekey_engine::Result<Target> {
        let map = OptionMap::parse_cql(cql).unwrap();
        let params = CompressionParams::from_cql_options(&map).unwrap();
        Target::find(params, wish, &self.sources(), DATABASE_KEY_ID_LIMIT)
    }

    fn plan(&self, target: &Target) -> Plan {
        self.plan_of(&Selection::default(), target)
    }

    fn plan_of(&self, selection: &Selection, target: &Target) -> Plan {
        let session = self.site.workspace.session(LeaseMode::Shared).unwrap();
        let sources = self.sources();
        let targets = Targets::one(target.clone());
        let request = upgrade::PlanRequest {
            selection,
            archives: Archives::default(),
            targets: &targets,
            flavor: self.site.workspace.flavor,
            sources: &sources,
            threads: threads(1),
        };
        upgrade::plan(&session, &request).unwrap()
    }

    fn upgrade(&self, target: &Target) -> upgrade::Report {
        let session = self.site.workspace.session(LeaseMode::Exclusive).unwrap();
        let (all, sources) = (Selection::default(), self.sources());
        self.site.workspace.run_on(&session, &all, target, &sources).unwrap()
    }

    fn failures_of_verify(&self) -> usize {
        let session = self.site.workspace.session(LeaseMode::Shared).unwrap();
        let report = upgrade::verify(
            &session,
            &Selection::default(),
            Archives::default(),
            &self.sources(),
            threads(1),
            &mut rekey_engine::event::NoObserver,
        );
        report.unwrap().failures().count()
    }
}

#[test]
fn a_stopped_node_s_own_table_has_the_keys_to_read_and_to_write() {
    let node = Stopped::new();
    node.write(usual("1"));
    assert_eq!(node.failures_of_verify(), 0);
    // The database writes with the first row.
    let new = node.find(&format!("{{{DSE_OPTIONS}}}"), KeyWish::AsTheDatabase).unwrap();
    assert_eq!(new.key(), Some(&replicated(FIRST_ID)));
    let reason = &new.choice().unwrap().reason;
    assert!(reason.contains("first row of dse_system.encrypted_keys"), "{reason}");
    let plan = node.plan(&new);
    assert_eq!(plan.rewrites().count(), 1, "{plan:?}");
    let report = node.upgrade(&new);
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
    assert_eq!(node.site.census(), [(replicated(FIRST_ID), 5)]);
    assert_eq!(node.failures_of_verify(), 0);
    let prefix = format!("{}-", node.site.table().join("oa-2-big").display());
    let stored = oracle::chunks(&prefix, true).chunks;
    let read = stored.iter().flat_map(|(chunk, _)| {
        assert_eq!(chunk[1..17], FIRST);
        oracle::cbc(&FIRST_KEY, &chunk[33..49], &chunk[49..])
    });
    assert!(read.collect::<Vec<u8>>() == plain());
    // What is under it already may be meant to be under another: nobody can tell.
    let plan = node.plan(&new);
    assert_eq!(plan.rewrites().count(), 0);
    let hint = plan.findings.iter().find_map(|finding| finding.error.hint_text());
    assert!(hint.unwrap().contains("another system_key_file"), "{hint:?}");
}

#[test]
fn a_key_that_is_not_in_the_table_has_to_be_made_by_the_database() {
    let node = Stopped::new();
    let options = |more: &str| format!("{{{DSE_OPTIONS}, {more}}}");
    for cql in [
        options("'cipher_algorithm': 'DESede/CBC/PKCS5Padding'").replace("128", "112"),
        format!("{{{}}}", DSE_OPTIONS.replace("system_key_1", "another")),
    ] {
        let error = node.find(&cql, KeyWish::AsTheDatabase).unwrap_err();
        assert_eq!(error.kind(), KeyUnavailable);
        let hint = error.hint_text().unwrap();
        assert!(hint.contains("ALTER TABLE") && hint.contains("nodetool drain"), "{hint}");
    }
    // The database looks for the bare algorithm.
    let bare = node.find(&options("'cipher_algorithm': 'AES'"), KeyWish::AsTheDatabase).unwrap();
    assert_eq!(bare.key(), Some(&replicated(FIRST_ID)));
    let error = node.find(&options("'iv_length': 16"), KeyWish::New(&Default::default()));
    assert_eq!(error.unwrap_err().kind(), Invalid);
}

#[test]
fn without_a_provider_dse_is_known_by_its_table_or_by_what_is_said() {
    let node = Stopped::new();
    let cql = "{'class': 'Encryptor', 'system_key_file': 'system_key_1'}";
    let new = node.find(cql, KeyWish::AsTheDatabase).unwrap();
    assert_eq!(new.key(), Some(&replicated(FIRST_ID)));
    let hcd = testdata().join("key_tables/oa/hcd_system");
    copy_tree(&hcd, &node.site.workspace.data().join("hcd_system"));
    assert_eq!(node.find(cql, KeyWish::AsTheDatabase).unwrap_err().kind(), Invalid);
    let map = OptionMap::parse_cql(cql).unwrap();
    let params = CompressionParams::from_cql_options(&map).unwrap();
    let find = |table| {
        let sources = node.sources_of(Some(table));
        Target::find(params.clone(), KeyWish::AsTheDatabase, &sources, DATABASE_KEY_ID_LIMIT)
    };
    assert_eq!(find(KeyTable::Dse).unwrap().key(), Some(&replicated(FIRST_ID)));
    assert_eq!(find(KeyTable::Hcd).unwrap_err().kind(), Invalid);
    // With one, each product takes its own first row.
    let named = OptionMap::parse_cql(&format!("{{{DSE_OPTIONS}}}")).unwrap();
    let named = CompressionParams::from_cql_options(&named).unwrap();
    for (table, id) in [(KeyTable::Dse, FIRST_ID), (KeyTable::Hcd, SECOND_ID)] {
        let sources = node.sources_of(Some(table));
        let wish = KeyWish::AsTheDatabase;
        let target = Target::find(named.clone(), wish, &sources, DATABASE_KEY_ID_LIMIT).unwrap();
        assert_eq!(target.key(), Some(&replicated(id)));
    }
}

#[test]
fn a_broken_table_of_keys_fails_only_what_needs_it() {
    let node = Stopped::new();
    node.write(usual("1"));
    let mut local = Recipe::local("oa", "7", "keys/before", FILE_KEY.to_vec());
    local.seed = 9;
    local.write(&node.site.table(), &plain());
    let keys = node.site.workspace.data().join("dse_system");
    let table = fs::read_dir(keys).unwrap().next().unwrap().unwrap().path();
    fs::write(table.join("oa-1-big-Statistics.db"), b"rubbish").unwrap();
    let report = node.upgrade(&node.site.local());
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].kind(), KeyUnavailable);
    let text = failures[0].chain();
    assert!(text.contains("oa-1-big-Statistics.db") && text.contains(FIRST_ID), "{text}");
    assert!(failures[0].hint_text().is_some());
}

/// Its key would lie in itself.
#[test]
fn the_table_of_keys_cannot_be_under_one_of_them() {
    let stopped = Stopped::new();
    let target = stopped.find(&format!("{{{DSE_OPTIONS}}}"), KeyWish::AsTheDatabase).unwrap();
    let tables = vec!["encrypted_keys".to_owned()];
    let named = Selection { keyspace: Some("dse_system".to_owned()), tables };
    let plan = stopped.plan_of(&named, &target);
    assert!(!plan.sstables.is_empty());
    for planned in &plan.sstables {
        let Action::Refuse(error) = &planned.action else { panic!("{planned:?}") };
        assert!(error.to_string().contains("would lie in the table itself"), "{error}");
    }
    let local = stopped.site.workspace.new_key("local", "AES/CBC/PKCS5Padding", 128);
    assert!(stopped.plan_of(&named, &local).rewrites().next().is_some());
}
