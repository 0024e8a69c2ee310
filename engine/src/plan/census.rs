//! Which keys encrypt how much: the proof that an old key may be destroyed, or must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::facts::{Facts, Shape};
use crate::Error;
use crate::keys::KeyRef;

/// Where SSTables lie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// Where a node loads them.
    Live,
    /// In the snapshot of this tag.
    Snapshot(String),
    /// Among the incremental backups.
    Backup,
}

impl Place {
    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Snapshot(_) => "snapshot",
            Self::Backup => "backup",
        }
    }

    /// The tag, if it is a snapshot.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Snapshot(tag) => Some(tag),
            Self::Live | Self::Backup => None,
        }
    }
}

/// The count for one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CensusRow {
    /// Chunks.
    pub chunks: u64,
    /// Their stored bytes.
    pub bytes: u64,
    /// SSTables that have one of them.
    pub sstables: u64,
    /// Tables of those SSTables.
    pub tables: BTreeSet<String>,
    /// How many of them lie where, by table.
    pub places: BTreeMap<(Place, String), u64>,
}

impl CensusRow {
    fn count(&mut self, (place, table): (&Place, &str), chunks: u64, bytes: u64) {
        self.chunks = self.chunks.saturating_add(chunks);
        self.bytes = self.bytes.saturating_add(bytes);
        self.sstables = self.sstables.saturating_add(1);
        self.tables.insert(table.to_owned());
        let here = self.places.entry((place.clone(), table.to_owned())).or_default();
        *here = here.saturating_add(1);
    }
}

/// The census over many SSTables.
///
/// A key that is not in [`Self::keys`] is unused only if [`Self::unknown`] is empty.
#[derive(Debug, Default)]
pub struct KeyCensus {
    /// By key.
    pub keys: BTreeMap<KeyRef, CensusRow>,
    /// Chunks stored in clear inside encrypted SSTables.
    pub clear_chunks: CensusRow,
    /// SSTables that no key encrypts.
    pub not_encrypted: CensusRow,
    /// SSTables that could not be looked at; any key may be in use there.
    pub unknown: Vec<Error>,
    /// Folders of snapshots and backups that were not counted: they keep the keys that they were
    /// written with.
    pub archives: Vec<PathBuf>,
    /// How many folders of snapshots and backups were counted.
    pub counted_archives: usize,
    /// What was looked at: each data directory, and how many SSTables lie in it.
    pub looked_at: BTreeMap<PathBuf, u64>,
}

impl KeyCensus {
    /// Counts an SSTable of a table.
    pub fn add(&mut self, place: &Place, table: &str, facts: &Facts) {
        let data_path = facts.data_path();
        for (_, count) in self.looked_at.iter_mut().filter(|(dir, _)| data_path.starts_with(dir)) {
            *count = count.saturating_add(1);
        }
        if let Shape::Foreign { why, .. } = &facts.shape
            && facts.shape.may_be_encrypted()
        {
            self.unknown.push(
                Error::unsupported("which keys it is under cannot be seen")
                    .at(facts.data_path())
                    .caused_by(why.clone())
                    .hint("take its keys for used until a node has rewritten it"),
            );
            return;
        }
        if !facts.shape.is_encrypted() {
            self.not_encrypted.count((place, table), 0, facts.data_bytes);
            return;
        }
        for used in &facts.keys {
            let row = self.keys.entry(used.key.clone()).or_default();
            row.count((place, table), used.chunks, used.bytes);
        }
        if facts.clear_chunks > 0 {
            self.clear_chunks.count((place, table), facts.clear_chunks, 0);
        }
    }

    /// Notes an SSTable that could not be looked at.
    pub fn add_unknown(&mut self, error: Error) {
        self.unknown.push(error);
    }
}
