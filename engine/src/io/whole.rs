//! Small files that are written at once, durably: reports, pages.

use std::path::{Path, PathBuf};

use super::storage::{EntryKind, Storage};
use crate::{Error, Result};

/// Writes a new file, durably, readable by its user only. Half a file is none.
///
/// # Errors
/// [`crate::ErrorKind::NoSpace`], and [`crate::ErrorKind::Io`], also if the name is taken.
pub fn write_new(storage: &dyn Storage, path: &Path, content: &[u8]) -> Result<()> {
    write(storage, path, content)?;
    storage.sync_directory(directory(path))
}

/// The same in place of a file that is there, if one is: at any moment it is the old or the new one.
///
/// # Errors
/// As [`write_new`], and [`crate::ErrorKind::Invalid`] where something else than a regular file has the
/// name.
pub fn write_over(storage: &dyn Storage, path: &Path, content: &[u8]) -> Result<()> {
    if storage.identity(path)?.is_none() {
        return write_new(storage, path, content);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let entries = storage.list(directory(path))?;
    let is_replaceable = |entry: &&super::Entry| entry.kind == EntryKind::File && !entry.is_link;
    if !entries.iter().filter(is_replaceable).any(|entry| entry.name == name) {
        return Err(Error::invalid("only a regular file is replaced").at(path));
    }
    let unfinished: PathBuf = path.with_file_name(format!("{name}.unfinished"));
    write(storage, &unfinished, content)?;
    if let Err(error) = storage.replace(&unfinished, path) {
        let _the_first_error_counts = storage.remove_file(&unfinished);
        return Err(error);
    }
    storage.sync_directory(directory(path))
}

fn write(storage: &dyn Storage, path: &Path, content: &[u8]) -> Result<()> {
    let file = storage.create(path)?;
    let written = file.write_at(content, 0).and_then(|()| file.sync());
    if written.is_err() {
        let _the_first_error_counts = storage.remove_file(path);
    }
    written
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::ErrorKind;
    use crate::io::LocalStorage;

    #[test]
    fn a_new_file_replaces_none_and_is_private() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("page");
        write_new(&LocalStorage, &path, b"a").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(write_new(&LocalStorage, &path, b"b").unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(fs::read(&path).unwrap(), b"a");
        write_over(&LocalStorage, &path, b"longer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"longer");
        write_over(&LocalStorage, &root.path().join("other"), b"c").unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn only_a_regular_file_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        write_new(&LocalStorage, &at("file"), b"kept").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("absent"), at("dangling")).unwrap();
        for name in ["directory", "link", "dangling"] {
            let error = write_over(&LocalStorage, &at(name), b"new").unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Invalid, Some(&*at(name))));
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 4);
    }
}
