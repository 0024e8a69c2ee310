//! A path to a file that passes no symbolic link.
//!
//! This program works, often as root, in a tree that the database's user may change at any moment:
//! a path that was checked may lead elsewhere when it is used. So nothing is changed by path. Its
//! directory is opened first, from the root of the file system down and without following a link
//! (`openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`), and everything else is done in
//! that open directory by the last name only.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};

use super::refusal::is_refusal;
use crate::Error;

/// An open directory and a name in it.
#[derive(Debug)]
pub(super) struct Way<'p> {
    directory: OwnedFd,
    name: &'p OsStr,
}

impl<'p> Way<'p> {
    /// Opens the directory of a path's last name.
    pub(super) fn to(path: &'p Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(Errno::INVAL)?;
        let directory =
            open_directory(path.parent().unwrap_or_else(|| Path::new("")), OFlags::PATH)?;
        Ok(Self { directory, name })
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    pub(super) const fn name(&self) -> &OsStr {
        self.name
    }

    /// The owner of the directory.
    pub(super) fn owner(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.directory)?.st_uid)
    }

    /// Opens the file, which must not be a link. Does not block on a pipe.
    pub(super) fn open(&self, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.directory, self.name, flags, PRIVATE);
        Ok(retry_on_intr(open)?.into())
    }

    /// Opens an existing regular file.
    pub(super) fn open_file(&self, flags: OFlags) -> io::Result<File> {
        let file = self.open(flags)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other(NOT_REGULAR)) }
    }

    /// Creates a new file, accessible only to its owner.
    pub(super) fn create(&self) -> io::Result<File> {
        self.open(OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Whether nothing has this name, not even a dangling link.
    pub(super) fn is_free(&self) -> bool {
        let found = rustix::fs::statat(&self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW);
        found.is_err_and(|errno| errno == Errno::NOENT)
    }
}

/// Accessible only to its owner.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

pub(super) const NOT_REGULAR: &str = "not a regular file";

/// Opens a directory without following links.
pub(super) fn open_directory(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let path =
        std::path::absolute(if path.as_os_str().is_empty() { Path::new(".") } else { path })?;
    let mut below = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => below.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL.into()),
        }
    }
    let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = root()?;
    if below.as_os_str().is_empty() {
        return Ok(rustix::fs::openat(root, ".", flags, Mode::empty())?);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    loop {
        match rustix::fs::openat2(root, &below, flags, Mode::empty(), resolve) {
            // A directory was renamed at the same time, perhaps an unrelated one: the kernel cannot
            // tell.
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Before Linux 5.6, or under a filter that does not know the call.
            Err(errno) if is_refusal(errno) => return Ok(walk(root, &below, flags)?),
            opened => return Ok(opened?),
        }
    }
}

/// The same, component by component.
fn walk(root: BorrowedFd<'_>, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut names = below.iter().peekable();
    let mut directory: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let above = directory.as_ref().map_or(root, |directory| directory.as_fd());
        let flags = match names.peek() {
            Some(_) => OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            None => flags,
        };
        let open = || rustix::fs::openat(above, name, flags | OFlags::NOFOLLOW, Mode::empty());
        directory = Some(retry_on_intr(open).map_err(|errno| match errno {
            Errno::NOTDIR if is_link(above, name) => Errno::LOOP,
            other => other,
        })?);
    }
    directory.ok_or(Errno::INVAL)
}

