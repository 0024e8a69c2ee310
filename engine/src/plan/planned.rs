//! What a plan says: of each SSTable, and of all of them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::STATE_DIRECTORY;
use super::archive::Archives;
use super::discover::Selection;
use super::finding::{Finding, Severity};
use super::inspect::Facts;
use super::room::Room;
use super::space::Space;
use super::target::Target;
use crate::Error;
use crate::io::{FileId, Storage};
use crate::keys::KeyRing;
use crate::sstable::{Component, Descriptor};
use crate::txn::{Flavor, LiveSSTable, Verdict};

/// What will happen to an SSTable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Action {
    /// It is re-encrypted under a new id.
    Rewrite {
        /// The new name.
        new: Descriptor,
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

/// One line of a plan.
#[derive(Debug)]
pub struct PlannedSSTable {
    /// `keyspace.table`.
    pub table: String,
    /// The data directory that it lies in.
    pub data_dir: PathBuf,
    /// The SSTable.
    pub sstable: Arc<LiveSSTable>,
    /// Whether a node would load it; else it lies in snapshots and backups only.
    pub is_live: bool,
    /// Where it lies in snapshots and backups, under its names there, and is replaced, too: with the
    /// same files as [`Self::sstable`], which is the first of them if it is not live.
    pub copies: Vec<Arc<LiveSSTable>>,
    /// The files that all of them share and that are replaced or dropped, if there are copies.
    pub shared: Vec<(Component, FileId)>,
    /// What it says of itself; absent when it could not be read.
    pub facts: Option<Facts>,
    /// What will happen.
    pub action: Action,
    /// What the new SSTable takes until the old one is deleted.
    pub space: Space,
}

impl PlannedSSTable {
    /// Where its successor is staged: where its table lies below the data directory, and its old
    /// name. A table that was dropped and made again has two directories of one name, which may give
    /// out the same ids; and the new name will not do, since the next run may give it to another
    /// SSTable.
    ///
    /// What lies in a snapshot or a backup may have a longer path than a name can be, and one that is
    /// told from others by a dot; and the name of a table may fill the name of a file by itself. A
    /// digest of the path stands for such a one, behind a word that is no keyspace.
    #[must_use]
    pub fn staging_path(&self) -> PathBuf {
        let directory = &self.sstable.directory;
        let below = directory.strip_prefix(&self.data_dir).unwrap_or(directory);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let place = parts.join(".");
        let digest = || format!("{:016x}", xxh3_64(below.as_os_str().as_bytes()));
        let place = match self.is_live {
            true if place.len() <= LONGEST_PLACE => place,
            true => format!("long-name.{}", digest()),
            false => format!("archived.{}", digest()),
        };
        let name = format!("{place}.{}", self.sstable.descriptor);
        self.data_dir.join(STATE_DIRECTORY).join(name)
    }

    /// Bytes of what is staged of it by now, perhaps by an earlier run; links cost nothing. What
    /// cannot be looked at counts as not there.
    #[must_use]
    pub fn staged(&self, storage: &dyn Storage) -> u64 {
        let directory = self.staging_path();
        let files = storage.list(&directory).unwrap_or_default();
        let bytes = files.iter().map(|file| storage.allocated(&directory.join(&file.name)));
        bytes.fold(0, |sum, bytes| sum.saturating_add(bytes.unwrap_or_default()))
    }

    /// The facts of an SSTable that is to be decrypted, or that is left because of its key.
    pub(super) fn needs_keys(&self) -> Option<&Facts> {
        match self.action {
            Action::Rewrite { .. } | Action::Skip(SkipReason::UnderTargetKey) => {
                self.facts.as_ref()
            }
            _ => None,
        }
    }
}

/// Bytes of a place that is told in the name of a staging directory as it is: some file systems take
/// names of 143 bytes and no more, and an SSTable's own is up to 40 of them.
const LONGEST_PLACE: usize = 100;

/// Everything that a run will do.
#[derive(Debug)]
pub struct Plan {
    /// The tables.
    pub selection: Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// What every SSTable is to become.
    pub target: Target,
    /// Whose transaction logs are written; known when something is to be rewritten.
    pub flavor: Option<Flavor>,
    /// Every SSTable of the selection, biggest first.
    pub sstables: Vec<PlannedSSTable>,
    /// Tables and files that could not be looked at, by the name of the table.
    pub unreadable: Vec<(String, Error)>,
    /// Files that are of no SSTable that a node would load.
    pub strangers: Vec<Error>,
    /// Logs of interrupted operations, with what their rules demand.
    pub logs: Vec<(PathBuf, Verdict)>,
    /// Whether one of these waits to be finished or undone, and can be: a run comes after that.
    pub has_pending_logs: bool,
    /// SSTables in snapshots and backups that were not asked for, and are not as the target.
    pub archived_left: usize,
    /// What an operator should know.
    pub findings: Vec<Finding>,
    /// The keys of the run.
    pub ring: KeyRing,
    /// The file systems that are written to.
    pub rooms: Vec<Room>,
}

impl Plan {
    /// The SSTables to rewrite.
    pub fn rewrites(&self) -> impl Iterator<Item = (&PlannedSSTable, &Facts, &Descriptor)> {
        self.sstables.iter().filter_map(|planned| match (&planned.action, &planned.facts) {
            (Action::Rewrite { new }, Some(facts)) => Some((planned, facts, new)),
            _ => None,
        })
    }

    /// The finding that forbids the whole run.
    #[must_use]
    pub fn blocker(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.severity == Severity::Blocker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sstable::parse_file_name;

    fn staged_as(table: &str, is_live: bool) -> String {
        let data_dir = PathBuf::from("/data");
        let (descriptor, _) = parse_file_name("nb-3-big-Data.db").unwrap();
        let directory = data_dir.join("ks").join(table);
        let sstable = LiveSSTable { directory, descriptor, components: vec![] };
        let planned = PlannedSSTable {
            table: "ks.t".to_owned(),
            data_dir,
            sstable: Arc::new(sstable),
            is_live,
            copies: vec![],
            shared: vec![],
            facts: None,
            action: Action::Skip(SkipReason::NotEncrypted),
            space: Space::default(),
        };
        let path = planned.staging_path();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_staging_directory_has_a_short_name_of_its_own_whatever_the_table_is_called() {
        assert_eq!(staged_as("t-1", true), "ks.t-1.nb-3-big");
        let [first, second] = ["a", "b"].map(|end| "x".repeat(254) + end);
        let names = [&first, &second].map(|table| [true, false].map(|live| staged_as(table, live)));
        for name in names.as_flattened() {
            assert!(name.len() < 144, "{name}");
        }
        assert_ne!(names[0], names[1]);
        assert_ne!(names[0][0], names[0][1]);
    }
}
