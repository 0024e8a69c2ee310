//! What becomes of each component of an SSTable.

use super::facts::Facts;
use super::target::Target;
use crate::sstable::Component;

/// What becomes of a component of the old SSTable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is rewritten, or has no successor where another one says the same.
    Rewritten,
    /// It is a component of the new SSTable as it is.
    Kept,
    /// It would be wrong beside the new Data.db, or under the old key.
    LeftOut,
}

impl Facts {
    /// What becomes of a component.
    #[must_use]
    pub fn fate(&self, component: &Component, target: &Target) -> Fate {
        if component.is_rewritten()
            || self.encrypted_components.contains(component)
            || *component == Component::Statistics && self.gets_new_ratio(target)
        {
            return Fate::Rewritten;
        }
        // Another kind of digest of the old Data.db, or an index that may be under the old key.
        match component.is_foreign_digest() || component.is_dse_index() && self.shape.is_encrypted()
        {
            true => Fate::LeftOut,
            false => Fate::Kept,
        }
    }

    /// Whether its metadata have another compression ratio to tell.
    #[must_use]
    pub fn gets_new_ratio(&self, target: &Target) -> bool {
        target.codec() != self.shape.codec() || target.is_compressed() != self.header.is_some()
    }
}
