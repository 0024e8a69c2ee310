//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; [`plan`], [`run()`], [`verify`] and
//! [`census`] work under it. Only [`recover`], [`run()`] and [`abandon`] change anything.
//!
//! A run keeps a journal while it lasts. One that was killed is gone on with by the next [`recover`],
//! [`plan`] and [`run()`] for the same target and tables; [`status()`] says how far it is.

mod alter;
mod place;
mod report;
mod resume;
mod run;
mod session;
mod status;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

pub use crate::plan::Archives;
pub use alter::{Alteration, to_alter};
pub use report::{Outcome, Report, SSTableReport};
pub use resume::{check_target, resumed_key};
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
use crate::rewrite::{self, Verify};
use crate::txn::{self, Flavor, LiveSSTable, Recovery};
use crate::{Error, ErrorKind, Result};
use place::Place;
use resume::Left;
use run::{Run, end, start};

/// What a plan is made of.
#[derive(Debug)]
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
/// What is wrong with the journal, and where journals lie that should not.
pub fn unfinished(session: &Session) -> Result<Option<History>> {
    place(session)?.history(session.storage())
}

/// What [`recover`] has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Transaction logs that it has finished or undone.
    pub logs: Vec<Recovery>,
    /// Copies in snapshots and backups, by their Data.db, whose replacement it has finished.
    pub copies: Vec<PathBuf>,
}

/// Brings the selected tables to rest before a plan: finishes or undoes the transaction logs that
/// an interrupted operation left, by their own rules, and removes what a killed run staged, unless
/// its journal says that it can be gone on with. Copies in snapshots and backups that a killed run
/// was about to replace are replaced first, whatever is selected.
///
/// # Errors
/// [`ErrorKind::Internal`] for a session that only reads, and [`ErrorKind::Io`] when a log or a
/// replacement cannot be carried out. A log that cannot be judged is left alone, and its table is
/// refused by the plan. What is wrong with the journal.
pub fn recover(session: &Session, selection: &Selection) -> Result<Recovered> {
    session.require_exclusive()?;
    let history = unfinished(session)?;
    let copies = finish_copies(session)?;
    sweep(session, &history.as_ref().map(resume::staged).unwrap_or_default())?;
    let logs = finish_logs(session, selection, history.as_ref())?;
    Ok(Recovered { logs, copies })
}

fn finish_copies(session: &Session) -> Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    for data_dir in session.data_dirs() {
        copies.extend(rewrite::finish_copies(session.storage(), data_dir)?);
    }
    Ok(copies)
}

/// The staging directories of replacements that were cut off.
fn pending_copies(session: &Session) -> Result<Vec<PathBuf>> {
    let mut pending = Vec::new();
    for data_dir in session.data_dirs() {
        pending.extend(rewrite::pending_copies(session.storage(), data_dir)?);
    }
    Ok(pending)
}

fn partly_replaced(staging: &Path) -> Error {
    Error::new(
        ErrorKind::Interrupted,
        "a run was cut off while it replaced copies in snapshots and backups, one of which may have \
         old files and new ones",
    )
    .at(staging)
    .cure("run upgradesstables again, or abandon the run: either finishes that first")
}

fn finish_logs(
    session: &Session,
    selection: &Selection,
    history: Option<&History>,
) -> Result<Vec<Recovery>> {
    let storage = session.storage();
    let mut done = Vec::new();
    for table in discover(storage, session.data_dirs(), selection)?.tables {
        if table.view.refused.is_empty() {
            if let Some(history) = history {
                resume::take_back(storage, history, &table.paths())?;
            }
            done.extend(txn::recover(storage, &table.paths())?);
        }
    }
    Ok(done)
}

/// What [`abandon`] has done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Abandoned {
    /// What was finished or undone.
    pub recovered: Recovered,
    /// Whether there was a journal.
    pub had_journal: bool,
}

/// Undoes the unfinished part of a run, of all tables: finishes or undoes transaction logs, finishes
/// copies in snapshots and backups that are partly replaced, removes all that is staged, then the
/// journal, also one that cannot be read. SSTables that were swapped in stay as they are.
///
/// # Errors
/// [`ErrorKind::Internal`] for a session that only reads, and [`ErrorKind::Io`].
pub fn abandon(session: &Session) -> Result<Abandoned> {
    session.require_exclusive()?;
    let place = place(session)?;
    let copies = finish_copies(session)?;
    let logs = finish_logs(session, &Selection::default(), None)?;
    sweep(session, &BTreeSet::new())?;
    let had_journal = place.remove_journal(session.storage())?;
    sweep(session, &BTreeSet::new())?;
    Ok(Abandoned { recovered: Recovered { logs, copies }, had_journal })
}

fn place(session: &Session) -> Result<Place> {
    Place::find(session.storage(), session.data_dirs(), session.state_dir())
}

fn sweep(session: &Session, keep: &BTreeSet<PathBuf>) -> Result<()> {
    session
        .data_dirs()
        .iter()
        .try_for_each(|data_dir| rewrite::sweep(session.storage(), data_dir, keep))
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
    if let Some(staging) = pending_copies(session)?.first() {
        return Err(partly_replaced(staging));
    }
    let place = place(session)?;
    let history = place.history(session.storage())?;
    let description = resume::describe(session, plan);
    let left = match &history {
        None => Left::default(),
        Some(history) => {
            resume::check_plan(history, &description, &place.journal())?;
            resume::open(history, plan)?
        }
    };
    let mut report = Report::default();
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
    let mut kept = left.waiting;
    if plan.rewrites().next().is_some() {
        match start(session, plan, &place, history.as_ref(), description) {
            Ok(journal) => {
                let run = Run { session, plan, threads, journal: &journal };
                kept.extend(run.carry_out(left.resumed, observer, &mut report)?);
            }
            // Without a journal nothing is begun; an earlier run's stays as it is.
            Err(error) => {
                kept.extend(left.resumed.values().map(|resumed| resumed.directory().to_owned()));
                for (planned, _, _) in plan.rewrites() {
                    let outcome = Outcome::Failed(error.clone());
                    report.add(&planned.table, &planned.sstable, outcome);
                }
            }
        }
    }
    // What became of the SSTables is settled; the next run sweeps what is left here.
    let _later = end(session, &place, &kept);
    Ok(report)
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
