//! Data directories about to be re-encrypted by the binary, and what must hold of them at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::calls::Call;
use super::content::{Content, compare};
use super::inject::{self, Ended, Wrong};
use super::judge::{Node, Start, start};
use super::scenario::{NEW_KMIP_KEY, Scenario, Towards};
use crate::kit::{KMIP_LINES, copy_tree, has_only_reports, plaintext, private, testdata};
use crate::oracle;
use crate::synthetic::Recipe;

/// Why an invariant does not hold.
pub(crate) type Broken = String;

/// Data directories as a node has left them; copied for each case.
pub(crate) struct Pristine {
    pub(crate) scenario: Scenario,
    root: tempfile::TempDir,
    /// Name of an SSTable to its files: unchanged ones need not be read again.
    known: BTreeMap<String, (Stored, Vec<u8>)>,
    original: Vec<Content>,
    /// Rows, and what the files of [`MADE`] may be beside them where a rewrite makes these, too.
    made: Vec<(Vec<u8>, Made)>,
}

/// What a rewrite in clear makes beside the chunks, always the same.
const MADE: [&str; 3] = ["Partitions.db", "Rows.db", "Statistics.db"];

type Made = [Option<Vec<u8>>; MADE.len()];

/// CompressionInfo.db and Data.db.
type Stored = [Vec<u8>; 2];

/// One copy.
pub(crate) struct Place<'a> {
    pristine: &'a Pristine,
    root: tempfile::TempDir,
}

/// A state of a copy, to come back to.
pub(crate) struct Saved(tempfile::TempDir);

impl Pristine {
    pub(crate) fn new(scenario: Scenario, large: usize) -> Self {
        let root = directory_of(&scenario);
        let (set, count) = scenario.set;
        let keys = testdata().join(set).with_file_name("keys");
        copy_tree(&keys, &root.path().join("keys"));
        for entry in fs::read_dir(root.path().join("keys")).unwrap() {
            private(&entry.unwrap().path());
        }
        copy_tree(&testdata().join(set), &root.path().join("data1"));
        // Plaintext beside it is for other tests.
        let plain = root.path().join("data1/plain");
        if plain.exists() {
            fs::remove_dir_all(plain).unwrap();
        }
        let table = tables(root.path(), &["data1"]).remove(0).remove(0);
        let name = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.rsplit_once('-').unwrap().0.to_owned()
        };
        let names: BTreeSet<_> = files(&table).iter().map(name).collect();
        let taken: Vec<_> = names.iter().take(count).collect();
        for path in files(&table) {
            if !taken.contains(&&name(&path)) {
                fs::remove_file(&path).unwrap();
            }
        }
        for other in tables(root.path(), &["data1"]).into_iter().flatten() {
            if other != table {
                fs::remove_dir_all(other).unwrap();
            }
        }
        if scenario.has_large {
            let mut recipe = Recipe::local("oa", "21", "keys/large", vec![3; 16]);
            recipe.chunk_length = 1 << 14;
            let below = table.strip_prefix(root.path().join("data1")).unwrap();
            recipe.write(&root.path().join("data2").join(below), &plaintext(large));
            let key = root.path().join("keys/large");
            fs::write(&key, recipe.key_line()).unwrap();
            private(&key);
        }
        let kmip = root.path().join("kmip.keys");
        fs::write(&kmip, KMIP_LINES).unwrap();
        private(&kmip);
        dress(root.path(), &scenario);

        let (known, original, made) = (BTreeMap::new(), vec![], vec![]);
        let mut pristine = Self { scenario, root, known, original, made };
        let place = pristine.copy();
        let live = place.live().unwrap();
        let known = live
            .iter()
            .map(|prefix| (name_of(prefix).to_owned(), (stored(prefix), place.rows(prefix))));
        let known = known.collect();
        let mut made = vec![];
        if scenario.towards == Towards::Clear {
            made.extend(live.iter().map(|prefix| (place.rows(prefix), made_of(prefix))));
            assert_eq!(place.run().code, 0);
            let after = place.live().unwrap();
            made.extend(after.iter().map(|prefix| (place.rows(prefix), made_of(prefix))));
        }
        drop(place);
        (pristine.known, pristine.made) = (known, made);
        let place = pristine.copy();
        let original = place.contents(&place.live().unwrap());
        drop(place);
        pristine.original = original;
        pristine
    }

    /// A copy, at a path of its own.
    pub(crate) fn copy(&self) -> Place<'_> {
        let root = directory_of(&self.scenario);
        copy(self.root.path(), root.path());
        Place { pristine: self, root }
    }

    /// The calls of a run without faults.
    pub(crate) fn reference(&self) -> Vec<Call> {
        let place = self.copy();
        let (ended, calls) = place.traced();
        place.check_finished(&ended).unwrap();
        calls
    }
}