fn is_link(directory: BorrowedFd<'_>, name: &OsStr) -> bool {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// The root of the file system, which cannot be swapped.
fn root() -> io::Result<BorrowedFd<'static>> {
    static ROOT: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(root) = ROOT.get() {
        return Ok(root.as_fd());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
    Ok(ROOT.get_or_init(|| root).as_fd())
}

/// The error of an operation at the end of a path.
pub(super) fn failed(what: &'static str, path: &Path, error: io::Error) -> Error {
    let is_link = Errno::from_io_error(&error) == Some(Errno::LOOP);
    let failed = Error::io(what, path, error);
    match is_link {
        true => failed.hint(
            "a symbolic link stands where this program expects a file or a directory, and is never \
             followed: find out who put it there, and remove it",
        ),
        false => failed,
    }
}

/// Refuses what this program would not have created, or what others could have changed since.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn check_own(file: &File) -> Result<(), &'static str> {
    let metadata = file.metadata().map_err(|_unknown| "it cannot be looked at")?;
    let user = rustix::process::geteuid().as_raw();
    if !metadata.is_file() {
        return Err(NOT_REGULAR);
    }
    if metadata.nlink() != 1 {
        return Err("it has a second name, a hard link");
    }
    if metadata.uid() != user {
        return Err("it belongs to another user than the one who runs this");
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err("others than its owner may write to it");
    }
    Ok(())
}

/// Group and others.
pub(super) const WRITABLE_BY_OTHERS: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    type Open = fn(&Path, OFlags) -> io::Result<OwnedFd>;

    /// With one call, and component by component.
    const BOTH: [Open; 2] = [open_directory, |path, flags| {
        let below = path.strip_prefix("/").unwrap();
        Ok(walk(root()?, below, flags | OFlags::DIRECTORY)?)
    }];

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = std::fs::canonicalize(dir.path()).unwrap();
        (dir, path)
    }

    #[test]
    fn no_link_is_followed_anywhere_in_a_path() {
        let (_dir, dir) = directory();
        std::fs::create_dir_all(dir.join("a/b/c")).unwrap();
        symlink(dir.join("a"), dir.join("to_a")).unwrap();
        symlink("c", dir.join("a/b/to_c")).unwrap();
        symlink("nowhere", dir.join("a/dangling")).unwrap();
        for open in BOTH {
            open(&dir.join("a/b/c"), OFlags::PATH).unwrap();
            for through in ["to_a", "to_a/b", "a/b/to_c", "to_a/b/c", "a/dangling", "a/dangling/x"]
            {
                let error = open(&dir.join(through), OFlags::PATH).unwrap_err();
                assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP), "{through}");
            }
            let error = open(&dir.join("a/gone"), OFlags::PATH).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
        assert!(open_directory(&dir.join("a/../a"), OFlags::PATH).is_err());
        assert!(open_directory(Path::new("/"), OFlags::RDONLY).is_ok());
    }

    #[test]
    fn the_last_name_must_not_be_a_link_or_a_pipe() {
        let (_dir, dir) = directory();
        let file = dir.join("file");
        Way::to(&file).unwrap().create().unwrap().write_all(b"x").unwrap();
        assert!(Way::to(&file).unwrap().create().is_err(), "never opens what is there");
        symlink(&file, dir.join("link")).unwrap();
        assert!(Way::to(&dir.join("link")).unwrap().open_file(OFlags::RDONLY).is_err());
        assert!(!Way::to(&dir.join("link")).unwrap().is_free());
        assert!(Way::to(&dir.join("gone")).unwrap().is_free());
        rustix::fs::mkfifoat(CWD, dir.join("pipe"), PRIVATE).unwrap();
        for flags in [OFlags::RDONLY, OFlags::RDWR] {
            let error = Way::to(&dir.join("pipe")).unwrap().open_file(flags).unwrap_err();
            assert!(error.to_string().contains(NOT_REGULAR));
        }
    }

    #[test]
    fn a_file_of_its_own_has_one_name_one_owner_and_one_writer() {
        let (_dir, dir) = directory();
        let path = dir.join("file");
        let way = Way::to(&path).unwrap();
        let file = way.create().unwrap();
        assert_eq!(check_own(&file), Ok(()));
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644)).unwrap();
        assert_eq!(check_own(&file), Ok(()));
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o620)).unwrap();
        assert!(check_own(&file).unwrap_err().contains("may write"));
        rustix::fs::fchmod(&file, PRIVATE).unwrap();
        std::fs::hard_link(&path, dir.join("second")).unwrap();
        assert!(check_own(&file).unwrap_err().contains("hard link"));
        assert!(check_own(&File::open(&dir).unwrap()).unwrap_err().contains("regular"));
    }
}
