//! The one decision: may a key be destroyed?

use std::collections::{BTreeMap, BTreeSet};

use super::group::relation;
use super::reason::{Answer, Reason, Step, Work};
use super::{
    Evidence, KeyName, KeyQuery, KeyUses, Place, Relation, Role, Unknown, UnknownKind, Use,
};

/// What the evidence says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The key that was asked about.
    pub query: KeyQuery,
    /// The keys that it means and that something is under, and their states on their servers.
    pub keys: Vec<(KeyName, Option<String>)>,
    /// Whether it may be destroyed.
    pub answer: Answer,
    /// Why not, the first to be settled first.
    pub reasons: Vec<Reason>,
}

/// Judges a key by what was found on one node. Everything that lowers a yes is a [`Reason`].
#[must_use]
pub fn verdict(query: &KeyQuery, evidence: &Evidence) -> Verdict {
    let mut reasons = Vec::new();
    let is = |uses: &&KeyUses, as_what| relation(query, uses, &evidence.groups) == as_what;
    let meant: Vec<_> = evidence.keys.iter().filter(|uses| is(uses, Relation::Same)).collect();
    let namesakes = evidence.keys.iter().filter(|uses| is(uses, Relation::Maybe));
    let mut by_place: BTreeMap<Place, Vec<(&KeyName, &Use)>> = BTreeMap::new();
    for uses in &meant {
        for own in &uses.uses {
            by_place.entry(own.place).or_default().push((&uses.key, own));
        }
    }
    let of_place = |(place, uses): (&Place, &Vec<_>)| in_use(*place, uses, evidence);
    reasons.extend(by_place.iter().map(of_place));
    reasons.extend(namesakes.map(namesake));
    reasons.extend(evidence.unknowns.iter().map(cannot_tell));
    reasons.extend(without_directories(evidence));
    reasons.extend(without_start(evidence));
    reasons.sort();
    let answer = reasons.iter().map(|reason| reason.answer).max().unwrap_or(Answer::Yes);
    let keys = meant.iter().map(|uses| (uses.key.clone(), uses.state.clone())).collect();
    Verdict { query: query.clone(), keys, answer, reasons }
}

/// Something is under the key.
fn in_use(place: Place, uses: &[(&KeyName, &Use)], evidence: &Evidence) -> Reason {
    let files: u64 = uses.iter().map(|(_, own)| own.files).fold(0, u64::saturating_add);
    let tables: BTreeSet<&str> = uses.iter().filter_map(|(_, own)| own.table.as_deref()).collect();
    let tags: BTreeSet<&str> = uses.iter().filter_map(|(_, own)| own.tag.as_deref()).collect();
    let paths: BTreeSet<&str> = uses.iter().filter_map(|(_, own)| own.path.as_deref()).collect();
    let key = uses.first().map(|(key, _)| *key);
    let of_tables = || named("of", &tables);
    let rewrite = |flag| upgrade(&tables, flag, key, evidence);
    let (work, what, steps) = match place {
        Place::Live => (Work::Live, format!("{} {}", sstables(files), of_tables()), rewrite(None)),
        Place::NextWrites => next_writes(key, &tables, evidence),
        Place::Snapshot => {
            let clear = std::iter::once(clear_snapshots(&tags));
            let steps = clear.chain(rewrite(Some("--snapshots"))).collect();
            let what = format!("{} in snapshots {}", sstables(files), named("with tag", &tags));
            (Work::Snapshots, what, steps)
        }
        Place::Backup => {
            let mut steps = rewrite(Some("--backups"));
            steps.push(Step::say("delete the backups that are no longer wanted"));
            let what = format!("{} in backups {}", sstables(files), of_tables());
            (Work::Backups, what, steps)
        }
        other => {
            let (work, what, mut steps) = beside_tables(other, files);
            steps.extend(upgrade_beside(other, key, evidence));
            (work, what, steps)
        }
    };
    let paths = paths.into_iter().take(MOST).map(str::to_owned).collect();
    Reason { work, answer: Answer::No, node: None, what, paths, steps }
}

/// The schema names the key for some tables, or else the configuration for what is beside the tables.
fn next_writes(
    key: Option<&KeyName>,
    tables: &BTreeSet<&str>,
    evidence: &Evidence,
) -> (Work, String, Vec<Step>) {
    let (what, steps) = match tables.is_empty() {
        true => (
            "the node's next writes to its commit log, hints and own tables".to_owned(),
            vec![Step::say(
                "name another key there: in system_info_encryption (hcd.yaml, dse.yaml), or in \
                 transparent_data_encryption_options or the compression of commit log and hints \
                 (cassandra.yaml); and start the node",
            )],
        ),
        false => (
            format!("the node's next writes {}", named("of", tables)),
            vec![
                Step::Own(vec![schema_words(key, evidence)]),
                Step::say("alter these tables yourself"),
            ],
        ),
    };
    (Work::NextWrites, what, steps)
}

