//! Which keys encrypt how much: the proof that an old key may be destroyed, or must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::inspect::{Facts, Shape};
use crate::Error;
use crate::keys::KeyRef;

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
}

impl CensusRow {
    fn count(&mut self, table: &str, chunks: u64, bytes: u64) {
        self.chunks = self.chunks.saturating_add(chunks);
        self.bytes = self.bytes.saturating_add(bytes);
        self.sstables = self.sstables.saturating_add(1);
        self.tables.insert(table.to_owned());
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
}

impl KeyCensus {
    /// Counts an SSTable of a table.
    pub fn add(&mut self, table: &str, facts: &Facts) {
        if let Shape::Foreign { why, .. } = &facts.shape
            && facts.shape.may_be_encrypted()
        {
            self.unknown.push(
                Error::unsupported("which keys it is under cannot be seen")
                    .at(facts.data_path())
                    .caused_by(why.clone())
                    .cure("take its keys for used until a node has rewritten it"),
            );
            return;
        }
        if !facts.shape.is_encrypted() {
            self.not_encrypted.count(table, 0, facts.data_bytes);
            return;
        }
        for used in &facts.keys {
            let row = self.keys.entry(used.key.clone()).or_default();
            row.count(table, used.chunks, used.bytes);
        }
        if facts.clear_chunks > 0 {
            self.clear_chunks.count(table, facts.clear_chunks, 0);
        }
    }

    /// Notes an SSTable that could not be looked at.
    pub fn add_unknown(&mut self, error: Error) {
        self.unknown.push(error);
    }
}
