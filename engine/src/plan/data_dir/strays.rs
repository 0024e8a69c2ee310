//! Files of SSTables in folders where no node looks for them, and no census counts them: copies that
//! somebody has put there. They may be under any key.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::io::{Entry, EntryKind, Storage};
use crate::sstable::parse_file_name;
use crate::{Error, ErrorKind, Result};

/// Looks for them, each folder once, so that links in a circle come to an end.
#[derive(Debug)]
pub(in crate::plan) struct Search<'a> {
    storage: &'a dyn Storage,
    data_dir: &'a Path,
    seen: BTreeSet<PathBuf>,
    /// The folders with such files, and how many each has.
    pub(in crate::plan) found: Vec<(PathBuf, usize)>,
    /// What could not be looked at.
    pub(in crate::plan) unreadable: Vec<Error>,
}

impl<'a> Search<'a> {
    pub(in crate::plan) const fn new(storage: &'a dyn Storage, data_dir: &'a Path) -> Self {
        Self { storage, data_dir, seen: BTreeSet::new(), found: vec![], unreadable: vec![] }
    }

    /// Looks into a folder, and all below it.
    pub(in crate::plan) fn below(&mut self, folder: &Path) {
        self.look(folder, 0);
    }

    /// Takes the entries of a folder whose files do not belong there; its folders are not looked
    /// into.
    pub(in crate::plan) fn files(&mut self, folder: &Path, entries: &[Entry]) {
        match entries.iter().filter(|entry| is_of_sstable(entry)).count() {
            0 => {}
            count => self.found.push((folder.to_owned(), count)),
        }
    }

    /// What was found, as errors.
    pub(in crate::plan) fn into_errors(self) -> Vec<Error> {
        let found = self.found.into_iter().map(|(folder, count)| {
            Error::unsupported(format!("files of SSTables where no node loads them: {count}"))
                .at(folder)
                .hint(
                    "they may be under any key: remove the copies that are no longer wanted, or \
                     move them to where they can be looked at",
                )
        });
        found.chain(self.unreadable).collect()
    }

    fn look(&mut self, folder: &Path, depth: usize) {
        if depth > DEEPEST {
            self.unreadable.push(too_deep(folder));
            return;
        }
        match self.entries(folder) {
            Ok(None) => {}
            Err(error) => self.unreadable.push(error),
            Ok(Some(entries)) => {
                self.files(folder, &entries);
                for entry in &entries {
                    if entry.kind == EntryKind::Directory {
                        self.look(&folder.join(&entry.name), depth.saturating_add(1));
                    }
                    self.unreadable.extend(unseen(folder, entry));
                }
            }
        }
    }

    /// None if the folder was looked at, or is by its other name.
    fn entries(&mut self, folder: &Path) -> Result<Option<Vec<Entry>>> {
        let path = std::fs::canonicalize(folder)
            .map_err(|e| Error::io("cannot resolve the directory", folder, e))?;
        let is_elsewhere = path != folder && path.starts_with(self.data_dir);
        if is_elsewhere || !self.seen.insert(path) {
            return Ok(None);
        }
        self.storage.list(folder).map(Some)
    }
}

/// Whether a file is one of an SSTable, or looks like the data of one.
fn is_of_sstable(entry: &Entry) -> bool {
    let is_file =
        matches!(entry.kind, EntryKind::File | EntryKind::NotUtf8 { is_directory: false });
    is_file && (entry.name.contains("-Data.db") || parse_file_name(&entry.name).is_some())
}

/// Folders in one another end somewhere, whatever a disk says.
pub(crate) fn too_deep(folder: &Path) -> Error {
    Error::unsupported("folders lie deeper in one another than is looked into")
        .at(folder)
        .hint("move away what does not belong there")
}

/// A link that leads to nothing.
pub(crate) fn dangling(link: PathBuf) -> Error {
    Error::new(ErrorKind::Io, "a link that leads to nothing that can be seen")
        .at(link)
        .hint("is the disk mounted that it leads to? Otherwise remove the link")
}

/// Why nobody can tell what an entry of a directory holds, if that is so: a link that leads nowhere
/// may lead to a disk that is not mounted.
pub(in crate::plan) fn unseen(directory: &Path, entry: &Entry) -> Option<Error> {
    let path = directory.join(&entry.name);
    match entry.kind {
        EntryKind::Other if entry.is_link => Some(dangling(path)),
        EntryKind::NotUtf8 { is_directory: true } => Some(
            Error::unsupported("a folder whose name is not UTF-8 cannot be looked into")
                .at(path)
                .hint("no node has made it: rename it, or move it away"),
        ),
        _ => None,
    }
}

/// Folders in one another that are looked into.
pub(crate) const DEEPEST: usize = 32;
