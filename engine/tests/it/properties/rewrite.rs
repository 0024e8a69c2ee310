//! Any SSTable of any recipe goes to any target, and the oracle reads the same plaintext.

use std::fs;

use proptest::prelude::*;
use rekey_engine::plan::Target;
use rekey_engine::upgrade::Outcome;

use super::config;
use crate::kit::synthetic::{Provider, Recipe, table_in};
use crate::kit::workspace::{target, threads};
use crate::kit::{TestStorage, Workspace, oracle};

/// The target of an SSTable.
#[derive(Debug, Clone)]
struct Goal {
    cipher: &'static str,
    key: Vec<u8>,
    /// The id of a KMIP key; a local key file without one.
    id: Option<String>,
}

/// A recipe, its plaintext's length and the goal.
#[derive(Debug, Clone)]
struct Case {
    recipe: Recipe,
    length: usize,
    goal: Goal,
    mapped: bool,
}

fn plain(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::try_from(length).unwrap();
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn ciphers() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["AES/CBC/PKCS5Padding", "AES/ECB/PKCS5Padding", "AES"])
}

fn key(bits: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), bits / 8)
}

fn bits() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![128_usize, 192, 256])
}

/// Ids of 1 to 256 bytes, the shortest and the longest more often.
fn ids() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9]{1}",
        "[A-Za-z0-9:._/=-]{2,60}[a-z]",
        "[A-Za-z0-9-]{256}",
        "é☃[a-z]{1,8}😀",
    ]
}

fn providers() -> impl Strategy<Value = Provider> {
    let local = bits()
        .prop_flat_map(key)
        .prop_map(|key| Provider::Local { file: "old-key".to_owned(), key });
    let kmip = bits().prop_flat_map(|bits| {
        prop::collection::btree_map(ids(), key(bits), 1..4)
            .prop_map(|keys| Provider::Kmip { keys: keys.into_iter().collect() })
    });
    prop_oneof![local, kmip]
}

/// Lengths around the edges of chunks, and anything else; an empty plaintext only with an empty
/// chunk.
fn lengths(chunk: usize) -> impl Strategy<Value = usize> {
    let edge = (1..=3_usize, prop::sample::select(vec![-17_isize, -16, -1, 0, 1, 15, 16]))
        .prop_map(move |(chunks, near)| (chunks * chunk).saturating_add_signed(near));
    prop_oneof![Just(1), edge, 1..3 * chunk]
}

fn cases() -> impl Strategy<Value = Case> {
    let recipe = (
        prop::sample::select(vec!["ma", "me", "na", "nb", "oa", "da"]),
        prop::sample::select(vec!["1", "3gm8_0t1d_01zr42s6tfz6mplgh7"]),
        ciphers(),
        providers(),
        12..=18_u32,
        any::<bool>(),
        any::<u8>(),
    )
        .prop_map(|(version, id, cipher, provider, shift, empty_chunk, seed)| Recipe {
            version,
            id: id.to_owned(),
            cipher,
            provider,
            chunk_length: 1 << shift,
            empty_chunk,
            seed,
        });
    let goal = (ciphers(), bits().prop_flat_map(key), prop::option::of(ids()))
        .prop_map(|(cipher, key, id)| Goal { cipher, key, id });
    (recipe, goal, any::<bool>()).prop_flat_map(|(recipe, goal, mapped)| {
        let empty = if recipe.empty_chunk { 0 } else { 1 };
        prop_oneof![1 => Just(empty), 9 => lengths(recipe.chunk_length)].prop_map(move |length| {
            Case { recipe: recipe.clone(), length, goal: goal.clone(), mapped }
        })
    })
}

impl Case {
    /// Writes the SSTable and the keys, and says what the target is.
    fn set_up(&self, plain: &[u8]) -> (Workspace, Target) {
        let mut workspace = Workspace::empty();
        workspace.mapped = self.mapped;
        self.recipe.write(&table_in(&workspace.data()), plain);
        fs::write(workspace.root.path().join("old-key"), self.recipe.key_line()).unwrap();
        let mut lines = String::new();
        if let Provider::Kmip { keys } = &self.recipe.provider {
            // The target's id may be one of the old ones; then it is that key.
            let others = keys.iter().filter(|(id, _)| Some(id) != self.goal.id.as_ref());
            lines.extend(others.map(|(id, key)| format!("{id} = {}\n", hex(key))));
        }
        let bits = self.goal.key.len() * 8;
        let head = format!(
            "{{'class': 'Encryptor', 'cipher_algorithm': '{}', 'secret_key_strength': {bits}",
            self.goal.cipher
        );
        let target = match &self.goal.id {
            Some(id) => {
                lines.push_str(&format!("{id} = {}\n", hex(&self.goal.key)));
                let map = format!(
                    "{head}, 'key_provider': 'KmipKeyProviderFactory', \
                                   'kmip_host': 'kmip2'}}"
                );
                target(&map, Some(id))
            }
            None => {
                let path = workspace.root.path().join("new-key");
                let goal = Recipe::local("oa", "1", "", self.goal.key.clone());
                let line = Recipe { cipher: self.goal.cipher, ..goal }.key_line();
                fs::write(&path, line).unwrap();
                let map = format!(
                    "{head}, 'key_provider': 'LocalFileSystemKeyProviderFactory', \
                     'secret_key_file': '{}'}}",
                    path.display()
                );
                target(&map, None)
            }
        };
        workspace.give_kmip_keys(&lines);
        (workspace, target)
    }

