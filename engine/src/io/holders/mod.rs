//! Which processes have files below a directory open, or hold a lock: read from `/proc`.
//!
//! Finding nothing is not proof: a process that cannot be examined may have any file open, so its
//! identity decides. A process that certainly is not a node does not count: a kernel thread, one
//! that has ended, or one whose program is not a Java virtual machine ([`process`]), such as a
//! watchdog that has the daemon's class somewhere in its command line. A process that may be a node
//! is [`Unseen`]; so is everything where `/proc` does not show every process ([`sight`]). Unseen
//! processes are not reported to have a file open, since they could not be examined.
//!
//! What this cannot detect: processes in another PID namespace (on a container's host, or in
//! another container) are in no list, and processes on other machines cannot be listed at all. The
//! lock of a second run of this program is visible to every process on the same kernel.

mod process;
mod sight;

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use self::process::{Identity, command};
use super::user::privileged;
use crate::{Error, ErrorKind};

/// A process that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The start of its command line.
    pub command: String,
    /// The file that it has open.
    pub path: PathBuf,
}

/// What could not be examined: a node may be running there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The process, if it is one; `None` if the list of processes is not complete.
    pub pid: Option<u32>,
    what: String,
}

impl Unseen {
    /// What was not seen, and the hint; `directory` is the data directory.
    #[must_use]
    pub fn error(&self, directory: &Path) -> Error {
        Error::new(ErrorKind::Busy, self.what.clone()).at(directory).hint(
            "run it as root where all processes can be seen (in a container: with the capability \
             SYS_PTRACE), or make sure that the node is stopped and say so: --node-is-stopped",
        )
    }
}

/// The result of examining all processes.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Processes other than this one that have a file open or mapped, one row each.
    pub(super) holders: Vec<Holder>,
    /// What could not be examined.
    pub(super) unseen: Vec<Unseen>,
}

/// Finds processes other than this one that have a file below one of the directories open or
/// mapped. The directories must be canonical.
pub(super) fn below(directories: &[PathBuf]) -> Look {
    privileged(|| look_at_all(directories))
}

fn look_at_all(directories: &[PathBuf]) -> Look {
    let proc = Path::new("/proc");
    let mut look = Look::default();
    if let Some(what) = sight::blindness(proc) {
        look.unseen.push(Unseen { pid: None, what });
    }
    let own = sight::own_pid(proc).unwrap_or_else(std::process::id);
    let own_mounts = fs::read_link(proc.join("self/ns/mnt")).ok();
    let processes = match processes(proc) {
        Ok(processes) => processes,
        Err(error) => {
            let what = format!("the list of processes cannot be read: {error}");
            look.unseen.push(Unseen { pid: None, what });
            return look;
        }
    };
    for pid in processes.into_iter().filter(|&pid| pid != own) {
        let place = proc.join(pid.to_string());
        match held_below(&place, own_mounts.as_deref(), directories) {
            Ok(None) => {}
            Ok(Some(path)) => look.holders.push(Holder { pid, command: command(&place), path }),
            Err(_refused) => {
                if Identity::settled(&place).is_some_and(|identity| identity.may_be_a_node()) {
                    let command = command(&place);
                    let what = format!(
                        "process {pid} ({command}) may be a node: it cannot be looked into"
                    );
                    look.unseen.push(Unseen { pid: Some(pid), what });
                }
            }
        }
    }
    look
}

/// The process that holds a lock on the file, as the kernel lists it; or one that holds it
/// exclusively.
pub(super) fn of_lock(file: &File, alone: bool) -> Option<Holder> {
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
    let pid: u32 = locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let kind = fields.nth(1)?;
        let mode = fields.nth(1)?;
        let pid = fields.next()?;
        let device = fields.next()?;
        let fits = kind == "FLOCK" && (!alone || mode == "WRITE");
        (fits && device.rsplit(':').next() == Some(inode.as_str())).then(|| pid.parse().ok())?
    })?;
    let command = command(&Path::new("/proc").join(pid.to_string()));
    Some(Holder { pid, command, path: PathBuf::new() })
}

fn processes(proc: &Path) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc)? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(found)
}