/// The same where it is no SSTable.
fn beside_tables(place: Place, files: u64) -> (Work, String, Vec<Step>) {
    let drain = "drain, stop and start the node: it replays these segments and deletes them";
    match place {
        Place::CommitLog => (
            Work::CommitLog,
            counted(files, "segment", "of the commit log"),
            vec![Step::say(drain)],
        ),
        Place::CommitLogArchive => (
            Work::CommitLogArchive,
            counted(files, "segment", "in an archive of the commit log"),
            vec![Step::say("delete the archived segments that are no longer wanted")],
        ),
        Place::Hints => (
            Work::Hints,
            counted(files, "file", "of hints"),
            vec![
                Step::say("start the node, and wait until the hints are delivered"),
                Step::Other("nodetool truncatehints".to_owned()),
            ],
        ),
        Place::CdcRaw => (
            Work::CdcRaw,
            counted(files, "segment", "for change data capture"),
            vec![Step::say("let their consumer read these segments, which it then deletes")],
        ),
        Place::SavedCaches => (
            Work::SavedCaches,
            counted(files, "file", "of saved caches"),
            vec![Step::say("delete these files: the node makes new ones")],
        ),
        Place::KeyTable => (
            Work::KeyTable,
            counted(files, "key", "of encrypted_keys, encrypted by it"),
            vec![Step::say(
                "name another system key in system_key_file of every table (ALTER TABLE), \
                 re-encrypt the tables, and delete these rows of encrypted_keys on the cluster, and \
                 then the snapshots and backups of that table",
            )],
        ),
        _ => (
            Work::Configuration,
            counted(files, "value", "of the node's configuration files"),
            vec![Step::say(
                "write them there with another key (dsetool encryptconfigvalue), and start the node",
            )],
        ),
    }
}

/// The commands that re-encrypt some tables, one for each keyspace. A key file has one key for its cipher
/// and strength, so a new key is in a new file: that of the schema, if it names another one already; else
/// one that is given, since a table has its own options where the schema has none for it. A server has many
/// keys.
fn upgrade(
    tables: &BTreeSet<&str>,
    flag: Option<&str>,
    key: Option<&KeyName>,
    evidence: &Evidence,
) -> Vec<Step> {
    let mut by_keyspace: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for table in tables {
        let mut parts = table.splitn(3, '.');
        let (keyspace, table) = (parts.next().unwrap_or_default(), parts.next());
        by_keyspace.entry(keyspace).or_default().extend(table);
    }
    let as_written = || vec![vec![]];
    let ways: Vec<Vec<String>> = match key {
        Some(KeyName::Kmip { .. }) => vec![vec!["--create-key".to_owned()]],
        Some(KeyName::LocalFile { file, .. }) => {
            let moved = tables.iter().filter(|table| has_moved(table, file, evidence)).count();
            if moved == tables.len() {
                as_written()
            } else {
                let mut ways = if moved == 0 { vec![] } else { as_written() };
                let file = next_file(file, evidence);
                ways.push(vec!["--create-key".to_owned(), "--set".to_owned(), file]);
                ways
            }
        }
        _ => as_written(),
    };
    let command = |way: &[String], keyspace: &str, tables: &BTreeSet<&str>| {
        let mut words: Vec<String> = vec!["upgradesstables".to_owned(), "-a".to_owned()];
        words.extend(flag.map(str::to_owned));
        words.extend_from_slice(way);
        words.push(keyspace.to_owned());
        words.extend(tables.iter().map(|table| (*table).to_owned()));
        words
    };
    let of_all = |way: Vec<String>| {
        Step::Own(by_keyspace.iter().map(|(name, tables)| command(&way, name, tables)).collect())
    };
    ways.into_iter().map(of_all).collect()
}

/// Whether the schema has another key for a table than those of a file.
fn has_moved(table: &str, file: &str, evidence: &Evidence) -> bool {
    // An index has the options of its table.
    let end = table.match_indices('.').nth(1).map_or(table.len(), |(end, _)| end);
    let table = table.get(..end);
    let writes = |uses: &&KeyUses| {
        let mut of_table = uses.uses.iter().filter(|of| of.table.as_deref() == table);
        of_table.any(|of| of.place == Place::NextWrites)
    };
    let mut written = evidence.keys.iter().filter(writes).peekable();
    written.peek().is_some()
        && written
            .all(|uses| !matches!(&uses.key, KeyName::LocalFile { file: own, .. } if own == file))
}