impl Place<'_> {
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let new_key = self.root.path().join("new-key");
        self.pristine.scenario.arguments(new_key.to_str().unwrap())
    }

    pub(crate) fn run(&self) -> Ended {
        inject::run(self.root(), &self.arguments())
    }

    pub(crate) fn traced(&self) -> (Ended, Vec<Call>) {
        inject::traced(self.root(), &self.arguments())
    }

    pub(crate) fn faulty(&self, wrong: &Wrong) -> Ended {
        inject::faulty(self.root(), &self.arguments(), wrong)
    }

    pub(crate) fn save(&self) -> Saved {
        let saved = directory_of(&self.pristine.scenario);
        copy(self.root(), saved.path());
        Saved(saved)
    }

    /// Comes back to a state, at the same path: logs have absolute ones.
    pub(crate) fn restore(&self, saved: &Saved) {
        for entry in fs::read_dir(self.root()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        copy(saved.0.path(), self.root());
    }

    /// What must hold whenever a run has ended, in whatever way.
    pub(crate) fn check_stopped(&self, out: &str, code: i32) -> Result<(), Broken> {
        let live = self.live()?;
        compare(&self.contents(&live), &self.pristine.original, &live)?;
        self.check_report(out, &live)?;
        let old: Vec<_> = live.iter().filter(|prefix| !self.is_new(prefix)).collect();
        if code == 0 && !old.is_empty() {
            return Err(format!("it says that it is done, and these are old: {old:?}"));
        }
        self.check_census(&live)
    }

    /// What must hold after a run that met no fault.
    pub(crate) fn check_finished(&self, ended: &Ended) -> Result<(), Broken> {
        if ended.code != 0 {
            return Err(format!("next run: {} {}{}", ended.code, ended.out, ended.err));
        }
        self.check_stopped(&ended.out, ended.code)
            .and_then(|()| self.check_clean())
            .map_err(|why| format!("after the next run: {why}"))
    }

    /// Nothing stray, nothing staged, no journal and no log.
    fn check_clean(&self) -> Result<(), Broken> {
        let live = self.live()?;
        let is_live = |path: &PathBuf| {
            let path = path.to_str().unwrap();
            live.iter().any(|prefix| path.starts_with(prefix))
        };
        let all = self.tables().into_iter().flatten().flat_map(|directory| files(&directory));
        let stray: Vec<_> = all.filter(|path| !is_live(path)).collect();
        if !stray.is_empty() {
            return Err(format!("files are left: {stray:?}"));
        }
        let data_dirs = self.pristine.scenario.data_dirs();
        let state = |data: &str| self.root().join(data).join(".sstablerekey");
        let left = |data: &&&str| !has_only_reports(&state(data));
        match data_dirs.iter().find(left) {
            Some(data) => Err(format!("staged files or a journal are left in {data}")),
            None => Ok(()),
        }
    }

    /// What was reported as swapped in is what a node loads. The last line may be cut off.
    fn check_report(&self, out: &str, live: &BTreeSet<String>) -> Result<(), Broken> {
        for line in out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let (Some(data), Some(new)) = (line["data"].as_str(), line["new"].as_str()) else {
                continue;
            };
            let is_claimed = line["outcome"] == "rewritten";
            let prefix = format!("{}-", Path::new(data).with_file_name(new).display());
            if is_claimed && !live.contains(&prefix) {
                return Err(format!("{prefix} was reported and is not there"));
            }
        }
        Ok(())
    }

    /// A census of the directories in their current state never omits a key that a node needs.
    fn check_census(&self, live: &BTreeSet<String>) -> Result<(), Broken> {
        let mut words = vec!["census".to_owned(), "--json".to_owned()];
        for data_dir in self.pristine.scenario.data_dirs() {
            words.extend(["--data-dir".to_owned(), (*data_dir).to_owned()]);
        }
        let ended = inject::run(self.root(), &words);
        let lines: Vec<Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // An SSTable that has lost files to a swap is unknown, and the census says so.
        match lines.last().map(|summary| summary["unknown_sstables"].as_u64()) {
            Some(Some(0)) if ended.code == 0 => {}
            Some(Some(unknown)) if ended.code == 3 && unknown > 0 => return Ok(()),
            _ => return Err(format!("census: {} {}{}", ended.code, ended.out, ended.err)),
        }
        let keys = lines.iter().filter(|line| line["type"] == "key");
        let counted: BTreeSet<_> = keys
            .filter_map(|line| line["key"]["file"].as_str().or_else(|| line["key"]["id"].as_str()))
            .collect();
        for prefix in live {
            let needed = self.key_names(prefix);
            if !needed.iter().all(|key| counted.contains(key.as_str())) {
                return Err(format!("the census has {counted:?}, and {prefix} needs {needed:?}"));
            }
        }
        Ok(())
    }

    /// The SSTables that every node of the flavor loads.
    pub(crate) fn live(&self) -> Result<BTreeSet<String>, Broken> {
        let mut all = BTreeSet::new();
        for directories in self.tables() {
            let mut agreed = None;
            for node in Node::of(self.pristine.scenario.flavor) {
                match (start(*node, &directories), &agreed) {
                    (Start::Refuses(why), _) => {
                        return Err(format!("{node:?} does not start: {why}"));
                    }
                    (Start::Loads(live), None) => agreed = Some(live),
                    (Start::Loads(live), Some(other)) if live == *other => {}
                    (Start::Loads(live), Some(other)) => {
                        return Err(format!("{node:?} loads {live:?}, another {other:?}"));
                    }
                }
            }
            all.extend(agreed.unwrap());
        }
        Ok(all)
    }

    fn tables(&self) -> Vec<Vec<PathBuf>> {
        tables(self.root(), self.pristine.scenario.data_dirs())
    }

    fn contents(&self, live: &BTreeSet<String>) -> Vec<Content> {
        let content = |prefix: &String| {
            let (rows, made) = (self.rows(prefix), made_of(prefix));
            let is_known =
                self.pristine.made.iter().any(|known| (&known.0, &known.1) == (&rows, &made));
            let mut content = Content::read(prefix, rows);
            for name in MADE.into_iter().filter(|_| is_known) {
                content.components.entry(name.to_owned()).and_modify(|says| *says = None);
            }
            content
        };
        let mut contents: Vec<_> = live.iter().map(content).collect();
        contents.sort();
        contents
    }

    /// The plaintext of an SSTable.
    fn rows(&self, prefix: &str) -> Vec<u8> {
        let stored = stored(prefix);
        if let Some((known, rows)) = self.pristine.known.get(name_of(prefix))
            && *known == stored
        {
            return rows.clone();
        }
        if !is_encrypted(prefix) {
            return lz4_rows(&stored);
        }
        oracle::plaintext(prefix, self.has_max_length(), |id| match id {
            Some(id) => kmip_key(id),
            None => oracle::key_file(&self.root().join(self.key_file(prefix))),
        })
    }

    fn has_max_length(&self) -> bool {
        !self.pristine.scenario.set.0.contains("/me-")
    }

    fn key_file(&self, prefix: &str) -> String {
        let options = oracle::chunks(prefix, self.has_max_length()).options;
        options.into_iter().find(|(name, _)| name == "secret_key_file").unwrap().1
    }

    /// The keys that an SSTable needs: of a KMIP server by the headers of its chunks.
    fn key_names(&self, prefix: &str) -> BTreeSet<String> {
        match self.pristine.scenario.is_kmip() {
            _ if !is_encrypted(prefix) => BTreeSet::new(),
            true => oracle::stored_key_ids(prefix),
            false => BTreeSet::from([self.key_file(prefix)]),
        }
    }

    fn is_new(&self, prefix: &str) -> bool {
        let new = |name: &String| name.ends_with("/new-key") || name == NEW_KMIP_KEY;
        self.key_names(prefix).iter().all(new)
    }
}

