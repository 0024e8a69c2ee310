//! The directories that a node has, by its configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::request::EvidenceRequest;
use crate::config::{Fact, Origin};
use crate::evidence::{Role, UnknownKind};
use crate::plan::dangling;
use crate::upgrade::session::{Session, canonical};
use crate::{Error, Result};

/// A directory to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) role: Role,
    pub(super) origin: String,
}

/// All of them; what cannot be told is unknown.
pub(super) fn places(
    session: &Session,
    request: &EvidenceRequest<'_>,
    draft: &mut Draft,
) -> Vec<Place> {
    let mut found = Found { places: vec![], seen: BTreeSet::new() };
    let named = named_data(request, draft);
    for data_dir in session.data_dirs() {
        let is_it = |fact: &&Fact<PathBuf>| {
            std::fs::canonicalize(&fact.value).is_ok_and(|c| c == *data_dir)
        };
        let origin = named
            .iter()
            .find(is_it)
            .map_or_else(|| "--data-dir".to_owned(), |fact| fact.origin.to_string());
        found.add(data_dir.clone(), Role::Data, origin);
    }
    for error in named.iter().filter_map(|fact| left_out(session.data_dirs(), fact)) {
        draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
    }
    if let Some(node) = request.node {
        for (name, role) in SETTINGS {
            match node.entry(name).map(|entry| entry.paths()) {
                Some(Ok(paths)) => {
                    for fact in paths {
                        found.named(&fact, role, draft);
                    }
                }
                Some(Err(error)) if role != Role::QueryLog && role != Role::Search => {
                    draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
                }
                _ => {}
            }
        }
        for directory in restored(node.entry(RESTORED).and_then(|entry| entry.value())) {
            found.named(&directory, Role::CommitLogArchive, draft);
        }
        if let Some(home) = &node.installation().home {
            found.add(home.clone(), Role::Home, "the place of cassandra.yaml".to_owned());
        }
    }
    for (role, path, origin) in request.more {
        // One of the configuration is known already, and a second commit log is an archive.
        let has_own = found.places.iter().any(|place| place.role == *role);
        let role = match role {
            Role::CommitLog if has_own => Role::CommitLogArchive,
            role => *role,
        };
        found.add(path.clone(), role, (*origin).to_owned());
    }
    found.search_folders(session.data_dirs());
    archived_elsewhere(request, draft);
    found.places
}

/// The data directories of the configuration.
fn named_data(request: &EvidenceRequest<'_>, draft: &mut Draft) -> Vec<Fact<PathBuf>> {
    let mut all: Vec<Fact<PathBuf>> = Vec::new();
    let of_node = request.node.map(|node| node.data_directories());
    let of_config = request.config.map(|config| config.data_directories());
    for named in [of_node, of_config].into_iter().flatten() {
        match named {
            Ok(named) => {
                let new = named
                    .into_iter()
                    .filter(|fact| !all.iter().any(|known| known.value == fact.value));
                let new: Vec<_> = new.collect();
                all.extend(new);
            }
            Err(error) => draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None),
        }
    }
    all
}

/// Says of a directory that the node's configuration names that nobody has looked at it.
fn left_out(given: &[PathBuf], named: &Fact<PathBuf>) -> Option<Error> {
    let error = Error::invalid("a data directory of the node that was not given")
        .at(&named.value)
        .hint(format!("it is named in {}: give it with --data-dir, too", named.origin));
    if named.value.is_relative() {
        let is_given = |directory: &Path| directory.ends_with(&named.value);
        return (!given.iter().any(|directory| is_given(directory))).then_some(error);
    }
    let both = [given, std::slice::from_ref(&named.value)].concat();
    match canonical(&both) {
        Ok(all) => (all.len() > given.len()).then_some(error),
        Err(cause) => Some(error.caused_by(cause)),
    }
}

/// The places so far.
struct Found {
    places: Vec<Place>,
    seen: BTreeSet<(Role, PathBuf)>,
}

impl Found {
    fn add(&mut self, path: PathBuf, role: Role, origin: String) {
        let canonical = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.seen.insert((role, canonical)) {
            self.places.push(Place { path, role, origin });
        }
    }

    fn named(&mut self, fact: &Fact<PathBuf>, role: Role, draft: &mut Draft) {
        if fact.value.is_relative() {
            let error = Error::invalid(format!(
                "the directory for {} has a relative path, and where the node starts cannot be told",
                role.name()
            ))
            .at(&fact.value)
            .hint(format!("write the whole path in {}", fact.origin));
            return draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
        }
        self.add(fact.value.clone(), role, fact.origin.to_string());
    }

    /// The usual folder of DSE Search is in a data directory, or beside it (FORMATS.md 7.6).
    fn search_folders(&mut self, data_dirs: &[PathBuf]) {
        for data_dir in data_dirs {
            for folder in [Some(data_dir.as_path()), data_dir.parent()].into_iter().flatten() {
                let folder = folder.join(SEARCH);
                // A link that leads to nothing is looked at, too.
                if folder.symlink_metadata().is_ok_and(|it| it.is_dir() || it.is_symlink()) {
                    self.add(folder, Role::Search, "it is there".to_owned());
                }
            }
        }
    }
}

/// Segments that a command has put away are under the key of their time.
fn archived_elsewhere(request: &EvidenceRequest<'_>, draft: &mut Draft) {
    // Where segments are restored from, they need not have been put.
    let has_archive = request.more.iter().any(|(role, ..)| *role == Role::CommitLog);
    let command = request.node.and_then(|node| node.entry(COMMAND)?.value());
    if let Some(command) = command.filter(|_| !has_archive) {
        let error = Error::invalid(format!(
            "segments of the commit log are archived by {}, and nobody has said where they are",
            command.value
        ));
        let error = match &command.origin {
            Origin::Line { file, .. } => error.at(file),
            _ => error,
        };
        let error = error.hint("name the directory with them: --commitlog-dir DIR");
        draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
    }
}

/// A list with commas.
fn restored(fact: Option<&Fact<String>>) -> Vec<Fact<PathBuf>> {
    let Some(fact) = fact else { return vec![] };
    let all = fact.value.split(',').map(str::trim).filter(|path| !path.is_empty());
    all.map(|path| Fact::new(PathBuf::from(path), fact.origin.clone())).collect()
}

/// Looks whether a directory is there, through links.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when that cannot be told.
pub(super) fn is_there(path: &Path) -> Result<bool> {
    let cannot = |error| Error::io("cannot look at the directory", path, error);
    match path.try_exists().map_err(cannot)? {
        false if path.is_symlink() => Err(dangling(path.to_owned())),
        is_there => Ok(is_there),
    }
}

const SETTINGS: [(&str, Role); 7] = [
    ("commitlog_directory", Role::CommitLog),
    ("hints_directory", Role::Hints),
    ("cdc_raw_directory", Role::CdcRaw),
    ("saved_caches_directory", Role::SavedCaches),
    ("solr_data_dir", Role::Search),
    ("audit_logging_options.audit_logs_dir", Role::QueryLog),
    ("full_query_logging_options.log_dir", Role::QueryLog),
];

const RESTORED: &str = "restore_directories";
const COMMAND: &str = "archive_command";
const SEARCH: &str = "solr.data";
