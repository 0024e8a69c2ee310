//! What was found on one node that may need a key, as a value; and what it says about a key.
//!
//! An [`Evidence`] is gathered on a node ([`crate::upgrade::gather`]), kept as a file of JSON
//! ([`Evidence::to_json`], [`Evidence::parse`]) and judged anywhere: [`verdict()`] is the one function
//! that decides whether a key may be destroyed, of one node, and [`Cluster`] puts the evidence of
//! several together. It holds names, counts and times, and neither a key nor a password.
//!
//! The rule is that a yes is only given where everything was looked at and everything that was found
//! is of a kind that is known.

mod cluster;
mod json;
mod key_name;
mod moment;
mod query;
mod reason;
#[cfg(test)]
mod sample;
mod verdict;

use serde::{Deserialize, Serialize};

pub use cluster::{Cluster, Missing};
pub use json::MAX_REPORT;
pub use key_name::KeyName;
pub use moment::Moment;
pub use query::KeyQuery;
pub use reason::{Answer, Reason, Step, Work};
pub use verdict::{Verdict, verdict};

/// The version of [`Evidence`] as JSON: it changes when a field goes away or means something else.
pub const FORMAT: u32 = 1;

/// What one node has that may need a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record that is gathered piece by piece")]
pub struct Evidence {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// That program and its version.
    pub tool: String,
    /// When the look began.
    pub time: Moment,
    /// The name of the machine.
    pub host: Option<String>,
    /// Whether these are a node's directories; else copied or restored data, for which no other directories
    /// and no start count.
    pub is_node: bool,
    /// What the node says of itself.
    pub node: Option<Identity>,
    /// The product that starts on it, with its version, and what tells that.
    pub product: Option<String>,
    /// What was looked at.
    pub directories: Vec<Directory>,
    /// What is under each key.
    pub keys: Vec<KeyUses>,
    /// SSTables without any encryption.
    pub not_encrypted: Count,
    /// Chunks in clear in SSTables that are encrypted (FORMATS.md 2.3).
    pub clear_chunks: u64,
    /// What an operator should know, and what says nothing about any key: plaintext that encryption leaves
    /// behind, and weak ciphers.
    pub findings: Vec<Finding>,
    /// What could not be judged: it may be under any key.
    pub unknowns: Vec<Unknown>,
    /// The nodes of its cluster, itself included, as it knows them; `None` where that could not be read.
    pub ring: Option<Vec<Member>>,
    /// When SSTables were last re-encrypted.
    pub last_rewrite: Option<Occasion>,
    /// When the node was last started.
    pub last_start: Option<Occasion>,
}

/// What a node says of itself in `system.local`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Identity {
    /// 32 hexadecimal digits.
    pub host_id: Option<String>,
    /// The name of the cluster.
    pub cluster: Option<String>,
    /// The data center.
    pub data_center: Option<String>,
    /// The rack.
    pub rack: Option<String>,
    /// The version of the database that ran last.
    pub release_version: Option<String>,
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Member {
    /// 32 hexadecimal digits.
    pub host_id: String,
    /// Its address, as the others reach it.
    pub address: Option<String>,
    /// Its data center.
    pub data_center: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
}

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Tables.
    Data,
    /// Segments of the commit log.
    CommitLog,
    /// Segments that `archive_command` or somebody has put away.
    CommitLogArchive,
    /// Hints.
    Hints,
    /// Segments for change data capture.
    CdcRaw,
    /// Saved caches.
    SavedCaches,
    /// Indices of DSE Search.
    Search,
    /// The log of queries or of audits.
    QueryLog,
    /// Where the database is installed.
    Home,
}

impl Role {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::CommitLog => "commit_log",
            Self::CommitLogArchive => "commit_log_archive",
            Self::Hints => "hints",
            Self::CdcRaw => "cdc_raw",
            Self::SavedCaches => "saved_caches",
            Self::Search => "search",
            Self::QueryLog => "query_log",
            Self::Home => "home",
        }
    }
}

/// A directory that was looked at, or should have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Directory {
    /// Its path.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// What says that the node has it.
    pub origin: String,
    /// Whether it is there. One that is not, and that a node makes when it needs it, holds nothing.
    pub is_there: bool,
    /// Files below it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many files of each kind.
    pub kinds: Vec<KindCount>,
    /// SHA-256, in hexadecimal, of the sorted list of its files: a line each of length, time of the last
    /// change in nanoseconds since 1970, and the path below the directory; so two looks can be compared.
    pub digest: Option<String>,
}

/// The files of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct KindCount {
    /// The kind, as `sstable` or `hints`.
    pub kind: String,
    /// How many they are.
    #[serde(flatten)]
    pub count: Count,
}

