//! Adds a key to a local key file.
//!
//! No data may be encrypted with a key that a crash can undo. So the line is written with one call,
//! then made durable together with the file's name and those of its new directories. Only then does
//! the caller see success. A new file gets its name once its line is durable, so an interrupted run
//! never leaves half a line, which neither the database nor the next run would load. An existing
//! file may be a link or a mount, and is appended to.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::generate::generate;
use super::{LocalKey, line};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{LocalStorage, Storage as _, check_own};
use crate::keys::secret_file;

/// What [`LocalKeyFiles::create`](super::LocalKeyFiles::create) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyCreation {
    /// The key existed; nothing was written.
    AlreadyThere,
    /// The key is new.
    Created,
    /// The key had been created and never activated; it is active now.
    TakenUp,
}

/// New files get the owner of `like`: the node's user must be able to read them, whichever user
/// runs this program.
pub(super) fn create(key: &LocalKey<'_>, like: &Path) -> Result<KeyCreation> {
    // A file that does not change need not be writable.
    match key.read() {
        Ok(_) => {
            let file = secret_file::open(&key.path)
                .map_err(|error| Error::io("cannot open the key file", &key.path, error))?;
            return already_there(&file, key);
        }
        Err(error) if error.kind() == ErrorKind::KeyUnavailable => {}
        Err(error) => return Err(error),
    }
    let owner = Owner::of(like)?;
    create_directories(key.directory(), owner)?;
    if key.path.is_symlink() && !key.path.exists() {
        // The user who put it there would choose which file is created and given to the owner of
        // the data.
        return Err(Error::invalid("the key file is a link that leads nowhere")
            .at(&key.path)
            .hint("make the file that it leads to, or remove the link"));
    }
    if !key.path.exists() {
        create_file(key, owner)?;
        return Ok(KeyCreation::Created);
    }
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(&key.path)
        .map_err(|error| Error::io("cannot open the key file for writing", &key.path, error))?;
    secret_file::metadata(&file, &key.path)?;
    lock(&file, &key.path)?;
    let text = secret_file::read(&file, &key.path)?;
    if key.find(&text)?.is_some() {
        return already_there(&file, key);
    }
    let secret = generate(key)?;
    let line = line::encode(key.transformation.text(), key.strength, &secret);
    append(&file, &key.path, &text, &line)?;
    sync_directory(key.directory())?;
    Ok(KeyCreation::Created)
}

/// Creates a file with its first key.
fn create_file(key: &LocalKey<'_>, owner: Owner) -> Result<()> {
    // The path to it may contain links, such as those of a package's alternatives; operations there
    // must not follow any.
    let directory = std::fs::canonicalize(key.directory())
        .map_err(|error| Error::io("cannot find the directory", key.directory(), error))?;
    let mut name = key.path.file_name().unwrap_or_default().to_owned();
    let path = &directory.join(&name);
    name.push(".unfinished");
    let unfinished = directory.join(name);
    let failed = |error| Error::io("cannot make the key file", &unfinished, error);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(&unfinished)
        .map_err(failed)?;
    // A file that another user put there would let that user read the key.
    check_own(&file).map_err(|what| {
        Error::invalid(format!("not a key file that this program has begun: {what}"))
            .at(&unfinished)
            .hint("find out who put it there, and remove it")
    })?;
    lock(&file, path)?;
    // In between, another run may have ended and given the file its name.
    if path.exists() {
        return Err(another_run(path));
    }
    let line = line::encode(key.transformation.text(), key.strength, &generate(key)?);
    // One that an earlier run has left may contain part of a line.
    let made = file.set_len(0).and_then(|()| file.write_all(&line)).and_then(|()| file.sync_all());
    let made = made
        .map_err(failed)
        .and_then(|()| owner.give(&file, &unfinished))
        .and_then(|()| LocalStorage.rename(&unfinished, path));
    if let Err(error) = made {
        let _the_next_run_takes_it = LocalStorage.remove_file(&unfinished);
        return Err(error);
    }
    sync_directory(&directory)
}

