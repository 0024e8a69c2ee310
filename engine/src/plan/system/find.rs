//! Finds the files beside the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::io::{Access, EntryKind, FileId, Storage};
use crate::plan::{DEEPEST, too_deep};
use crate::system::{SystemFile, SystemFileName, inspect};
use crate::{Error, Result};

/// A file beside the tables.
#[derive(Debug)]
pub(crate) struct FoundFile {
    /// Its names in the directories that were searched.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) name: SystemFileName,
    pub(crate) bytes: u64,
    /// What it says of itself.
    pub(crate) looked: Result<SystemFile>,
    /// Names that it has elsewhere.
    pub(crate) elsewhere: u64,
}

/// Some directories and all folders in them, each once and by its path without links: an archive may have
/// one for each day. A directory that is not there has none.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when one cannot be looked at, and [`crate::ErrorKind::Unsupported`] where they
/// lie too deep in one another.
pub(crate) fn with_folders(storage: &dyn Storage, directories: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for directory in directories {
        if storage.identity(directory)?.is_some() {
            add_folder(storage, directory, 0, &mut found)?;
        }
    }
    Ok(found.into_iter().collect())
}

fn add_folder(
    storage: &dyn Storage,
    folder: &Path,
    depth: usize,
    found: &mut BTreeSet<PathBuf>,
) -> Result<()> {
    let path = std::fs::canonicalize(folder)
        .map_err(|error| Error::io("cannot resolve the directory", folder, error))?;
    if !found.insert(path.clone()) {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(too_deep(&path));
    }
    for entry in storage.list(&path)? {
        if entry.kind == EntryKind::Directory {
            add_folder(storage, &path.join(&entry.name), depth.saturating_add(1), found)?;
        }
    }
    Ok(())
}

/// Segments, hints and saved caches in some directories, by their first path.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when a directory cannot be listed.
pub(crate) fn find(storage: &dyn Storage, directories: &[PathBuf]) -> Result<Vec<FoundFile>> {
    let mut files: Vec<(Vec<PathBuf>, SystemFileName)> = Vec::new();
    let mut known: BTreeMap<FileId, usize> = BTreeMap::new();
    for directory in directories {
        for entry in storage.list(directory)? {
            let Some(name) = SystemFileName::parse(&entry.name).filter(is_own) else { continue };
            if entry.kind != EntryKind::File {
                continue;
            }
            let path = directory.join(&entry.name);
            let Some(id) = storage.identity(&path)? else { continue };
            let same = known.get(&id).copied().filter(|_| !entry.is_link);
            match same.and_then(|at| files.get_mut(at)) {
                Some((paths, of)) if *of == name => paths.push(path),
                _ => {
                    known.insert(id, files.len());
                    files.push((vec![path], name));
                }
            }
        }
    }
    let mut found: Vec<_> =
        files.into_iter().map(|(paths, name)| look(storage, paths, name)).collect();
    found.sort_by(|a, b| a.paths.cmp(&b.paths));
    Ok(found)
}

/// Indices and checksums go with the file that they are beside.
const fn is_own(name: &SystemFileName) -> bool {
    matches!(
        name,
        SystemFileName::CommitLog(_) | SystemFileName::Hints(_) | SystemFileName::SavedCache
    )
}

fn look(storage: &dyn Storage, paths: Vec<PathBuf>, name: SystemFileName) -> FoundFile {
    let first = paths.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
    let metadata = std::fs::symlink_metadata(first);
    let looked = match &metadata {
        Ok(metadata) if metadata.is_symlink() => Err(Error::unsupported("it is a symbolic link")
            .at(first)
            .hint("give the directory that the file itself is in")),
        _ => inspect(first, name.clone(), Access::Positional, storage),
    };
    let (links, bytes) = metadata.map_or((0, 0), |metadata| (metadata.nlink(), metadata.len()));
    let here = u64::try_from(paths.len()).unwrap_or(u64::MAX);
    let elsewhere = links.saturating_sub(here);
    FoundFile { paths, name, bytes, looked, elsewhere }
}
