//! Puts a new file in the place of an old one, under all of its names.
//!
//! ```text
//! new file      a temporary name beside the old one; written, durable, read back
//! other names   links to it beside each of them (a segment lies in cdc_raw, too); durable
//! companions    what counts its bytes: _cdc.idx, .crc32, under temporary names; durable
//! first name    one rename, durable: from here on the others are to follow
//! the rest      a second link of each takes the place, durable; only then the temporary name goes
//! ```
//!
//! A process may die at any point. No node knows the temporary names. The next run looks at each that is
//! left: a link to a file that is in its place under another name is put into its place; a companion is
//! put into its place if it is right for the file that is there; everything else is removed.
//!
//! After an outage a rename may show in neither of its names. For the first name that is the old file,
//! and nothing has happened; for the others it would be an old file that nobody ends, and so their
//! temporary names stay until they are in their place for good.

use std::path::{Path, PathBuf};

use super::pass;
use crate::io::{Access, EntryKind, Storage};
use crate::system::{OpenFile, SystemFileName};
use crate::{Error, ErrorKind, Result};

/// The temporary name of a new file.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{SUFFIX}"))
}

/// The name by which a new file comes into its place while its temporary name stays.
fn link(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{LINK_SUFFIX}"))
}

/// The name of the file that a temporary name, or a link to it, is for.
fn meant(temporary: &str) -> Option<(&str, Left)> {
    let name = temporary.strip_prefix('.')?;
    let link = name.strip_suffix(LINK_SUFFIX).map(|name| (name, Left::Link));
    link.or_else(|| name.strip_suffix(SUFFIX).map(|name| (name, Left::New)))
}

/// Whether a file is what [`replace`] has left, by its name.
pub(crate) fn is_of_a_replacement(name: &str) -> bool {
    meant(name).is_some_and(|(name, _)| SystemFileName::parse(name).is_some())
}

/// What a process that died has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// A new file or companion.
    New,
    /// A link to one: it says nothing more.
    Link,
}

/// Puts a new file, durable under the temporary name of the first path, under all of these names, and
/// companions with these contents beside it.
pub(super) fn replace(
    storage: &dyn Storage,
    paths: &[PathBuf],
    companions: &[(PathBuf, Vec<u8>)],
) -> Result<()> {
    let Some(first) = paths.first() else { return Ok(()) };
    let new = temporary(first);
    sync_parent(storage, &new)?;
    for other in paths.iter().skip(1) {
        storage.link_or_copy(&new, &temporary(other))?;
        sync_parent(storage, other)?;
    }
    for (path, content) in companions {
        let file = storage.create(&temporary(path))?;
        file.write_at(content, 0)?;
        file.copy_attributes(path)?;
        file.sync()?;
        drop(file);
        sync_parent(storage, path)?;
    }
    storage.replace(&new, first)?;
    sync_parent(storage, first)?;
    let companions = companions.iter().map(|(path, _)| path);
    paths.iter().skip(1).chain(companions).try_for_each(|path| put(storage, path))
}

/// Puts what is under the temporary name of a path into its place; ends with the temporary name gone.
fn put(storage: &dyn Storage, path: &Path) -> Result<()> {
    let temporary = temporary(path);
    let link = link(path);
    storage.link_or_copy(&temporary, &link)?;
    storage.replace(&link, path)?;
    sync_parent(storage, path)?;
    storage.remove_file(&temporary)?;
    sync_parent(storage, path)
}

/// Removes what [`replace`] has made when it failed, as far as nothing is in its place.
pub(super) fn discard(storage: &dyn Storage, paths: impl Iterator<Item = PathBuf>) -> Result<()> {
    for path in paths {
        let temporary = temporary(&path);
        if storage.identity(&temporary)?.is_some() {
            storage.remove_file(&temporary)?;
            sync_parent(storage, &temporary)?;
        }
    }
    Ok(())
}

/// Ends what a run has left in some directories. Needs the exclusive lease. Returns the files that
/// were put into their place.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(crate) fn finish_system(
    storage: &dyn Storage,
    directories: &[PathBuf],
) -> Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for directory in directories {
        for entry in storage.list(directory)? {
            if entry.kind == EntryKind::File
                && !entry.is_link
                && let Some((name, kind)) = meant(&entry.name)
                && let Some(parsed) = SystemFileName::parse(name)
            {
                let path = directory.join(&entry.name);
                match kind {
                    Left::New => left.push((path, directory.join(name), parsed)),
                    Left::Link => {
                        storage.remove_file(&path)?;
                        storage.sync_directory(directory)?;
                    }
                }
            }
        }
    }
    // Companions are judged by their files, so these come first.
    left.sort_by_key(|(_, path, name)| (is_companion(name), path.clone()));
    let mut finished = Vec::new();
    for (temporary, path, name) in left {
        let is_done = match companion_of(&path, &name) {
            Some((file, of)) => {
                storage.identity(&file)?.is_some() && {
                    // One that a process died over may be cut off.
                    let read = |path| storage.read(path, COMPANION_LIMIT).unwrap_or_default();
                    counts(&file, &of, &read(&path), &read(&temporary))
                }
            }
            None => is_in_place_elsewhere(storage, directories, &temporary, &path)?,
        };
        // One file under both names: it is in its place already.
        let is_in_place = storage.identity(&temporary)? == storage.identity(&path)?;
        if is_done && !is_in_place {
            put(storage, &path)?;
            finished.push(path);
        } else {
            storage.remove_file(&temporary)?;
            sync_parent(storage, &path)?;
        }
    }
    Ok(finished)
}

