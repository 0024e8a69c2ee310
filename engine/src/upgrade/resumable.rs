//! Whether a plan can resume what the journal says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::request::PlanRequest;
use super::session::Session;
use super::whose::DATA_DIRECTORIES;
use crate::io::{FileStat, Storage};
use crate::journal::{self, Entry, History, SourceFile, State};
use crate::keys::{KeyId, KeyRef};
use crate::options::CompressionParams;
use crate::plan::{Action, Archives, NewKey, Plan, PlannedSSTable, Selection};
use crate::plan::{Target, TargetKey, Targets};
use crate::rewrite::{Resumed, StagingArea};
use crate::sstable::Component;
use crate::txn::{self, Flavor, LiveSSTable};
use crate::{Error, Result};

/// What an earlier run has left for a plan.
#[derive(Debug, Default)]
pub(super) struct Resumable {
    /// To resume, by table directory and name.
    pub(super) resumed: BTreeMap<(PathBuf, String), Resumed>,
    /// Staging directories of SSTables that the plan cannot resume now, as when a key server
    /// does not answer.
    pub(super) waiting: BTreeSet<PathBuf>,
    /// What cannot be resumed at all, by its number, and why: the node has worked meanwhile.
    pub(super) dropped: Vec<(u32, Error)>,
}

impl Resumable {
    /// All staging directories of it.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let resumed = self.resumed.values().map(|resumed| resumed.directory().to_owned());
        self.waiting.iter().cloned().chain(resumed).collect()
    }
}

/// The plan in named texts, as the journal keeps it and compares it: no key bytes, no passwords.
pub(super) fn describe(session: &Session, plan: &Plan) -> Vec<(String, String)> {
    let mut texts = describe_request(session, &plan.selection, plan.archives, &plan.targets);
    let flavor = plan.flavor.map_or(NONE, Flavor::name);
    texts.push((FLAVOR.to_owned(), flavor.to_owned()));
    texts.extend(session.command().map(|text| (COMMAND.to_owned(), text.to_owned())));
    texts
}

/// All of them that are known before there is a plan.
fn describe_request(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    targets: &Targets,
) -> Vec<(String, String)> {
    let Selection { keyspace, tables } = selection;
    let mut tables = tables.clone();
    tables.sort();
    let mut texts = describe_targets(targets);
    let old_limit = targets.longest_old_id();
    texts.extend(old_limit.map(|of| ("old limit for key ids".to_owned(), of.to_string())));
    let more = [
        ("keyspace", keyspace.clone().unwrap_or_else(|| ALL.to_owned())),
        ("tables", if tables.is_empty() { ALL.to_owned() } else { tables.join(", ") }),
        ("length of ranges", session.range_bytes().to_string()),
    ];
    texts.extend(more.map(|(name, text)| (name.to_owned(), text)));
    let Archives { snapshots, backups } = archives;
    let archives = [("snapshots", snapshots), ("backups", backups)];
    // Journals of format 1 know nothing of them.
    let taken = archives.into_iter().filter(|(_, is_taken)| *is_taken);
    texts.extend(taken.map(|(name, _)| (name.to_owned(), "re-encrypted, too".to_owned())));
    texts
}

fn describe_targets(targets: &Targets) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    match targets.distinct() {
        [target] if targets.is_one() => return describe_target(target),
        distinct => {
            for target in distinct {
                let id = id_of(target).unwrap_or(NONE).to_owned();
                texts.push((format!("{OWN_KEY_ID}{}", target.params().options().to_cql()), id));
            }
        }
    }
    for (table, target) in targets.tables() {
        let key = target.target_key().map_or_else(|| NONE.to_owned(), ToString::to_string);
        texts.push((format!("{OWN}{table}"), format!("{}, {key}", target.params().map().to_cql())));
    }
    let limit = targets.longest_id().to_string();
    texts.push(("target limit for key ids".to_owned(), limit));
    texts
}

/// The id of the key on a server.
fn id_of(target: &Target) -> Option<&str> {
    match target.target_key() {
        Some(TargetKey::Known(KeyRef::Kmip { id, .. })) => Some(id.as_str()),
        Some(TargetKey::ToBeMade(NewKey::OnServer { .. })) => Some(NewKey::ID),
        _ => None,
    }
}

fn describe_target(target: &Target) -> Vec<(String, String)> {
    let none = || NONE.to_owned();
    let id = id_of(target);
    let length = target.chunk_length().map(|length| length.bytes().to_string());
    let texts = [
        ("target class", target.params().class().map_or_else(none, ToString::to_string)),
        (TARGET_OPTIONS, target.params().options().to_cql()),
        ("target chunk length", length.unwrap_or_else(|| "as it is".to_owned())),
        ("target key", target.target_key().map_or_else(none, ToString::to_string)),
        (TARGET_KEY_ID, id.map_or_else(none, str::to_owned)),
        ("target limit for key ids", target.longest_id().to_string()),
    ];
    texts.map(|(name, text)| (name.to_owned(), text)).into()
}

