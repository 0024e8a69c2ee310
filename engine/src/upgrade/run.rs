//! Carrying a plan out.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::place::Place;
use super::report::{Outcome, Report};
use super::resume::name_of;
use super::{Session, watch};
use crate::event::{Event, Observer};
use crate::journal::{History, Journal};
use crate::pipeline::{self, Limits};
use crate::plan::{Inspector, Plan};
use crate::rewrite::{self, Resumed, Rewrite, RewriteJob};
use crate::{Error, ErrorKind, Result};

/// A plan, and what it is carried out with.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    pub(super) threads: NonZeroUsize,
    pub(super) journal: &'a Journal,
}

/// Starts the journal of a run, or goes on with it.
///
/// # Errors
/// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
pub(super) fn start(
    session: &Session,
    plan: &Plan,
    place: &Place,
    history: Option<&History>,
    description: Vec<(String, String)>,
) -> Result<Journal> {
    let (mut sstables, mut bytes) = (0_u64, 0_u64);
    for (_, facts, _) in plan.rewrites() {
        sstables = sstables.saturating_add(1);
        bytes = bytes.saturating_add(facts.data_bytes);
    }
    let tool = concat!("sstablerekey ", env!("CARGO_PKG_VERSION")).to_owned();
    let now = crate::journal::Session { tool, sstables, bytes };
    let storage = session.storage();
    if let Some(history) = history {
        return Journal::resume(storage, place.directory(), history, now);
    }
    place.create(storage)?;
    // One whose beginning was never durable.
    place.remove_journal(storage)?;
    Journal::start(storage, place.directory(), now, description)
}

/// Closes the journal and removes what is staged, unless something is kept.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(super) fn end(session: &Session, place: &Place, kept: &BTreeSet<PathBuf>) -> Result<()> {
    let storage = session.storage();
    if kept.is_empty() {
        place.remove_journal(storage)?;
    }
    session.data_dirs().iter().try_for_each(|data_dir| rewrite::sweep(storage, data_dir, kept))
}

impl Run<'_> {
    /// Rewrites all SSTables of the plan. Returns the staging directories to keep.
    ///
    /// # Errors
    /// Only when the plan has no flavor.
    pub(super) fn carry_out(
        &self,
        mut resumed: BTreeMap<(PathBuf, String), Resumed>,
        observer: &mut dyn Observer,
        report: &mut Report,
    ) -> Result<BTreeSet<PathBuf>> {
        let Self { session, plan, threads, journal } = *self;
        let rewrites: Vec<_> = plan.rewrites().collect();
        let job = RewriteJob {
            storage: session.storage(),
            inspector: Inspector::new(session.storage(), session.lease(), session.is_mapped()),
            target: &plan.target,
            ring: &plan.ring,
            flavor: plan.flavor.ok_or_else(|| {
                Error::new(ErrorKind::Internal, "the plan does not know whose logs to write")
            })?,
            journal,
            checkpoint: session.checkpoint(),
            range_bytes: session.range_bytes(),
        };
        // Every byte is read twice: once from the old file, once from the new.
        let mut bytes = 0_u64;
        let mut directories = Vec::with_capacity(rewrites.len());
        let mut tasks = Vec::with_capacity(rewrites.len());
        for (planned, facts, new) in &rewrites {
            let (directory, name) = name_of(&planned.sstable);
            let resumed = resumed.remove(&(directory.to_owned(), name));
            let done = resumed.as_ref().map_or(0, Resumed::bytes_done);
            bytes = bytes.saturating_add(facts.data_bytes.saturating_mul(2).saturating_sub(done));
            // An earlier version may have chosen another name.
            let there = resumed.as_ref().map(|resumed| resumed.directory().to_owned());
            directories.push(there.unwrap_or_else(|| planned.staging_path()));
            tasks.push(Rewrite::new(job, planned, facts, new, resumed));
        }
        observer.event(&Event::Started { sstables: tasks.len(), bytes });
        pipeline::run(&tasks, Limits { threads }, session.control(), |index, step| {
            let Some((planned, facts, new)) = rewrites.get(index) else { return };
            if let Some(result) = watch(observer, &planned.table, facts, step) {
                let outcome = match result {
                    Ok(()) => Outcome::Rewritten { new: (*new).clone() },
                    Err(error) => Outcome::Failed(error),
                };
                report.add(&planned.table, &planned.sstable, outcome);
                report.replaced(tasks.get(index).map_or(0, Rewrite::copies_replaced));
                report.warn(tasks.get(index).map(Rewrite::warnings));
                report.tell(observer, facts.data_bytes);
            }
        });
        let ended = tasks.iter().zip(directories);
        Ok(ended.filter(|(task, _)| task.is_kept()).map(|(_, directory)| directory).collect())
    }
}
