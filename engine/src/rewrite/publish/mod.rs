//! The end: copies in snapshots and backups are replaced, and the new SSTable is swapped in.

mod copies;
mod sweep;

pub(crate) use copies::{finish_copies, pending_copies};
pub use sweep::{Keep, sweep};

use std::cmp::Ordering;
use std::path::PathBuf;

use self::copies::{Copies, Halted};
use super::resume::Ledger;
use super::sstable::Rewrite;
use super::staging::StagingArea;
use super::successor::Successor;
use crate::plan::PlannedSSTable;
use crate::sstable::{Component, TimeUuid};
use crate::txn::{Swap, changed_since_the_plan, publish};
use crate::{Error, ErrorKind, Result};

impl Rewrite<'_> {
    /// Replaces copies, and swaps.
    pub(super) fn publish(&self, successor: &Successor<'_>) -> Result<()> {
        let Successor { staging, ledger, .. } = successor;
        self.replace_copies(staging, ledger)?;
        if self.planned.is_live {
            self.swap(staging).inspect_err(|_| self.tell_of_copies())?;
        }
        ledger.swapped(self.new);
        Ok(())
    }

    fn swap(&self, staging: &StagingArea) -> Result<()> {
        let staged: Vec<(Component, PathBuf)> = self
            .staged()
            .into_iter()
            .map(|component| {
                let path = staging.file(&component);
                (component, path)
            })
            .collect();
        self.job.inspector.lease().still_alone()?;
        publish(
            self.job.storage,
            &Swap {
                directory: &self.facts.sstable.directory,
                old: &self.facts.sstable.descriptor,
                old_files: &self.facts.files,
                new: self.new,
                staged: &staged,
                flavor: self.job.flavor,
                log_id: &TimeUuid::now(0)?.to_rfc(),
            },
        )
    }

    /// Replaces the copies in snapshots and backups. They come first, since the swap moves away the
    /// staged files that they are links to.
    fn replace_copies(&self, staging: &StagingArea, ledger: &Ledger<'_>) -> Result<()> {
        let Some(replacement) = self.replacement() else { return Ok(()) };
        let PlannedSSTable { copies, shared, data_dir, .. } = self.planned;
        self.job.inspector.lease().still_alone()?;
        for copy in copies {
            for (component, id) in shared {
                let path = copy.path(component);
                if self.job.storage.identity(&path)? != Some(*id) {
                    return Err(changed_since_the_plan(path));
                }
            }
        }
        let first = copies.first().into_iter();
        let old = first.flat_map(|copy| {
            shared.iter().map(|(component, _)| (component.clone(), copy.path(component)))
        });
        let under_way =
            Copies { storage: self.job.storage, data_dir, staging, replacement: &replacement };
        let (replaced, outcome) = match under_way.replace(&old.collect::<Vec<_>>()) {
            Ok(()) => (copies.len(), Ok(())),
            Err(Halted { error, replaced, is_pending }) => {
                self.note(|so_far| so_far.is_pending = is_pending);
                (replaced, Err(error))
            }
        };
        self.note(|so_far| so_far.copies_replaced = replaced);
        if replaced > 0 {
            ledger.linked(replaced);
        }
        outcome.inspect_err(|_| self.tell_of_copies())
    }

    /// Reports which copies are new although the SSTable has failed, and which one the next run has
    /// to finish.
    fn tell_of_copies(&self) {
        self.note(|so_far| {
            for (number, copy) in self.planned.copies.iter().enumerate() {
                let what = match number.cmp(&so_far.copies_replaced) {
                    Ordering::Less => "this copy is new all the same, and under the new key",
                    Ordering::Equal if so_far.is_pending => {
                        "this copy may be partly replaced: it is finished by the next run, or abandon"
                    }
                    _ => break,
                };
                let error = Error::new(ErrorKind::Io, what).at(copy.path(&Component::Data));
                so_far.warnings.push(error);
            }
        });
    }
}