/// In memory, where an fsync costs nothing: its effect is modelled in the engine's tests.
fn directory_of(scenario: &Scenario) -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let parent =
        if shm.is_dir() && !scenario.on_disk { shm.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::Builder::new().prefix("rekey faults-").tempdir_in(parent).unwrap();
    assert_eq!(fs::canonicalize(directory.path()).unwrap(), directory.path());
    directory
}

fn copy(from: &Path, to: &Path) {
    let from = from.join(".");
    let status = Command::new("cp").arg("-a").args([&*from, to]).status().unwrap();
    assert!(status.success());
}

/// Gives the files times, modes, owners and attributes as real ones have: components of one SSTable
/// differ by seconds, and Statistics.db is the newest of every other one.
fn dress(root: &Path, scenario: &Scenario) {
    let all = tables(root, scenario.data_dirs()).into_iter().flatten();
    let all: Vec<_> = all.flat_map(|directory| files(&directory)).collect();
    for (i, path) in (0_u64..).zip(all) {
        let statistics_last = path.ends_with("Statistics.db") && i / 8 % 2 == 0;
        let millis = 1_700_000_000_000 + 1_377 * i + u64::from(statistics_last) * 60_123;
        let file = fs::File::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(1000), Some(1000)).unwrap();
        }
        // Where the file system has them.
        let flags = rustix::fs::XattrFlags::empty();
        let _unsupported = rustix::fs::fsetxattr(&file, c"user.label", b"data", flags);
        file.set_modified(UNIX_EPOCH + Duration::from_millis(millis)).unwrap();
    }
}

