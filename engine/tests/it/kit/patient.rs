//! A table of SSTables of which one is damaged, and the complete diagnosis: the damaged one is
//! refused with place and hint and is unchanged, the others continue.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::io::LeaseMode;
use rekey_engine::plan::{Action, Selection, Target};
use rekey_engine::upgrade::{self, Outcome, Report};
use rekey_engine::{Error, ErrorKind};

use super::oracle;
use super::storage::TestStorage;
use super::workspace::{Workspace, files};
use crate::kit::workspace::is_at_rest;

/// The KMIP keys of the fixtures.
pub(crate) const KMIP_LINES: &str = "\
    02-449 = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\
    0eb2277e-0acc-4adb-9241-1dd84dde691c = \
    f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101\n";

/// A table with a victim in it.
pub(crate) struct Patient {
    pub(crate) workspace: Workspace,
    pub(crate) target: Target,
    victim: String,
    /// Plaintext by SSTable, as the oracle read it before anything was damaged.
    plain: BTreeMap<String, Vec<u8>>,
}

impl Patient {
    /// A copy of a fixture; `victim` is an SSTable such as `oa-2-big`.
    pub(crate) fn of(set: &str, victim: &str) -> Self {
        let mut workspace = Workspace::copy_of(set);
        workspace.give_kmip_keys(KMIP_LINES);
        let table = workspace.table();
        let plain = sstables(&table)
            .into_iter()
            .map(|name| {
                let plain = old_plaintext(&workspace, &table, &name);
                (name, plain)
            })
            .collect();
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        Self { workspace, target, victim: victim.to_owned(), plain }
    }

    /// The usual one: `oa`, CBC-256, 64 KiB chunks; the victim has two chunks.
    pub(crate) fn usual() -> Self {
        Self::of("fixtures/oa-aes-cbc-256-64k", "oa-2-big")
    }

    /// Reads by maps or by positional reads.
    pub(crate) fn reading(mut self, mapped: bool) -> Self {
        self.workspace.mapped = mapped;
        self
    }

    pub(crate) fn path(&self, component: &str) -> PathBuf {
        self.workspace.table().join(format!("{}-{component}", self.victim))
    }

    pub(crate) fn bytes(&self, component: &str) -> Vec<u8> {
        fs::read(self.path(component)).unwrap()
    }

    pub(crate) fn edit(&self, component: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes(component);
        edit(&mut bytes);
        fs::write(self.path(component), bytes).unwrap();
    }

    pub(crate) fn flip(&self, component: &str, at: usize, bits: u8) {
        self.edit(component, |bytes| bytes[at] ^= bits);
    }

    /// Renames all files of the victim.
    pub(crate) fn rename(&mut self, name: &str) {
        let table = self.workspace.table();
        for (old, _) in self.victim_files() {
            let component = old.rsplit('-').next().unwrap();
            fs::rename(table.join(&old), table.join(format!("{name}-{component}"))).unwrap();
        }
        name.clone_into(&mut self.victim);
    }

    /// Puts an SSTable of another set (also `oa-2-big`) in the victim's place.
    pub(crate) fn replace_by(&self, set: &str) {
        for (name, _) in self.victim_files() {
            fs::remove_file(self.workspace.table().join(name)).unwrap();
        }
        let other = Workspace::copy_of(set);
        for (name, bytes) in other.contents() {
            if name.starts_with(&format!("{}-", self.victim)) {
                fs::write(self.workspace.table().join(name), bytes).unwrap();
            }
        }
    }

    pub(crate) fn remove(&self, component: &str) {
        fs::remove_file(self.path(component)).unwrap();
    }

    /// Runs the whole command, checks everything that must hold whatever the damage is, and
    /// returns what was said of the victim.
    pub(crate) fn diagnose(self) -> Diagnosis {
        let before = self.victim_files();
        let everything = self.workspace.contents();
        let planned = self.planned_refusal();
        assert_eq!(self.workspace.contents(), everything, "a plan changes nothing");
        self.assert_not_verified();
        let report = self
            .workspace
            .upgrade_on(TestStorage::quick().boxed(), &self.target)
            .unwrap_or_else(|error| panic!("the others do not continue: {error:?}"));
        let error = self.assert_only_the_victim_failed(&report);
        if let Some(planned) = planned {
            assert_eq!(planned, error.chain(), "plan and run say the same");
        }
        assert_eq!(self.victim_files(), before, "the old SSTable is as it was");
        assert_clean(&self.workspace);
        assert!(error.hint_text().is_some_and(|hint| !hint.is_empty()), "no hint: {error:?}");
        Diagnosis { error, prefix: self.path("") }
    }

