//! A node's directories, all of them, as its configuration names them.

use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::config::{Fact, Node, NodeConfig, Origin, Surroundings};
use rekey_engine::evidence::{Answer, Evidence, KeyQuery, Verdict, verdict};
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeySources, LocalKeyFiles};
use rekey_engine::upgrade::{EvidenceRequest, Session, gather};

use crate::kit::system::{Hints, Scheme, Segment};
use crate::kit::workspace::{copy_tree, testdata, threads};

/// A key file as the SSTables of `oa-aes-cbc-256-64k` name it.
pub(super) const FILE: &str = "keys/aes-cbc-256";

/// A node with SSTables under another key than those that are asked about, and a commit log in clear.
pub(super) struct Site {
    pub(super) root: tempfile::TempDir,
}

impl Site {
    pub(super) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("a node-").tempdir().unwrap();
        let site = Self { root };
        for folder in ["bin", "conf", "data", "hints", "saved_caches", "cdc_raw", "archive"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        fs::create_dir(site.path("commitlog")).unwrap();
        for keyspace in ["system", "system_schema"] {
            let from = testdata().join("schema/oa").join(keyspace);
            copy_tree(&from, &site.path("data").join(keyspace));
        }
        // A node that is alone.
        fs::create_dir(site.path("data/system/peers_v2-c4325fbb8e5e3bafbd070f9250ed818e")).unwrap();
        site.copy("oa-kmip-a/rk", "data/rk");
        let root = site.root.path().display();
        site.write(
            "conf/cassandra.yaml",
            format!(
                "cluster_name: interop\ndata_file_directories: [{root}/data]\ncommitlog_directory: \
                 {root}/commitlog\nhints_directory: {root}/hints\nsaved_caches_directory: \
                 {root}/saved_caches\ncdc_raw_directory: {root}/cdc_raw\n"
            ),
        );
        site.write("conf/hcd.yaml", "kmip_hosts: {}\n");
        let archive = format!("restore_directories={root}/archive\n");
        site.write("conf/commitlog_archiving.properties", archive);
        let log = Segment::new(1_796_000_000_000, Scheme::Lz4, vec![b"a mutation".to_vec()]);
        site.write(&format!("commitlog/{}", log.name()), log.bytes());
        site
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(super) fn write(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A folder of the fixtures.
    pub(super) fn copy(&self, fixture: &str, below: &str) -> PathBuf {
        let to = self.path(below);
        copy_tree(&testdata().join("fixtures").join(fixture), &to);
        to
    }

    pub(super) fn segment(&self, folder: &str, scheme: Scheme) -> PathBuf {
        let segment = Segment::new(1_796_000_000_001, scheme, vec![b"a mutation".repeat(30)]);
        self.write(&format!("{folder}/{}", segment.name()), segment.bytes())
    }

    pub(super) fn hints(&self, scheme: Scheme) -> Vec<PathBuf> {
        let hints = Hints::new(1_796_000_000_002, scheme, vec![b"a hint".repeat(30)]);
        let (bytes, checksum) = hints.bytes();
        let file = self.write(&format!("hints/{}", hints.name()), bytes);
        vec![file, self.write(&format!("hints/{}", hints.checksum_name()), checksum)]
    }

    pub(super) fn evidence(&self) -> Evidence {
        self.evidence_of(true)
    }

    /// With the node's configuration, or without.
    pub(super) fn evidence_of(&self, has_configuration: bool) -> Evidence {
        let conf = Fact::new(self.path("conf/cassandra.yaml"), Origin::Argument("--conf"));
        let around = Surroundings {
            conf: Some(conf),
            root: self.root.path().to_owned(),
            ..Surroundings::default()
        };
        let node = Node::find(&around).unwrap().filter(|_| has_configuration);
        let config = NodeConfig::read(self.path("conf/hcd.yaml")).unwrap();
        let storage = Box::new(LocalStorage);
        let data_dirs = [self.path("data")];
        let session = Session::open(storage, &data_dirs, LeaseMode::Shared, true).unwrap();
        let sources = KeySources::default();
        let request = EvidenceRequest {
            tool: "a test",
            host: Some("node1"),
            node: node.as_ref(),
            config: Some(&config).filter(|_| has_configuration),
            servers: None,
            keys: &sources,
            key_files: &LocalKeyFiles::new(Some(self.root.path().to_owned())),
            more: &[],
            temporary: None,
            not_a_node: false,
            only: None,
            threads: threads(2),
        };
        gather(&session, &request).unwrap().evidence
    }

    /// What becomes of the question, through a report on disk.
    pub(super) fn ask(&self, key: &str) -> Verdict {
        let json = self.evidence().to_json().unwrap();
        let evidence = Evidence::parse(&json, Path::new("r.json")).unwrap();
        verdict(&KeyQuery::parse(key).unwrap(), &evidence)
    }

    pub(super) fn says(&self, key: &str, answer: Answer) -> Verdict {
        let verdict = self.ask(key);
        assert_eq!(verdict.answer, answer, "{verdict:#?}");
        verdict
    }
}

/// The bytes of [`FILE`]'s key do not matter: nothing is decrypted.
pub(super) fn local() -> Scheme {
    Scheme::local(FILE, vec![7; 32])
}

pub(super) fn remove(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}
