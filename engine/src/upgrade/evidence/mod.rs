//! `may-destroy` and `census`: everything on a node that may need a key, as [`Evidence`].
//!
//! Every file below every directory of the node's configuration is looked at. What is of no known kind, and
//! what cannot be read, is named; nothing is passed over. Nothing is decrypted, except the node's own tables
//! should they be encrypted.

mod data;
mod draft;
mod files;
mod key_files;
mod places;
mod request;
mod settings;
mod tables;
mod times;
mod walk;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use self::key_files::KeyPlaces;
pub use self::request::EvidenceRequest;

use self::draft::{Draft, shown};
use self::files::Beside;
use self::places::{Place, places};
use self::times::{Times, last_rewrite, last_start};
use self::who::Who;
use super::session::Session;
use crate::config::{KmipGroup, NodeConfig};
use crate::evidence::{Count, Directory, Evidence, FORMAT, Group, KindCount, Role, UnknownKind};
use crate::plan::KeyCensus;
use crate::{Error, Result};

/// What was gathered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gathered {
    /// The evidence.
    pub evidence: Evidence,
    /// The census of its SSTables.
    pub census: KeyCensus,
    /// What was seen and could not be judged, one by one as far as that leads; in the evidence there are
    /// sums, also of what was not seen, and of unfinished runs.
    pub unknown: Vec<Error>,
    /// What an operator should hear about the gathering, such as servers that do not answer.
    pub notes: Vec<String>,
}

/// Looks at everything.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when a data directory cannot be listed; all else is a part of the evidence.
pub fn gather(session: &Session, request: &EvidenceRequest<'_>) -> Result<Gathered> {
    let (time, mut draft, mut notes) = (SystemTime::now(), Draft::default(), Vec::new());
    let tables = tables::count(session, request, &mut draft)?;
    let who = match request.only {
        None => who::who(session, request, &mut draft, &mut notes),
        Some(_) => Who::default(),
    };
    let is_node = who.local.is_some() || !request.not_a_node;
    if tables.is_of_dse_or_core && request.node.is_some() && request.config.is_none() {
        draft.add_unknown_of(UnknownKind::NotLookedAt, &without_second_file(), None);
    }
    let mut beside = Beside {
        storage: session.storage(),
        system: request.config.map(NodeConfig::system_info_encryption),
        newest_id: None,
        newest_segment: None,
    };
    let found = match request.only {
        None => places(session, request, &mut draft),
        Some(_) => vec![],
    };
    let directories = look_into(&found, &mut beside, &mut draft);
    if request.only.is_none() {
        around(&found, request.temporary, &beside, &mut draft);
    }
    let times = Times {
        newest_sstable: tables.newest,
        newest_segment: beside.newest_segment,
        newest_id: beside.newest_id,
    };
    let last_start = last_start(who.local.as_ref(), times);
    let last_rewrite =
        last_rewrite(session.storage(), session.data_dirs(), times, last_start.as_ref());
    let unknown = draft.take_errors();
    let (mut keys, findings, unknowns) = draft.finish();
    let key_places = KeyPlaces {
        files: request.key_files,
        config: request.config,
        are_here: !request.not_a_node,
    };
    keys.iter_mut().for_each(|uses| key_places.look_at(uses));
    if let Some(servers) = request.servers {
        who::states(servers, &mut keys, &mut notes);
    }
    let evidence = Evidence {
        format: FORMAT,
        tool: request.tool.to_owned(),
        time: time.into(),
        host: request.host.map(str::to_owned),
        is_node,
        node: who.identity(),
        product: who.product,
        directories,
        keys,
        groups: request.config.map(groups).unwrap_or_default(),
        encrypts: settings::encrypts(request),
        not_encrypted: Count {
            files: tables.census.not_encrypted.sstables,
            bytes: tables.census.not_encrypted.bytes,
        },
        clear_chunks: tables.census.clear_chunks.chunks,
        findings,
        unknowns,
        ring: who.ring,
        last_rewrite,
        last_start,
    };
    Ok(Gathered { evidence, census: tables.census, unknown, notes })
}

