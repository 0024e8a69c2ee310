//! What became of each SSTable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::event::{Event, Observer};
use crate::journal::{RunId, Seen};
use crate::plan::{Action, Plan, PlannedSystemFile, SkipReason};
use crate::sstable::{Component, Descriptor};
use crate::txn::LiveSSTable;
use crate::{Error, ErrorKind, Result};

/// What became of one SSTable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// Re-encrypted, read back and swapped in; in snapshots and backups put in its place.
    Rewritten {
        /// Its new name; in snapshots and backups it keeps its own.
        new: Descriptor,
    },
    /// Every chunk decrypts, and all checksums are right.
    Verified {
        /// How many chunks.
        chunks: u64,
    },
    /// A file beside the tables: re-encrypted, read back and put in its place, under its own name.
    Replaced,
    /// A saved cache: removed, for the node to make a new one.
    Deleted,
    /// There was nothing to do.
    Skipped(SkipReason),
    /// It was left as it was; if the error came at the COMMIT of its swap or after it, the error
    /// says so, and the transaction log decides.
    Failed(Error),
}

/// One line of a report.
#[derive(Debug, Clone)]
pub struct SSTableReport {
    /// `keyspace.table`; for a file beside the tables, its kind.
    pub table: String,
    /// Its Data.db, by the old name; for a table that could not be looked at, its directory.
    pub data: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
    /// How many copies of it in snapshots and backups were replaced, itself included if it lies there.
    pub copies: usize,
    /// What was strange about it.
    pub warnings: Vec<Error>,
    /// Whether an observer was told of its end as it came; of what needed no work nobody is.
    pub is_told: bool,
}

/// The table of an SSTable, itself, and another one that has its very files.
pub(super) type Copied = (String, Arc<LiveSSTable>, Arc<LiveSSTable>);

/// What became of all of them.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One line each.
    pub sstables: Vec<SSTableReport>,
    /// What was strange about the run.
    pub warnings: Vec<Error>,
    /// The run that the journal is of; none if it was not begun, or for a verification.
    pub run: Option<RunId>,
    /// The processes that have worked on it before this one, in order.
    pub earlier: Vec<Seen>,
}

impl Report {
    /// What is settled before a plan is carried out: all that is not rewritten.
    #[must_use]
    pub fn foreseen(plan: &Plan) -> Self {
        let mut report = Self::default();
        for (table, error) in &plan.unreadable {
            report.add_unreadable(table, error);
        }
        for planned in &plan.sstables {
            let outcome = match &planned.action {
                // As it ends.
                Action::Rewrite { .. } => continue,
                Action::Skip(reason) => Outcome::Skipped(*reason),
                Action::Refuse(error) => Outcome::Failed(error.clone()),
            };
            report.add(&planned.table, &planned.sstable, outcome);
        }
        report
    }

    pub(super) fn add(&mut self, table: &str, sstable: &LiveSSTable, outcome: Outcome) {
        self.sstables.push(SSTableReport {
            table: table.to_owned(),
            data: sstable.path(&Component::Data),
            outcome,
            copies: 0,
            warnings: vec![],
            is_told: false,
        });
    }

    /// Adds a file beside the tables; a word for its kind stands in place of a table.
    pub(super) fn add_file(&mut self, kind: &str, file: &PlannedSystemFile, outcome: Outcome) {
        self.sstables.push(SSTableReport {
            table: kind.to_owned(),
            data: file.paths.first().cloned().unwrap_or_default(),
            outcome,
            copies: file.paths.len().saturating_sub(1),
            warnings: vec![],
            is_told: false,
        });
    }

    /// Adds the lines and the warnings of another report.
    pub fn join(&mut self, other: Self) {
        self.sstables.extend(other.sstables);
        self.warnings.extend(other.warnings);
    }

