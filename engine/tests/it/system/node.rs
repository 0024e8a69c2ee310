//! A node's directories beside its data, with files under an old key, and a run to a new one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rekey_engine::config::BesideTables;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage, Storage};
use rekey_engine::keys::{KeySources, NodeKeystore};
use rekey_engine::options::OptionMap;
use rekey_engine::plan::{KeystoreAim, Selection, SystemPlan};
use rekey_engine::upgrade::{
    self, Archives, KeyAsked, Report, SystemKinds, SystemRequest, TargetOptions, TargetRequest,
};

use crate::crash::in_memory;
use crate::kit::Workspace;
use crate::kit::system::{Hints, Scheme, SchemeKey, Segment};
use crate::kit::workspace::{testdata, write_secret};

/// The directories.
pub(crate) struct Node {
    pub(crate) workspace: Workspace,
    /// The options that the node writes with now.
    pub(crate) options: OptionMap,
    /// With what it encrypts by its key store, if it does.
    pub(crate) keystore: Option<KeystoreAim>,
}

/// What lies in them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub(crate) segments: Vec<Segment>,
    pub(crate) hints: Vec<Hints>,
}

pub(crate) const OLD: [u8; 32] = [7; 32];
pub(crate) const NEW: [u8; 32] = [8; 32];

