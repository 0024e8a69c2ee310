//! What happens to an SSTable, and why to some nothing does.

use std::sync::Arc;

use super::target::Target;
use crate::Error;
use crate::sstable::Descriptor;

/// What will happen to an SSTable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Action {
    /// It is re-encrypted under a new id.
    Rewrite {
        /// The new name.
        new: Descriptor,
        /// What it becomes.
        target: Arc<Target>,
    },
    /// Nothing needs to be done.
    Skip(SkipReason),
    /// Nothing can be done, for the reason given.
    Refuse(Error),
}

/// Why nothing needs to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Every chunk is under the target key, with the target cipher.
    UnderTargetKey,
    /// Neither it nor any other SSTable of its table is encrypted.
    NotEncrypted,
    /// It is in clear, in the form that the target has.
    AsTarget,
}

impl SkipReason {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnderTargetKey => "under_target_key",
            Self::NotEncrypted => "not_encrypted",
            Self::AsTarget => "as_target",
        }
    }

    /// The words in reports.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UnderTargetKey => "already under the target key",
            Self::NotEncrypted => "not encrypted",
            Self::AsTarget => "already as the target",
        }
    }
}
