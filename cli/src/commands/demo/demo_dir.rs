//! The directory that a demo lives in, and in which the next one finds it again.
//!
//! ```text
//! .sstablerekey-demo   says that the directory is a demo's
//! node/                the demo, from its beginning to its end
//! node.new/            one that is being unpacked
//! node.old/            one that is being removed
//! kept/                what a finished one was asked to keep
//! ```
//!
//! A demo begins and ends with a rename, so whatever lies in `node/` can be resumed. The name
//! of the directory is known to everybody, so what is there is looked at before it is believed: it
//! must be a directory, this user's own, and nobody else's to write to.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind as IoError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::{Error, ErrorKind, Result};
use rustix::fs::OFlags;
use rustix::process::geteuid;

/// A directory that is a demo's, locked until this is dropped.
#[derive(Debug)]
pub(super) struct DemoDir {
    root: PathBuf,
    _lock: File,
}

impl DemoDir {
    /// Takes a directory, and makes it if it is not there; without a name, the one that this user's
    /// demos have.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is no demo's directory or may be somebody else's, and
    /// [`ErrorKind::Busy`] while another demo has it.
    pub(super) fn open(given: Option<&Path>) -> Result<Self> {
        let usual = || std::env::temp_dir().join(format!("sstablerekey-demo-{}", geteuid()));
        let root = given.map_or_else(usual, Path::to_owned);
        let root = std::path::absolute(&root).map_err(|e| Error::io("cannot find", &root, e))?;
        let lock = loop {
            let lock = lock(&root)?;
            // One that has just ended may have removed what was opened.
            if is_still_there(&root, &lock) {
                break lock;
            }
        };
        let place = Self { root, _lock: lock };
        place.mark()?;
        place.sweep(&[NEW, OLD])?;
        Ok(place)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// The demo that was cut off here, if one was.
    pub(super) fn node(&self) -> Option<PathBuf> {
        let node = self.root.join(NODE);
        node.is_dir().then_some(node)
    }

    /// Begins a demo with what `unpack` puts into a directory.
    pub(super) fn begin(&self, unpack: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let (new, node) = (self.root.join(NEW), self.root.join(NODE));
        self.sweep(&[KEPT])?;
        LocalStorage.create_directory(&new, None)?;
        unpack(&new)?;
        LocalStorage.rename(&new, &node)?;
        LocalStorage.sync_directory(&self.root)?;
        Ok(node)
    }

    /// Whether there is something that an earlier demo was asked to keep.
    pub(super) fn has_kept(&self) -> bool {
        self.root.join(KEPT).is_dir()
    }

    /// Ends the demo and keeps its files. Returns where.
    pub(super) fn keep(&self) -> Result<PathBuf> {
        let kept = self.root.join(KEPT);
        LocalStorage.rename(&self.root.join(NODE), &kept)?;
        Ok(kept)
    }

    /// Ends the demo and removes what is the demo's.
    pub(super) fn clear(self) -> Result<()> {
        LocalStorage.rename(&self.root.join(NODE), &self.root.join(OLD))?;
        self.sweep(&[OLD])?;
        if self.names()?.iter().all(|name| name == MARK) {
            LocalStorage.remove_file(&self.root.join(MARK))?;
            LocalStorage.remove_directory(&self.root)?;
        }
        Ok(())
    }

    /// Says that the directory is a demo's: one that is empty becomes one.
    fn mark(&self) -> Result<()> {
        let names = self.names()?;
        if names.iter().any(|name| name == MARK) {
            return Ok(());
        }
        if !names.is_empty() {
            return Err(refused(&self.root, "the directory has files that are no demo's"));
        }
        LocalStorage.create(&self.root.join(MARK)).map(drop)
    }

    fn names(&self) -> Result<Vec<std::ffi::OsString>> {
        let fail = |error| Error::io("cannot list the directory", &self.root, error);
        let entries = std::fs::read_dir(&self.root).map_err(fail)?;
        entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(fail)).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "what a demo has made, below its own directory")]
    fn sweep(&self, names: &[&str]) -> Result<()> {
        for name in names {
            let path = self.root.join(name);
            match std::fs::remove_dir_all(&path) {
                Err(error) if error.kind() != IoError::NotFound => {
                    return Err(Error::io("cannot remove", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Opens a directory, makes sure of it, and locks it.
fn lock(root: &Path) -> Result<File> {
    match DirBuilder::new().mode(0o700).create(root) {
        Err(error) if error.kind() != IoError::AlreadyExists => {
            return Err(Error::io("cannot make the demo's directory", root, error)
                .hint("name another one: --dir DIR"));
        }
        _ => {}
    }
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let directory = match OpenOptions::new().read(true).custom_flags(flags).open(root) {
        Ok(directory) => directory,
        // It was there a moment ago: another demo has ended.
        Err(error) if error.kind() == IoError::NotFound => return lock(root),
        Err(error) if error.kind() == IoError::PermissionDenied => {
            return Err(refused(root, "the directory is somebody else's").caused_by(error));
        }
        Err(error) => {
            return Err(
                refused(root, "a demo's directory must be one, and no link").caused_by(error)
            );
        }
    };
    let fail = |error: io::Error| Error::io("cannot look at the demo's directory", root, error);
    let metadata = directory.metadata().map_err(fail)?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(refused(root, "the directory is somebody else's"));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(refused(root, "others may write to the directory"));
    }
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Busy, "another demo is at work in this directory")
                .at(root)
                .hint(
                    "wait until it has ended, or give this one a directory of its own: --dir DIR",
                ))
        }
        Err(TryLockError::Error(error)) => {
            Err(Error::io("cannot lock the demo's directory", root, error)
                .hint("name one on a file system with locks: --dir DIR"))
        }
    }
}

fn is_still_there(root: &Path, lock: &File) -> bool {
    let name = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (std::fs::symlink_metadata(root), lock.metadata()) {
        (Ok(there), Ok(locked)) => name(there) == name(locked),
        _ => false,
    }
}

fn refused(root: &Path, why: &'static str) -> Error {
    Error::invalid(why).at(root).hint("name another one, or one that does not exist: --dir DIR")
}

const MARK: &str = ".sstablerekey-demo";
const NODE: &str = "node";
const NEW: &str = "node.new";
const OLD: &str = "node.old";
const KEPT: &str = "kept";

/// Write permission of the group and of others.
const OTHERS_WRITE: u32 = 0o022;
