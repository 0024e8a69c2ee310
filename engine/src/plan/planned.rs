//! What a plan says: of each SSTable, and of all of them.

use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::archive::Archives;
use super::discover::Selection;
use super::facts::Facts;
use super::finding::{Finding, Severity};
use super::room::Room;
use super::space::Space;
use super::staging::{staged, staging_path};
use super::target::Target;
use super::targets::Targets;
use crate::Error;
use crate::io::{FileId, Storage};
use crate::keys::KeyRing;
use crate::sstable::{Component, Descriptor};
use crate::txn::{Flavor, LiveSSTable, Verdict};

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
    /// What the new SSTable takes until the old one is deleted; nothing, if there is none to be.
    pub space: Space,
}

impl PlannedSSTable {
    /// Where its successor is staged.
    #[must_use]
    pub fn staging_path(&self) -> PathBuf {
        staging_path(&self.data_dir, &self.sstable, self.is_live)
    }

    /// Bytes of what is staged of it by now, perhaps by an earlier run; links cost nothing. What
    /// cannot be looked at counts as not there.
    #[must_use]
    pub fn staged(&self, storage: &dyn Storage) -> u64 {
        staged(storage, &self.staging_path())
    }
}

/// An SSTable that is to be rewritten.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PlannedRewrite<'a> {
    /// It.
    pub sstable: &'a PlannedSSTable,
    /// What it says of itself.
    pub facts: &'a Facts,
    /// Its new name.
    pub new: &'a Descriptor,
    /// What it becomes.
    pub target: &'a Target,
}

/// Everything that a run will do.
#[derive(Debug)]
pub struct Plan {
    /// The tables.
    pub selection: Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// What they are to become.
    pub targets: Targets,
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
    /// A plan for no tables.
    #[must_use]
    pub fn of_no_tables() -> Self {
        Self {
            selection: Selection::default(),
            archives: Archives::default(),
            targets: Targets::by_table(0),
            flavor: None,
            sstables: vec![],
            unreadable: vec![],
            strangers: vec![],
            logs: vec![],
            has_pending_logs: false,
            archived_left: 0,
            findings: vec![],
            ring: KeyRing::default(),
            rooms: vec![],
        }
    }

    /// The SSTables to rewrite.
    pub fn rewrites(&self) -> impl Iterator<Item = PlannedRewrite<'_>> {
        rewrites(&self.sstables)
    }

    /// The finding that forbids the whole run.
    #[must_use]
    pub fn blocker(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.severity == Severity::Blocker)
    }
}

/// The SSTables of a list that are to be rewritten.
pub(super) fn rewrites(sstables: &[PlannedSSTable]) -> impl Iterator<Item = PlannedRewrite<'_>> {
    sstables.iter().filter_map(|sstable| match (&sstable.action, &sstable.facts) {
        (Action::Rewrite { new, target }, Some(facts)) => {
            Some(PlannedRewrite { sstable, facts, new, target })
        }
        _ => None,
    })
}
