//! Every form of chunks to every other, and back to the plaintext that it began with.

use std::collections::BTreeSet;
use std::fs;

use rekey_engine::event::NoObserver;
use rekey_engine::io::LeaseMode;
use rekey_engine::keys::DATABASE_KEY_ID_LIMIT;
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{KeyWish, Selection, Target, Targets, Usage};
use rekey_engine::upgrade::{self, Outcome, PlanRequest, Report};

use crate::kit::synthetic::{Recipe, table_in};
use crate::kit::workspace::{threads, write_secret};
use crate::kit::{Workspace, beside};

const IN_CLEAR: [&str; 8] = [
    "{'enabled': false}",
    "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 16}",
    "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 64, 'lz4_compressor_type': 'high'}",
    "{'class': 'SnappyCompressor', 'chunk_length_in_kb': 4}",
    "{'class': 'DeflateCompressor', 'chunk_length_in_kb': 32}",
    "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 16}",
    "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 128, 'compression_level': -1}",
    "{'class': 'NoopCompressor', 'chunk_length_in_kb': 16}",
];

const ENCRYPTED: [(&str, &str, u32); 6] = [
    ("Encryptor", "AES/CBC/PKCS5Padding", 16),
    ("Encryptor", "AES/CBC/PKCS5Padding", 64),
    ("Encryptor", "AES/ECB/PKCS5Padding", 4),
    ("EncryptingLZ4Compressor", "AES/CBC/PKCS5Padding", 16),
    ("EncryptingSnappyCompressor", "AES", 64),
    ("EncryptingDeflateCompressor", "AES/CBC/PKCS5Padding", 4),
];

/// A table that goes from form to form.
pub(crate) struct Walk {
    pub(crate) workspace: Workspace,
    selection: Selection,
    targets: Vec<Target>,
}

impl Walk {
    fn of(set: &str) -> Self {
        Self::in_workspace(Workspace::copy_of(set))
    }

    /// One SSTable of many ranges: `oa`, Encryptor, 16 KiB chunks, an empty one at the end.
    pub(crate) fn of_many_ranges(plain: &[u8], workers: usize) -> Self {
        let mut workspace = Workspace::empty();
        workspace.threads = threads(workers);
        let file = workspace.root.path().join("first-key");
        let recipe = Recipe {
            chunk_length: 16 << 10,
            empty_chunk: true,
            ..Recipe::local("oa", "1", &file.display().to_string(), vec![7; 32])
        };
        write_secret(&file, &recipe.key_line());
        recipe.write(&table_in(&workspace.data()), plain);
        Self::in_workspace(workspace)
    }

    fn in_workspace(workspace: Workspace) -> Self {
        let keyspace = workspace.table().parent().unwrap().file_name().unwrap().to_owned();
        let table = workspace.table().file_name().unwrap().to_str().unwrap().to_owned();
        let selection = Selection {
            keyspace: Some(keyspace.into_string().unwrap()),
            tables: vec![table.rsplit_once('-').unwrap().0.to_owned()],
        };
        let mut targets: Vec<_> = IN_CLEAR.iter().map(|map| target(&workspace, map)).collect();
        for (n, (class, cipher, kib)) in ENCRYPTED.iter().enumerate() {
            let key = workspace.root.path().join(format!("key-{n}"));
            targets.push(target(
                &workspace,
                &format!(
                    "{{'class': '{class}', 'cipher_algorithm': '{cipher}', \
                     'secret_key_strength': 256, 'chunk_length_in_kb': {kib}, \
                     'key_provider': 'LocalFileSystemKeyProviderFactory', \
                     'secret_key_file': '{}'}}",
                    key.display()
                ),
            ));
        }
        Self { workspace, selection, targets }
    }