fn groups(config: &NodeConfig) -> Vec<Group> {
    let group = |group: &KmipGroup| Group {
        name: group.name.clone(),
        hosts: group.hosts.iter().map(|host| host.name.clone()).collect(),
    };
    config.kmip_groups().iter().map(group).collect()
}

fn without_second_file() -> Error {
    Error::invalid(
        "SSTables of HCD or DSE, and no hcd.yaml or dse.yaml, which says what else the node encrypts",
    )
    .hint("name it: --config FILE")
}

/// Every file of every directory.
fn look_into(places: &[Place], beside: &mut Beside<'_>, draft: &mut Draft) -> Vec<Directory> {
    // Where only plaintext is looked for, nothing else is seen.
    let looked_at = places.iter().filter(|place| !is_for_plaintext(place.role));
    let canonical: BTreeSet<PathBuf> =
        looked_at.filter_map(|place| std::fs::canonicalize(&place.path).ok()).collect();
    places.iter().map(|place| directory(place, &canonical, beside, draft)).collect()
}

fn directory(
    place: &Place,
    others: &BTreeSet<PathBuf>,
    beside: &mut Beside<'_>,
    draft: &mut Draft,
) -> Directory {
    let mut directory = Directory {
        path: shown(&place.path),
        role: place.role,
        origin: place.origin.clone(),
        is_there: false,
        files: 0,
        bytes: 0,
        kinds: vec![],
        digest: None,
    };
    match places::is_there(&place.path) {
        Ok(true) => {}
        Ok(false) => {
            if must_be_there(place.role) {
                let error =
                    Error::invalid(format!("the directory for {} is not there", place.role.name()))
                        .at(&place.path)
                        .hint("is its disk mounted? A node makes it when it starts");
                draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
            }
            return directory;
        }
        Err(error) => {
            draft.add_unknown(&error);
            return directory;
        }
    }
    let (storage, role) = (beside.storage, place.role);
    let mut kinds: BTreeMap<&str, Count> = BTreeMap::new();
    let digest = walk::walk(storage, &place.path, others, &mut |step| match step {
        walk::Step::File(file) => {
            directory.files = directory.files.saturating_add(1);
            directory.bytes = directory.bytes.saturating_add(file.stat.length);
            let kind = beside.add(role, &file, draft);
            kinds.entry(kind).or_default().add(1, file.stat.length);
        }
        walk::Step::Unseen(error) if !is_for_plaintext(role) => {
            draft.add_unknown(&error);
        }
        walk::Step::Unseen(_) => {}
    });
    let kinds = kinds.into_iter();
    directory.kinds =
        kinds.map(|(kind, count)| KindCount { kind: kind.to_owned(), count }).collect();
    match digest {
        Ok(digest) => (directory.is_there, directory.digest) = (true, Some(digest)),
        Err(error) => draft.add_unknown(&error),
    }
    directory
}

/// Whether nothing but plaintext is looked for there: whatever is not seen is under no key.
const fn is_for_plaintext(role: Role) -> bool {
    matches!(role, Role::Home | Role::QueryLog)
}

/// Every node has these while it runs, and keeps them; DSE Search those that it was given.
const fn must_be_there(role: Role) -> bool {
    matches!(
        role,
        Role::Data
            | Role::CommitLog
            | Role::Hints
            | Role::SavedCaches
            | Role::CommitLogArchive
            | Role::Search
    )
}

/// Plaintext in the folders above the directories, where a node that is started there dumps its memory, and
/// among temporary files. No folder in them is looked into.
fn around(places: &[Place], temporary: Option<&PathBuf>, beside: &Beside<'_>, draft: &mut Draft) {
    let of_node = places.iter().filter(|place| place.role != Role::Home);
    let above =
        of_node.filter_map(|place| place.path.parent()).chain(temporary.map(PathBuf::as_path));
    let above: BTreeSet<&Path> = above.collect();
    for folder in above {
        for entry in beside.storage.list(folder).unwrap_or_default() {
            let path = folder.join(&entry.name);
            if entry.kind == crate::io::EntryKind::File
                && let Ok(Some(stat)) = beside.storage.stat(&path)
            {
                let below = PathBuf::from(&entry.name);
                let file = walk::File { path, below, name: entry.name, stat };
                files::plaintext(&file, draft);
            }
        }
    }
}
