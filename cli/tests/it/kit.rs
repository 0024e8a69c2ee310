//! A node's data directory with its keys, and the binary run on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::schema::Schema;

/// A temporary directory with `data/` and `keys/`; the binary runs in it.
pub(crate) struct Node {
    pub(crate) root: tempfile::TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Node {
    /// With a copy of a fixture.
    pub(crate) fn with(set: &str) -> Self {
        let node = Self::empty();
        copy_tree(&testdata().join("fixtures").join(set), &node.data());
        copy_tree(&testdata().join("fixtures/keys"), &node.root.path().join("keys"));
        for entry in fs::read_dir(node.root.path().join("keys")).unwrap() {
            private(&entry.unwrap().path());
        }
        node
    }

    pub(crate) fn usual() -> Self {
        Self::with("oa-aes-cbc-256-64k")
    }

    pub(crate) fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        Self { root }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn table(&self) -> PathBuf {
        self.data().join("rk/t-5ab1e000000011f0800000000000000a")
    }

    /// The names of the SSTables, as `oa-2-big`.
    pub(crate) fn sstables(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.table())
            .unwrap()
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.strip_suffix("-Data.db").map(str::to_owned)
            })
            .collect();
        names.sort();
        names
    }

    /// Nothing of this program is there but reports.
    pub(crate) fn is_clean(&self) -> bool {
        has_only_reports(&self.data().join(".sstablerekey"))
    }

    /// A file with content and mode 0600.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::write(&path, content).unwrap();
        private(&path);
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sstablerekey"));
        command.args(arguments).current_dir(self.root.path());
        // What the machine says of its own node is no part of a test.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let of_a_node = ["CASSANDRA_", "DSE_HOME", "HCD_HOME", "SSTABLEREKEY_"];
            if of_a_node.iter().any(|start| name.starts_with(start)) {
                command.env_remove(&*name);
            }
        }
        command
    }

    /// Checks every line of JSON, too.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::from(self.command(arguments).output().unwrap());
        if arguments.contains(&"--json") {
            let lines = run.lines();
            let last = lines.last().map(|line| line["type"].as_str().unwrap());
            assert!(matches!(last, Some("summary" | "error")), "{run:?}");
            assert_eq!(run.err, "", "nothing but lines on standard output");
        }
        run
    }

    /// `verb --data-dir data <more>`
    pub(crate) fn read(&self, verb: &str, more: &[&str]) -> Run {
        self.run(&[&[verb, "--data-dir", "data"], more].concat())
    }

    /// `plan` towards a local key in the file `new-key`.
    pub(crate) fn plan(&self, more: &[&str]) -> Run {
        self.towards("plan", &[], more)
    }

    /// `upgradesstables -a --create-key` towards a local key in the file `new-key`.
    pub(crate) fn upgrade(&self, more: &[&str]) -> Run {
        self.towards("upgradesstables", &["-a", "--create-key"], more)
    }

    /// The options of a target under a local key in the file `new-key`.
    pub(crate) fn map(&self, bits: usize) -> String {
        local_map(self.root.path().join("new-key").to_str().unwrap(), bits)
    }

    fn towards(&self, verb: &str, first: &[&str], more: &[&str]) -> Run {
        let map = self.map(256);
        let common = ["--data-dir", "data", "--flavor", "apache-4", "--compression", &map];
        self.run(&[&[verb], first, &common, more].concat())
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("killed: {output:?}")),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Both streams.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.text().contains(part), "no '{part}' in {self:?}");
        self
    }

    /// Standard output as JSON lines, each as documented.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines: Vec<Value> =
            self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Schema::documented().check(&lines);
        lines
    }

    /// The lines of one type.
    pub(crate) fn of_type(&self, name: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["type"] == name).collect()
    }
}

/// Whether a state directory is not there, or has nothing but reports.
pub(crate) fn has_only_reports(state: &Path) -> bool {
    let Ok(entries) = fs::read_dir(state) else { return !state.exists() };
    let stays = ["reports", "rewritten"];
    entries.map(|entry| entry.unwrap().file_name()).all(|name| stays.iter().any(|own| name == *own))
}

fn local_map(file: &str, bits: usize) -> String {
    format!(
        "{{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
         'secret_key_strength': {bits}, 'key_provider': 'LocalFileSystemKeyProviderFactory', \
         'secret_key_file': '{file}'}}"
    )
}

pub(crate) const KMIP_MAP: &str = "{'class': 'Encryptor', 'cipher_algorithm': \
     'AES/CBC/PKCS5Padding', 'secret_key_strength': 256, 'key_provider': \
     'KmipKeyProviderFactory', 'kmip_host': 'kmip1'}";

/// The keys of the KMIP fixtures.
pub(crate) const KMIP_LINES: &str = "\
    02-449 = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\
    0eb2277e-0acc-4adb-9241-1dd84dde691c = \
    f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101\n";

pub(crate) fn private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A plaintext of so many bytes that look random, and start as a Data.db does: with a short
/// partition key.
pub(crate) fn plaintext(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::try_from(length).unwrap();
    let mut bytes = b"\0\x04key1".to_vec();
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}
