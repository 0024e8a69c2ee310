//! The directories of a node, and what was counted in them.

use serde::{Deserialize, Serialize};

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
