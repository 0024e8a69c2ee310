//! What lies in a data directory beside what SSTables are made of: every file is of a kind that is known,
//! or named.

use std::path::{Component as Part, Path};

use super::draft::Draft;
use super::walk::File;
use crate::Error;
use crate::evidence::UnknownKind;
use crate::io::Storage;
use crate::journal::ROTATIONS_FILE;
use crate::plan::{REPORTS_DIRECTORY, REWRITTEN_FILE, STATE_DIRECTORY};
use crate::sstable::{Component, parse_file_name};
use crate::txn::{LOG_LIMIT, LogFileName, LogRecord};
use crate::upgrade::measure::MEASURE_DIRECTORY;

/// The kind of a file, by its name and place; what is none is noted.
pub(super) fn kind_of(storage: &dyn Storage, file: &File, draft: &mut Draft) -> &'static str {
    if let Some(own) = below_state(&file.below) {
        return of_this_program(own, file, draft);
    }
    if LogFileName::parse(&file.name).is_some() {
        return transaction_log(storage, file, draft);
    }
    match parse_file_name(&file.name) {
        Some((_, component)) if is_known(&component) => "sstable",
        // Whoever discovers SSTables notes these.
        _ if file.name.contains("-Data.db") => "foreign",
        Some(_) => {
            let what = "a file with the name of an SSTable that no known product gives to one";
            let hint = "start the node, which deletes what it has not finished; else find out what \
                        it is, and move it away";
            foreign(file, what, hint, draft)
        }
        None if is_in_snapshot(&file.below) && MANIFESTS.contains(&file.name.as_str()) => {
            "manifest"
        }
        None if BALLOTS.iter().any(|ballots| file.below == Path::new(ballots)) => "paxos_ballots",
        None => {
            let what = "a file of no known kind among the tables";
            foreign(file, what, "find out what it is, and move it away", draft)
        }
    }
}

/// Nodes read those of the tables themselves, and nobody those elsewhere: a name alone says nothing.
fn transaction_log(storage: &dyn Storage, file: &File, draft: &mut Draft) -> &'static str {
    match storage.read(&file.path, LOG_LIMIT) {
        Ok(bytes) if LogRecord::are_begun(&bytes) => {}
        Ok(_) => {
            let what = "a file with the name of a transaction log, and not with what those have";
            return foreign(file, what, "find out what it is, and move it away", draft);
        }
        Err(error) => draft.add_unknown(&error),
    }
    "transaction_log"
}

fn foreign(file: &File, what: &'static str, hint: &'static str, draft: &mut Draft) -> &'static str {
    let error = Error::unsupported(what).at(&file.path).hint(hint);
    draft.add_unknown_of(UnknownKind::Foreign, &error, Some(file.stat.modified));
    "foreign"
}

/// What a product is known to make of an SSTable.
fn is_known(component: &Component) -> bool {
    match component {
        Component::Other(name) => {
            let of_an_index = ["SI_", "SAI_", "SAI+"].iter().any(|start| name.starts_with(start));
            (of_an_index && name.ends_with(".db")) || component.is_foreign_digest()
        }
        _ => true,
    }
}

/// The way below this program's own directory.
fn below_state(below: &Path) -> Option<&Path> {
    below.strip_prefix(STATE_DIRECTORY).ok()
}

/// Reports and the record of rotations are names and counts, and what a measurement left is under a key
/// that was thrown away. All else is of a run that has not ended: it is under the key of that run.
fn of_this_program(own: &Path, file: &File, draft: &mut Draft) -> &'static str {
    let parts: Vec<&str> = own.iter().filter_map(|name| name.to_str()).collect();
    match parts.as_slice() {
        [ROTATIONS_FILE | REWRITTEN_FILE] => return "own",
        [REPORTS_DIRECTORY, name] if name.ends_with(".json") => return "own",
        [MEASURE_DIRECTORY, name] if name.ends_with(".staged") => return "own",
        [REPORTS_DIRECTORY | ROTATIONS_FILE | MEASURE_DIRECTORY, ..] => {
            let what = "a file among those of this program that it has not made";
            return foreign(file, what, "find out what it is, and move it away", draft);
        }
        _ => {}
    }
    let error = Error::unsupported(
        "a run of this program has not ended: what it has staged may be under the key",
    )
    .at(&file.path)
    .hint("finish it (upgradesstables --resume), or abandon it");
    draft.add_unknown_of(UnknownKind::Unfinished, &error, Some(file.stat.modified));
    "unfinished"
}

/// `<keyspace>/<table>/snapshots/<tag>/<file>`
fn is_in_snapshot(below: &Path) -> bool {
    let parts: Vec<_> = below.components().collect();
    matches!(parts.as_slice(), [_, _, Part::Normal(folder), _, _] if *folder == "snapshots")
}

