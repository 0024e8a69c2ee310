//! The plan for the files beside the tables is carried out; and their verification.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::work::{opener, work};
use crate::crypto::IvSource;
use crate::event::{Event, Observer};
use crate::io::{Access, Storage};
use crate::keys::KeySources;
use crate::pipeline::{self, Limits, Step};
use crate::plan::{
    Encrypts, PlannedSystemFile, SkipReason, SystemAction, SystemPlan, SystemRules, Targets,
    decide, fetch,
};
use crate::rewrite::{SystemTask, SystemWork};
use crate::system::SystemFileName;
use crate::upgrade::mark::mark;
use crate::upgrade::report::{Outcome, Report};
use crate::upgrade::request::SystemRequest;
use crate::upgrade::session::Session;
use crate::upgrade::watch::watch_file;
use crate::{Error, Result};

impl SystemPlan {
    /// Carries the plan out: each file is wholly old or wholly new at any moment. One that fails does not
    /// stop the others.
    ///
    /// # Errors
    /// What stops the whole run before it begins.
    pub fn run(
        &self,
        session: &Session,
        threads: NonZeroUsize,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let storage = session.exclusive()?.storage();
        let mut report = self.foreseen();
        let mut ivs = IvSource::from_os()?;
        let (mut tasks, mut files) = (Vec::new(), Vec::new());
        for file in &self.files {
            match work(file, &self.ring, &mut ivs) {
                Ok(None) => {}
                Ok(Some(work)) => {
                    tasks.push(task(storage, file, work));
                    files.push(file);
                }
                Err(error) => report.add_file(kind(&file.name), file, Outcome::Failed(error)),
            }
        }
        let is_replaced =
            |file: &PlannedSystemFile| matches!(file.action, SystemAction::Rewrite(_));
        if self.files.iter().any(is_replaced) {
            mark(storage, session.data_dirs())?;
        }
        carry_out(session, threads, observer, &tasks, &files, &mut report);
        report.sort();
        Ok(report)
    }

    /// What is settled before it is carried out: all that is not changed.
    #[must_use]
    pub fn foreseen(&self) -> Report {
        let mut report = Report::default();
        report.warnings.extend(self.warnings.iter().cloned());
        for file in &self.files {
            let outcome = match &file.action {
                SystemAction::Skip(reason) => Outcome::Skipped(*reason),
                SystemAction::Refuse(error) => Outcome::Failed(error.clone()),
                _ => continue,
            };
            report.add_file(kind(&file.name), file, outcome);
        }
        report
    }
}

/// Opens every chunk and block of the files beside the tables, and changes nothing. Those in clear have
/// nothing to open.
///
/// # Errors
/// What concerns all of them.
pub fn verify_system(
    session: &Session,
    request: &SystemRequest<'_>,
    sources: &KeySources,
    threads: NonZeroUsize,
    observer: &mut dyn Observer,
) -> Result<Report> {
    let targets = Targets::by_table(0);
    // Nothing is decided but what can be read.
    let rules = SystemRules { targets: &targets, keystore: None, encrypts: Encrypts::default() };
    let mut files: Vec<PlannedSystemFile> = Vec::new();
    let mut report = Report::default();
    for found in request.find(session)? {
        if found.name == SystemFileName::SavedCache {
            continue;
        }
        let damage = match &found.looked {
            Err(error) => Some(error.clone()),
            Ok(facts) => facts.damage.clone(),
        };
        let file = decide(found, rules);
        match damage {
            Some(error) => report.add_file(kind(&file.name), &file, Outcome::Failed(error)),
            None => files.push(file),
        }
    }
    let keys = fetch(sources, &files, &targets);
    sources.disconnect();
    let (mut tasks, mut under_way) = (Vec::new(), Vec::new());
    for file in &files {
        let Some(facts) = &file.facts else { continue };
        let failure = facts.keys.keys().find_map(|key| keys.failures.get(key));
        match failure.map_or_else(|| opener(facts, &keys.ring), |error| Err(error.clone())) {
            Ok(None) => {
                report.add_file(kind(&file.name), file, Outcome::Skipped(SkipReason::NotEncrypted));
            }
            Ok(Some(opener)) => {
                tasks.push(task(session.storage(), file, SystemWork::Verify(opener)));
                under_way.push(file);
            }
            Err(error) => {
                let error = place(error, file);
                report.add_file(kind(&file.name), file, Outcome::Failed(error));
            }
        }
    }
    carry_out(session, threads, observer, &tasks, &under_way, &mut report);
    report.sort();
    Ok(report)
}

fn task<'a>(
    storage: &'a dyn Storage,
    file: &'a PlannedSystemFile,
    work: SystemWork,
) -> SystemTask<'a> {
    let of = |path: &PathBuf| storage.file_system(path.parent()?).ok();
    SystemTask {
        // Where that cannot be told, all share one.
        file_system: file.paths.first().and_then(of).unwrap_or_default(),
        storage,
        access: Access::Positional,
        paths: &file.paths,
        name: &file.name,
        bytes: file.bytes,
        work,
        units: AtomicU64::new(0),
    }
}

fn carry_out(
    session: &Session,
    threads: NonZeroUsize,
    observer: &mut dyn Observer,
    tasks: &[SystemTask<'_>],
    files: &[&PlannedSystemFile],
    report: &mut Report,
) {
    if tasks.is_empty() {
        return;
    }
    let bytes = tasks.iter().map(|task| task.bytes).sum();
    observer.event(&Event::Started { sstables: tasks.len(), bytes });
    pipeline::run(tasks, Limits { threads }, session.control(), |index, step: Step<'_, ()>| {
        let (Some(file), Some(task)) = (files.get(index), tasks.get(index)) else { return };
        let kind = kind(&file.name);
        let Some(path) = file.paths.first() else { return };
        if let Some(result) = watch_file(observer, kind, path, step) {
            let units = task.units.load(Ordering::Relaxed);
            let outcome = match (result, &task.work) {
                (Err(error), _) => Outcome::Failed(place(error, file)),
                (Ok(()), SystemWork::Verify(_)) => Outcome::Verified { chunks: units },
                (Ok(()), SystemWork::Replace(..)) => Outcome::Replaced,
                (Ok(()), SystemWork::Delete) => Outcome::Deleted,
            };
            report.add_file(kind, file, outcome);
            report.tell(observer, file.bytes);
        }
    });
}

fn place(error: Error, file: &PlannedSystemFile) -> Error {
    match file.paths.first() {
        Some(path) => error.at(path),
        None => error,
    }
}

/// What stands in place of a table.
const fn kind(name: &SystemFileName) -> &'static str {
    match name {
        SystemFileName::CommitLog(_) | SystemFileName::CommitLogIndex(_) => "commitlog",
        SystemFileName::Hints(_) | SystemFileName::HintsChecksum(_) => "hints",
        SystemFileName::SavedCache => "saved_caches",
    }
}
