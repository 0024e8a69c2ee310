//! Every file below a directory, each folder once, so that links in a circle come to an end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use crate::error::escape;
use crate::io::{Entry, EntryKind, FileStat, Storage};
use crate::plan::{DEEPEST, dangling, too_deep};
use crate::{Error, Result};

/// A regular file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The way to it below the directory.
    pub(super) below: PathBuf,
    pub(super) name: String,
    pub(super) stat: FileStat,
}

/// What a walk tells.
#[derive(Debug)]
pub(super) enum Step {
    File(File),
    /// Something that cannot be looked at.
    Unseen(Error),
}

/// Goes through a directory in the order of names and tells each file. Directories in `others` are looked
/// at on their own. Returns the digest of the list of files ([`crate::evidence::Directory::digest`]).
///
/// # Errors
/// [`crate::ErrorKind::Io`] when the directory itself cannot be listed.
pub(super) fn walk(
    storage: &dyn Storage,
    directory: &Path,
    others: &BTreeSet<PathBuf>,
    tell: &mut dyn FnMut(Step),
) -> Result<String> {
    let entries = storage.list(directory)?;
    let mut walker = Walker { storage, others, seen: BTreeSet::new(), digest: Sha256::new(), tell };
    walker.seen.extend(std::fs::canonicalize(directory));
    walker.folder(directory, Path::new(""), &entries, 0);
    Ok(walker.digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _text_takes_all = write!(text, "{byte:02x}");
        text
    }))
}

struct Walker<'a> {
    storage: &'a dyn Storage,
    others: &'a BTreeSet<PathBuf>,
    seen: BTreeSet<PathBuf>,
    digest: Sha256,
    tell: &'a mut dyn FnMut(Step),
}

impl Walker<'_> {
    fn folder(&mut self, folder: &Path, below: &Path, entries: &[Entry], depth: usize) {
        for entry in entries {
            let (path, below) = (folder.join(&entry.name), below.join(&entry.name));
            match entry.kind {
                EntryKind::File => self.file(path, below, entry),
                EntryKind::Directory => self.enter(&path, &below, depth.saturating_add(1)),
                EntryKind::Other if entry.is_link => self.unseen(dangling(path)),
                EntryKind::Other => self.unseen(
                    Error::unsupported("neither a file nor a directory")
                        .at(path)
                        .hint("find out what it is, and move it away"),
                ),
                EntryKind::NotUtf8 { .. } => self.unseen(
                    Error::unsupported("a name that is not UTF-8, which no node gives")
                        .at(path)
                        .hint("find out what it is, and move it away"),
                ),
            }
        }
    }

    fn file(&mut self, path: PathBuf, below: PathBuf, entry: &Entry) {
        match self.storage.stat(&path) {
            Ok(Some(stat)) => {
                self.count(&below, stat);
                let name = entry.name.clone();
                (self.tell)(Step::File(File { path, below, name, stat }));
            }
            // A running node removes files.
            Ok(None) => {}
            Err(error) => self.unseen(error),
        }
    }

    fn count(&mut self, below: &Path, stat: FileStat) {
        let nanoseconds = stat.modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mut line = format!("{} {nanoseconds} ", stat.length);
        let _text_takes_all = escape(&mut line, &below.display().to_string());
        line.push('\n');
        self.digest.update(line.as_bytes());
    }

    fn enter(&mut self, folder: &Path, below: &Path, depth: usize) {
        let canonical = match std::fs::canonicalize(folder) {
            Ok(canonical) => canonical,
            Err(error) => {
                return self.unseen(Error::io("cannot resolve the directory", folder, error));
            }
        };
        if self.others.contains(&canonical) || !self.seen.insert(canonical) {
            return;
        }
        if depth > DEEPEST {
            return self.unseen(too_deep(folder));
        }
        match self.storage.list(folder) {
            Ok(entries) => self.folder(folder, below, &entries, depth),
            Err(error) => self.unseen(error),
        }
    }

    fn unseen(&mut self, error: Error) {
        (self.tell)(Step::Unseen(error));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::io::LocalStorage;

    fn walked(directory: &Path, others: &BTreeSet<PathBuf>) -> (Vec<String>, usize, String) {
        let (mut files, mut unseen) = (Vec::new(), 0);
        let digest = walk(&LocalStorage, directory, others, &mut |step| match step {
            Step::File(file) => files.push(file.below.display().to_string()),
            Step::Unseen(_) => unseen += 1,
        });
        (files, unseen, digest.unwrap())
    }

    #[test]
    fn every_file_is_told_once_whatever_links_there_are() {
        let root = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(root.path()).unwrap();
        std::fs::create_dir_all(root.join("b/c")).unwrap();
        std::fs::create_dir(root.join("other")).unwrap();
        for file in ["a", "b/c/d", "other/x"] {
            drop(LocalStorage.create(&root.join(file)).unwrap());
        }
        symlink(&root, root.join("b/back")).unwrap();
        symlink("/gone/for/good", root.join("gone")).unwrap();
        let (files, unseen, digest) = walked(&root, &BTreeSet::new());
        assert_eq!((files, unseen), (["a", "b/c/d", "other/x"].map(String::from).to_vec(), 1));
        let (files, _, without) = walked(&root, &BTreeSet::from([root.join("other")]));
        assert_eq!(files, ["a", "b/c/d"]);
        assert_ne!(digest, without);
        assert_eq!(digest.len(), 64);
        LocalStorage.set_modified(&root.join("a"), UNIX_EPOCH).unwrap();
        assert_ne!(walked(&root, &BTreeSet::new()).2, digest);
        assert!(walk(&LocalStorage, &root.join("none"), &BTreeSet::new(), &mut |_| {}).is_err());
    }
}