/// The command that re-encrypts files beside the tables, wherever they were found: their directories are
/// named, since the configuration names no archive. They get the key that the node writes its next ones with;
/// where it writes them in clear, or nobody knows how, somebody has to say it.
fn upgrade_beside(place: Place, key: Option<&KeyName>, evidence: &Evidence) -> Option<Step> {
    let encrypts = evidence.encrypts;
    let (role, only, option, encrypts) = match place {
        Place::CommitLog => (Role::CommitLog, "commitlog", "--commitlog-dir", encrypts.commit_log),
        Place::CommitLogArchive => {
            (Role::CommitLogArchive, "commitlog", "--commitlog-dir", encrypts.commit_log)
        }
        Place::CdcRaw => (Role::CdcRaw, "commitlog", "--commitlog-dir", encrypts.commit_log),
        Place::Hints => (Role::Hints, "hints", "--hints-dir", encrypts.hints),
        _ => return None,
    };
    let create = "--create-key".to_owned();
    let way = match (key, encrypts) {
        // The aliases of a key store are in cassandra.yaml only.
        (Some(KeyName::Keystore { .. }), Some(false) | None) => return None,
        (_, Some(false)) => {
            return Some(Step::say(format!(
                "re-encrypt them by the options of the new key, which the configuration does not name: \
                 upgradesstables -a --only={only} --compression MAP"
            )));
        }
        (Some(KeyName::Kmip { .. }), _) => vec![create],
        (Some(KeyName::LocalFile { file, .. }), None) if place == Place::Hints => {
            vec![create, "--set".to_owned(), next_file(file, evidence)]
        }
        // Their header never gets longer (FORMATS.md 10.1).
        (Some(KeyName::LocalFile { .. }), None) => {
            return Some(Step::say(format!(
                "re-encrypt them by a new key file, whose path is not longer than that of the old one: \
                 upgradesstables -a --only={only} --create-key --set secret_key_file=PATH"
            )));
        }
        _ if names_key_file(evidence) => vec![create],
        _ => vec![],
    };
    let mut words = vec!["upgradesstables".to_owned(), "-a".to_owned()];
    words.extend(way);
    words.push(format!("--only={only}"));
    let looked_at = evidence.directories.iter().filter(|own| own.role == role && own.is_there);
    words.extend(looked_at.map(|own| format!("{option}={}", own.path)));
    Some(Step::Own(vec![words]))
}

/// Whether the configuration names a key file for what is written beside the tables, in which its key may be
/// yet to be made.
fn names_key_file(evidence: &Evidence) -> bool {
    let mut files =
        evidence.keys.iter().filter(|uses| matches!(uses.key, KeyName::LocalFile { .. }));
    files.any(|uses| uses.uses.iter().any(|of| of.place == Place::NextWrites && of.table.is_none()))
}

/// Of few snapshots the commands that remove them, one after the other.
fn clear_snapshots(tags: &BTreeSet<&str>) -> Step {
    if tags.len() > MOST {
        return Step::say(format!(
            "nodetool clearsnapshot -t TAG, for each of {} tags",
            tags.len()
        ));
    }
    let all = tags.iter().map(|tag| format!("nodetool clearsnapshot -t {}", shell_word(tag)));
    Step::Other(all.collect::<Vec<_>>().join(" && "))
}

fn schema_words(key: Option<&KeyName>, evidence: &Evidence) -> Vec<String> {
    let mut words = vec!["schema".to_owned()];
    if let Some(KeyName::LocalFile { file, .. }) = key {
        words.extend(["--set".to_owned(), next_file(file, evidence)]);
    }
    words
}

/// The option for a file beside another. A node and this program want whole paths.
fn next_file(file: &str, evidence: &Evidence) -> String {
    let is_of =
        |uses: &&KeyUses| matches!(&uses.key, KeyName::LocalFile { file: own, .. } if own == file);
    let also =
        evidence.keys.iter().filter(is_of).flat_map(|uses| uses.also.iter().map(String::as_str));
    let whole = std::iter::once(file).chain(also).find(|path| path.starts_with('/'));
    format!("secret_key_file={}.new", whole.unwrap_or(file))
}

