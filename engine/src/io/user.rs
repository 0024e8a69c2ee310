//! The user that this program works as.
//!
//! An operator starts it as root, and the tree that it changes belongs to the database's user, who
//! may change it at the same time. So root's rights are given up before the first file is examined:
//! this program must not do for that user what the user could not do alone. Two rights are kept,
//! and used only briefly where they are needed ([`privileged`]): to read key files and
//! configuration owned by root, and to see which files other processes have open.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::{Gid, Uid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use super::waitless::open_without_waiting;
use crate::{Error, ErrorKind, Result};

/// An owner of files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    id: Uid,
    group: Gid,
    groups: Vec<Gid>,
    /// The name, or the number if there is no name.
    name: String,
}

/// Gives up root's rights for those of the owner of the data directories, or of a named user.
/// Returns the name, if this process was root and now is another user. Must be called before any
/// other thread is started, since a thread keeps its rights.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when the data belongs to several users, when no user has the name,
/// or when this process is not root; [`crate::ErrorKind::Io`] when the system refuses.
pub fn act_as_owner(data_dirs: &[PathBuf], named: Option<&str>) -> Result<Option<String>> {
    let own = Uid::effective();
    let user = match named {
        Some(name) => Some(User::named(name)?),
        None if own.is_root() => owner(data_dirs)?.map(|(id, group)| User::of(id, group)),
        None => None,
    };
    let Some(user) = user.filter(|user| user.id != own) else { return Ok(None) };
    if !own.is_root() {
        return Err(Error::invalid("only root can work as another user")
            .hint(format!("run it as root or as {}, and leave --as out", user.name)));
    }
    become_user(&user).map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot work as {}", user.name)).caused_by(error).hint(
            "run it as that user; or, if nobody else may change the data meanwhile, --as root",
        )
    })?;
    Ok(Some(user.name))
}

/// The owner of the data directories and of the keyspaces and tables in them. Directories of root
/// are ignored if another user owns some; `None` if root owns all.
fn owner(data_dirs: &[PathBuf]) -> Result<Option<(Uid, Gid)>> {
    let mut owners = BTreeMap::new();
    for data_dir in data_dirs {
        note(data_dir, &mut owners);
        for keyspace in directories(data_dir) {
            note(&keyspace, &mut owners);
            for table in directories(&keyspace) {
                note(&table, &mut owners);
            }
        }
    }
    let mut owners = owners.into_iter();
    match (owners.next(), owners.next()) {
        (Some((one, (first, _))), Some((other, (second, _)))) => Err(Error::invalid(format!(
            "the data belongs to several users: {} has {}, {} has {}",
            name_of(one),
            first.display(),
            name_of(other),
            second.display()
        ))
        .hint("name the one that the node runs as: --as USER")),
        (Some((id, (_, group))), None) => Ok(Some((Uid::from_raw(id), Gid::from_raw(group)))),
        (None, _) => Ok(None),
    }
}

/// Records one directory of each owner other than root. A directory that cannot be examined is
/// reported later, where it is needed.
fn note(path: &Path, owners: &mut BTreeMap<u32, (PathBuf, u32)>) {
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.uid() != 0
    {
        owners.entry(metadata.uid()).or_insert_with(|| (path.to_owned(), metadata.gid()));
    }
}

fn directories(above: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(above).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path())
}

impl User {
    /// A user that the system knows by this name or number.
    fn named(name: &str) -> Result<Self> {
        let unknown = || {
            Error::invalid(format!("there is no user {name}"))
                .hint("--as takes the name or the number of the user that the node runs as")
        };
        if let Ok(Some(user)) = nix::unistd::User::from_name(name) {
            return Ok(Self::of(user.uid, user.gid));
        }
        let id = name.parse().map(Uid::from_raw).map_err(|_no_number| unknown())?;
        match nix::unistd::User::from_uid(id) {
            Ok(Some(user)) => Ok(Self::of(user.uid, user.gid)),
            _ => Ok(Self::of(id, Gid::from_raw(id.as_raw()))),
        }
    }

    /// A user by number. In a container there may be no name for it; then the only group is that of
    /// the files.
    fn of(id: Uid, group: Gid) -> Self {
        let Ok(Some(known)) = nix::unistd::User::from_uid(id) else {
            return Self { id, group, groups: vec![group], name: id.to_string() };
        };
        let groups = CString::new(known.name.as_str())
            .ok()
            .and_then(|name| nix::unistd::getgrouplist(&name, known.gid).ok())
            .unwrap_or_else(|| vec![known.gid]);
        Self { id, group: known.gid, groups, name: known.name }
    }
}

