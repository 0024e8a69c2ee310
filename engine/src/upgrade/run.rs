//! `run`: a plan is carried out.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::mark::mark;
use super::prepare::Prepared;
use super::recover::pending_copies;
use super::report::{Outcome, Report};
use super::resumable;
use super::session::{Exclusive, Session};
use super::state_dir::StateDir;
use super::sweep::sweep;
use super::tasks::{Run, ending};
use crate::event::Observer;
use crate::journal::{Ending, History, Journal, Record, RunId, Site};
use crate::plan::{Plan, PlannedRewrite};
use crate::rewrite::Keep;
use crate::{Error, ErrorKind, Result};

impl Prepared<'_> {
    /// Carries the plan out, or resumes that. One SSTable that fails does not stop the others; each is
    /// wholly old or wholly new at any moment. Gives the plan back, which explains the report.
    ///
    /// # Errors
    /// What stops the whole run before it begins.
    pub fn run(self, threads: NonZeroUsize, observer: &mut dyn Observer) -> Result<(Plan, Report)> {
        let Self { plan, session: writer, state_dir, unfinished, .. } = self;
        let session = writer.session();
        if plan.has_pending_logs {
            return Err(Error::new(
                ErrorKind::Internal,
                "transaction logs wait to be finished first",
            ));
        }
        let pending = pending_copies(session)?;
        let (history, resumable) = unfinished.unzip();
        let mut resumable = resumable.unwrap_or_default();
        let staged = resumable.directories();
        sweep(writer, &Keep { staged, marker: history.is_some() })?;
        let mut report = Report::foreseen(&plan);
        report.earlier = history.as_ref().map_or_else(Vec::new, |history| history.sessions.clone());
        report.run = history.as_ref().and_then(|history| Some(history.site.as_ref()?.run));
        report.warnings.extend(resumable.dropped.iter().map(|(_, error)| error.clone()));
        let (held, rewrites): (Vec<_>, Vec<_>) =
            plan.rewrites().partition(|rewrite| pending.contains(&rewrite.sstable.staging_path()));
        for PlannedRewrite { sstable, .. } in held {
            let error = unfinished_copies(sstable.staging_path());
            report.add(&sstable.table, &sstable.sstable, Outcome::Failed(error));
        }
        let kept = std::mem::take(&mut resumable.waiting);
        let mut ended = Ended { kept, journal: None, ending: None };
        if rewrites.is_empty() {
            ended.ending = history.is_some().then(|| ending(session, 0, &report)).flatten();
        } else {
            let description = resumable::describe(session, &plan);
            match start(session, &rewrites, &state_dir, history.as_ref(), description) {
                Ok((journal, run)) => {
                    report.run = run.or(report.run);
                    let plan = &plan;
                    let run =
                        Run { session, plan, rewrites: &rewrites, threads, journal: &journal };
                    let (kept, ending) = run.carry_out(resumable, observer, &mut report)?;
                    ended.kept.extend(kept);
                    (ended.journal, ended.ending) = (Some(journal), ending);
                }
                // Without a journal nothing is begun; an earlier run's stays as it is.
                Err(error) => {
                    ended.kept.extend(resumable.directories());
                    for PlannedRewrite { sstable, .. } in &rewrites {
                        let outcome = Outcome::Failed(error.clone());
                        report.add(&sstable.table, &sstable.sstable, outcome);
                    }
                }
            }
        }
        // What became of the SSTables is settled; the next run sweeps what is left here.
        let _later = ended.settle(writer, &state_dir);
        Ok((plan, report))
    }
}

/// The failure of an SSTable whose copies are neither old nor new.
fn unfinished_copies(staging: PathBuf) -> Error {
    Error::new(
        ErrorKind::Io,
        "copies of it in snapshots and backups are partly replaced, which could not be ended",
    )
    .at(staging)
    .hint("see the warning of what could not be ended; the next run, or abandon, tries again")
}

/// Starts the journal of a run, with the id of a new one, or resumes it.
///
/// # Errors
/// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
fn start(
    session: &Session,
    rewrites: &[PlannedRewrite<'_>],
    state_dir: &StateDir,
    history: Option<&History>,
    description: Vec<(String, String)>,
) -> Result<(Journal, Option<RunId>)> {
    let (mut sstables, mut bytes) = (0_u64, 0_u64);
    for PlannedRewrite { facts, .. } in rewrites {
        sstables = sstables.saturating_add(1);
        bytes = bytes.saturating_add(facts.data_bytes);
    }
    let tool = concat!("sstablerekey ", env!("CARGO_PKG_VERSION")).to_owned();
    let now = crate::journal::Attempt { tool, sstables, bytes };
    let storage = session.storage();
    mark(storage, session.data_dirs())?;
    if let Some(history) = history {
        let journal = Journal::resume(storage, state_dir.directory(), history, now)?;
        return Ok((journal, None));
    }
    // One whose beginning was never durable, or that is at rest.
    state_dir.remove_journal(storage)?;
    let site = Site::new(session.data_dirs())?;
    state_dir.create(storage, &site)?;
    let run = site.run;
    let journal = Journal::start(storage, state_dir.directory(), now, site, description)?;
    Ok((journal, Some(run)))
}

/// What a run leaves when it has ended.
#[derive(Debug)]
struct Ended {
    /// Staging directories that the next one can resume.
    kept: BTreeSet<PathBuf>,
    /// None, if it did not come so far as to have one.
    journal: Option<Journal>,
    /// Why it has ended before all was done, if so.
    ending: Option<Ending>,
}

impl Ended {
    /// Closes the journal, and removes it and what is staged, unless there is something to resume.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn settle(self, session: Exclusive<'_>, state_dir: &StateDir) -> Result<()> {
        let Self { kept, journal, ending } = self;
        // What has failed is tried by whoever repeats it; what was left is to be resumed, and by
        // this target.
        let is_unfinished =
            !kept.is_empty() || ending.is_some_and(|ending| ending != Ending::Failures);
        if let (Some(journal), Some(ending), true) = (&journal, ending, is_unfinished) {
            let _for_status = journal.tell(&Record::Ended(ending));
        }
        if !is_unfinished {
            state_dir.remove_journal(session.storage())?;
        }
        sweep(session, &Keep { staged: kept, marker: is_unfinished })
    }
}
