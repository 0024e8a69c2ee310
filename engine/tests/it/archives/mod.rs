//! Snapshots and backups: re-encrypted once where they share files, each under its own names.

mod copies;
mod failures;
mod refusals;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rekey_engine::io::LeaseMode;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{KeyCensus, Selection, Target};
use rekey_engine::upgrade::{self, Archives, Outcome, Report};

use crate::kit::oracle::key_file;
use crate::kit::workspace::{files, is_at_rest};
use crate::kit::{Workspace, plaintext};

/// What a snapshot contains besides SSTables.
const MANIFEST: (&str, &str) = ("manifest.json", "{\"files\":[\"oa-2-big-Data.db\"]}");

/// A table with its archives.
struct Node {
    workspace: Workspace,
    target: Target,
}

impl Node {
    fn new(set: &str) -> Self {
        let mut workspace = Workspace::copy_of(&format!("fixtures/{set}"));
        workspace.archives = Archives::ALL;
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        Self { workspace, target }
    }

    fn usual() -> Self {
        Self::new("oa-aes-cbc-256-64k")
    }

    fn table(&self) -> PathBuf {
        self.workspace.table()
    }

    fn archive(&self, folder: &str) -> PathBuf {
        self.table().join(folder)
    }

    /// As the database makes a snapshot or a backup: a link of each file of some SSTables.
    fn link(&self, folder: &str, names: &[&str]) -> PathBuf {
        let archive = self.archive(folder);
        link_files(&self.table(), &archive, names);
        fs::write(archive.join(MANIFEST.0), MANIFEST.1).unwrap();
        archive
    }

    fn upgrade(&self) -> Report {
        let report = self.workspace.upgrade(&self.target).unwrap();
        let failures: Vec<_> = report.failures().map(ToString::to_string).collect();
        assert_eq!(failures, Vec::<String>::new());
        assert!(is_at_rest(&self.workspace.data()), "staging is left");
        report
    }

    fn census(&self) -> KeyCensus {
        let session = self.workspace.session(LeaseMode::Shared).unwrap();
        upgrade::census(&session, &Selection::default(), Archives::ALL, self.workspace.threads)
            .unwrap()
    }

    /// Key files in use.
    fn keys(&self) -> BTreeSet<String> {
        let census = self.census();
        assert_eq!(census.unknown.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        let name = |key: &KeyRef| match key {
            KeyRef::LocalFile { file, .. } => file.rsplit('/').next().unwrap().to_owned(),
            other => other.to_string(),
        };
        census.keys.keys().map(name).collect()
    }

    /// The rows of the SSTables in a folder that are under a key file.
    fn rows(&self, folder: &Path, key: &str) -> BTreeSet<Vec<u8>> {
        let key = key_file(&self.workspace.root.path().join(key));
        prefixes(folder).iter().map(|prefix| plaintext(prefix, true, |_| key.clone())).collect()
    }
}

/// All of a table, or the SSTables of these names.
fn link_files(from: &Path, to: &Path, names: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for name in files(from) {
        let is_one = names.is_empty() || names.iter().any(|sstable| name.starts_with(sstable));
        if is_one && from.join(&name).is_file() {
            fs::hard_link(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

/// `.../oa-2-big-` of each SSTable in a folder.
fn prefixes(folder: &Path) -> Vec<String> {
    let mut names = files(folder);
    names.retain(|name| name.ends_with("-Data.db"));
    let prefix = |name: &String| folder.join(name.trim_end_matches("Data.db"));
    names.iter().map(|name| prefix(name).to_str().unwrap().to_owned()).collect()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// The inodes of the Data.db files in a folder.
fn data_inodes(folder: &Path) -> BTreeSet<u64> {
    prefixes(folder).iter().map(|prefix| inode(Path::new(&format!("{prefix}Data.db")))).collect()
}

fn rewritten(report: &Report) -> usize {
    let lines = report.sstables.iter();
    lines.filter(|line| matches!(line.outcome, Outcome::Rewritten { .. })).count()
}

fn copies(report: &Report) -> usize {
    report.sstables.iter().map(|line| line.copies).sum()
}

/// Every file below a directory with its content.
fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for name in files(root) {
        let path = root.join(name);
        match path.is_dir() {
            true => all.extend(tree(&path)),
            false => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}
