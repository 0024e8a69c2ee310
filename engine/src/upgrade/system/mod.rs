//! The files beside the tables: planned, re-encrypted, verified.
//!
//! No journal is needed for them. Each is replaced by one rename, and its hard links after it;
//! what a process that died has left says by itself what is to be done with it, and a file that is done
//! is one under its target.

mod run;
mod work;

use std::path::Path;

pub use run::verify_system;

use super::request::SystemRequest;
use super::session::Session;
use super::targets::{TargetRequest, system_targets};
use crate::journal::History;
use crate::keys::KeySources;
use crate::plan::{
    FoundFile, PlannedSystemFile, SystemAction, SystemPlan, SystemRules, Targets, decide, fetch,
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
    plan_with(found, settled, targets.sources, request).map(Some)
}

/// The same before a run: ends what an earlier one has left, and makes the key, if it is to be made.
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
    let found = request.find(session)?;
    let mut settled = system_targets(session, unfinished, targets, request, &found)?;
    if settled.may_be_made()
        && let Some(owner) = session.data_dirs().first()
    {
        settled.make_keys(targets.sources, owner)?;
    }
    super::rotations::record(session, &settled)?;
    plan_with(found, settled, targets.sources, request).map(Some)
}

fn plan_with(
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
    for file in &mut files {
        if let Err(error) = work::check(file, &keys, &mut scratch) {
            file.action = SystemAction::Refuse(error);
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
