//! A data directory about to be re-encrypted, and what must hold of it at any moment.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rekey_engine::io::{LeaseMode, LocalStorage, Storage};
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Selection, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, Outcome, Report};

use super::content::{Content, compare};
use super::judge::{Node, Start, start};
use crate::kit::beside::{Key, bodies, page_contents};
use crate::kit::oracle::{chunks, key_file};
use crate::kit::trie as own;
use crate::kit::workspace::{files, is_at_rest, target, threads};
use crate::kit::{Workspace, plaintext, stored_key_ids};

/// Why an invariant does not hold.
pub(crate) type Broken = String;

/// A set of SSTables and the product whose node will start on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    /// Below `testdata/`.
    pub(crate) set: &'static str,
    pub(crate) flavor: Flavor,
    /// CompressionInfo.db has the field; in Cassandra 3 it does not.
    pub(crate) has_max_length: bool,
    pub(crate) threads: usize,
    /// Ranges of one chunk, and a checkpoint after each: everything is journalled.
    pub(crate) stepped: bool,
}

const OA: &str = "fixtures/oa-aes-cbc-256-64k";
const DA: &str = "fixtures/da-aes-cbc-256-16k";
const ME: &str = "sstables/me-aes-cbc-128-64k";
const KMIP: &str = "fixtures/da-kmip-a";
/// Encrypted for the first time, the index and the metadata, too.
const FIRST: &str = "fixtures/plain-da";
/// From KMIP and CBC to a local key and ECB: the index is laid out anew.
const PAGES: &str = "fixtures/cc-kmip-cbc";

/// Key ids and keys: the old one of the KMIP set, and a new one.
const KMIP_KEYS: [(&str, &str); 2] = [
    ("02-449", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
    (
        "0eb2277e-0acc-4adb-9241-1dd84dde691c",
        "f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101",
    ),
];

impl Scenario {
    const fn new(set: &'static str, flavor: Flavor, has_max_length: bool) -> Self {
        Self { set, flavor, has_max_length, threads: 1, stepped: false }
    }

    pub(crate) const ALL: [Self; 11] = [
        Self::new(OA, Flavor::Apache4, true),
        Self::new(OA, Flavor::ConvergedCore, true),
        Self::new(DA, Flavor::Apache4, true),
        Self::new(DA, Flavor::ConvergedCore, true),
        Self::new(ME, Flavor::Apache3, false),
        Self::new(ME, Flavor::Apache4, false),
        Self::new(ME, Flavor::Dse, false),
        Self::new(ME, Flavor::ConvergedCore, false),
        Self::new(KMIP, Flavor::ConvergedCore, true),
        Self::new(FIRST, Flavor::ConvergedCore, true),
        Self::new(PAGES, Flavor::ConvergedCore, true),
    ];

    /// A few of them, with everything journalled.
    pub(crate) fn stepped() -> impl Iterator<Item = Self> {
        [0, 3, 4, 8, 9, 10].into_iter().map(|at| Self { stepped: true, ..Self::ALL[at] })
    }

    /// Whether new SSTables are longer than the old ones, which are gone by then.
    pub(crate) fn grows(&self) -> bool {
        matches!(self.set, FIRST | PAGES)
    }

    pub(crate) fn name(&self) -> String {
        let (_, set) = self.set.split_once('/').unwrap();
        let stepped = if self.stepped { " stepped" } else { "" };
        format!("{set} {} x{}{stepped}", self.flavor, self.threads)
    }
}

fn kmip_key(id: &str) -> Vec<u8> {
    let (_, hex) = KMIP_KEYS.iter().find(|(known, _)| *known == id).unwrap();
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Where an fsync costs nothing: its effect is modelled here.
pub(crate) fn in_memory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() }
}

/// The data directory.
pub(crate) struct Bench {
    pub(crate) scenario: Scenario,
    pub(crate) workspace: Workspace,
    pub(crate) target: Target,
    original: Vec<Content>,
}

