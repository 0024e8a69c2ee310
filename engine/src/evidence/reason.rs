//! Why a key may not be destroyed yet, and what removes the reason.

use serde::Serialize;

/// Whether a key may be destroyed; the later ones outweigh the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "an answer that callers act on")]
pub enum Answer {
    /// It may.
    Yes,
    /// It may, once the node has been started under the new key.
    AfterNextStart,
    /// Nobody can tell.
    Unknown,
    /// Something is under it.
    No,
}

impl Answer {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::AfterNextStart => "after_next_start",
            Self::Unknown => "unknown",
            Self::No => "no",
        }
    }
}

/// What is left to be done, in the order in which it is best done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Work {
    /// Live SSTables.
    Live,
    /// What the node writes from now on.
    NextWrites,
    /// Snapshots.
    Snapshots,
    /// Incremental backups.
    Backups,
    /// The commit log.
    CommitLog,
    /// Archived segments of it.
    CommitLogArchive,
    /// Hints.
    Hints,
    /// Segments for change data capture.
    CdcRaw,
    /// Saved caches.
    SavedCaches,
    /// Keys that the key encrypts.
    KeyTable,
    /// Values of configuration files that the key encrypts.
    Configuration,
    /// Indices of DSE Search.
    Search,
    /// Storage-attached indices of DSE 6.8.
    DseIndex,
    /// Something under a key that may be the same.
    Namesake,
    /// An unfinished run of this program.
    Unfinished,
    /// What cannot be read.
    Unreadable,
    /// What is of no known kind.
    Foreign,
    /// Directories that nobody has looked at.
    NotLookedAt,
    /// A node of the cluster without a report.
    Node,
    /// A start of the node.
    Start,
}

impl Work {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NextWrites => "next_writes",
            Self::Snapshots => "snapshots",
            Self::Backups => "backups",
            Self::CommitLog => "commit_log",
            Self::CommitLogArchive => "commit_log_archive",
            Self::Hints => "hints",
            Self::CdcRaw => "cdc_raw",
            Self::SavedCaches => "saved_caches",
            Self::KeyTable => "key_table",
            Self::Configuration => "configuration",
            Self::Search => "search",
            Self::DseIndex => "dse_index",
            Self::Namesake => "namesake",
            Self::Unfinished => "unfinished",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
            Self::NotLookedAt => "not_looked_at",
            Self::Node => "node",
            Self::Start => "start",
        }
    }
}

/// What removes a reason. Several steps of a reason are a choice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// Commands of this program, one after the other: the verb, and its words beside those that say where the
    /// data is.
    Own(Vec<Vec<String>>),
    /// A command of another program.
    Other(String),
    /// Something to be done, in words.
    Do(String),
}

impl Step {
    /// In words.
    pub(super) fn say(text: impl Into<String>) -> Self {
        Self::Do(text.into())
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Reason {
    /// What is left to be done.
    pub work: Work,
    /// What the key's answer is for this reason alone.
    pub answer: Answer,
    /// The node that it is about, where there are several.
    pub node: Option<String>,
    /// In words.
    pub what: String,
    /// Some of the places.
    pub paths: Vec<String>,
    /// What removes it: one of these.
    pub steps: Vec<Step>,
}
