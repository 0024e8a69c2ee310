//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; [`plan`], [`run()`], [`verify`] and
//! [`census`] work under it. Only [`prepare()`] (and [`recover`], which is a part of it), [`run()`] and
//! [`abandon`] change anything.
//!
//! A run keeps a journal while it lasts. One that was killed is gone on with by the next [`prepare()`]
//! and [`run()`] for the same target and tables; [`status()`] says how far it is.

mod alter;
mod look;
mod place;
mod prepare;
mod report;
mod rest;
mod resume;
mod rotation;
mod run;
mod session;
mod status;
mod whose;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use crate::plan::{Archives, check_data_dirs};
pub use alter::{Alteration, to_alter};
pub use look::{census, verify, without_sstables};
pub use prepare::{Prepared, prepare};
pub use report::{Outcome, Report, SSTableReport};
pub use rest::{Abandoned, Recovered, abandon, recover};
pub use resume::resumed_key;
pub use rotation::{record as record_rotation, recorded_key, usage};
pub use session::{Said, Session, canonical};
pub use status::{SSTableStatus, Status, Totals, status};

use crate::event::{Event, Observer};
use crate::journal::History;
use crate::keys::KeySources;
use crate::pipeline::{Limits, Step, Workers};
use crate::plan::{Facts, Finding, Plan, Planner, Selection, Severity, Target};
use crate::rewrite::Keep;
use crate::txn::Flavor;
use crate::{Error, ErrorKind, Result};
use place::Place;
use rest::{partly_replaced, pending_copies, sweep};
use run::{Ended, Run, start};

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The tables.
    pub selection: &'a Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// What every SSTable is to become.
    pub target: &'a Target,
    /// The product, if the operator says it.
    pub flavor: Option<Flavor>,
    /// Where keys come from.
    pub sources: &'a KeySources,
    /// Worker threads of the planning, and of the run to come.
    pub threads: NonZeroUsize,
}

/// Looks at everything and decides; changes nothing.
///
/// # Errors
/// What concerns the whole selection: a name that is nowhere, a directory that cannot be read.
pub fn plan(session: &Session, request: &PlanRequest<'_>) -> Result<Plan> {
    let planner = Planner {
        storage: session.storage(),
        lease: session.lease(),
        data_dirs: session.data_dirs(),
        selection: request.selection,
        archives: request.archives,
        target: request.target,
        flavor: request.flavor,
        sources: request.sources,
        mapped: session.is_mapped(),
        open_tasks: Limits { threads: request.threads }.open_tasks(),
        state_dir: session.state_dir(),
    };
    let mut plan = Workers::start(request.threads).install(|| planner.plan())?;
    for staging in pending_copies(session)? {
        let (severity, sstables) = (Severity::Warning, vec![]);
        plan.findings.push(Finding { severity, error: partly_replaced(&staging), sstables });
    }
    plan.findings.extend(of_place(session));
    Ok(plan)
}

/// What is to be known of the data directories themselves. A run that writes is refused where not
/// every process can be seen, so a plan says it. One that may be the node is for a node to end: a
/// plan may be made beside it.
fn of_place(session: &Session) -> Vec<Finding> {
    let finding = |severity, error| Finding { severity, error, sstables: vec![] };
    let directory =
        session.data_dirs().first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
    let doubts = session.doubts().iter().cloned().map(|e| finding(Severity::Warning, e));
    let unseen = session.lease().unseen().iter().map(|unseen| {
        let severity = match unseen.pid {
            Some(_) => Severity::Warning,
            None => Severity::Blocker,
        };
        finding(severity, unseen.error(directory))
    });
    doubts.chain(unseen).collect()
}

/// What the journal says of a run that was not finished; `None` when there is none.
///
/// # Errors
/// What is wrong with the journal, and where journals lie that should not; [`ErrorKind::Invalid`] for
/// one of other data directories.
pub fn unfinished(session: &Session) -> Result<Option<History>> {
    place(session)?.history(session.storage())
}