    pub(crate) fn step(&self, to: &Target) -> Report {
        let session = self.workspace.session(LeaseMode::Exclusive).unwrap();
        let targets = Targets::one(to.clone());
        let request = PlanRequest {
            archives: upgrade::Archives::default(),
            selection: &self.selection,
            targets: &targets,
            flavor: self.workspace.flavor,
            sources: &self.workspace.sources(),
            threads: self.workspace.threads,
        };
        let prepared = upgrade::prepare(&session, &request).unwrap();
        prepared.run(self.workspace.threads, &mut NoObserver).unwrap().1
    }

    pub(crate) fn verify(&self) {
        for line in &self.verified().sstables {
            assert!(matches!(line.outcome, Outcome::Verified { .. }), "{line:?}");
        }
    }

    /// How many SSTables do not pass.
    pub(crate) fn failures(&self) -> usize {
        self.verified().failures().count()
    }

    fn verified(&self) -> Report {
        let session = self.workspace.session(LeaseMode::Shared).unwrap();
        upgrade::verify(
            &session,
            &self.selection,
            upgrade::Archives::default(),
            &self.workspace.sources(),
            self.workspace.threads,
            &mut NoObserver,
        )
        .unwrap()
    }

    /// The content of every Data.db, in any order: ids change.
    pub(crate) fn data(&self) -> BTreeSet<Vec<u8>> {
        let table = self.workspace.table();
        let names = self.workspace.files();
        let data = names.iter().filter(|name| name.ends_with("-Data.db"));
        data.map(|name| fs::read(table.join(name)).unwrap()).collect()
    }
}

pub(crate) fn target(workspace: &Workspace, map: &str) -> Target {
    let params = CompressionParams::from_cql_options(&OptionMap::parse_cql(map).unwrap()).unwrap();
    let none = Usage::default();
    let wish = match params.scheme().unwrap().is_some_and(|scheme| scheme.encryptor().is_some()) {
        true => KeyWish::New(&none),
        false => KeyWish::AsTheDatabase,
    };
    let sources = workspace.sources();
    let mut target = Target::find(params, wish, &sources, DATABASE_KEY_ID_LIMIT).unwrap();
    target.make_key(&sources, workspace.root.path()).unwrap();
    target
}

/// Walks along every ordered pair of these forms, of which the first is the uncompressed one, and
/// compares with the beginning whenever it returns there.
fn every_pair(set: &str, of: &[usize]) {
    let walk = Walk::of(set);
    let plain = walk.data();
    let forms = of.len();
    let mut left: Vec<Vec<usize>> = (0..forms).map(|_| (0..forms).collect()).collect();
    let (mut at, mut compared) = (0, 0);
    while let Some(to) = left[at].pop() {
        let report = walk.step(&walk.targets[of[to]]);
        assert_eq!(report.sstables.len(), plain.len());
        for line in &report.sstables {
            match &line.outcome {
                Outcome::Rewritten { .. } => assert_ne!(at, to, "{line:?}"),
                Outcome::Skipped(_) => assert_eq!(at, to, "{line:?}"),
                other => panic!("{at} to {to}: {other:?}"),
            }
        }
        if to == 0 {
            assert!(walk.data() == plain, "from {at}: another plaintext");
            compared += 1;
        } else if to % 3 == 1 {
            walk.verify();
        }
        at = to;
    }
    assert_eq!((at, compared), (0, forms), "the walk ended early");
    assert!(left.iter().all(Vec::is_empty), "{left:?}");
}

/// All forms take minutes on a slow disk: 196 rewrites.
fn some_or_all(some: &[usize]) -> Vec<usize> {
    match std::env::var_os("REKEY_FULL") {
        None => some.to_vec(),
        Some(_) => (0..IN_CLEAR.len() + ENCRYPTED.len()).collect(),
    }
}

#[test]
fn every_form_becomes_every_other_in_big() {
    every_pair("fixtures/plain-oa", &some_or_all(&[0, 1, 3, 8, 9, 11, 13]));
}

#[test]
fn every_form_becomes_every_other_in_bti() {
    every_pair("fixtures/plain-da", &some_or_all(&[0, 2, 5, 10, 12]));
}