    /// The new SSTable's path up to the component.
    fn rewrite(&self, workspace: &Workspace, target: &Target) -> String {
        let report = workspace.upgrade_on(TestStorage::quick().boxed(), target).unwrap();
        let [line] = report.sstables.as_slice() else { panic!("{report:?}") };
        let Outcome::Rewritten { new } = &line.outcome else { panic!("{line:?}") };
        format!("{}-", table_in(&workspace.data()).join(new.to_string()).display())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn any_sstable_goes_to_any_target(case in cases()) {
        let plain = plain(case.length);
        // An old key that is the target's by name would be the target's key.
        let clash = |id: &String| match &case.recipe.provider {
            Provider::Kmip { keys } => keys.iter().any(|(old, _)| old == id),
            Provider::Local { .. } | Provider::Replicated { .. } => false,
        };
        prop_assume!(!case.goal.id.as_ref().is_some_and(clash));
        let (workspace, target) = case.set_up(&plain);
        let prefix = case.rewrite(&workspace, &target);
        let read = oracle::plaintext(&prefix, case.recipe.has_max_length(), |id| {
            assert_eq!(id, case.goal.id.as_deref());
            case.goal.key.clone()
        });
        prop_assert!(read == plain);
        prop_assert_eq!(workspace.verify().failures().count(), 0);
        let table = table_in(&workspace.data());
        let names = crate::kit::workspace::files(&table);
        prop_assert_eq!(names.len(), 8, "{:?}", names);
        let carried = if case.recipe.version == "da" { "Partitions.db" } else { "Index.db" };
        let bytes = fs::read(format!("{prefix}{carried}")).unwrap();
        prop_assert!(bytes == case.recipe.index(&plain));
    }
}

proptest! {
    #![proptest_config(config(12))]

    /// Apart from the random IVs nothing depends on scheduling.
    #[test]
    fn the_layout_does_not_depend_on_threads_or_access(mut case in cases()) {
        case.goal.id = None;
        // Long enough for several ranges of 2 MiB.
        let length = (3 << 20) + case.length;
        case.recipe.chunk_length = case.recipe.chunk_length.min(1 << 15);
        let plain = plain(length);
        let mut seen = Vec::new();
        for (count, mapped) in [(1, true), (2, false), (5, true), (5, false)] {
            let (mut workspace, target) = case.set_up(&plain);
            workspace.threads = threads(count);
            workspace.mapped = mapped;
            let prefix = case.rewrite(&workspace, &target);
            let read = oracle::plaintext(&prefix, case.recipe.has_max_length(), |_| {
                case.goal.key.clone()
            });
            prop_assert!(read == plain);
            let data = fs::read(format!("{prefix}Data.db")).unwrap();
            let info = fs::read(format!("{prefix}CompressionInfo.db")).unwrap();
            // The options name the key file of the workspace; what follows them is the layout.
            let root = workspace.root.path().to_str().unwrap().len();
            let layout = info[info.len() - 8 * case.recipe.chunks(&plain).len()..].to_vec();
            let random = case.goal.cipher.contains("/CBC/");
            let bytes = if random { data.len().to_be_bytes().to_vec() } else { data };
            seen.push((layout, bytes, info.len() - root));
        }
        prop_assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn ivs_are_fresh_in_every_chunk_and_every_run() {
    let mut seen = std::collections::BTreeSet::new();
    let key = vec![7; 32];
    let case = Case {
        recipe: Recipe::local("oa", "1", "old-key", vec![1; 16]),
        length: 4096 * 40,
        goal: Goal { cipher: "AES/CBC/PKCS5Padding", key, id: None },
        mapped: true,
    };
    let plain = vec![0; case.length];
    for run in 1..=2 {
        let (workspace, target) = case.set_up(&plain);
        let prefix = case.rewrite(&workspace, &target);
        for (stored, _) in oracle::chunks(&prefix, true).chunks {
            assert!(seen.insert(stored[..16].to_vec()), "an IV came twice");
        }
        assert_eq!(seen.len(), 40 * run);
    }
}