/// The directories of each table, in all data directories.
fn tables(root: &Path, data_dirs: &[&str]) -> Vec<Vec<PathBuf>> {
    let mut tables: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for data_dir in data_dirs.iter().map(|name| root.join(name)) {
        for keyspace in directories(&data_dir) {
            for table in directories(&keyspace) {
                let name = table.strip_prefix(&data_dir).unwrap().to_owned();
                tables.entry(name).or_default().push(table);
            }
        }
    }
    tables.into_values().collect()
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir() && !path.ends_with(".sstablerekey")).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn name_of(prefix: &str) -> &str {
    prefix.rsplit('/').next().unwrap()
}

fn made_of(prefix: &str) -> Made {
    MADE.map(|name| fs::read(format!("{prefix}{name}")).ok())
}

fn stored(prefix: &str) -> Stored {
    ["CompressionInfo.db", "Data.db"].map(|name| fs::read(format!("{prefix}{name}")).unwrap())
}

fn is_encrypted(prefix: &str) -> bool {
    let info = fs::read(format!("{prefix}CompressionInfo.db")).unwrap();
    info.starts_with(b"\0\x09Encryptor")
}

fn kmip_key(id: &str) -> Vec<u8> {
    let line = KMIP_LINES.lines().find(|line| line.starts_with(&format!("{id} = "))).unwrap();
    let hex = line.rsplit(' ').next().unwrap().as_bytes();
    let pairs = hex.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// FORMATS.md 2 and 4, for LZ4 without options: each chunk is preceded by its length,
/// little-endian, and followed by its CRC.
fn lz4_rows([info, data]: &Stored) -> Vec<u8> {
    let long = |at: usize| {
        usize::try_from(u64::from_be_bytes(info[at..at + 8].try_into().unwrap())).unwrap()
    };
    let int = |at: usize| {
        usize::try_from(u32::from_be_bytes(info[at..at + 4].try_into().unwrap())).unwrap()
    };
    let head = b"\0\x0dLZ4Compressor\0\0\0\0";
    assert!(info.starts_with(head), "{info:?}");
    let (chunk_length, most, length) = (int(head.len()), int(head.len() + 4), long(head.len() + 8));
    let count = int(head.len() + 16);
    let offsets = (0..count).map(|i| long(head.len() + 20 + 8 * i)).chain([data.len()]);
    let offsets: Vec<_> = offsets.collect();
    let mut rows = Vec::new();
    for (i, pair) in offsets.windows(2).enumerate() {
        let (stored, crc) = data[pair[0]..pair[1]].split_at(pair[1] - pair[0] - 4);
        assert_eq!(crc, crc32fast::hash(stored).to_be_bytes(), "CRC of chunk {i}");
        if stored.len() >= most {
            rows.extend(stored);
            continue;
        }
        let (size, block) = stored.split_first_chunk().unwrap();
        let size = i32::from_le_bytes(*size);
        assert!(usize::try_from(size).unwrap() <= chunk_length);
        rows.extend(lz4::block::decompress(block, Some(size)).unwrap());
    }
    assert_eq!(rows.len(), length);
    rows
}
