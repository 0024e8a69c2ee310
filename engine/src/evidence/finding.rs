//! What an operator should know beside keys.

use serde::{Deserialize, Serialize};

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