/// The same id or path, perhaps of the same key.
fn namesake(uses: &KeyUses) -> Reason {
    let key = &uses.key;
    let mut what =
        format!("{key} may be the same key under another name, and something is under it");
    let instead =
        format!("ask about that one instead: may-destroy {}", shell_word(&key.to_string()));
    let mut steps = vec![Step::say(instead)];
    if uses.is_unread {
        what.push_str("; its own file cannot be read");
        let again =
            "put its file back where that name says, or let this user read it, and ask again";
        steps.insert(0, Step::say(again));
    }
    let (work, answer) = (Work::Namesake, Answer::Unknown);
    Reason { work, answer, node: None, what, paths: vec![], steps }
}

/// Something that may be under any key.
fn cannot_tell(unknown: &Unknown) -> Reason {
    let (work, answer) = match unknown.kind {
        UnknownKind::SavedCache => (Work::SavedCaches, Answer::No),
        UnknownKind::Search => (Work::Search, Answer::No),
        UnknownKind::DseIndex => (Work::DseIndex, Answer::No),
        UnknownKind::Unreadable => (Work::Unreadable, Answer::Unknown),
        UnknownKind::Foreign => (Work::Foreign, Answer::Unknown),
        UnknownKind::Unfinished => (Work::Unfinished, Answer::Unknown),
        UnknownKind::NotLookedAt => (Work::NotLookedAt, Answer::Unknown),
    };
    let what = match unknown.files {
        0 | 1 => unknown.message.clone(),
        many => format!("{} ({many} times)", unknown.message),
    };
    let steps = unknown.cure.iter().map(|cure| Step::Do(cure.clone())).collect();
    let paths = unknown.paths.iter().take(MOST).cloned().collect();
    Reason { work, answer, node: None, what, paths, steps }
}

/// What every node has must have been looked at, whatever the evidence claims.
fn without_directories(evidence: &Evidence) -> Option<Reason> {
    let needed: &[Role] = match evidence.is_node {
        true => &[Role::Data, Role::CommitLog, Role::Hints, Role::SavedCaches],
        false => &[Role::Data],
    };
    let has = |role: &Role| {
        evidence.directories.iter().any(|directory| directory.role == *role && directory.is_there)
    };
    let without: Vec<&str> =
        needed.iter().filter(|role| !has(role)).map(|role| role.name()).collect();
    (!without.is_empty()).then(|| Reason {
        work: Work::NotLookedAt,
        answer: Answer::Unknown,
        node: None,
        what: format!("nobody has looked at directories of the node: {}", without.join(", ")),
        paths: vec![],
        steps: vec![
            Step::say("name the node's cassandra.yaml, which says where they are: --conf FILE"),
            Step::say("of copied or restored data, which has none, say so: --not-a-node"),
        ],
    })
}

/// A node that was stopped before its SSTables were re-encrypted replays its commit log at the next start,
/// and only then is it seen that it can read what it has.
fn without_start(evidence: &Evidence) -> Option<Reason> {
    if !evidence.is_node {
        return None;
    }
    let what = match (&evidence.last_rewrite, &evidence.last_start) {
        (None, Some(_)) => return None,
        (Some(rewrite), Some(start)) if start.time > rewrite.time => return None,
        (Some(rewrite), Some(start)) => format!(
            "the node was started last at {}, and SSTables were re-encrypted after that, at {}",
            start.time, rewrite.time
        ),
        (Some(rewrite), None) => format!(
            "nothing says that the node was started since its SSTables were re-encrypted, at {}",
            rewrite.time
        ),
        (None, None) => "nothing says when the node was started".to_owned(),
    };
    let steps = vec![Step::say("start the node once, and ask again")];
    let (work, answer) = (Work::Start, Answer::AfterNextStart);
    Some(Reason { work, answer, node: None, what, paths: vec![], steps })
}

fn sstables(count: u64) -> String {
    match count {
        1 => "1 SSTable".to_owned(),
        count => format!("{count} SSTables"),
    }
}

fn counted(count: u64, one: &str, of: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending} {of}")
}

/// `of a, b, c and 4 more`
fn named(word: &str, names: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = names.iter().copied().take(MOST).collect();
    match names.len().saturating_sub(MOST) {
        0 => format!("{word} {}", shown.join(", ")),
        more => format!("{word} {} and {more} more", shown.join(", ")),
    }
}

/// A tag as a shell reads it back.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    match word.chars().all(is_plain) && !word.starts_with('-') {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Names and places that are shown of many.
const MOST: usize = 5;

#[cfg(test)]
mod tests;