/// The name of the user whose rights this process has.
#[must_use]
pub fn own_user() -> String {
    name_of(Uid::effective().as_raw())
}

fn name_of(id: u32) -> String {
    let known = nix::unistd::User::from_uid(Uid::from_raw(id)).ok().flatten();
    known.map_or_else(|| format!("user {id}"), |known| known.name)
}

/// The rights that are kept.
const KEPT: CapabilitySet = CapabilitySet::DAC_READ_SEARCH.union(CapabilitySet::SYS_PTRACE);

static HAS_KEPT: AtomicBool = AtomicBool::new(false);

fn become_user(user: &User) -> io::Result<()> {
    // Keys and plaintext are locked in memory, which root may do without limit.
    let hard = getrlimit(Resource::Memlock).maximum;
    let _best_effort = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None })
        .or_else(|_| setrlimit(Resource::Memlock, Rlimit { current: hard, maximum: hard }));
    rustix::thread::set_keep_capabilities(true)?;
    nix::unistd::setgroups(&user.groups)?;
    nix::unistd::setresgid(user.group, user.group, user.group)?;
    nix::unistd::setresuid(user.id, user.id, user.id)?;
    let permitted = capabilities(None)?.permitted & KEPT;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { permitted, effective: none, inheritable: none })?;
    rustix::thread::set_keep_capabilities(false)?;
    HAS_KEPT.store(!permitted.is_empty(), Ordering::Relaxed);
    Ok(())
}

/// Runs `work` with the kept rights, if there are any: in this thread, and only for its duration.
pub(crate) fn privileged<T>(work: impl FnOnce() -> T) -> T {
    let _raised = Raised::new();
    work()
}

/// Opens a file for reading that only root may read, such as a key file. Does not block on a pipe.
pub(crate) fn open_privileged(path: &Path) -> io::Result<File> {
    privileged(|| open_without_waiting(path))
}

/// Rights that are in effect until this is dropped, in the thread that created it.
struct Raised(PhantomData<*const ()>);

impl Raised {
    fn new() -> Option<Self> {
        if !HAS_KEPT.load(Ordering::Relaxed) {
            return None;
        }
        let sets = capabilities(None).ok()?;
        set_capabilities(None, CapabilitySets { effective: sets.permitted & KEPT, ..sets }).ok()?;
        Some(Self(PhantomData))
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        let lowered = capabilities(None).and_then(|sets| {
            set_capabilities(None, CapabilitySets { effective: CapabilitySet::empty(), ..sets })
        });
        // Giving up a right is never refused.
        debug_assert!(lowered.is_ok(), "{lowered:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let root = User::named("root").unwrap();
        assert_eq!((root.id, root.name.as_str()), (Uid::from_raw(0), "root"));
        assert_eq!(User::named("0").unwrap(), root);
        let unknown = User::named("4242424").unwrap();
        assert_eq!((unknown.id.as_raw(), unknown.group.as_raw()), (4_242_424, 4_242_424));
        assert!(User::named("no such user").unwrap_err().to_string().contains("no such user"));
    }

    #[test]
    fn the_owner_is_the_one_user_who_is_not_root() {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("ks/t-1");
        std::fs::create_dir_all(&table).unwrap();
        let dirs = [dir.path().to_owned(), dir.path().join("gone")];
        let own = Uid::effective();
        let expected = (!own.is_root()).then_some(own);
        assert_eq!(owner(&dirs).unwrap().map(|(id, _)| id), expected);
        if own.is_root() {
            // The deepest of the directories that count.
            std::os::unix::fs::chown(&table, Some(1001), Some(1002)).unwrap();
            let found = owner(&dirs).unwrap().unwrap();
            assert_eq!((found.0.as_raw(), found.1.as_raw()), (1001, 1002));
            std::os::unix::fs::chown(dir.path().join("ks"), Some(1003), None).unwrap();
            let error = owner(&dirs).unwrap_err();
            assert!(error.to_string().contains("several users: user 1001 has"), "{error}");
            assert!(error.hint_text().unwrap().contains("--as"));
        }
    }

    #[test]
    fn a_process_that_was_not_root_keeps_no_rights() {
        assert_eq!(privileged(|| 7), 7);
        assert!(Raised::new().is_none());
    }
}
