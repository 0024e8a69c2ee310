//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; [`plan`], [`run`], [`verify`] and
//! [`census`] work under it. Only [`recover`] and [`run`] change anything.

mod report;
mod session;

use std::num::NonZeroUsize;

use rayon::prelude::*;

pub use report::{Outcome, Report, SSTableReport};
pub use session::Session;

use crate::event::{Event, Observer};
use crate::keys::KeySources;
use crate::pipeline::{self, Control, Limits, Step};
use crate::plan::{
    Action, ArchiveKind, Facts, Inspector, KeyCensus, Plan, Planner, ResolvedKeys, Selection,
    Shape, Target, discover,
};
use crate::rewrite::{self, Rewrite, RewriteJob, Verify};
use crate::txn::{self, Flavor, LiveSSTable, Recovery};
use crate::{Error, ErrorKind, Result};

/// What a plan is made of.
#[derive(Debug)]
pub struct PlanRequest<'a> {
    /// The tables.
    pub selection: &'a Selection,
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
        target: request.target,
        flavor: request.flavor,
        sources: request.sources,
        mapped: session.is_mapped(),
        open_tasks: Limits { threads: request.threads }.open_tasks(),
    };
    pipeline::workers(request.threads)?.install(|| planner.plan())
}

/// Brings the selected tables to rest before a plan: finishes or undoes the transaction logs that
/// an interrupted operation left, by their own rules, and removes what a killed run staged.
///
/// # Errors
/// [`ErrorKind::Internal`] for a session that only reads, and [`ErrorKind::Io`] when a log cannot
/// be carried out. A log that cannot be judged is left alone, and its table is refused by the
/// plan.
pub fn recover(session: &Session, selection: &Selection) -> Result<Vec<Recovery>> {
    session.require_exclusive()?;
    let mut done = Vec::new();
    for data_dir in session.data_dirs() {
        rewrite::sweep(session.storage(), data_dir)?;
    }
    for table in discover(session.storage(), session.data_dirs(), selection)?.tables {
        if table.view.refused.is_empty() {
            done.extend(txn::recover(session.storage(), &table.paths())?);
        }
    }
    Ok(done)
}

/// Carries a plan out. One SSTable that fails does not stop the others; each is wholly old or
/// wholly new at any moment.
///
/// # Errors
/// What stops the whole run before it begins: a blocker of the plan, logs that [`recover`] has
/// not seen to, or a session that only reads.
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
    let mut report = Report::default();
    for (table, error) in &plan.unreadable {
        report.add_unreadable(table, error);
    }
    for planned in &plan.sstables {
        let outcome = match &planned.action {
            Action::Rewrite { .. } => continue,
            Action::Skip(reason) => Outcome::Skipped(*reason),
            Action::Refuse(error) => Outcome::Failed(error.clone()),
        };
        report.add(&planned.table, &planned.sstable, outcome);
    }
    let rewrites: Vec<_> = plan.rewrites().collect();
    if rewrites.is_empty() {
        return Ok(report);
    }
    let job = RewriteJob {
        storage: session.storage(),
        inspector: Inspector::new(session.storage(), session.lease(), session.is_mapped()),
        target: &plan.target,
        ring: &plan.ring,
        flavor: plan.flavor.ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the plan does not know whose logs to write")
        })?,
    };
    let tasks = rewrites
        .iter()
        .map(|(planned, facts, new)| Rewrite::new(job, planned, facts, new))
        .collect::<Result<Vec<_>>>()?;
    // Every byte is read twice: once from the old file, once from the new.
    let bytes = rewrites.iter().map(|(_, facts, _)| facts.data_bytes.saturating_mul(2)).sum();
    observer.event(&Event::Started { sstables: tasks.len(), bytes });
    pipeline::run(&tasks, Limits { threads }, &Control::default(), |index, step| {
        let Some((planned, facts, new)) = rewrites.get(index) else { return };
        let outcome = watch(observer, &planned.table, facts, Some(new), step);
        if let Some(result) = outcome {
            let outcome = match result {
                Ok(()) => Outcome::Rewritten { new: (*new).clone() },
                Err(error) => Outcome::Failed(error),
            };
            report.add(&planned.table, &planned.sstable, outcome);
            report.warn(tasks.get(index).map(Rewrite::warnings));
        }
    })?;
    for data_dir in session.data_dirs() {
        // What became of the SSTables is settled; the next run sweeps what is left here.
        let _swept_later = rewrite::sweep(session.storage(), data_dir);
    }
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
    let live = found
        .tables
        .iter()
        .flat_map(|table| table.view.live.iter().map(|sstable| (table.name(), sstable.clone())));
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
    pipeline::run(&tasks, Limits { threads }, &Control::default(), |index, step| {
        let Some((table, facts)) = under_way.get(index) else { return };
        if let Some(result) = watch(observer, table, facts, None, step) {
            let outcome = result.map_or_else(Outcome::Failed, |()| Outcome::Verified {
                chunks: facts.header.as_ref().map_or(0, |header| header.chunk_count),
            });
            report.add(table, &facts.sstable, outcome);
            report.warn(tasks.get(index).map(Verify::warnings));
        }
    })?;
    report.sort();
    Ok(report)
}

/// Which archives a census counts beside what a node would load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Archives {
    /// Snapshots.
    pub snapshots: bool,
    /// Incremental backups.
    pub backups: bool,
}

impl Archives {
    /// All of them.
    pub const ALL: Self = Self { snapshots: true, backups: true };

    const fn take(self, kind: ArchiveKind) -> bool {
        match kind {
            ArchiveKind::Snapshot => self.snapshots,
            ArchiveKind::Backup => self.backups,
        }
    }
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
    // One that a log condemns counts, too: its bytes are there until the log is finished.
    let mut all: Vec<(String, LiveSSTable)> = found
        .tables
        .iter()
        .flat_map(|table| {
            let sstables = table.view.live.iter().chain(&table.view.condemned);
            sstables.map(|sstable| (table.name(), sstable.clone()))
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

type Inspected = (String, LiveSSTable, Result<Facts>);

fn inspect_all(
    session: &Session,
    sstables: Vec<(String, LiveSSTable)>,
    threads: NonZeroUsize,
) -> Result<Vec<Inspected>> {
    let inspector = Inspector::new(session.storage(), session.lease(), session.is_mapped());
    Ok(pipeline::workers(threads)?.install(|| {
        sstables
            .into_par_iter()
            .map(|(table, sstable)| {
                let facts = inspector.inspect(sstable.clone());
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

/// Tells an observer what a step means, and hands on the end of a task.
fn watch(
    observer: &mut dyn Observer,
    table: &str,
    facts: &Facts,
    new: Option<&crate::sstable::Descriptor>,
    step: Step,
) -> Option<Result<()>> {
    let data = facts.data_path();
    match step {
        Step::Began => observer.event(&Event::SSTableBegan { table, data: &data }),
        Step::Left => return Some(Err(left())),
        Step::Advanced { bytes, .. } => observer.event(&Event::Advanced { bytes }),
        Step::Ended(result) => {
            let new = new.filter(|_| result.is_ok()).map(ToString::to_string);
            observer.event(&Event::SSTableEnded {
                table,
                data: &data,
                bytes: facts.data_bytes,
                new: new.as_deref(),
                error: result.as_ref().err(),
            });
            return Some(result);
        }
    }
    None
}