#[test]
fn data_compressed_by_a_real_node_round_trips() {
    let plain = Walk::of("fixtures/plain-oa").data();
    let walk = Walk::of("fixtures/oa-lz4");
    for to in [13, 8, 0] {
        for line in &walk.step(&walk.targets[to]).sstables {
            assert!(matches!(line.outcome, Outcome::Rewritten { .. }), "{line:?}");
        }
        walk.verify();
    }
    assert!(walk.data() == plain);
}

/// The compression ratio in the metadata of every SSTable, by the length of its Data.db
/// (FORMATS.md 8.2).
fn ratios(walk: &Walk) -> Vec<(f64, usize)> {
    let table = walk.workspace.table();
    let names = walk.workspace.files();
    let statistics = names.iter().filter(|name| name.ends_with("-Statistics.db"));
    statistics
        .map(|name| {
            let stats = beside::bodies(&fs::read(table.join(name)).unwrap()).remove(2).1;
            let int = |at: usize| i32::from_be_bytes(stats[at..at + 4].try_into().unwrap());
            let first = usize::try_from(int(0)).unwrap();
            let second = usize::try_from(int(4 + 16 * first)).unwrap();
            let at = 52 + 16 * (first + second);
            let data = table.join(name.replace("Statistics.db", "Data.db"));
            let length = fs::metadata(data).unwrap().len();
            let ratio = f64::from_be_bytes(stats[at..at + 8].try_into().unwrap());
            (ratio, usize::try_from(length).unwrap())
        })
        .collect()
}

#[test]
fn the_compression_ratio_follows_the_compressor() {
    let walk = Walk::of("fixtures/plain-oa");
    let mut plain: Vec<_> = ratios(&walk)
        .into_iter()
        .map(|(ratio, length)| {
            assert!((ratio + 1.0).abs() < 1e-9, "uncompressed, by the database: {ratio}");
            length
        })
        .collect();
    plain.sort_unstable();
    // LZ4 in chunks of 16 KiB: stored bytes without the CRCs by plaintext.
    walk.step(&walk.targets[1]);
    let mut found = ratios(&walk);
    found.sort_by_key(|(_, length)| *length);
    for ((ratio, length), plain) in found.iter().zip(&plain) {
        let stored = length - 4 * plain.div_ceil(16 << 10);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let expected = stored as f64 / *plain as f64;
        assert!((ratio - expected).abs() < 1e-9, "{ratio} and {expected}");
    }
    walk.step(&walk.targets[0]);
    assert!(ratios(&walk).iter().all(|(ratio, _)| (ratio + 1.0).abs() < 1e-9));
}

/// Half of it compresses, so that records have all lengths.
fn many_megabytes() -> Vec<u8> {
    let mut plain = Vec::new();
    let mut state = 1_u32;
    while plain.len() < (13 << 20) + 12_345 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        plain.extend(state.to_be_bytes());
        plain.extend(format!("row {:05} ", plain.len() / 1000).bytes().take(4));
    }
    plain
}

/// Ranges of a compressed target wait for those before them: in whatever order workers finish, the
/// files are the same, and the plaintext comes back.
#[test]
fn many_ranges_are_in_order_whichever_finishes_first() {
    let plain = many_megabytes();
    let walks = [1, 5].map(|workers| Walk::of_many_ranges(&plain, workers));
    for to in [0, 1, 6, 11, 3, 12, 10, 7, 13, 4, 9, 0] {
        for walk in &walks {
            for line in &walk.step(&walk.targets[to]).sstables {
                assert!(matches!(line.outcome, Outcome::Rewritten { .. }), "{to}: {line:?}");
            }
        }
        if to < IN_CLEAR.len() {
            assert!(walks[0].data() == walks[1].data(), "{to}: it depends on the workers");
        }
        if to == 0 {
            assert!(walks[1].data() == BTreeSet::from([plain.clone()]), "another plaintext");
        }
    }
    walks.iter().for_each(Walk::verify);
}
