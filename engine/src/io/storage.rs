//! The trait through which all changes to files and directories are made.

use std::fmt::Debug;
use std::path::Path;
use std::time::SystemTime;

use super::standing::Standing;
use crate::Result;

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else; never followed. This includes a link whose target cannot be examined.
    Other,
    /// One whose name is not UTF-8, which the database never writes: the name in the [`Entry`] is
    /// only for display, and is not a path.
    NotUtf8 {
        /// Whether it is a directory.
        is_directory: bool,
    },
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name in its directory.
    pub name: String,
    /// What it is; a symbolic link is judged by what it points to.
    pub kind: EntryKind,
    /// Whether it is a symbolic link.
    pub is_link: bool,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Length in bytes.
    pub length: u64,
    /// Time of the last change of its content.
    pub modified: SystemTime,
}

/// Which file a name refers to: names of the same file are hard links of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The file in the file system.
    pub inode: u64,
    /// Whether the name is a symbolic link; then this is the link, not its target.
    pub is_link: bool,
}

/// A new file being written. Dropping it without [`OutputFile::sync`] leaves a file that nothing
/// refers to yet.
pub trait OutputFile: Debug + Send + Sync {
    /// Reserves `length` bytes, so that a full disk is detected before the work is done. A file
    /// system that cannot reserve is not an error.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`].
    fn reserve(&self, length: u64) -> Result<()>;

    /// Writes all bytes at an offset; ranges may come in any order and from several threads.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`].
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// The same for large writes, nearly in order, that will not be read from memory: the system is
    /// asked to start writing them to the disk, so that the disk is not idle until [`Self::sync`],
    /// and to free the memory of what it has written.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    fn stream_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)
    }

    /// Writes a few bytes at an offset and makes them, and the length, durable in one call where
    /// the system has one: so a killed process leaves no bytes that other processes read from the
    /// cache and that are not on the disk. Earlier writes are not covered.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`]; the bytes may or may not be
    /// there, and may or may not be durable.
    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Makes content and length durable (fsync).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]; never retried, since a failed fsync may have dropped the pages.
    fn sync(&self) -> Result<()>;

    /// Makes content and length durable, but not owner, mode and attributes (fdatasync).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]; never retried, as [`OutputFile::sync`].
    fn sync_data(&self) -> Result<()>;

    /// Truncates the file, or extends it with zeros.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`].
    fn set_length(&self, length: u64) -> Result<()>;

    /// Gives the file the owner, the mode and the extended attributes of another one. They become
    /// durable with the next [`OutputFile::sync`]; an fsync before does not cover them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when one of them cannot be given.
    fn copy_attributes(&self, like: &Path) -> Result<()>;

    /// Asks the system to drop the durable file from its cache, so that the next reader reads the
    /// disk. A system that does not is not an error.
    fn forget_cached(&self);
}

/// Reads and changes a file system. Every method names its path in its error. Methods that change
/// something do not follow symbolic links anywhere in the path.
pub trait Storage: Debug + Send + Sync {
    /// The entries of a directory, sorted by name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when it cannot be listed.
    fn list(&self, directory: &Path) -> Result<Vec<Entry>>;

    /// Length and time of a file, or `None` when there is none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] for anything but its absence.
    fn stat(&self, path: &Path) -> Result<Option<FileStat>>;

    /// Which file or directory a name refers to, or `None` when there is none. Links are not
    /// followed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] for anything but its absence.
    fn identity(&self, path: &Path) -> Result<Option<FileId>>;

    /// Reads a small file whole.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when it is longer than `limit` bytes, and
    /// [`crate::ErrorKind::Io`].
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>>;

    /// Reads a small file of this program, left by an earlier run.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it is not as this program creates it: a regular file with
    /// one name, owned by the user who runs this program, not writable for others. Otherwise as
    /// [`Self::read`].
    fn read_own(&self, path: &Path, limit: u64) -> Result<Vec<u8>>;

    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], also when it exists.
    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>>;

    /// Opens a file of this program, left by an earlier run, for writing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], also when there is none, or it is not a regular file, or has a
    /// second name and an owner other than its directory's.
    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>>;

    /// Gives a file that no longer changes a second name, which must be free: a hard link, as the
    /// database makes for snapshots. The name becomes durable with its directory. Where the file
    /// system cannot link between the two places, the file is copied with its owner, mode and
    /// extended attributes; the copy is made durable, read back and compared.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`], and
    /// [`crate::ErrorKind::Mismatch`] when a copy reads back differently.
    fn link_or_copy(&self, from: &Path, to: &Path) -> Result<()>;

    /// Sets the time of the last change, and makes it durable.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn set_modified(&self, path: &Path, time: SystemTime) -> Result<()>;

    /// Makes a small file durable that another process wrote and may not have synced. Its bytes are
    /// written again in place: after a failed fsync the kernel considers pages written that are
    /// not.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSpace`] or [`crate::ErrorKind::Io`].
    fn sync_file(&self, path: &Path) -> Result<()>;

    /// Renames within a file system; the new name must be free.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], also when the new name is taken.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Renames within a file system; a file that has the new name is replaced at once. The name
    /// becomes durable with its directory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]; then the name refers to the same file as before.
    fn replace(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn remove_file(&self, path: &Path) -> Result<()>;

    /// Creates a directory for this program's own files, with the owner, the mode and the extended
    /// attributes of another one, or readable by its user only. An existing one is not an error.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], and [`crate::ErrorKind::Invalid`] when something else has the name:
    /// also a directory of another user, or one that others may write to.
    fn create_directory(&self, path: &Path, like: Option<&Path>) -> Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn remove_directory(&self, path: &Path) -> Result<()>;

    /// Makes the names in a directory durable (fsync of the directory).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn sync_directory(&self, path: &Path) -> Result<()>;

    /// Bytes that this process may still write to the file system of `path`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn free_space(&self, path: &Path) -> Result<u64>;

    /// Bytes of the free space of `path`'s file system that are reserved for others.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn reserve(&self, _path: &Path) -> Result<u64> {
        Ok(0)
    }

    /// The number of the file system of `path`: the same for all paths that share free space.
    /// (Parts of one pool, as in Btrfs and ZFS, may have several numbers.)
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn file_system(&self, path: &Path) -> Result<u64>;

    /// What this process may do with a file or a directory, or `None` when there is none. Links are
    /// not followed, and nothing is changed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] for anything but its absence.
    fn standing(&self, path: &Path) -> Result<Option<Standing>> {
        Standing::of(path)
    }

    /// Bytes that a file takes on the file system, reserved ones included: what its removal would
    /// free. `None` if it does not exist, or has other names.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] for anything but its absence.
    fn allocated(&self, path: &Path) -> Result<u64>;
}