/// Where Cassandra 4.1 and later keep the highest ballots of Paxos: two ballots, in clear.
const BALLOTS: [&str; 2] =
    ["system/_paxos_repair_state/ballot.meta", "system/_paxos_repair_state/ballot.meta.tmp"];

/// What the database writes into a snapshot.
const MANIFESTS: [&str; 3] = ["manifest.json", "schema.cql", "ephemeral.snapshot"];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;
    use crate::io::{FileStat, LocalStorage};

    fn kind(below: &str) -> (&'static str, Vec<UnknownKind>) {
        let path = PathBuf::from("/d").join(below);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let stat = FileStat { length: 1, modified: SystemTime::UNIX_EPOCH };
        let mut draft = Draft::default();
        let kind =
            kind_of(&LocalStorage, &File { path, below: below.into(), name, stat }, &mut draft);
        (kind, draft.finish().2.iter().map(|unknown| unknown.kind).collect())
    }

    #[test]
    fn what_nodes_and_this_program_make_is_known() {
        for (below, expected) in [
            ("ks/t-1/nb-1-big-Data.db", "sstable"),
            ("ks/t-1/.by_n/nb-1-big-Index.db", "sstable"),
            ("ks/t-1/nb-1-big-SAI+ca+i+TermsData.db", "sstable"),
            ("ks/t-1/bb-1-bti-SAI_i_TermsData.db", "sstable"),
            ("ks/t-1/nb-1-big-SI_i.db", "sstable"),
            ("ks/t-1/nb-1-big-Digest.crc32c", "sstable"),
            ("ks/t-1/snapshots/s/manifest.json", "manifest"),
            ("ks/t-1/snapshots/s/schema.cql", "manifest"),
            ("system/_paxos_repair_state/ballot.meta", "paxos_ballots"),
            (".sstablerekey/reports/r.json", "own"),
            (".sstablerekey/rotations", "own"),
            (".sstablerekey/rewritten", "own"),
            ("ks/t-1/snapshots/s/ephemeral.snapshot", "manifest"),
            (".sstablerekey/measure/Data.db.staged", "own"),
        ] {
            assert_eq!(kind(below), (expected, vec![]), "{below}");
        }
    }

    #[test]
    fn a_transaction_log_is_one_by_what_it_has() {
        let root = tempfile::tempdir().unwrap();
        let name = "nb_txn_flush_6f9c1c00-0000-11f0-8000-00000000000a.log";
        let path = root.path().join(name);
        for (bytes, expected, unknown) in [
            (&b"ADD:[/d/ks/t-1/nb-1-big-,0,0][1]\nREM"[..], "transaction_log", 0),
            (&[0xA7; 4096][..], "foreign", 1),
        ] {
            LocalStorage.create(&path).unwrap().write_at(bytes, 0).unwrap();
            let stat = LocalStorage.stat(&path).unwrap().unwrap();
            let file = File { path: path.clone(), below: name.into(), name: name.to_owned(), stat };
            let mut draft = Draft::default();
            assert_eq!(kind_of(&LocalStorage, &file, &mut draft), expected);
            assert_eq!(draft.finish().2.len(), unknown);
            LocalStorage.remove_file(&path).unwrap();
        }
    }

    #[test]
    fn everything_else_may_be_under_any_key() {
        for below in [
            "notes.txt",
            "ks/_paxos_repair_state/ballot.meta",
            "ks/t-1/manifest.json",
            "ks/t-1/snapshots/s/x/schema.cql",
            "ks/t-1/nb-1-big-Statistics.db.tmp",
            "ks/t-1/nb-1-big-Novelty.db",
            "ks/t-1/nb-1-big-SAI_x",
            "ks/t-1/data.tar",
            ".sstablerekey/measure/oa-2-big-Data.db",
            ".sstablerekey/reports/oa-2-big-Data.db",
            ".sstablerekey/rotations/oa-2-big-Data.db",
        ] {
            assert_eq!(kind(below), ("foreign", vec![UnknownKind::Foreign]), "{below}");
        }
        for below in [
            ".sstablerekey/journal",
            ".sstablerekey/run",
            ".sstablerekey/ks.t-1.nb-1-big/Data.db.staged",
            ".sstablerekey/reports2/x",
        ] {
            assert_eq!(kind(below), ("unfinished", vec![UnknownKind::Unfinished]), "{below}");
        }
        // Noted elsewhere.
        assert_eq!(kind("ks/t-1/nb-01-big-Data.db"), ("foreign", vec![]));
    }
}