/// Whether it is not compressed, and so not encrypted.
fn is_in_clear(prefix: &str) -> bool {
    !Path::new(&format!("{prefix}CompressionInfo.db")).exists()
}

/// Has an index and metadata compared by what they say: their bytes follow the pages and the key. Of
/// the files with the offsets or the checksums of chunks there is always one.
fn say_beside(content: &mut Content, index: Vec<u8>, metadata: Vec<u8>) {
    for (name, says) in
        [("Partitions.db", Some(index)), ("Rows.db", None), ("Statistics.db", Some(metadata))]
    {
        assert!(content.components.insert(name.to_owned(), says).is_some(), "{name}");
    }
    let sides = ["CompressionInfo.db", "CRC.db"];
    let there = sides.into_iter().filter(|side| content.components.remove(*side).is_some()).count();
    let listed = sides.into_iter().filter(|side| content.toc.remove(*side)).count();
    assert_eq!((there, listed), (1, 1), "one file beside Data.db");
}

impl Bench {
    /// A fresh copy, with the times and modes that real files have: components of one SSTable
    /// differ by seconds, and Statistics.db is the newest of every other one.
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut workspace = Workspace::copy_in(&in_memory(), scenario.set);
        workspace.flavor = Some(scenario.flavor);
        workspace.threads = threads(scenario.threads);
        if scenario.stepped {
            workspace.step();
        }
        if scenario.set == PAGES {
            // Its twins in clear, and the other table.
            fs::remove_dir_all(workspace.data().join("plain")).unwrap();
            let table = workspace.table();
            let other = table.to_str().unwrap().strip_suffix('a').unwrap().to_owned() + "b";
            fs::remove_dir_all(other).unwrap();
        }
        let table = workspace.table();
        for (i, name) in (0_u64..).zip(files(&table)) {
            let path = table.join(&name);
            let statistics_last = name.ends_with("Statistics.db") && i / 8 % 2 == 0;
            let millis = 1_700_000_000_000 + 1_377 * i + u64::from(statistics_last) * 60_123;
            let time = UNIX_EPOCH + Duration::from_millis(millis);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        if scenario.set == FIRST {
            // What is in clear is encrypted only if it is named.
            let (keyspace, tables) = (Some("rk".to_owned()), vec!["t".to_owned()]);
            workspace.selection = Selection { keyspace, tables };
        }
        let lines: Vec<_> = KMIP_KEYS.iter().map(|(id, key)| format!("{id} = {key}\n")).collect();
        workspace.give_kmip_keys(&lines.concat());
        let target = if scenario.set == KMIP {
            target(
                "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
                 'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', \
                 'kmip_host': 'kmip1'}",
                Some(KMIP_KEYS[1].0),
            )
        } else if scenario.set == PAGES {
            workspace.new_key("new-key", "AES/ECB/PKCS5Padding", 256)
        } else {
            workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256)
        };
        let mut bench = Self { scenario, workspace, target, original: vec![] };
        bench.original = bench.contents(&bench.live().unwrap());
        bench
    }

    /// Recover, plan and run, the whole command, on a storage.
    pub(crate) fn run(&self, storage: Box<dyn Storage>) -> rekey_engine::Result<Report> {
        self.workspace.upgrade_on(storage, &self.target)
    }

    /// What must hold whenever the process has stopped, in whatever way.
    pub(crate) fn check_stopped(
        &self,
        outcome: &rekey_engine::Result<Report>,
    ) -> Result<(), Broken> {
        let live = self.live()?;
        self.check_contents(&live)?;
        if let Ok(report) = outcome {
            self.check_report(report, &live)?;
        }
        self.check_census(&live, Archives::default()).map(|_| ())
    }

    /// The next normal run ends well, and everything is under the new key.
    pub(crate) fn check_next_run(&self, storage: Box<dyn Storage>) -> Result<(), Broken> {
        let report = self.run(storage).map_err(|error| format!("next run: {}", error.chain()))?;
        self.check_finished(&report)
    }

    /// The same, and nothing that was staged has to start over: the disk has kept everything that
    /// was durable.
    pub(crate) fn check_next_run_resumes(&self) -> Result<(), Broken> {
        let report = self.run(Box::new(LocalStorage)).map_err(|error| error.chain())?;
        self.check_finished(&report)?;
        match report.sstables.iter().flat_map(|line| &line.warnings).next() {
            Some(warning) => Err(format!("next run: {warning}")),
            None => Ok(()),
        }
    }

    /// What must hold after a run that met no fault.
    pub(crate) fn check_finished(&self, report: &Report) -> Result<(), Broken> {
        if let Some(error) = report.failures().next() {
            return Err(format!("next run: {}", error.chain()));
        }
        let live = self.live()?;
        self.check_contents(&live).map_err(|why| format!("after the next run: {why}"))?;
        let old: Vec<_> = live.iter().filter(|prefix| !self.is_new(prefix)).collect();
        if !old.is_empty() {
            return Err(format!("still under the old key: {old:?}"));
        }
        let listed = self.workspace.files();
        let stray: Vec<_> = listed
            .iter()
            .filter(|name| self.path(name).is_file())
            .filter(|name| {
                !live.iter().any(|prefix| self.path(name).to_str().unwrap().starts_with(prefix))
            })
            .collect();
        if !stray.is_empty() {
            return Err(format!("files are left: {stray:?}"));
        }
        if !is_at_rest(&self.workspace.data()) {
            return Err("staged files are left".to_owned());
        }
        Ok(())
    }

    /// The SSTables that every node of the flavor loads.
    pub(crate) fn live(&self) -> Result<BTreeSet<String>, Broken> {
        let directories = [self.workspace.table()];
        let mut agreed = None;
        for node in Node::of(self.scenario.flavor) {
            match (start(*node, &directories), &agreed) {
                (Start::Refuses(why), _) => return Err(format!("{node:?} does not start: {why}")),
                (Start::Loads(live), None) => agreed = Some(live),
                (Start::Loads(live), Some(other)) if live == *other => {}
                (Start::Loads(live), Some(other)) => {
                    return Err(format!("{node:?} loads {live:?}, another {other:?}"));
                }
            }
        }
        Ok(agreed.unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workspace.table().join(name)
    }

    /// Each original SSTable is there once, old or new.
    fn check_contents(&self, live: &BTreeSet<String>) -> Result<(), Broken> {
        compare(&self.contents(live), &self.original, live)
    }

    fn contents(&self, live: &BTreeSet<String>) -> Vec<Content> {
        let mut contents: Vec<Content> = live.iter().map(|prefix| self.content(prefix)).collect();
        contents.sort();
        contents
    }

    fn content(&self, prefix: &str) -> Content {
        let mut content = Content::read(prefix, self.rows(prefix));
        if matches!(self.scenario.set, FIRST | PAGES) {
            let (index, metadata) = self.beside(prefix);
            say_beside(&mut content, index, metadata);
        }
        content
    }

    /// What the index and the metadata of an SSTable say, whatever its pages are.
    fn beside(&self, prefix: &str) -> (Vec<u8>, Vec<u8>) {
        let read = |component: &str| fs::read(format!("{prefix}{component}")).unwrap();
        let (partitions, rows) = (read("Partitions.db"), read("Rows.db"));
        let stored = bodies(&read("Statistics.db")).into_iter().map(|(_, body)| body);
        let stored: Vec<_> = stored.collect();
        let (index, mut opened) = if is_in_clear(prefix) {
            (own::read(&partitions, &rows, 4096), stored)
        } else {
            let is_old = !self.is_new(prefix);
            let (bytes, usable) = match (is_old, self.scenario.set == PAGES) {
                (true, _) => (kmip_key(KMIP_KEYS[0].0), 3807),
                (false, true) => (vec![0x5a; 32], 4079),
                (false, false) => (vec![0x5a; 32], 4063),
            };
            let id = is_old.then_some(KMIP_KEYS[0].0);
            let key = Key { id, bytes: &bytes, cbc: usable != 4079 };
            let clear = |file: &[u8]| {
                let pages: Vec<_> = page_contents(file).iter().map(|page| key.open(page)).collect();
                own::image(&pages)
            };
            let index = own::read(&clear(&partitions), &clear(&rows), usable);
            (index, stored.iter().map(|body| key.open(body)).collect())
        };
        // STATS has the compression ratio.
        opened[2].truncate(40);
        (format!("{index:?}").into_bytes(), opened.concat())
    }

    /// What an SSTable decrypts to.
    pub(crate) fn rows(&self, prefix: &str) -> Vec<u8> {
        if is_in_clear(prefix) {
            return fs::read(format!("{prefix}Data.db")).unwrap();
        }
        plaintext(prefix, self.scenario.has_max_length, |id| match id {
            Some(id) => kmip_key(id),
            None => key_file(&self.workspace.root.path().join(self.key_file_name(prefix))),
        })
    }

    /// The key file that an SSTable names; the new one has an absolute path.
    fn key_file_name(&self, prefix: &str) -> String {
        let options = chunks(prefix, self.scenario.has_max_length).options;
        options.into_iter().find(|(name, _)| name == "secret_key_file").unwrap().1
    }

    /// The keys that an SSTable needs: of a KMIP server by the headers of its chunks.
    fn key_names(&self, prefix: &str) -> BTreeSet<String> {
        if is_in_clear(prefix) {
            return BTreeSet::new();
        }
        let options = chunks(prefix, self.scenario.has_max_length).options;
        match options.iter().any(|(_, value)| value == "KmipKeyProviderFactory") {
            true => stored_key_ids(prefix),
            false => BTreeSet::from([self.key_file_name(prefix)]),
        }
    }

    pub(crate) fn is_new(&self, prefix: &str) -> bool {
        let new = |name: &String| name.ends_with("/new-key") || name == KMIP_KEYS[1].0;
        !is_in_clear(prefix) && self.key_names(prefix).iter().all(new)
    }

    /// What was reported as rewritten is what a node loads.
    fn check_report(&self, report: &Report, live: &BTreeSet<String>) -> Result<(), Broken> {
        for line in &report.sstables {
            let Outcome::Rewritten { new } = &line.outcome else { continue };
            let prefix = format!("{}-", self.path(&new.to_string()).display());
            if !live.contains(&prefix) {
                return Err(format!("{prefix} was reported and is not there"));
            }
        }
        let old = live.iter().any(|prefix| !self.is_new(prefix));
        if old && report.failures().next().is_none() {
            return Err("nothing was reported as failed, and there are old SSTables".to_owned());
        }
        Ok(())
    }

    /// A census of the directory in its current state never omits a key that is needed. Returns
    /// whether it is certain.
    pub(crate) fn check_census(
        &self,
        live: &BTreeSet<String>,
        archives: Archives,
    ) -> Result<bool, Broken> {
        let session = self
            .workspace
            .session_on(Box::new(LocalStorage), LeaseMode::Shared)
            .map_err(|error| format!("census: {}", error.chain()))?;
        let census = upgrade::census(&session, &Selection::default(), archives, threads(1))
            .map_err(|error| format!("census: {}", error.chain()))?;
        if !census.unknown.is_empty() {
            return Ok(false);
        }
        let counted: BTreeSet<String> = census
            .keys
            .keys()
            .map(|key| match key {
                KeyRef::LocalFile { file, .. } => file.clone(),
                KeyRef::Kmip { id, .. } => id.to_string(),
                other => other.to_string(),
            })
            .collect();
        for prefix in live {
            let needed = self.key_names(prefix);
            if !needed.is_subset(&counted) {
                return Err(format!("the census has {counted:?}, and {prefix} needs {needed:?}"));
            }
        }
        Ok(true)
    }
}