fn place(session: &Session) -> Result<Place> {
    Place::find(session.storage(), session.data_dirs(), session.state_dir())
}

/// Carries a plan out, or goes on with carrying it out. One SSTable that fails does not stop the
/// others; each is wholly old or wholly new at any moment.
///
/// # Errors
/// What stops the whole run before it begins: a blocker of the plan, logs that [`recover`] has
/// not seen to, a session that only reads, or an unfinished run with another plan.
pub fn run(
    session: &Session,
    plan: &Plan,
    threads: NonZeroUsize,
    observer: &mut dyn Observer,
) -> Result<Report> {
    session.require_exclusive()?;
    if let Some(finding) = plan.blocker() {
        return Err(finding.error.clone());
    }
    if plan.has_pending_logs {
        return Err(Error::new(ErrorKind::Internal, "transaction logs wait to be finished first"));
    }
    let pending = pending_copies(session)?;
    let place = place(session)?;
    let history = place.history(session.storage())?;
    let left = match &history {
        Some(history) => resume::left(session, plan, history, &place.journal())?,
        None => None,
    };
    // One that is at rest, and of another plan, is over with this run.
    let history = history.filter(|_| left.is_some());
    let mut left = left.unwrap_or_default();
    let resumed = left.resumed.values().map(|resumed| resumed.directory().to_owned());
    let staged = left.waiting.iter().cloned().chain(resumed).collect();
    sweep(session, &Keep { staged, marker: history.is_some() })?;
    let mut report = Report::foreseen(plan);
    report.warnings.extend(left.dropped.iter().map(|(_, error)| error.clone()));
    let (held, rewrites): (Vec<_>, Vec<_>) =
        plan.rewrites().partition(|(planned, ..)| pending.contains(&planned.staging_path()));
    for (planned, ..) in held {
        let error = unfinished_copies(planned.staging_path());
        report.add(&planned.table, &planned.sstable, Outcome::Failed(error));
    }
    let mut ended = Ended { kept: std::mem::take(&mut left.waiting), journal: None, ending: None };
    if rewrites.is_empty() {
        ended.ending = history.is_some().then(|| run::ending(session, 0, &report)).flatten();
    } else {
        match start(session, &rewrites, &place, history.as_ref(), resume::describe(session, plan)) {
            Ok(journal) => {
                let run = Run { session, plan, rewrites: &rewrites, threads, journal: &journal };
                let (kept, ending) = run.carry_out(left, observer, &mut report)?;
                ended.kept.extend(kept);
                (ended.journal, ended.ending) = (Some(journal), ending);
            }
            // Without a journal nothing is begun; an earlier run's stays as it is.
            Err(error) => {
                let resumed = left.resumed.values().map(|resumed| resumed.directory().to_owned());
                ended.kept.extend(resumed);
                for (planned, _, _) in &rewrites {
                    let outcome = Outcome::Failed(error.clone());
                    report.add(&planned.table, &planned.sstable, outcome);
                }
            }
        }
    }
    // What became of the SSTables is settled; the next run sweeps what is left here.
    let _later = ended.settle(session, &place);
    Ok(report)
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

/// The outcome of an SSTable that the run did not get to.
fn left() -> Error {
    Error::new(ErrorKind::Interrupted, "it was not begun before the run ended")
        .hint("run the same command again: it does what is left")
}

/// Tells an observer what a step means, and hands on the end of a task, which the report tells of.
fn watch<S>(
    observer: &mut dyn Observer,
    table: &str,
    facts: &Facts,
    step: Step<'_, S>,
) -> Option<Result<()>> {
    match step {
        Step::Began => {
            observer.event(&Event::SSTableBegan { table, data: &facts.data_path() });
            None
        }
        Step::Advanced { bytes, .. } => {
            observer.event(&Event::Advanced { bytes });
            None
        }
        Step::Left => Some(Err(left())),
        Step::Ended(result) => Some(result),
    }
}