/// The run that wrote the key may have been killed before the line or the file's name was durable.
fn already_there(file: &File, key: &LocalKey<'_>) -> Result<KeyCreation> {
    file.sync_all()
        .map_err(|error| Error::io("cannot make the key file durable", &key.path, error))?;
    sync_directory(key.directory())?;
    Ok(KeyCreation::AlreadyThere)
}

/// Keeps another run out until the file is closed.
fn lock(file: &File, path: &Path) -> Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => another_run(path),
        TryLockError::Error(error) => Error::io("cannot lock the key file", path, error),
    })
}

fn another_run(path: &Path) -> Error {
    Error::new(ErrorKind::Busy, "another run is writing it")
        .at(path)
        .hint("wait for the other run to end")
}

/// Appends a line to a file with the content `text`, or leaves the file unchanged.
fn append(mut file: &File, path: &Path, text: &[u8], line: &[u8]) -> Result<()> {
    let separator: &[u8] = match text.last() {
        None | Some(b'\n' | b'\r') => b"",
        Some(_) => b"\n",
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(separator.len().saturating_add(line.len())));
    bytes.extend_from_slice(separator);
    bytes.extend_from_slice(line);
    let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_all()) else { return Ok(()) };
    let error = Error::io("cannot add a key to the key file", path, error);
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    match file.set_len(length).and_then(|()| file.sync_all()) {
        Ok(()) => Err(error),
        Err(_) => Err(error.hint(format!(
            "the file may end in an unfinished line now: cut it back to {length} bytes, check the \
             disk, then run again"
        ))),
    }
}

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    fn of(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path)
            .map_err(|error| Error::io("cannot look at the owner", path, error))?;
        Ok(Self { user: metadata.uid(), group: metadata.gid() })
    }

    /// The open file, not whatever has its name by now.
    fn give(self, file: &File, path: &Path) -> Result<()> {
        let look = |error| Error::io("cannot look at the owner", path, error);
        let metadata = file.metadata().map_err(look)?;
        if (Self { user: metadata.uid(), group: metadata.gid() }) == self {
            return Ok(());
        }
        std::os::unix::fs::fchown(file, Some(self.user), Some(self.group)).map_err(|error| {
            Error::io("cannot give it to the user who owns the data", path, error)
                .hint("run as root, or as the user that the database runs as")
        })
    }
}

/// Creates missing directories, and makes their names durable.
fn create_directories(directory: &Path, owner: Owner) -> Result<()> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Error::io("cannot create the directory of the key file", directory, error)
    })?;
    missing.into_iter().try_for_each(|created| {
        let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed();
        let directory =
            OpenOptions::new().read(true).custom_flags(flags).open(created).map_err(|error| {
                Error::io("cannot open the directory of the key file", created, error)
            })?;
        owner.give(&directory, created)?;
        match created.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
            _ => sync_directory(Path::new(".")),
        }
    })
}

fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| {
        Error::io("cannot make the directory of the key file durable", directory, error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    use super::*;

    /// A regular file that cannot grow, as on a full disk.
    fn full(text: &[u8]) -> File {
        let file = File::from(memfd_create("keys", MemfdFlags::ALLOW_SEALING).unwrap());
        (&file).write_all(text).unwrap();
        fcntl_add_seals(&file, SealFlags::GROW).unwrap();
        file
    }

    #[test]
    fn a_line_that_does_not_fit_is_removed_again() {
        let file = full(b"AES:128:AAAA\n");
        let error = append(&file, Path::new("/k"), b"AES:128:AAAA\n", b"secret").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("/k: cannot add a key"), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
        let mut text = [0; 32];
        let length = file.read_at(&mut text, 0).unwrap();
        assert_eq!(&text[..length], b"AES:128:AAAA\n");
    }

    #[test]
    fn a_partial_line_is_removed_again() {
        // The file is longer than when it was read: what a short write leaves.
        let file = full(b"AES:128:AAAA\nAES:256:BB");
        append(&file, Path::new("/k"), b"AES:128:AAAA\n", b"secret").unwrap_err();
        assert_eq!(file.metadata().unwrap().len(), 13);
    }
}