impl Node {
    /// Empty directories, beside the data of a node.
    pub(crate) fn new() -> Self {
        let workspace = Workspace::copy_in(&in_memory(), "fixtures/plain-oa");
        let root = workspace.root.path();
        for directory in ["commitlog", "cdc_raw", "hints", "saved_caches", "keys"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for (name, key) in [("old", OLD), ("new", NEW)] {
            use base64::Engine as _;
            let key = base64::engine::general_purpose::STANDARD.encode(key);
            let line = format!("AES/CBC/PKCS5Padding:256:{key}\n");
            write_secret(&root.join("keys").join(name), &line);
        }
        let file = root.join("keys/new").display().to_string();
        let options = OptionMap::from_pairs([
            ("class", "EncryptingLZ4Compressor".to_owned()),
            ("cipher_algorithm", "AES/CBC/PKCS5Padding".to_owned()),
            ("secret_key_strength", "256".to_owned()),
            ("key_provider", "LocalFileSystemKeyProviderFactory".to_owned()),
            ("secret_key_file", file),
        ]);
        Self { workspace, options: options.unwrap(), keystore: None }
    }

    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.workspace.root.path()).unwrap().join(name)
    }

    /// The scheme under one of the two key files.
    pub(crate) fn scheme(&self, name: &str, key: [u8; 32]) -> Scheme {
        let file = self.workspace.root.path().join("keys").join(name);
        Scheme::local(file.to_str().unwrap(), key.to_vec())
    }

    pub(crate) fn old(&self) -> Scheme {
        self.scheme("old", OLD)
    }

    /// Puts files there; the first segment has a second name in cdc_raw, with an index that has its
    /// length, and hints have their checksums.
    pub(crate) fn put(&self, files: &Files) {
        for (number, segment) in files.segments.iter().enumerate() {
            let path = self.dir("commitlog").join(segment.name());
            let bytes = segment.bytes();
            fs::write(&path, &bytes).unwrap();
            if number == 0 {
                fs::hard_link(&path, self.dir("cdc_raw").join(segment.name())).unwrap();
                let index = segment.name().replace(".log", "_cdc.idx");
                let text = format!("{}\nCOMPLETED", bytes.len());
                fs::write(self.dir("cdc_raw").join(index), text).unwrap();
            }
        }
        for hints in &files.hints {
            let (bytes, checksum) = hints.bytes();
            fs::write(self.dir("hints").join(hints.name()), bytes).unwrap();
            fs::write(self.dir("hints").join(hints.checksum_name()), checksum).unwrap();
        }
    }

    fn with_request<T>(
        &self,
        storage: Box<dyn Storage>,
        mode: LeaseMode,
        then: impl FnOnce(&upgrade::Session, &TargetRequest<'_>) -> rekey_engine::Result<T>,
    ) -> rekey_engine::Result<T> {
        let session = self.workspace.session_on(storage, mode)?;
        let selection = Selection::default();
        let sources = KeySources { keystore: node_keystore(), ..self.workspace.sources() };
        let directories =
            ["commitlog", "cdc_raw", "hints", "saved_caches"].map(|name| self.dir(name));
        let request = SystemRequest {
            directories: &directories,
            kinds: SystemKinds { commit_log: true, hints: true, caches: true },
            commit_log: Some(&self.options),
            hints: Some(&self.options),
            keystore: self.keystore.as_ref(),
        };
        let targets = TargetRequest {
            selection: &selection,
            archives: Archives::default(),
            options: TargetOptions::Map(&self.options),
            key: KeyAsked::AsTheDatabase,
            may_decrypt: false,
            longest_id: 256,
            sources: &sources,
            threads: self.workspace.threads,
            tables: false,
            beside: Some(request),
        };
        then(&session, &targets)
    }

    pub(crate) fn plan(&self) -> SystemPlan {
        self.with_request(Box::new(LocalStorage), LeaseMode::Shared, |session, targets| {
            upgrade::plan_system(session, None, targets)
        })
        .unwrap()
        .unwrap()
    }

    pub(crate) fn run(&self, storage: Box<dyn Storage>) -> rekey_engine::Result<Report> {
        self.with_request(storage, LeaseMode::Exclusive, |session, targets| {
            let plan = upgrade::prepare_system(session, None, targets)?.unwrap();
            plan.run(session, self.workspace.threads, &mut NoObserver)
        })
    }

    pub(crate) fn verify(&self) -> Report {
        self.with_request(Box::new(LocalStorage), LeaseMode::Shared, |session, targets| {
            let threads = self.workspace.threads;
            upgrade::verify_system(
                session,
                &targets.beside.unwrap(),
                targets.sources,
                threads,
                &mut NoObserver,
            )
        })
        .unwrap()
    }

    /// Whether the bytes of a file are under the new key.
    fn is_new(&self, bytes: &[u8]) -> bool {
        let new = self.workspace.root.path().join("keys/new").display().to_string();
        let escaped = new.replace('/', "\\/");
        let text = String::from_utf8_lossy(bytes);
        text.contains(&new) || text.contains(&escaped)
    }

    /// What must hold at any moment: a node reads the same from every file, old or new. Returns how many
    /// are old.
    pub(crate) fn check(&self, files: &Files) -> Result<usize, String> {
        let mut old = 0;
        for (number, segment) in files.segments.iter().enumerate() {
            let places: &[&str] =
                if number == 0 { &["commitlog", "cdc_raw"] } else { &["commitlog"] };
            for place in places {
                let path = self.dir(place).join(segment.name());
                let bytes =
                    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                let scheme = if self.is_new(&bytes) { self.scheme("new", NEW) } else { self.old() };
                old += usize::from(!self.is_new(&bytes));
                let before = segment.read(&segment.bytes());
                let now = Segment { scheme, ..segment.clone() }.read(&bytes);
                let same = (&now.parts, &now.positions, now.header)
                    == (&before.parts, &before.positions, before.header);
                if !same {
                    return Err(format!("{} reads differently", path.display()));
                }
            }
        }
        for hints in &files.hints {
            let path = self.dir("hints").join(hints.name());
            let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let scheme = if self.is_new(&bytes) { self.scheme("new", NEW) } else { self.old() };
            old += usize::from(!self.is_new(&bytes));
            if (Hints { scheme, ..hints.clone() }).read(&bytes).parts != hints.blocks {
                return Err(format!("{} reads differently", path.display()));
            }
        }
        Ok(old)
    }

    /// What must hold after a run without a fault.
    pub(crate) fn check_finished(&self, files: &Files) -> Result<(), String> {
        match self.check(files)? {
            0 => {}
            old => return Err(format!("{old} files are still under the old key")),
        }
        for directory in ["commitlog", "cdc_raw", "hints"] {
            for entry in fs::read_dir(self.dir(directory)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.starts_with('.') {
                    return Err(format!("{name} is left"));
                }
            }
        }
        if let Some(segment) = files.segments.first() {
            let names = ["commitlog", "cdc_raw"].map(|dir| self.dir(dir).join(segment.name()));
            let [one, other] = names.each_ref().map(|path| fs::metadata(path).unwrap());
            if one.ino() != other.ino() {
                return Err("the links are two files".to_owned());
            }
            let index = self.dir("cdc_raw").join(segment.name().replace(".log", "_cdc.idx"));
            let text = fs::read_to_string(index).unwrap();
            if text != format!("{}\nCOMPLETED", one.len()) {
                return Err(format!("the index says {text:?}, and the file has {}", one.len()));
            }
        }
        for hints in &files.hints {
            let bytes = fs::read(self.dir("hints").join(hints.name())).unwrap();
            let text = fs::read_to_string(self.dir("hints").join(hints.checksum_name())).unwrap();
            if text != format!("{:x}", crc32fast::hash(&bytes)) {
                return Err(format!("{} has the wrong checksum", hints.name()));
            }
        }
        Ok(())
    }
}

/// Keys of `testdata/keystores/secret.jceks`, as Java prints them.
pub(crate) const KEYSTORE_OLD: &str = "c57bc2da1d9dc49ee89c0308ad0475ee";
pub(crate) const KEYSTORE_NEW: &str =
    "e14ad26d215477be2d5f8337d3dffe91771ebadef8051f7828ec39e200a8f397";

/// That store, as a cassandra.yaml names it.
fn node_keystore() -> Option<NodeKeystore> {
    let store = testdata().join("keystores/secret.jceks");
    let text = format!(
        "transparent_data_encryption_options:\n  key_provider:\n  - class_name: \
         org.apache.cassandra.security.JKSKeyProvider\n    parameters:\n    - {{keystore: {}, \
         keystore_password: cassandra, store_type: JCEKS}}\n",
        store.display()
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cassandra.yaml");
    fs::write(&file, text).unwrap();
    NodeKeystore::new(BesideTables::read(&file).unwrap().transparent?)
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The key of a scheme with one.
pub(crate) fn only_key(scheme: &Scheme) -> &SchemeKey {
    match scheme {
        Scheme::Chain { keys, .. } => &keys[0],
        other => panic!("{other:?}"),
    }
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