fn is_in_place_elsewhere(
    storage: &dyn Storage,
    directories: &[PathBuf],
    temporary: &Path,
    path: &Path,
) -> Result<bool> {
    let own = storage.identity(temporary)?;
    let name = path.file_name().unwrap_or_default();
    for directory in directories {
        let place = directory.join(name);
        if place != path && own.is_some() && storage.identity(&place)? == own {
            return Ok(true);
        }
    }
    Ok(false)
}

const fn is_companion(name: &SystemFileName) -> bool {
    matches!(name, SystemFileName::CommitLogIndex(_) | SystemFileName::HintsChecksum(_))
}

/// The file that a companion counts the bytes of.
fn companion_of(path: &Path, name: &SystemFileName) -> Option<(PathBuf, SystemFileName)> {
    match name {
        SystemFileName::CommitLogIndex(segment) => {
            let file = path.with_file_name(segment.to_string());
            Some((file, SystemFileName::CommitLog(*segment)))
        }
        SystemFileName::HintsChecksum(hints) => {
            let file = path.with_file_name(hints.to_string());
            Some((file, SystemFileName::Hints(hints.clone())))
        }
        _ => None,
    }
}

/// Whether a companion is right for the file that is in place; `before` is the one that is there.
fn counts(file: &Path, name: &SystemFileName, before: &[u8], content: &[u8]) -> bool {
    let Ok(file) = OpenFile::open(file, name, Access::Positional) else { return false };
    if let SystemFileName::Hints(_) = name {
        let checksum = pass::checksum(&file);
        return checksum.is_ok_and(|checksum| format!("{checksum:x}").as_bytes() == content);
    }
    let line = before.iter().position(|byte| *byte == b'\n').unwrap_or(before.len());
    let rest = before.get(line..).unwrap_or_default();
    content.strip_prefix(file.source.length().to_string().as_bytes()) == Some(rest)
}

fn sync_parent(storage: &dyn Storage, path: &Path) -> Result<()> {
    let parent = path.parent().ok_or_else(|| {
        Error::new(ErrorKind::Internal, "a file has no directory").at(path.to_owned())
    })?;
    storage.sync_directory(parent)
}

/// Longest `_cdc.idx` or `.crc32` in bytes.
pub(crate) const COMPANION_LIMIT: u64 = 4096;

/// What follows the name of a file while its successor is made.
const SUFFIX: &str = ".sstablerekey";

/// What follows it while that successor comes into its place.
const LINK_SUFFIX: &str = ".sstablerekey.link";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_nobody_s() {
        for name in [
            "CommitLog-7-17.log",
            "CommitLog-7-17_cdc.idx",
            "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1-1.hints",
            "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1-1.crc32",
        ] {
            let path = Path::new("/d").join(name);
            for (path, kind) in [(temporary(&path), Left::New), (link(&path), Left::Link)] {
                let temporary = path.file_name().unwrap().to_str().unwrap();
                assert_eq!(SystemFileName::parse(temporary), None);
                assert_eq!(meant(temporary), Some((name, kind)));
            }
        }
        assert_eq!(meant("CommitLog-7-17.log"), None);
    }

    fn make(path: &Path, content: &[u8]) {
        crate::io::LocalStorage.create(path).unwrap().write_at(content, 0).unwrap();
    }

    /// An outage may leave a rename in both of its names, in one directory or in both.
    #[test]
    fn a_file_that_is_in_its_place_under_both_names_loses_the_temporary_one() {
        let root = tempfile::tempdir().unwrap();
        let directories = ["cdc_raw", "commitlog"].map(|name| root.path().join(name));
        for directory in &directories {
            std::fs::create_dir(directory).unwrap();
        }
        let names = directories.each_ref().map(|directory| directory.join("CommitLog-7-17.log"));
        make(&names[0], b"new");
        for name in [&names[1], &temporary(&names[0]), &temporary(&names[1]), &link(&names[1])] {
            std::fs::hard_link(&names[0], name).unwrap();
        }
        let finished = finish_system(&crate::io::LocalStorage, &directories).unwrap();
        assert_eq!(finished, Vec::<PathBuf>::new());
        for (directory, name) in directories.iter().zip(&names) {
            let left: Vec<_> = std::fs::read_dir(directory).unwrap().collect();
            assert_eq!(left.len(), 1, "{left:?}");
            assert_eq!(std::fs::read(name).unwrap(), b"new");
        }
    }

    /// The first name is in its place: the others follow, and stay links of it.
    #[test]
    fn the_next_run_puts_the_other_names_into_their_place() {
        let root = tempfile::tempdir().unwrap();
        let directories = ["cdc_raw", "commitlog"].map(|name| root.path().join(name));
        for directory in &directories {
            std::fs::create_dir(directory).unwrap();
        }
        let [other, first] = directories.each_ref().map(|dir| dir.join("CommitLog-7-17.log"));
        make(&first, b"new");
        make(&other, b"old");
        std::fs::hard_link(&first, temporary(&other)).unwrap();
        let finished = finish_system(&crate::io::LocalStorage, &directories).unwrap();
        assert_eq!(finished, std::slice::from_ref(&other));
        let storage = crate::io::LocalStorage;
        assert_eq!(storage.identity(&other).unwrap(), storage.identity(&first).unwrap());
        assert_eq!(std::fs::read_dir(&directories[0]).unwrap().count(), 1);
    }
}
