//! What cannot be judged.

use serde::{Deserialize, Serialize};

use super::Moment;

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
