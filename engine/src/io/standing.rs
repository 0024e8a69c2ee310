//! What this process may do with a file or a directory, found out without trying.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, StatxAttributes, StatxFlags};

use super::mounts;
use super::refusal::is_refusal;
use super::rights::Rights;
use crate::{Error, Result};

/// What may prevent work on a file or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The file system and its mount: names can be linked and renamed only within both. A bind
    /// mount is another mount of the same file system.
    pub place: Mount,
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Type and permissions, as `stat` has them.
    pub mode: u32,
    /// How many names it has.
    pub names: u64,
    /// Whether it and its content are immutable, as long as it has that attribute.
    pub is_immutable: bool,
    /// Whether it can only grow: files with that attribute, or in such a directory, cannot be
    /// deleted.
    pub is_append_only: bool,
    /// Whether it is mounted read-only.
    pub is_read_only: bool,
    /// Whether this process may change it: for a directory, create and remove names in it.
    pub is_writable: bool,
    /// Extended attributes that the system controls and that this process may not set.
    pub guarded: BTreeSet<String>,
}

/// A mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Mount {
    /// The number of the file system.
    pub device: u64,
    /// The number of the mount.
    pub mount: u64,
}

impl Standing {
    /// Examines whatever has this name; `None` when nothing has it. Links are not followed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] for anything but its absence.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Error::io("cannot look at", path, error)),
        };
        let more = More::of(path);
        let is_directory = metadata.is_dir();
        let access =
            if is_directory { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
        // A file is deleted by removing its name from its directory; write permission on the file
        // does not matter.
        let (is_writable, is_read_only) = match is_directory {
            true => (may(path, access), is_read_only(path)),
            false => (true, false),
        };
        Ok(Some(Self {
            place: Mount {
                device: metadata.dev(),
                mount: more.mount.or_else(|| mounts::number_of(path)).unwrap_or_default(),
            },
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode(),
            names: metadata.nlink(),
            is_immutable: more.attributes.contains(StatxAttributes::IMMUTABLE),
            is_append_only: more.attributes.contains(StatxAttributes::APPEND),
            is_read_only,
            is_writable,
            guarded: if Rights::own().may_guard() { BTreeSet::new() } else { guarded(path) },
        }))
    }

    /// Whether only owners, of the file or of the directory, may remove a name in it.
    #[must_use]
    pub const fn is_sticky(&self) -> bool {
        self.mode & 0o1000 != 0
    }
}

impl Rights {
    /// Whether the owners allow removing the name of a file; permissions are checked separately.
    #[must_use]
    pub(crate) const fn may_remove(&self, file: &Standing, directory: &Standing) -> bool {
        !directory.is_sticky() || directory.user == self.user() || self.owns(file)
    }

    /// Whether the times of a file may be set, and its permissions.
    #[must_use]
    pub(crate) const fn owns(&self, file: &Standing) -> bool {
        self.are_those_of(file.user)
    }
}

/// What `stat` does not report. A kernel or a profile without `statx` reports none of it.
struct More {
    mount: Option<u64>,
    attributes: StatxAttributes,
}

impl More {
    fn of(path: &Path) -> Self {
        // Without asking a server for it.
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        match rustix::fs::statx(CWD, path, flags, StatxFlags::MNT_ID) {
            Ok(found) => Self {
                mount: (found.stx_mask & StatxFlags::MNT_ID.bits() != 0)
                    .then_some(found.stx_mnt_id),
                attributes: found.stx_attributes,
            },
            Err(_tells_nothing) => Self { mount: None, attributes: StatxAttributes::empty() },
        }
    }
}

/// Whether this process may do it at present. If the system does not answer, the work itself will
/// show.
fn may(path: &Path, access: Access) -> bool {
    let effective = rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS);
    let answer = match effective {
        // `faccessat2` is newer than many profiles; without it the check is for the real user.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => rustix::fs::access(path, access),
        other => other,
    };
    !matches!(answer, Err(rustix::io::Errno::ACCESS | rustix::io::Errno::ROFS))
}

fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Attributes in the namespace `security`, except for labels set by policy and for measurements of
/// the content, which are not carried over.
fn guarded(path: &Path) -> BTreeSet<String> {
    let mut names = vec![0; NAMES_LIMIT];
    match rustix::fs::llistxattr(path, &mut names) {
        Ok(length) => names.truncate(length),
        Err(errno) if is_refusal(errno) => return BTreeSet::new(),
        Err(_as_it_is_copied) => return BTreeSet::new(),
    }
    names
        .split(|&byte| byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| name.starts_with("security."))
        .filter(|name| *name != "security.selinux" && !super::attributes::is_of_content(name))
        .map(str::to_owned)
        .collect()
}

const NAMES_LIMIT: usize = 4096;
