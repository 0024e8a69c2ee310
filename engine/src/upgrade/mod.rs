//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; [`plan`], [`run()`], [`verify`] and
//! [`census`] work under it. Only [`prepare`] (and [`recover`], which is a part of it), [`run()`] and
//! [`abandon`] change anything.
//!
//! A run keeps a journal while it lasts. One that was killed is gone on with by the next [`prepare`]
//! and [`run()`] for the same target and tables; [`status()`] says how far it is.

mod alter;
mod place;
mod prepare;
mod report;
mod rest;
mod resume;
mod run;
mod session;
mod status;
mod whose;

use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::prelude::*;

pub use crate::plan::Archives;
pub use alter::{Alteration, to_alter};
pub use prepare::{Prepared, prepare};
pub use report::{Outcome, Report, SSTableReport};
pub use rest::{Abandoned, Recovered, abandon, recover};
pub use resume::resumed_key;
pub use session::{Session, canonical};
pub use status::{SSTableStatus, Status, Totals, status};

use crate::event::{Event, Observer};
use crate::journal::History;
use crate::keys::KeySources;
use crate::pipeline::{self, Limits, Step, Workers};
use crate::plan::{
    Action, Facts, Finding, Inspector, KeyCensus, Plan, Planner, ResolvedKeys, Selection, Severity,
    Shape, Target, discover,
};
use crate::rewrite::{Keep, Verify};
use crate::txn::{Flavor, LiveSSTable};
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
    Ok(plan)
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
    let mut report = Report::default();
    for (table, error) in &plan.unreadable {
        report.add_unreadable(table, error);
    }
    for planned in &plan.sstables {
        let outcome = match &planned.action {
            Action::Rewrite { .. } if pending.contains(&planned.staging_path()) => {
                Outcome::Failed(unfinished_copies(planned.staging_path()))
            }
            // As it ends.
            Action::Rewrite { .. } => continue,
            Action::Skip(reason) => Outcome::Skipped(*reason),
            Action::Refuse(error) => Outcome::Failed(error.clone()),
        };
        report.add(&planned.table, &planned.sstable, outcome);
    }
    report.warnings.extend(left.dropped.iter().map(|(_, error)| error.clone()));
    let rewrites: Vec<_> = plan
        .rewrites()
        .filter(|(planned, _, _)| !pending.contains(&planned.staging_path()))
        .collect();
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
fn unfinished_copies(staging: std::path::PathBuf) -> Error {
    Error::new(
        ErrorKind::Io,
        "copies of it in snapshots and backups are partly replaced, which could not be ended",
    )
    .at(staging)
    .cure("see the warning of what could not be ended; the next run, or abandon, tries again")
}

/// Decrypts every chunk of the selected SSTables and checks all that can be checked.
///
/// # Errors
/// What concerns the whole selection.
pub fn verify(
    session: &Session,
    selection: &Selection,
    sources: &KeySources,
    threads: NonZeroUsize,
    observer: &mut dyn Observer,
) -> Result<Report> {
    let mut report = Report::default();
    let mut facts = Vec::new();
    let found = discover(session.storage(), session.data_dirs(), selection)?;
    for (table, error) in &found.unreadable {
        report.add_unreadable(table, error);
    }
    let live = found.tables.iter().flat_map(|table| {
        table.view.live.iter().map(|sstable| (table.name(), Arc::clone(sstable)))
    });
    for (table, sstable, inspected) in inspect_all(session, live.collect(), threads)? {
        match inspected {
            Err(error) => report.add(&table, &sstable, Outcome::Failed(error)),
            Ok(found) => match &found.shape {
                Shape::Foreign { why, .. } => {
                    report.add(&table, &sstable, Outcome::Failed(why.clone()));
                }
                _ => facts.push((table, found)),
            },
        }
    }
    let keys = ResolvedKeys::fetch(sources, facts.iter().map(|(_, facts)| facts), None);
    let mut tasks = Vec::new();
    let mut under_way = Vec::new();
    for (table, found) in &facts {
        if let Some(error) = keys.missing_for(found) {
            report.add(table, &found.sstable, Outcome::Failed(error.clone()));
            continue;
        }
        let (storage, lease) = (session.storage(), session.lease());
        tasks.push(Verify::new(storage, lease, session.is_mapped(), found, &keys.ring));
        under_way.push((table, found));
    }
    let bytes = under_way.iter().map(|(_, facts)| facts.data_bytes).sum();
    observer.event(&Event::Started { sstables: tasks.len(), bytes });
    pipeline::run(&tasks, Limits { threads }, session.control(), |index, step| {
        let Some((table, facts)) = under_way.get(index) else { return };
        if let Some(result) = watch(observer, table, facts, step) {
            let outcome = result.map_or_else(Outcome::Failed, |()| Outcome::Verified {
                chunks: facts.header.as_ref().map_or(0, |header| header.chunk_count),
            });
            report.add(table, &facts.sstable, outcome);
            report.warn(tasks.get(index).map(Verify::warnings));
            report.tell(observer, facts.data_bytes);
        }
    });
    report.sort();
    Ok(report)
}

