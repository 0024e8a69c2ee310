//! What a node that starts now would load from a table's directories (FORMATS.md 9.3, 9.4).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log::{LogFileName, Verdict, logs_among, refused};
use super::record::RecordKind;
use crate::io::{Entry, EntryKind, Storage};
use crate::sstable::{Component, Descriptor, Support, Version, parse_file_name};
use crate::{Error, Result};

/// An SSTable that a node would load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSSTable {
    /// Its directory.
    pub directory: PathBuf,
    /// Its name.
    pub descriptor: Descriptor,
    /// The components on disk, sorted.
    pub components: Vec<Component>,
}

impl LiveSSTable {
    /// The path of a component.
    #[must_use]
    pub fn path(&self, component: &Component) -> PathBuf {
        self.descriptor.path(&self.directory, component)
    }

    /// Its version, if this release reads it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`].
    pub(crate) fn supported_version(&self) -> Result<&'static Version> {
        let unsupported = |what: String| {
            Error::unsupported(what)
                .at(self.path(&Component::Data))
                .hint("use a node-side upgrade for this table")
        };
        let version = self.descriptor.version().ok_or_else(|| {
            unsupported(format!(
                "SSTable version '{}' of format {} is not known",
                self.descriptor.version,
                self.descriptor.format.name()
            ))
        })?;
        match version.support {
            Support::Yes => Ok(version),
            Support::No(why) => Err(unsupported(format!("SSTable version {version}: {why}"))),
        }
    }

    /// Whether it has a component.
    #[must_use]
    pub fn has(&self, component: &Component) -> bool {
        self.components.contains(component)
    }
}

/// The state of one table over all data directories.
#[derive(Debug, Default)]
pub struct DirectoryView {
    /// What a node would load, in the order of directories and names.
    pub live: Vec<Arc<LiveSSTable>>,
    /// What it would delete first, since a log says so.
    pub condemned: Vec<Arc<LiveSSTable>>,
    /// Logs that it would finish or undo, and which of the two.
    pub logs: Vec<(PathBuf, Verdict)>,
    /// Logs that would prevent it from starting.
    pub refused: Vec<Error>,
    /// Files that are named like a Data.db but do not belong to an SSTable that this program can
    /// name.
    pub unknown: Vec<PathBuf>,
}

impl DirectoryView {
    /// Examines the directories of one table and changes nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when a directory or a log cannot be read.
    pub fn of(storage: &dyn Storage, directories: &[PathBuf]) -> Result<Self> {
        let mut view = Self::default();
        let mut gone: BTreeSet<(PathBuf, Descriptor)> = BTreeSet::new();
        // Each is listed once: a table may have a million files.
        let listed: Vec<Vec<Entry>> =
            directories.iter().map(|directory| storage.list(directory)).collect::<Result<_>>()?;
        let places = directories.iter().zip(&listed);
        for log in logs_among(storage, directories, places)? {
            let verdict = log.verdict(storage)?;
            match &verdict {
                Verdict::RollForward => gone.extend(log.sstables(RecordKind::Remove)),
                Verdict::RollBack => gone.extend(log.sstables(RecordKind::Add)),
                Verdict::Refuse(reason) => view.refused.push(refused(&log, reason)),
            }
            let path = log.directories.first().map(|directory| directory.join(log.name.as_str()));
            view.logs.push((path.unwrap_or_default(), verdict));
        }
        for (directory, entries) in directories.iter().zip(listed) {
            for (descriptor, components) in sstables_in(directory, entries, &mut view.unknown) {
                let key = (directory.clone(), descriptor);
                let is_gone = gone.contains(&key);
                let (directory, descriptor) = key;
                let sstable = Arc::new(LiveSSTable { directory, descriptor, components });
                if is_gone { &mut view.condemned } else { &mut view.live }.push(sstable);
            }
        }
        Ok(view)
    }

    /// Whether a log has to be finished or undone.
    #[must_use]
    pub fn has_logs(&self) -> bool {
        !self.logs.is_empty()
    }
}

/// Groups the files of a directory by SSTable.
fn sstables_in(
    directory: &Path,
    entries: Vec<Entry>,
    unknown: &mut Vec<PathBuf>,
) -> BTreeMap<Descriptor, Vec<Component>> {
    let mut sstables: BTreeMap<Descriptor, Vec<Component>> = BTreeMap::new();
    for entry in entries {
        let may_be_data = entry.name.contains("-Data.db");
        match entry.kind {
            EntryKind::File => {}
            EntryKind::NotUtf8 { is_directory: false } if may_be_data => {
                unknown.push(directory.join(entry.name));
                continue;
            }
            _ => continue,
        }
        if LogFileName::parse(&entry.name).is_some() {
            continue;
        }
        match parse_file_name(&entry.name) {
            // A second copy of the data, such as Data.db.bak, is not a component that a node knows.
            Some((_, component)) if may_be_data && component != Component::Data => {
                unknown.push(directory.join(entry.name));
            }
            Some((descriptor, component)) => {
                sstables.entry(descriptor).or_default().push(component);
            }
            None if may_be_data => unknown.push(directory.join(entry.name)),
            None => {}
        }
    }
    for components in sstables.values_mut() {
        components.sort();
    }
    sstables
}