/// The id of the key on a server that an unfinished run to the same options writes with: the one to
/// resume with where a run was begun with a new one.
pub(super) fn resumed_key(history: &History, params: &CompressionParams) -> Option<KeyId> {
    let text = |wanted: &str| {
        history.plan.iter().find_map(|(name, text)| (name == wanted).then_some(text))
    };
    let options = params.options().to_cql();
    let of_all = || {
        let is_same = text(TARGET_OPTIONS)? == &options;
        text(TARGET_KEY_ID).filter(|_| is_same)
    };
    text(&format!("{OWN_KEY_ID}{options}"))
        .or_else(of_all)
        .filter(|id| *id != NONE)
        .and_then(|id| KeyId::new(id.as_str()).ok())
}

/// Whether it says something of single tables.
fn is_own(name: &str) -> bool {
    name.starts_with(OWN) || name.starts_with(OWN_KEY_ID)
}

/// Compares what is asked for with what an unfinished run was begun with: before anything is done.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] with every difference.
pub(super) fn check_request(
    session: &Session,
    history: &History,
    request: &PlanRequest<'_>,
    journal: &Path,
) -> Result<()> {
    let PlanRequest { selection, archives, targets, .. } = *request;
    let then = history.plan.iter().filter(|(name, _)| name != FLAVOR);
    compare(then, &describe_request(session, selection, archives, targets), journal)
}

/// What an unfinished run has left for a plan.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] with every difference between the plan and the one that the journal is
/// of, and [`crate::ErrorKind::KeyUnavailable`] when the key of the target's name is another one. For one
/// that is at rest neither is an error, and there is nothing to resume.
pub(super) fn of_plan(
    session: &Session,
    plan: &Plan,
    history: &History,
    journal: &Path,
) -> Result<Option<Resumable>> {
    match compare(history.plan.iter(), &describe(session, plan), journal) {
        Err(_) if history.is_at_rest() => Ok(None),
        Err(error) => Err(error),
        Ok(()) => open(history, plan).map(Some),
    }
}

fn compare<'a>(
    then: impl Iterator<Item = &'a (String, String)>,
    now: &[(String, String)],
    journal: &Path,
) -> Result<()> {
    let then: BTreeMap<_, _> = then.map(|(name, text)| (name, text)).collect();
    let now: BTreeMap<_, _> = now.iter().map(|(name, text)| (name, text)).collect();
    let names = then.keys().chain(now.keys()).copied();
    // They are told by more than their names: see `whose`.
    // Other words may ask for the same.
    let told_otherwise = [DATA_DIRECTORIES, COMMAND];
    let names: BTreeSet<_> =
        names.filter(|name| !told_otherwise.contains(&name.as_str())).collect();
    let unknown = &UNKNOWN.to_owned();
    let differences: Vec<String> = names
        .into_iter()
        // A table that has come or gone since concerns no other.
        .filter(|name| !is_own(name) || then.contains_key(name) && now.contains_key(name))
        .filter(|name| then.get(name) != now.get(name))
        .map(|name| {
            let (then, now) =
                (then.get(name).unwrap_or(&unknown), now.get(name).unwrap_or(&unknown));
            format!("{name}: then {}, now {}", then.escape_debug(), now.escape_debug())
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "an unfinished run is here that was begun with other arguments ({})",
        differences.join("; ")
    ))
    .at(journal)
    .hint(ALIKE))
}