/// Counts which keys encrypt what, without any key.
///
/// # Errors
/// What concerns the whole selection; an SSTable that cannot be read is listed as unknown.
pub fn census(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    threads: NonZeroUsize,
) -> Result<KeyCensus> {
    let mut census = KeyCensus::default();
    let found = discover(session.storage(), session.data_dirs(), selection)?;
    for (_, error) in found.unreadable {
        census.add_unknown(error);
    }
    for error in found.strangers {
        census.add_unknown(error);
    }
    for staging in pending_copies(session)? {
        census.add_unknown(partly_replaced(&staging));
    }
    // One that a log condemns counts, too: its bytes are there until the log is finished.
    let mut all: Vec<(String, Arc<LiveSSTable>)> = found
        .tables
        .iter()
        .flat_map(|table| {
            let sstables = table.view.live.iter().chain(&table.view.condemned);
            sstables.map(|sstable| (table.name(), Arc::clone(sstable)))
        })
        .collect();
    for archive in found.archives {
        if !archives.take(archive.kind) {
            census.archives.push(archive.path);
            continue;
        }
        census.counted_archives = census.counted_archives.saturating_add(1);
        match archive.view(session.storage()) {
            Err(error) => census.add_unknown(error),
            Ok(view) => {
                let name = archive.table.to_string();
                let sstables = view.live.into_iter().chain(view.condemned);
                all.extend(sstables.map(|sstable| (name.clone(), sstable)));
                let stranger = |path| {
                    Error::unsupported("a file that looks like the data of an unknown SSTable")
                        .at(path)
                };
                view.unknown.into_iter().map(stranger).for_each(|e| census.add_unknown(e));
            }
        }
    }
    for (table, _, facts) in inspect_all(session, all, threads)? {
        match facts {
            Ok(facts) => census.add(&table, &facts),
            Err(error) => census.add_unknown(error),
        }
    }
    Ok(census)
}

type Inspected = (String, Arc<LiveSSTable>, Result<Facts>);

fn inspect_all(
    session: &Session,
    sstables: Vec<(String, Arc<LiveSSTable>)>,
    threads: NonZeroUsize,
) -> Result<Vec<Inspected>> {
    let inspector = Inspector::new(session.storage(), session.lease(), session.is_mapped());
    Ok(Workers::start(threads).install(|| {
        sstables
            .into_par_iter()
            .map(|(table, sstable)| {
                let facts = inspector.inspect(Arc::clone(&sstable));
                (table, sstable, facts)
            })
            .collect()
    }))
}

/// The outcome of an SSTable that the run did not get to.
fn left() -> Error {
    Error::new(ErrorKind::Interrupted, "it was not begun before the run ended")
        .cure("run the same command again: it goes on with what is left")
}

/// Tells an observer what a step means, and hands on the end of a task, which the report tells of.
fn watch(
    observer: &mut dyn Observer,
    table: &str,
    facts: &Facts,
    step: Step,
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
