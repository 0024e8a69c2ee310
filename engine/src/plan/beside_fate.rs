//! What becomes of what may be encrypted beside Data.db (FORMATS.md 7.1): indices and metadata.

use super::beside::page_geometry;
use super::facts::Facts;
use super::target::Target;
use crate::sstable::{Component, PAGE, Version};
use crate::txn::Flavor;

/// What becomes of Partitions.db and Rows.db, or of Index.db.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexFate {
    /// It is in clear, and stays as it is.
    Kept,
    /// Its pages are re-encrypted in their places: their usable bytes stay the same.
    InPlace,
    /// It is laid out anew for pages with other usable bytes.
    LaidOut {
        /// Usable bytes of a page now; 4096 in clear.
        old: usize,
        /// Usable bytes of a page then.
        new: usize,
    },
}

impl IndexFate {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::InPlace => "in_place",
            Self::LaidOut { .. } => "laid_out",
        }
    }
}

/// What becomes of Statistics.db's bodies, but for a compression ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataFate {
    /// What is encrypted stays encrypted, what is in clear stays in clear.
    AsTheyAre,
    /// All are encrypted.
    Encrypted,
    /// All are in clear.
    InClear,
}

impl Facts {
    /// What becomes of the index.
    #[must_use]
    pub fn index_fate(&self, target: &Target) -> IndexFate {
        let is_encrypted = self.encrypted_components.contains(&Component::Partitions);
        let usable = |options, longest_id| page_geometry(options, longest_id).usable();
        let own = self.shape.encryptor().filter(|_| is_encrypted);
        let old = own.map(|options| usable(options, self.longest_id_beside(target)));
        let is_to_be = is_encrypted || self.is_encrypted_first(target);
        let new = target.encryptor().filter(|_| is_to_be);
        let new = new.map(|options| usable(options, target.longest_id()));
        match (old, new) {
            (None, None) => IndexFate::Kept,
            (Some(old), Some(new)) if old == new => IndexFate::InPlace,
            (old, new) => IndexFate::LaidOut { old: old.unwrap_or(PAGE), new: new.unwrap_or(PAGE) },
        }
    }

    /// The site's limit for key ids under which its index was written, beside that of the target.
    pub(crate) fn longest_id_beside(&self, target: &Target) -> usize {
        self.longest_id.unwrap_or_else(|| target.longest_id())
    }

    /// What becomes of the metadata.
    pub(crate) fn metadata_fate(&self, target: &Target) -> MetadataFate {
        if self.is_encrypted_first(target) && self.version.may_encrypt_metadata {
            return MetadataFate::Encrypted;
        }
        let is_encrypted = self.encrypted_components.contains(&Component::Statistics);
        match is_encrypted && target.encryptor().is_none() {
            true => MetadataFate::InClear,
            false => MetadataFate::AsTheyAre,
        }
    }

    /// Whether it is encrypted for the first time, for nodes that want more than Data.db encrypted.
    fn is_encrypted_first(&self, target: &Target) -> bool {
        self.nodes_encrypt_index && !self.shape.is_encrypted() && target.encryptor().is_some()
    }
}

/// Whether the nodes that read an SSTable take its index for encrypted wherever its Data.db is.
/// Apache's do not, and its `da` has the same name as Converged Core's.
pub(super) fn nodes_encrypt_index(version: &Version, flavor: Option<Flavor>) -> bool {
    let is_apache = version.products.apache_4 && flavor != Some(Flavor::ConvergedCore);
    version.may_encrypt_indices && !is_apache
}
