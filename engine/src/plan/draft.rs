//! An SSTable on its way into a plan. Each phase is a type of its own, and knows no more than the ones
//! before it have found out:
//!
//! ```text
//! Found      a live one, and what it says of itself, or why that cannot be read
//! Inspected  the same with its copies; or one that has no live copy
//! Decided    what becomes of it: rewritten, skipped or refused
//! Placed     what a rewrite takes of its file system
//! ```
//!
//! With its new name it is a [`PlannedSSTable`](super::PlannedSSTable). From one phase to the next a
//! rewrite may turn out to be impossible.

use std::path::PathBuf;
use std::sync::Arc;

use super::action::SkipReason;
use super::facts::Facts;
use super::space::Space;
use super::staging::{staged, staging_path};
use super::target::Target;
use super::targets::Aim;
use crate::io::{FileId, Storage};
use crate::sstable::Component;
use crate::txn::LiveSSTable;
use crate::{Error, Result};

/// A live SSTable, and what it says of itself, as far as it could be read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) table: String,
    pub(super) data_dir: PathBuf,
    pub(super) sstable: Arc<LiveSSTable>,
    pub(super) looked: Result<Looked>,
}

/// What an SSTable says of itself, and what it is to become.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) facts: Facts,
    pub(super) aim: Aim,
}

/// Which SSTable it is, and where it lies.
#[derive(Debug)]
pub(super) struct Subject {
    /// `keyspace.table`.
    pub(super) table: String,
    pub(super) data_dir: PathBuf,
    pub(super) sstable: Arc<LiveSSTable>,
    pub(super) is_live: bool,
    /// Where it lies in snapshots and backups that are re-encrypted, too.
    pub(super) copies: Vec<Arc<LiveSSTable>>,
    /// The files that all of them share and that are replaced or dropped, if there are copies.
    pub(super) shared: Vec<(Component, FileId)>,
}

impl Subject {
    /// Bytes of what an earlier run has staged of it.
    pub(super) fn staged(&self, storage: &dyn Storage) -> u64 {
        staged(storage, &staging_path(&self.data_dir, &self.sstable, self.is_live))
    }

    /// Its Data.db, as reports name it.
    pub(super) fn data(&self) -> String {
        self.sstable.path(&Component::Data).display().to_string()
    }
}

/// An SSTable that was looked at.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) subject: Subject,
    pub(super) looked: Result<Looked>,
}

/// An SSTable with its target.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) facts: Facts,
    pub(super) target: Arc<Target>,
}

/// What becomes of an SSTable, with what it says of itself and what is known by now of its rewrite.
#[derive(Debug)]
pub(super) enum Outcome<R> {
    Rewrite(Work, R),
    /// Every chunk is under the target key by its header.
    Under(Work),
    Skip(Facts, SkipReason),
    /// Facts are absent when it could not be read.
    Refuse(Option<Facts>, Error),
}

/// An SSTable of which it is decided what becomes of it.
#[derive(Debug)]
pub(super) struct Draft<R> {
    pub(super) subject: Subject,
    pub(super) outcome: Outcome<R>,
}

/// An SSTable that is to be rewritten or not.
pub(super) type Decided = Draft<()>;

/// One of which it is known what its rewrite takes.
pub(super) type Placed = Draft<Space>;

impl<R> Draft<R> {
    /// What is to be rewritten, and what is known of that.
    pub(super) const fn rewrite(&self) -> Option<(&Work, &R)> {
        match &self.outcome {
            Outcome::Rewrite(work, with) => Some((work, with)),
            Outcome::Under(_) | Outcome::Skip(..) | Outcome::Refuse(..) => None,
        }
    }

    /// An SSTable that is to be decrypted, or that is left because of its key.
    pub(super) const fn needs_keys(&self) -> Option<&Work> {
        match &self.outcome {
            Outcome::Rewrite(work, _) | Outcome::Under(work) => Some(work),
            Outcome::Skip(..) | Outcome::Refuse(..) => None,
        }
    }

    /// Whether nothing needs to be done about it.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Under(_) | Outcome::Skip(..))
    }

    /// Refuses it, whatever was decided before.
    pub(super) fn refuse(self, error: Error) -> Self {
        let facts = match self.outcome {
            Outcome::Rewrite(Work { facts, .. }, _)
            | Outcome::Under(Work { facts, .. })
            | Outcome::Skip(facts, _) => Some(facts),
            Outcome::Refuse(facts, _) => facts,
        };
        Self { outcome: Outcome::Refuse(facts, error), ..self }
    }

    /// Finds out more about a rewrite.
    ///
    /// # Errors
    /// What `more` says.
    pub(super) fn try_map<S>(
        self,
        more: impl FnOnce(&Subject, &Work, R) -> Result<S>,
    ) -> Result<Draft<S>> {
        let Self { subject, outcome } = self;
        let outcome = match outcome {
            Outcome::Rewrite(work, with) => {
                let with = more(&subject, &work, with)?;
                Outcome::Rewrite(work, with)
            }
            Outcome::Under(work) => Outcome::Under(work),
            Outcome::Skip(facts, reason) => Outcome::Skip(facts, reason),
            Outcome::Refuse(facts, error) => Outcome::Refuse(facts, error),
        };
        Ok(Draft { subject, outcome })
    }
}

impl Decided {
    /// Rewrites it although it seemed to be under the target key.
    pub(super) fn rewrite_anyway(self) -> Self {
        let outcome = match self.outcome {
            Outcome::Under(work) => Outcome::Rewrite(work, ()),
            other => other,
        };
        Self { outcome, ..self }
    }
}
