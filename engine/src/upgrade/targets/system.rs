//! What segments and hints are to become: their class stays, and its options are those that the node
//! writes with.

use std::sync::Arc;

use super::aims::changed;
use super::named::check_key_id;
use super::settle::Settler;
use super::{TargetOptions, TargetRequest, check_params};
use crate::journal::History;
use crate::options::{CompressionParams, OptionMap};
use crate::plan::{Aim, FoundFile, Targets};
use crate::system::SystemFileName;
use crate::upgrade::request::SystemRequest;
use crate::upgrade::session::Session;
use crate::{Error, Result};

/// Settles the targets of these files: for options that they have, in [`Targets::aim_of_own`].
///
/// # Errors
/// What concerns all of them: a key id that can be of no file.
pub(in crate::upgrade) fn system_targets(
    session: &Session,
    unfinished: Option<&History>,
    request: &TargetRequest<'_>,
    system: &SystemRequest<'_>,
    files: &[FoundFile],
) -> Result<Targets> {
    // Where tables are selected as well, both were checked with them.
    if !request.tables {
        check_key_id(request, written(request, system, files))?;
    }
    let mut settler = Settler::new(session, unfinished, request);
    let mut targets = Targets::by_table(request.longest_id);
    let mut known: Vec<OptionMap> = Vec::new();
    for (options, by_node) in encrypted(system, files) {
        if known.contains(&options) {
            continue;
        }
        let aim = match params(request, &options, by_node) {
            None => Aim::InClear(in_clear()),
            Some(params) => params
                .and_then(|params| settler.settle(params))
                .map_or_else(Aim::Unknown, |target| Aim::Target(Arc::new(target))),
        };
        targets.add_own(&options, aim);
        known.push(options);
    }
    Ok(targets)
}

/// What those of these files that are encrypted are written with, as far as that is understood.
pub(super) fn written(
    request: &TargetRequest<'_>,
    system: &SystemRequest<'_>,
    files: &[FoundFile],
) -> impl Iterator<Item = CompressionParams> {
    encrypted(system, files)
        .filter_map(|(options, by_node)| params(request, &options, by_node)?.ok())
}

/// The options of the files that are encrypted with some; and those that the node writes its next with, if
/// they are known.
fn encrypted<'a>(
    system: &SystemRequest<'a>,
    files: &[FoundFile],
) -> impl Iterator<Item = (OptionMap, Option<&'a OptionMap>)> {
    let SystemRequest { commit_log, hints, .. } = *system;
    files.iter().filter_map(move |file| {
        let facts = file.looked.as_ref().ok()?;
        let options = facts.options().filter(|_| facts.protection.may_encrypt())?;
        let is_log = matches!(file.name, SystemFileName::CommitLog(_));
        Some((options, if is_log { commit_log } else { hints }))
    })
}

/// With what a file is written; none, if that is in clear.
fn params(
    request: &TargetRequest<'_>,
    options: &OptionMap,
    by_node: Option<&OptionMap>,
) -> Option<Result<CompressionParams>> {
    match (request.options, by_node) {
        (TargetOptions::Map(map), _) => {
            Some(with_class(options, map).and_then(|params| check_params(&params).map(|()| params)))
        }
        (TargetOptions::Own(_), Some(own)) if own.is_empty() => None,
        (TargetOptions::Own(_), Some(own)) => Some(with_class(options, own)),
        (TargetOptions::Own(own), None) => Some(changed(options, own.changes)),
    }
}

/// The options of a map with the class of a file.
fn with_class(of_file: &OptionMap, map: &OptionMap) -> Result<CompressionParams> {
    let class = of_file.get("class").map(|class| ("class", class));
    let options = map.iter().filter(|(name, _)| !NOT_OF_A_FILE.contains(name));
    CompressionParams::from_cql_options(&OptionMap::from_pairs(class.into_iter().chain(options))?)
}

fn in_clear() -> Error {
    Error::invalid("it is encrypted, and the node writes the next in clear by its configuration")
        .hint(
            "start the node, which replays the segment or delivers the hints; or give the options of \
             the new key with --compression",
        )
}

/// Options that only SSTables have.
const NOT_OF_A_FILE: [&str; 7] = [
    "class",
    "sstable_compression",
    "chunk_length_in_kb",
    "chunk_length_kb",
    "crc_check_chance",
    "min_compress_ratio",
    "enabled",
];