/// The first file below one of the directories that a process has open or mapped. The error is a
/// refusal: then nothing is known. A process that has ended in the meantime has none.
fn held_below(
    process: &Path,
    own_mounts: Option<&Path>,
    directories: &[PathBuf],
) -> io::Result<Option<PathBuf>> {
    let Some(descriptors) = unless_gone(fs::read_dir(process.join("fd")))? else { return Ok(None) };
    let mounts = fs::read_link(process.join("ns/mnt")).ok();
    let sees_other_paths = mounts.as_deref() != own_mounts;
    for entry in descriptors {
        let Some(entry) = unless_gone(entry)? else { continue };
        // Root without the right to trace can list the descriptors but not follow them.
        let Some(path) = unless_gone(fs::read_link(entry.path()))? else { continue };
        if is_below(&path, directories) {
            return Ok(Some(path));
        }
        if sees_other_paths && let Some(path) = by_other_path(&entry.path(), &path, directories) {
            return Ok(Some(path));
        }
    }
    let Some(maps) = unless_gone(fs::read(process.join("maps")))? else { return Ok(None) };
    Ok(mapped(&maps).find(|path| is_below(path, directories)))
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A node in a container has the files under another path: the last components are the same, and so
/// is the file.
fn by_other_path(descriptor: &Path, path: &Path, directories: &[PathBuf]) -> Option<PathBuf> {
    // Without the root: joining an absolute path to a directory would give that path itself.
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let names: Vec<_> = path.components().filter(is_name).collect();
    let open = fs::metadata(descriptor).ok().filter(fs::Metadata::is_file)?;
    let is_it = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|own| (own.dev(), own.ino()) == (open.dev(), open.ino()))
    };
    // <keyspace>/<table>/<file>, and one more for an index.
    let ends = [3, 4].into_iter().filter_map(|count| names.get(names.len().checked_sub(count)?..));
    let ends: Vec<PathBuf> = ends.map(|names| names.iter().collect()).collect();
    directories.iter().flat_map(|above| ends.iter().map(move |end| above.join(end))).find(is_it)
}

/// The files of `/proc/PID/maps`: no field before the path contains a slash.
fn mapped(maps: &[u8]) -> impl Iterator<Item = PathBuf> {
    maps.split(|byte| *byte == b'\n').filter_map(|line| {
        let start = line.iter().position(|byte| *byte == b'/')?;
        Some(PathBuf::from(std::ffi::OsStr::from_bytes(line.get(start..)?)))
    })
}

/// The directory itself does not count: a shell whose working directory it is is harmless, and a
/// second run of this program is found by its lock.
fn is_below(path: &Path, directories: &[PathBuf]) -> bool {
    directories.iter().any(|directory| path != directory && path.starts_with(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_directory_count() {
        let dirs = [PathBuf::from("/data/a")];
        assert!(is_below(Path::new("/data/a/ks/t-1/nb-1-big-Data.db"), &dirs));
        assert!(!is_below(Path::new("/data/a"), &dirs));
        assert!(!is_below(Path::new("/data/ab/x"), &dirs));
    }

    #[test]
    fn mapped_files_are_read_with_blanks_in_their_names() {
        let maps = b"7f00-7f01 r--s 00000000 fe:00 77   /data/a b/ks/t-1/nb-1-big-Data.db\n\
                     7f01-7f02 rw-p 00000000 00:00 0 \n7f02-7f03 rw-p 00000000 00:00 0  [stack]\n\
                     7f03-7f04 r-xp 00000000 fe:00 9    /lib/libc.so (deleted)\n";
        let found: Vec<_> = mapped(maps).collect();
        let [data, library] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(data, Path::new("/data/a b/ks/t-1/nb-1-big-Data.db"));
        assert!(library.starts_with("/lib"));
    }

    #[test]
    fn a_file_open_by_another_path_in_a_container_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("data/ks/t-1");
        fs::create_dir_all(&table).unwrap();
        File::create_new(table.join("nb-1-big-Data.db")).unwrap();
        File::create_new(table.join("nb-2-big-Data.db")).unwrap();
        let dirs = [dir.path().join("data")];
        let open = table.join("nb-1-big-Data.db");
        let theirs = Path::new("/var/lib/cassandra/data/ks/t-1/nb-1-big-Data.db");
        assert_eq!(by_other_path(&open, theirs, &dirs), Some(open.clone()));
        let other = Path::new("/var/lib/cassandra/data/ks/t-1/nb-2-big-Data.db");
        assert_eq!(by_other_path(&open, other, &dirs), None, "the names alone are no proof");
        assert_eq!(by_other_path(&open, Path::new("/x"), &dirs), None);
        // A file with few parent directories is not below every directory.
        let far = Path::new("/usr/bin/env");
        assert_eq!(by_other_path(far, far, &dirs), None);
    }

    #[test]
    fn an_ended_process_holds_nothing_and_a_hidden_one_may() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(held_below(&dir.path().join("7"), None, &[]).unwrap(), None);
        // Only the system's first answer counts.
        File::create_new(dir.path().join("fd")).unwrap();
        assert!(held_below(dir.path(), None, &[]).is_err());
    }
}