/// Opens what can be resumed.
///
/// An SSTable that the node has compacted or changed since is dropped, and only that: it starts over,
/// if it is there.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the key of the target's name is another one.
fn open(history: &History, plan: &Plan) -> Result<Resumable> {
    let mut left = Resumable::default();
    let by_name: BTreeMap<(&Path, String), &PlannedSSTable> =
        plan.sstables.iter().map(|planned| (name_of(&planned.sstable), planned)).collect();
    for (number, entry) in history.resumable() {
        let name = (entry.directory.as_path(), entry.old.to_string());
        let staging = entry.staged.as_ref().map(|staged| staged.directory.clone());
        let Some(planned) = by_name.get(&name) else {
            let new = entry.new.as_ref().map(|new| (entry.directory.as_path(), new.to_string()));
            if new.is_some_and(|new| by_name.contains_key(&new)) {
                // The process died after its COMMIT.
                continue;
            }
            if is_archived(entry) {
                // Somebody has cleared the snapshot.
                continue;
            }
            left.dropped.push((number, changed(entry, &Component::Data, "is gone", GONE)));
            continue;
        };
        let Some(facts) = &planned.facts else {
            left.waiting.extend(staging);
            continue;
        };
        if let Some((component, how)) = difference(entry, &facts.files) {
            if !is_archived(entry) {
                left.dropped.push((number, changed(entry, &component, how, OVER)));
            }
            // Else the process died when it was in its place.
            continue;
        }
        match planned.action {
            Action::Rewrite { ref target, .. } => {
                if let Some(resumed) = Resumed::open(number, entry, target, &plan.ring).map_err(
                    |error| match target.key() {
                        Some(key) => error.key(key),
                        None => error,
                    },
                )? {
                    let (directory, name) = name;
                    left.resumed.insert((directory.to_owned(), name), resumed);
                }
            }
            Action::Refuse(_) => left.waiting.extend(staging),
            Action::Skip(_) => {
                let how = "is no longer to be rewritten";
                left.dropped.push((number, changed(entry, &Component::Data, how, GONE)));
            }
        }
    }
    Ok(left)
}

/// Whether it was about to take the place of its predecessor in a snapshot or a backup, which needs no
/// other name.
fn is_archived(entry: &Entry) -> bool {
    entry.new.as_ref() == Some(&entry.old)
}

/// The name under which [`Resumable::resumed`] has an SSTable.
pub(super) fn name_of(sstable: &LiveSSTable) -> (&Path, String) {
    (&sstable.directory, sstable.descriptor.to_string())
}

/// Takes back what unfinished swaps have put in place, before their logs are undone.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub(super) fn take_back(storage: &dyn Storage, history: &History, table: &[PathBuf]) -> Result<()> {
    for (_, entry) in history.resumable().filter(|(_, entry)| entry.state == State::Verified) {
        if let (Some(new), Some(staged)) = (&entry.new, &entry.staged)
            && table.contains(&entry.directory)
            && storage.list(&staged.directory).is_ok()
        {
            let area = StagingArea::left(staged.directory.clone());
            let place = |component: &Component| area.file(component);
            let sstable = (entry.directory.as_path(), new);
            txn::take_back(storage, table, sstable, (area.path(), &place))?;
        }
    }
    Ok(())
}

/// The first file of an SSTable that is not what it was, and how.
fn difference(entry: &Entry, now: &[(Component, FileStat)]) -> Option<(Component, &'static str)> {
    let staged = entry.staged.as_ref()?;
    for SourceFile { component, .. } in &staged.source {
        if !now.iter().any(|(there, _)| there == component) {
            return Some((component.clone(), "is gone"));
        }
    }
    now.iter().find_map(|(component, stat)| {
        let then = staged.source.iter().find(|file| file.component == *component);
        let how = match then.map(|file| file.stat) {
            None => "is new",
            Some(then) if then.length != stat.length => "has another length",
            Some(then) if then.modified != stat.modified && stat.modified != pinned(staged) => {
                "was written to"
            }
            Some(_) => return None,
        };
        Some((component.clone(), how))
    })
}

/// The time that an unfinished swap may have given to all files of the old SSTable: that of the
/// newest, in whole seconds (see `txn::publish`).
fn pinned(staged: &journal::StagedSSTable) -> SystemTime {
    let newest = staged.source.iter().map(|file| file.stat.modified).max().unwrap_or(UNIX_EPOCH);
    let seconds = newest.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(newest)
}

fn changed(entry: &Entry, component: &Component, how: &str, then: &str) -> Error {
    Error::new(
        crate::ErrorKind::Busy,
        format!(
            "an earlier run has staged a part of this SSTable, and since then it {how}: {then}"
        ),
    )
    .at(entry.old.path(&entry.directory, component))
}

const OVER: &str = "what was staged is thrown away, and it starts over";
const GONE: &str = "what was staged is thrown away";
/// By which command it was begun.
pub(super) const COMMAND: &str = "command";
const FLAVOR: &str = "flavor";
const ALL: &str = "all";
const TARGET_OPTIONS: &str = "target options";
const TARGET_KEY_ID: &str = "target key id";
/// Before the name of a table that has a target of its own.
const OWN: &str = "target of ";
/// Before the options of one of several targets.
const OWN_KEY_ID: &str = "target key id of ";
const NONE: &str = "none";
const UNKNOWN: &str = "not said";
const ALIKE: &str = "run with the same arguments to resume it, or abandon it first, which throws \
                     away what was staged and harms no SSTable";
