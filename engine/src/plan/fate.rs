//! What becomes of each component of an SSTable.

use super::beside_fate::{IndexFate, MetadataFate};
use super::facts::{Facts, Shape};
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
        let is_encrypted = self.encrypted_components.contains(component);
        let is_rewritten = match component {
            Component::Partitions | Component::Rows => {
                is_encrypted || matches!(self.index_fate(target), IndexFate::LaidOut { .. })
            }
            Component::Statistics => {
                is_encrypted
                    || self.gets_new_ratio(target)
                    || self.metadata_fate(target) != MetadataFate::AsTheyAre
            }
            _ => is_encrypted || component.is_rewritten(),
        };
        if is_rewritten {
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

    /// Whether the chunks are what the target makes of them, keys aside.
    #[must_use]
    pub fn has_form_of(&self, target: &Target) -> bool {
        let scheme = match &self.shape {
            Shape::Chunked { scheme, .. } => Some(scheme.as_ref()),
            Shape::Uncompressed => None,
            Shape::Foreign { .. } => return false,
        };
        let has = self.header.as_ref().map(|header| header.chunk_length);
        target.is_scheme(scheme)
            && self.clear_chunks == 0
            && target.chunk_length().is_none_or(|wanted| has == Some(wanted))
    }

    /// Whether the SSTable is the target already by its headers: in its form, with every chunk and the
    /// index under its key.
    #[must_use]
    pub fn meets(&self, target: &Target) -> bool {
        self.keys.iter().all(|used| Some(&used.key) == target.key())
            && self.has_form_of(target)
            && !matches!(self.index_fate(target), IndexFate::LaidOut { .. })
    }
}
