//! A transaction log as a starting node reads it (FORMATS.md 9.1, 9.3).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::flavor::PathForm;
use super::record::{LogRecord, RecordError, RecordKind};
use crate::io::{Entry, EntryKind, Storage};
use crate::sstable::{Component, Descriptor, parse_file_name};
use crate::{Error, Result};

/// The parsed name of a log file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogFileName(String);

impl LogFileName {
    /// Recognises `nb_txn_compaction_<uuid>.log` and its relatives.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".log")?;
        let (prefix, rest) = stem.split_once("txn_")?;
        let well_formed = prefix.is_empty()
            || prefix.strip_suffix('_').is_some_and(|version| {
                let letters = version.rsplit_once('-').map_or(version, |(_, letters)| letters);
                letters.len() == 2
            });
        (well_formed && rest.contains('_')).then(|| Self(name.to_owned()))
    }

    /// The whole file name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes that no log has.
pub(crate) const LOG_LIMIT: u64 = 64 << 20;

/// What a starting node would do with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Committed: delete the files of the REMOVE records.
    RollForward,
    /// Not committed: delete the files of the ADD records.
    RollBack,
    /// The node would refuse to start, for the reason given.
    Refuse(String),
}

/// A log with all its replicas, one in each directory that takes part.
#[derive(Debug)]
pub(super) struct TransactionLog {
    /// The name that the replicas share.
    pub name: LogFileName,
    /// The directories that have a replica.
    pub directories: Vec<PathBuf>,
    /// The records that all replicas agree on.
    pub records: Vec<LogRecord>,
    /// The last line is torn or damaged.
    pub torn: bool,
    /// All directories of the table.
    table: Vec<PathBuf>,
    problem: Option<String>,
}

impl TransactionLog {
    /// Reads the replicas of a log. `table` are all directories of the table: a record may name one
    /// whose replica is already deleted.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], or [`crate::ErrorKind::Corrupt`] for an absurd size.
    pub(super) fn read(
        storage: &dyn Storage,
        name: &LogFileName,
        directories: Vec<PathBuf>,
        table: &[PathBuf],
    ) -> Result<Self> {
        let mut replicas = Vec::new();
        for directory in &directories {
            let bytes = storage.read(&directory.join(name.as_str()), LOG_LIMIT)?;
            replicas.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let mut log = Self {
            name: name.clone(),
            directories,
            records: vec![],
            torn: false,
            table: table.to_vec(),
            problem: None,
        };
        log.merge(&replicas);
        Ok(log)
    }

    /// What a starting node would do, given the files as they are.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when a directory cannot be read.
    pub(super) fn verdict(&self, storage: &dyn Storage) -> Result<Verdict> {
        if let Some(problem) = &self.problem {
            return Ok(Verdict::Refuse(problem.clone()));
        }
        for record in &self.records {
            if record.kind.is_final() {
                continue;
            }
            let Some((directory, sstable, form)) = self.locate(record) else {
                return Ok(Verdict::Refuse(format!(
                    "{} names '{}', which is not an SSTable of the table",
                    record.kind.name(),
                    record.path
                )));
            };
            if record.kind != RecordKind::Remove {
                continue;
            }
            let files = files_of(storage, &directory, &sstable)?;
            if !self.time_agrees(storage, &directory, &files, record, form)? {
                return Ok(Verdict::Refuse(format!(
                    "the files of {sstable} are not as old as the log says"
                )));
            }
            // Undoing deletes the new files, so the old ones must be there. A node checks this only
            // when the last record is damaged; this program never deletes a last copy.
            let count = i32::try_from(files.len()).unwrap_or(i32::MAX);
            if !self.is_committed() && count < record.file_count {
                return Ok(Verdict::Refuse(format!(
                    "it is not committed, and {sstable}, which it replaces, is no longer complete"
                )));
            }
        }
        Ok(if self.is_committed() { Verdict::RollForward } else { Verdict::RollBack })
    }

    fn is_committed(&self) -> bool {
        !self.torn && self.records.last().is_some_and(|last| last.kind == RecordKind::Commit)
    }

    /// The SSTables of the records of one kind, as directory and descriptor.
    pub(super) fn sstables(
        &self,
        kind: RecordKind,
    ) -> impl Iterator<Item = (PathBuf, Descriptor)> + '_ {
        self.records
            .iter()
            .filter(move |record| record.kind == kind)
            .filter_map(|record| self.locate(record))
            .map(|(directory, descriptor, _)| (directory, descriptor))
    }

    fn merge(&mut self, replicas: &[String]) {
        let Some(longest) = replicas.iter().max_by_key(|text| text.lines().count()) else {
            return;
        };
        let lines: Vec<&str> = longest.lines().collect();
        let replicas: Vec<Vec<&str>> = replicas.iter().map(|text| text.lines().collect()).collect();
        for (i, line) in lines.iter().enumerate() {
            let is_last = i + 1 == lines.len();
            let mut theirs = replicas.iter().filter_map(|replica| replica.get(i));
            let agrees = theirs.clone().all(|other| other == line);
            // A line may be torn in one replica; two that say different things never agree.
            if !theirs.all(|other| other.starts_with(*line) || line.starts_with(*other)) {
                self.problem = Some(format!("its replicas differ in line {}", i + 1));
                return;
            }
            let record = LogRecord::parse(line);
            match record {
                Ok(record) if agrees => {
                    if self.records.contains(&record) {
                        self.problem = Some(format!("'{line}' occurs twice"));
                        return;
                    }
                    if self.records.last().is_some_and(|last| last.kind.is_final()) {
                        self.problem = Some("it has lines after its end".to_owned());
                        return;
                    }
                    self.records.push(record);
                }
                // Complete, so not torn: a node may accept it.
                Err(error @ RecordError::Spelling) => {
                    self.problem = Some(format!("line {}: {error}", i + 1));
                    return;
                }
                _ if is_last => self.torn = true,
                Ok(_) => {
                    self.problem = Some("its replicas differ".to_owned());
                    return;
                }
                Err(error) => {
                    self.problem = Some(format!("line {}: {error}", i + 1));
                    return;
                }
            }
        }
    }

