//! What is under a key, by place and table.

use serde::{Deserialize, Serialize};

use super::{KeyName, Moment};

/// What is under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct KeyUses {
    /// The key.
    pub key: KeyName,
    /// Other paths of its file on that machine, which the name as it is stored does not tell.
    #[serde(default)]
    pub also: Vec<String>,
    /// Whether something was written with it and its file could not be read on that machine: it may be there
    /// under another name.
    #[serde(default)]
    pub is_unread: bool,
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