    /// Runs the whole command on something that looks bad and is harmless: every SSTable is
    /// rewritten, and decrypts to what it was.
    pub(crate) fn recovers(self) -> Workspace {
        let report = self.workspace.upgrade_on(TestStorage::quick().boxed(), &self.target).unwrap();
        assert_eq!(report.failures().map(Error::chain).collect::<Vec<_>>(), Vec::<String>::new());
        for line in &report.sstables {
            self.assert_rewritten(&line.data, &line.outcome);
        }
        assert_clean(&self.workspace);
        self.workspace
    }

    fn victim_files(&self) -> Vec<(String, Vec<u8>)> {
        let prefix = format!("{}-", self.victim);
        let mut files = self.workspace.contents();
        files.retain(|(name, _)| name.starts_with(&prefix));
        files
    }

    fn planned_refusal(&self) -> Option<String> {
        let plan = self.workspace.plan(&self.target).unwrap();
        plan.sstables.iter().find_map(|planned| match &planned.action {
            Action::Refuse(error) => {
                assert_eq!(planned.sstable.descriptor.to_string(), self.victim, "{error:?}");
                Some(error.chain())
            }
            _ => None,
        })
    }

    fn assert_not_verified(&self) {
        let session = self.workspace.session(LeaseMode::Shared).unwrap();
        let report = upgrade::verify(
            &session,
            &Selection::default(),
            upgrade::Archives::default(),
            &self.workspace.sources(),
            self.workspace.threads,
            &mut rekey_engine::event::NoObserver,
        )
        .unwrap();
        for line in &report.sstables {
            let failed = matches!(line.outcome, Outcome::Failed(_));
            assert_eq!(failed, self.is_victim(&line.data), "verify: {line:?}");
        }
    }

    fn assert_only_the_victim_failed(&self, report: &Report) -> Error {
        let mut found = None;
        assert_eq!(report.sstables.len(), self.plain.len(), "one line for each");
        for line in &report.sstables {
            if self.is_victim(&line.data) {
                let Outcome::Failed(error) = &line.outcome else {
                    panic!("the victim was not refused: {line:?}");
                };
                found = Some(error.clone());
            } else {
                self.assert_rewritten(&line.data, &line.outcome);
            }
        }
        found.unwrap()
    }

    fn assert_rewritten(&self, old: &Path, outcome: &Outcome) {
        let Outcome::Rewritten { new } = outcome else { panic!("{}: {outcome:?}", old.display()) };
        let prefix = format!("{}-", self.workspace.table().join(new.to_string()).display());
        let key = oracle::key_file(&self.workspace.root.path().join("new-key"));
        let has_max_length = !new.version.starts_with('m');
        let name = old.file_name().unwrap().to_str().unwrap().trim_end_matches("-Data.db");
        let plain = oracle::plaintext(&prefix, has_max_length, |_| key.clone());
        assert!(plain == self.plain[name], "{name} has another plaintext");
        assert!(!old.exists(), "{} is still there", old.display());
    }

    fn is_victim(&self, data: &Path) -> bool {
        data.file_name().unwrap().to_str().unwrap().starts_with(&format!("{}-", self.victim))
    }
}

/// What was said of a damaged SSTable.
pub(crate) struct Diagnosis {
    pub(crate) error: Error,
    prefix: PathBuf,
}

impl Diagnosis {
    pub(crate) fn is(self, kind: ErrorKind) -> Self {
        assert_eq!(self.error.kind(), kind, "{:?}", self.error);
        self
    }

    /// The error and its text name this component of the victim.
    pub(crate) fn at(self, component: &str) -> Self {
        let path = format!("{}{component}", self.prefix.display());
        assert_eq!(self.error.path(), Some(Path::new(&path)), "{:?}", self.error);
        assert!(self.error.to_string().contains(&path), "{:?}", self.error);
        self
    }