    /// The SSTable of a record, if the record names it as a node does: for a node that compares
    /// text, `/data//ks/t` is not the directory `/data/ks/t`, and has no files.
    fn locate(&self, record: &LogRecord) -> Option<(PathBuf, Descriptor, PathForm)> {
        let (form, directory, sstable) = PathForm::read(&record.path)?;
        let descriptor = Descriptor::parse(&sstable)?;
        let directory = self.table.iter().find(|known| known.as_os_str() == directory.as_str())?;
        let is_spelled_so = form.write(directory, &sstable).is_ok_and(|path| path == record.path);
        is_spelled_so.then(|| (directory.clone(), descriptor, form))
    }

    fn time_agrees(
        &self,
        storage: &dyn Storage,
        directory: &Path,
        files: &[(String, Component)],
        record: &LogRecord,
        form: PathForm,
    ) -> Result<bool> {
        // Statistics.db is rewritten during an SSTable's life: newer nodes leave it out.
        let mut newest_of_all = None;
        let mut newest_of_rest = None;
        for (name, component) in files {
            let Some(stat) = storage.stat(&directory.join(name))? else { continue };
            let time = Some(millis(stat.modified));
            newest_of_all = newest_of_all.max(time);
            if *component != Component::Statistics {
                newest_of_rest = newest_of_rest.max(time);
            }
        }
        let in_seconds = |time: i64| time.div_euclid(1000) == record.update_time.div_euclid(1000);
        Ok(newest_of_all.is_none_or(|all| match form {
            // Java 8 sees whole seconds only, and so do the logs of nodes that run on it.
            PathForm::Bare if record.update_time % 1000 == 0 => in_seconds(all),
            PathForm::Bare => all == record.update_time,
            PathForm::Dashed | PathForm::Uri => {
                // If only Statistics.db is left, which does not count, that is the same as no file.
                in_seconds(all) || newest_of_rest.is_none_or(in_seconds)
            }
        }))
    }
}

/// The files of an SSTable in a directory, without `.tmp` leftovers, sorted by name.
pub(super) fn files_of(
    storage: &dyn Storage,
    directory: &Path,
    sstable: &Descriptor,
) -> Result<Vec<(String, Component)>> {
    let entries = storage.list(directory)?;
    Ok(entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .filter_map(|entry| {
            let (descriptor, component) = parse_file_name(&entry.name)?;
            (descriptor == *sstable).then_some((entry.name, component))
        })
        .collect())
}

/// Milliseconds since 1970, as Java counts them.
pub(super) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|duration| i64::try_from(duration.as_millis()).ok())
        .unwrap_or_default()
}

/// All logs in the directories of one table, replicas gathered.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when a directory or a log cannot be read.
pub(super) fn logs_in(storage: &dyn Storage, table: &[PathBuf]) -> Result<Vec<TransactionLog>> {
    let listed: Vec<Vec<Entry>> =
        table.iter().map(|directory| storage.list(directory)).collect::<Result<_>>()?;
    logs_among(storage, table, table.iter().zip(&listed))
}

/// The same, from given listings of the directories.
pub(super) fn logs_among<'a>(
    storage: &dyn Storage,
    table: &[PathBuf],
    listed: impl Iterator<Item = (&'a PathBuf, &'a Vec<Entry>)>,
) -> Result<Vec<TransactionLog>> {
    let mut names = BTreeSet::new();
    let mut places = Vec::new();
    for (directory, entries) in listed {
        for entry in entries {
            if let Some(name) = LogFileName::parse(&entry.name) {
                names.insert(name.clone());
                places.push((name, directory.clone()));
            }
        }
    }
    names
        .into_iter()
        .map(|name| {
            let directories = places
                .iter()
                .filter(|(other, _)| *other == name)
                .map(|(_, directory)| directory.clone())
                .collect();
            TransactionLog::read(storage, &name, directories, table)
        })
        .collect()
}

/// The error for a log that a node would refuse.
pub(super) fn refused(log: &TransactionLog, reason: &str) -> Error {
    let path = log.directories.first().map(|directory| directory.join(log.name.as_str()));
    Error::corrupt(format!("the transaction log cannot be finished or undone: {reason}"))
        .at(path.unwrap_or_default())
        .hint(
            "a node would refuse to start on it, too: find out which files were changed since \
             (sstableutil shows them), put them right, then run again",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_names_of_all_products_are_recognised() {
        for name in [
            "nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log",
            "bti-da_txn_flush_5ab1e000-0000-11f0-8000-00000000000a.log",
            "txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log",
        ] {
            assert!(LogFileName::parse(name).is_some(), "{name}");
        }
        for name in ["nb-1-big-Data.db", "x.log", "abc_txn_flush_1.log", "nb_txn_flush.log"] {
            assert!(LogFileName::parse(name).is_none(), "{name}");
        }
    }
}