    /// Adds those of what comes after the tables. Where it could not begin, that is a line if
    /// `has_tables`: what was done with these is done.
    ///
    /// # Errors
    /// Why it could not begin, where nothing else was done.
    pub fn join_or_fail(&mut self, other: Result<Self>, has_tables: bool) -> Result<()> {
        match other {
            Ok(other) => self.join(other),
            Err(error) if has_tables => self.add_unreadable("beside", &error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Adds the lines of SSTables whose files are those of another one each: what became of that
    /// became of them.
    pub(super) fn add_copies(&mut self, copies: &[Copied]) {
        let lines = self.sstables.iter();
        let outcomes: BTreeMap<PathBuf, Outcome> =
            lines.map(|line| (line.data.clone(), line.outcome.clone())).collect();
        for (table, copy, of) in copies {
            if let Some(outcome) = outcomes.get(&of.path(&Component::Data)) {
                self.add(table, copy, outcome.clone());
            }
        }
    }

    pub(super) fn add_unreadable(&mut self, table: &str, error: &Error) {
        self.sstables.push(SSTableReport {
            table: table.to_owned(),
            data: error.path().map(Path::to_owned).unwrap_or_default(),
            outcome: Outcome::Failed(error.clone()),
            copies: 0,
            warnings: vec![],
            is_told: false,
        });
    }

    /// Says of the line that came last how many copies were replaced.
    pub(super) fn replaced(&mut self, copies: usize) {
        if let Some(line) = self.sstables.last_mut() {
            line.copies = copies;
        }
    }

    /// Adds warnings to the line that came last.
    pub(super) fn warn(&mut self, warnings: Option<Vec<Error>>) {
        if let Some(line) = self.sstables.last_mut() {
            line.warnings.extend(warnings.into_iter().flatten());
        }
    }

    /// Tells an observer of the line that came last: work on that SSTable, with a Data.db of so many
    /// bytes, has ended.
    pub(super) fn tell(&mut self, observer: &mut dyn Observer, bytes: u64) {
        let Some(line) = self.sstables.last_mut() else { return };
        line.is_told = true;
        let (mut new, mut error, mut chunks) = (None, None, None);
        match &line.outcome {
            Outcome::Rewritten { new: name } => new = Some(name.to_string()),
            Outcome::Verified { chunks: count } => chunks = Some(*count),
            Outcome::Failed(why) => error = Some(why),
            // It keeps its name.
            Outcome::Replaced => {
                new = line.data.file_name().map(|name| name.to_string_lossy().into_owned());
            }
            Outcome::Skipped(_) | Outcome::Deleted => {}
        }
        observer.event(&Event::SSTableEnded {
            table: &line.table,
            data: &line.data,
            bytes,
            new: new.as_deref(),
            error,
            chunks,
            copies: line.copies,
            warnings: &line.warnings,
        });
    }

    pub(super) fn sort(&mut self) {
        self.sstables.sort_by(|a, b| a.data.cmp(&b.data));
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &Error> {
        self.sstables.iter().filter_map(|line| match &line.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        })
    }

    /// How many were rewritten, verified or skipped.
    #[must_use]
    pub fn successes(&self) -> usize {
        self.sstables.len().saturating_sub(self.failures().count())
    }

    /// The one kind that speaks for all failures: a mismatch above all, then an interruption, which
    /// leaves work for the next run, then the common kind when there is one and nothing was done; otherwise `None`
    /// although something failed.
    #[must_use]
    pub fn failure_kind(&self) -> Option<ErrorKind> {
        let kinds: Vec<ErrorKind> = self.failures().map(Error::kind).collect();
        let first = *kinds.first()?;
        if kinds.contains(&ErrorKind::Mismatch) {
            return Some(ErrorKind::Mismatch);
        }
        if kinds.contains(&ErrorKind::Interrupted) {
            return Some(ErrorKind::Interrupted);
        }
        let did_something = self
            .sstables
            .iter()
            .any(|line| !matches!(line.outcome, Outcome::Skipped(_) | Outcome::Failed(_)));
        (!did_something && kinds.iter().all(|kind| *kind == first)).then_some(first)
    }
}
