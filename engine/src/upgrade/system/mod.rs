//! The files beside the tables: planned, re-encrypted, verified.
//!
//! No journal is needed for them. Each is replaced by one rename, and its hard links after it;
//! what a process that died has left says by itself what is to be done with it, and a file that is done
//! is one under its target.

mod run;
mod work;

use std::path::{Path, PathBuf};

pub use run::verify_system;

use super::request::SystemRequest;
use super::session::Session;
use super::targets::{TargetRequest, system_targets};
use crate::journal::History;
use crate::keys::KeySources;
use crate::plan::{
    BesidePreflight, FoundFile, PlannedSystemFile, SystemAction, SystemPlan, SystemRules, Targets,
    decide, fetch, with_folders,
};
use crate::rewrite::{Scratch, finish_system};
use crate::{Error, Result};

/// Looks at the files beside the tables and decides; changes nothing: none, if none are selected. A key
/// that is to be made is made by [`prepare_system`].
///
/// # Errors
/// What concerns all of them: a directory that cannot be read, a key that is asked for and can be of no
/// file.
pub fn plan_system(
    session: &Session,
    unfinished: Option<&History>,
    targets: &TargetRequest<'_>,
) -> Result<Option<SystemPlan>> {
    let Some(request) = &targets.beside else { return Ok(None) };
    let found = request.find(session)?;
    let settled = system_targets(session, unfinished, targets, request, &found)?;
    plan_with(session, found, settled, targets.sources, request).map(Some)
}

/// The same before a run: ends what an earlier one has left, and makes the key, if it is to be made and
/// something is written with it.
///
/// # Errors
/// As [`plan_system`]; and what the place of keys refuses.
pub fn prepare_system(
    session: &Session,
    unfinished: Option<&History>,
    targets: &TargetRequest<'_>,
) -> Result<Option<SystemPlan>> {
    let Some(request) = &targets.beside else { return Ok(None) };
    finish_system(session.exclusive()?.storage(), &request.folders(session)?)?;
    let find = || request.find(session);
    let found = find()?;
    let mut settled = system_targets(session, unfinished, targets, request, &found)?;
    let plan_to = |targets_now: Targets, found| {
        plan_with(session, found, targets_now, targets.sources, request)
    };
    if settled.may_be_made()
        && let Some(owner) = session.data_dirs().first()
    {
        let plan = plan_to(settled.clone(), found)?;
        let is_rewritten =
            |file: &PlannedSystemFile| matches!(file.action, SystemAction::Rewrite(_));
        if !plan.files.iter().any(is_rewritten) {
            return Ok(Some(plan));
        }
        settled.make_keys(targets.sources, owner)?;
        super::rotations::record(session, &settled)?;
        return plan_to(settled, find()?).map(Some);
    }
    super::rotations::record(session, &settled)?;
    plan_to(settled, found).map(Some)
}

/// Ends what a run has left in some directories beside the tables: a new file that is in its place under
/// one of its names takes the others, too; everything else is removed.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] for a session that only reads, and [`crate::ErrorKind::Io`].
pub fn abandon_beside(session: &Session, directories: &[PathBuf]) -> Result<()> {
    let storage = session.exclusive()?.storage();
    finish_system(storage, &with_folders(storage, directories)?).map(drop)
}

fn plan_with(
    session: &Session,
    found: Vec<FoundFile>,
    targets: Targets,
    sources: &KeySources,
    request: &SystemRequest<'_>,
) -> Result<SystemPlan> {
    let encrypts = request.encrypts();
    let rules = SystemRules { targets: &targets, keystore: request.keystore, encrypts };
    let mut warnings = Vec::new();
    let mut files: Vec<PlannedSystemFile> = found
        .into_iter()
        .map(|found| {
            let elsewhere = found.elsewhere;
            let planned = decide(found, rules);
            if elsewhere > 0 && matches!(planned.action, SystemAction::Rewrite(_)) {
                warnings.extend(planned.paths.first().map(|path| other_names(path, elsewhere)));
            }
            planned
        })
        .collect();
    let keys = fetch(sources, &files, &targets);
    sources.disconnect();
    let mut scratch = Scratch::new()?;
    let mut preflight = BesidePreflight::new(session.storage(), &sources.local);
    for file in &mut files {
        let checked = work::check(file, &keys, &mut scratch).and_then(|()| preflight.check(file));
        match checked {
            Ok(warning) => warnings.extend(warning),
            Err(error) => file.action = SystemAction::Refuse(error),
        }
    }
    Ok(SystemPlan { files, targets, warnings, ring: keys.ring })
}

fn other_names(path: &Path, names: u64) -> Error {
    let names = if names == 1 { "1 more name".to_owned() } else { format!("{names} more names") };
    Error::invalid(format!(
        "the file has {names}, in no directory that is searched: there it stays under the old key"
    ))
    .at(path)
    .hint("an archive command may have linked it: name that directory, too (--commitlog-dir)")
}