/// Files, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Count {
    /// Files; of SSTables each once.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Count {
    /// Counts more of them.
    pub const fn add(&mut self, files: u64, bytes: u64) {
        self.files = self.files.saturating_add(files);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What is under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct KeyUses {
    /// The key.
    pub key: KeyName,
    /// Its state on its server, where that was asked and told.
    pub state: Option<String>,
    /// By place and table.
    pub uses: Vec<Use>,
}

/// Where something under a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// SSTables that a node loads.
    Live,
    /// What the node writes from now on, by its schema or its configuration.
    NextWrites,
    /// SSTables of a snapshot.
    Snapshot,
    /// SSTables of incremental backups.
    Backup,
    /// The commit log.
    CommitLog,
    /// Segments that were archived.
    CommitLogArchive,
    /// Hints.
    Hints,
    /// Segments for change data capture.
    CdcRaw,
    /// Saved caches.
    SavedCaches,
    /// Keys in `encrypted_keys`, which this key encrypts.
    KeyTable,
    /// Values in the node's configuration files.
    Configuration,
}

impl Place {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NextWrites => "next_writes",
            Self::Snapshot => "snapshot",
            Self::Backup => "backup",
            Self::CommitLog => "commit_log",
            Self::CommitLogArchive => "commit_log_archive",
            Self::Hints => "hints",
            Self::CdcRaw => "cdc_raw",
            Self::SavedCaches => "saved_caches",
            Self::KeyTable => "key_table",
            Self::Configuration => "configuration",
        }
    }

    /// Whether it is kept for later, and nothing that the node itself reads.
    #[must_use]
    pub const fn is_archive(self) -> bool {
        matches!(self, Self::Snapshot | Self::Backup | Self::CommitLogArchive)
    }
}

/// What of a place is under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Use {
    /// Where.
    pub place: Place,
    /// The tag of a snapshot.
    pub tag: Option<String>,
    /// `keyspace.table`, where it is of one.
    pub table: Option<String>,
    /// SSTables, or files; keys of a table of keys; values of a configuration.
    pub files: u64,
    /// Stored bytes under the key; of what is no SSTable, of the whole files.
    pub bytes: u64,
    /// Chunks of SSTables.
    pub chunks: u64,
    /// The time of the last change of the oldest file.
    pub oldest: Option<Moment>,
    /// The same of the newest.
    pub newest: Option<Moment>,
    /// One of the files, or their directory.
    pub path: Option<String>,
}

/// What kind of thing is worth knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// Index.db and Summary.db of encrypted SSTables have partition keys in clear.
    ClearIndex,
    /// Storage-attached indices of encrypted SSTables have values of columns in clear.
    ClearTerms,
    /// Chunks of encrypted tables in clear.
    ClearChunks,
    /// Traces have queries in clear.
    Traces,
    /// A mutation that could not be replayed was written out in clear.
    Mutation,
    /// The memory of a process.
    Dump,
    /// A log of queries or audits.
    QueryLog,
    /// A cipher in ECB mode.
    Ecb,
    /// A cipher that is no longer for new data.
    LegacyCipher,
}

impl FindingKind {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClearIndex => "clear_index",
            Self::ClearTerms => "clear_terms",
            Self::ClearChunks => "clear_chunks",
            Self::Traces => "traces",
            Self::Mutation => "mutation",
            Self::Dump => "dump",
            Self::QueryLog => "query_log",
            Self::Ecb => "ecb",
            Self::LegacyCipher => "legacy_cipher",
        }
    }
}

/// What an operator should know beside keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// In words.
    pub message: String,
    /// One of the files.
    pub path: Option<String>,
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why something cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownKind {
    /// DSE Search keeps files of its own, each under the key of its time (FORMATS.md 7.6).
    Search,
    /// A storage-attached index of DSE 6.8, which may be encrypted (FORMATS.md 7.6).
    DseIndex,
    /// A saved cache of a node that encrypts them, which does not say under which key (FORMATS.md 10.5).
    SavedCache,
    /// A file that cannot be read, or is damaged.
    Unreadable,
    /// A file of a kind that is not known, or that lies where it does not belong.
    Foreign,
    /// A run of this program has not ended.
    Unfinished,
    /// A directory of the node was not looked at, or nobody can tell where it is.
    NotLookedAt,
}

impl UnknownKind {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::DseIndex => "dse_index",
            Self::SavedCache => "saved_cache",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
            Self::Unfinished => "unfinished",
            Self::NotLookedAt => "not_looked_at",
        }
    }
}

/// Something that may be under any key: of the same kind and for the same reason one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Unknown {
    /// Why it cannot be judged.
    pub kind: UnknownKind,
    /// In words.
    pub message: String,
    /// Some of the places.
    pub paths: Vec<String>,
    /// How many there are.
    pub files: u64,
    /// What to do.
    pub cure: Option<String>,
    /// The time of the last change of the oldest file.
    pub oldest: Option<Moment>,
}

/// When something has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Occasion {
    /// When.
    pub time: Moment,
    /// What says so.
    pub origin: String,
}
