//! The data directories that are tried.

use rekey_engine::txn::Flavor;

use crate::kit::KMIP_MAP;

/// What a run is told to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Towards {
    /// A new key, which it makes, in the file `new-key`.
    NewKey,
    /// Another key of a KMIP group.
    Kmip,
    /// LZ4, in clear: everything is recompressed, and encrypted indices are laid out anew.
    Clear,
}

/// A node's data directories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) flavor: Flavor,
    /// A set below `testdata/`, and how many of its SSTables are taken.
    pub(crate) set: (&'static str, usize),
    /// An SSTable of several checkpoints, in a second data directory of the same table.
    pub(crate) has_large: bool,
    pub(crate) towards: Towards,
    pub(crate) threads: usize,
    /// On a file system that reserves space, and has extended attributes.
    pub(crate) on_disk: bool,
}

const PLAIN: Scenario = Scenario {
    name: "",
    flavor: Flavor::Apache4,
    set: ("fixtures/da-aes-cbc-256-16k", 2),
    has_large: true,
    towards: Towards::NewKey,
    threads: 1,
    on_disk: false,
};

pub(crate) const REKEY: Scenario = Scenario { name: "new key", ..PLAIN };
pub(crate) const TWO_WORKERS: Scenario = Scenario { name: "two workers", threads: 2, ..PLAIN };
pub(crate) const RECOMPRESS: Scenario =
    Scenario { name: "recompressed", towards: Towards::Clear, ..PLAIN };
pub(crate) const ON_DISK: Scenario =
    Scenario { name: "on disk", set: ("fixtures/oa-aes-cbc-256-64k", 1), on_disk: true, ..PLAIN };
pub(crate) const APACHE_3: Scenario = Scenario {
    name: "3.x",
    flavor: Flavor::Apache3,
    set: ("sstables/me-aes-cbc-128-64k", 2),
    has_large: false,
    ..PLAIN
};
pub(crate) const KMIP: Scenario = Scenario {
    name: "KMIP",
    flavor: Flavor::ConvergedCore,
    set: ("fixtures/da-kmip-a", 3),
    has_large: false,
    towards: Towards::Kmip,
    ..PLAIN
};

pub(crate) const LAID_OUT: Scenario = Scenario {
    name: "index laid out",
    set: ("fixtures/cc-kmip-cbc", 2),
    towards: Towards::Clear,
    ..KMIP
};

/// Those that are [`Scenario::is_ordered`].
pub(crate) const ORDERED: [Scenario; 6] = [REKEY, RECOMPRESS, APACHE_3, KMIP, LAID_OUT, ON_DISK];

/// The new key of the KMIP group.
pub(crate) const NEW_KMIP_KEY: &str = "0eb2277e-0acc-4adb-9241-1dd84dde691c";

impl Scenario {
    /// Whether each run makes its calls in one order.
    pub(crate) const fn is_ordered(&self) -> bool {
        self.threads == 1
    }

    /// Whether the old keys are those of a KMIP group.
    pub(crate) fn is_kmip(&self) -> bool {
        self.set.0.contains("-kmip-")
    }

    /// The data directories, relative to the root.
    pub(crate) fn data_dirs(&self) -> &'static [&'static str] {
        if self.has_large { &["data1", "data2"] } else { &["data1"] }
    }

    /// The arguments of the run, with the absolute path of the new key.
    pub(crate) fn arguments(&self, new_key: &str) -> Vec<String> {
        let mut words = vec!["upgradesstables", "-a", "--json", "--checkpoint", "1"];
        for data_dir in self.data_dirs() {
            words.extend(["--data-dir", data_dir]);
        }
        words.extend(match self.towards {
            Towards::NewKey => &["--create-key"][..],
            Towards::Kmip => &["--key-id", NEW_KMIP_KEY],
            Towards::Clear => &["--decrypt"],
        });
        if self.is_kmip() {
            words.extend(["--kmip-keys", "kmip.keys"]);
        }
        let map = match self.towards {
            Towards::NewKey => format!(
                "{{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
                 'secret_key_strength': 256, 'key_provider': \
                 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '{new_key}'}}"
            ),
            Towards::Kmip => KMIP_MAP.to_owned(),
            Towards::Clear => "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 4}".to_owned(),
        };
        let (threads, flavor) = (self.threads.to_string(), self.flavor.to_string());
        words.extend(["--threads", &threads, "--flavor", &flavor, "--compression", &map]);
        words.into_iter().map(str::to_owned).collect()
    }
}