    pub(crate) fn chunk(self, chunk: u64) -> Self {
        assert_eq!(self.error.chunk_index(), Some(chunk), "{:?}", self.error);
        assert!(self.error.to_string().contains(&format!("chunk {chunk}")), "{:?}", self.error);
        self
    }

    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.error.chain().contains(part), "no '{part}' in {:?}", self.error);
        self
    }

    pub(crate) fn advises(self, part: &str) -> Self {
        let hint = self.error.hint_text().unwrap_or_default();
        assert!(hint.contains(part), "no '{part}' in the hint '{hint}'");
        self
    }
}

/// Nothing of this program is left: no staging, no transaction log.
pub(crate) fn assert_clean(workspace: &Workspace) {
    assert!(is_at_rest(&workspace.data()), "staging is left");
    for name in workspace.files() {
        assert!(!name.contains("_txn_"), "a transaction log is left: {name}");
    }
}

/// The SSTables of a directory, as `oa-2-big`.
pub(crate) fn sstables(table: &Path) -> Vec<String> {
    files(table)
        .iter()
        .filter_map(|name| name.strip_suffix("-Data.db").map(str::to_owned))
        .collect()
}

fn old_plaintext(workspace: &Workspace, table: &Path, name: &str) -> Vec<u8> {
    let prefix = format!("{}-", table.join(name).display());
    let has_max_length = !name.starts_with('m');
    let options = oracle::chunks(&prefix, has_max_length).options;
    let file = options.iter().find(|(key, _)| key == "secret_key_file");
    let file = file.map(|(_, file)| oracle::key_file(&workspace.root.path().join(file)));
    oracle::plaintext(&prefix, has_max_length, |id| match id {
        Some(id) => kmip_key(id),
        None => file.clone().unwrap(),
    })
}

fn kmip_key(id: &str) -> Vec<u8> {
    let line = KMIP_LINES.lines().find(|line| line.starts_with(&format!("{id} = "))).unwrap();
    let hex = line.rsplit(' ').next().unwrap().as_bytes();
    hex.chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The option maps of CompressionInfo.db, for tests that change them (FORMATS.md 2.1).
pub(crate) mod options {
    use super::Patient;

    impl Patient {
        /// Gives an option another value, or removes it.
        pub(crate) fn set_option(&self, name: &str, value: Option<&str>) {
            self.edit_options(|options| {
                options.retain(|(other, _)| other != name);
                if let Some(value) = value {
                    options.push((name.to_owned(), value.to_owned()));
                }
            });
        }

        pub(crate) fn edit_options(&self, edit: impl FnOnce(&mut Vec<(String, String)>)) {
            self.edit("CompressionInfo.db", |info| {
                let (head, mut options, tail) = split(info);
                edit(&mut options);
                let mut bytes = head;
                bytes.extend(u32::try_from(options.len()).unwrap().to_be_bytes());
                for text in options.iter().flat_map(|(key, value)| [key, value]) {
                    bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                    bytes.extend(text.as_bytes());
                }
                bytes.extend(tail);
                *info = bytes;
            });
        }

        /// Gives the compressor another class name.
        pub(crate) fn set_class(&self, class: &str) {
            self.edit("CompressionInfo.db", |info| {
                let (head, ..) = split(info);
                let length = u16::try_from(class.len()).unwrap().to_be_bytes();
                info.splice(..head.len(), length.into_iter().chain(class.bytes()));
            });
        }
    }

    fn split(info: &[u8]) -> (Vec<u8>, Vec<(String, String)>, Vec<u8>) {
        let mut at = 0;
        let text = |at: &mut usize| {
            let n = usize::from(u16::from_be_bytes([info[*at], info[*at + 1]]));
            let text = String::from_utf8(info[*at + 2..*at + 2 + n].to_vec()).unwrap();
            *at += 2 + n;
            text
        };
        text(&mut at);
        let head = info[..at].to_vec();
        let count = u32::from_be_bytes(info[at..at + 4].try_into().unwrap());
        at += 4;
        let options = (0..count).map(|_| (text(&mut at), text(&mut at))).collect();
        (head, options, info[at..].to_vec())
    }
}
