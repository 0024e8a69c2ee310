//! What a plan has to say beside its actions.

use crate::Error;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing is held up.
    Warning,
    /// The SSTables concerned are left as they are; the others are rewritten.
    Refusal,
    /// Nothing can be done before it is settled.
    Blocker,
}

impl Severity {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Refusal => "refused",
            Self::Blocker => "blocked",
        }
    }
}

/// Something an operator should know before the run.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What it is, with place and hint.
    pub error: Error,
    /// The Data.db of each SSTable that it concerns.
    pub sstables: Vec<String>,
}
