//! The proof that no other process works on the data directories.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::holders::{self, Holder, Look, Unseen};
use super::mounts;
use super::refusal::is_refusal;
use crate::{Error, ErrorKind, Result};

/// What the holder of a lease may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseMode {
    /// Change files. No node, no other process with open files there, no other run.
    Exclusive,
    /// Read them. Other readers and a running node are fine, a run that writes is not.
    Shared,
}

/// A lock on every data directory of a run, held until it is dropped.
///
/// The lock is `flock` on the directory itself, so a killed process leaves nothing to clean up.
#[derive(Debug)]
pub struct NodeLease {
    _locks: Vec<File>,
    directories: Vec<PathBuf>,
    seen: Look,
    node_is_stopped: bool,
    looked: Mutex<Instant>,
}

impl NodeLease {
    /// Locks the data directories and, for [`LeaseMode::Exclusive`], makes sure that no other
    /// process has a file open below one of them.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] with the process named; also where the file system has no locks, or not
    /// every process can be seen, so that it is unknown.
    pub fn take(directories: &[PathBuf], mode: LeaseMode) -> Result<Self> {
        Self::take_as_told(directories, mode, false)
    }

    /// The same where the operator states that the node is stopped: then unseen processes do not
    /// matter. A process that is seen to have a file open still does.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_as_told(
        directories: &[PathBuf],
        mode: LeaseMode,
        node_is_stopped: bool,
    ) -> Result<Self> {
        let mut locks = Vec::with_capacity(directories.len());
        for directory in directories {
            locks.push(lock(directory, mode)?);
        }
        let mut lease = Self {
            _locks: locks,
            directories: directories.to_vec(),
            seen: Look::default(),
            node_is_stopped,
            looked: Mutex::new(Instant::now()),
        };
        lease.seen = match mode {
            LeaseMode::Exclusive => lease.alone()?,
            LeaseMode::Shared => holders::below(directories),
        };
        Ok(lease)
    }

    fn alone(&self) -> Result<Look> {
        let look = holders::below(&self.directories);
        let directory =
            self.directories.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
        match (look.holders.first(), look.unseen.first()) {
            (Some(holder), _) => Err(in_the_way(holder)),
            (None, Some(unseen)) if !self.node_is_stopped => Err(unseen.error(directory)),
            _ => Ok(look),
        }
    }

    /// Checks again whether another process has, or may have, a file below the directories open: a
    /// node may have been started since. Checks at most once a second.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] with the process named.
    pub fn still_alone(&self) -> Result<()> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        *looked = Instant::now();
        self.alone().map(drop)
    }

    /// The run of this program that holds a data directory, if the kernel names it. Takes no lock,
    /// so it never blocks another process.
    #[must_use]
    pub fn writer(directory: &Path) -> Option<Holder> {
        // The kernel's list occasionally misses a lock when others change while it is read.
        let directory = File::open(directory).ok()?;
        (0..3).find_map(|_| holders::of_lock(&directory, true))
    }

    /// Data directories on which another machine could work unseen, with the kind of their file
    /// system.
    #[must_use]
    pub fn shared_by_machines(&self) -> Vec<(&Path, String)> {
        let kinds = self.directories.iter().filter_map(|directory| {
            Some((directory.as_path(), mounts::file_system_of(directory)?))
        });
        kinds.filter(|(_, kind)| mounts::is_shared_by_machines(kind)).collect()
    }

    /// Other processes with open files below the directories; only a shared lease allows any.
    #[must_use]
    pub fn holders(&self) -> &[Holder] {
        &self.seen.holders
    }

    /// What could not be examined when the lease was taken, unless the operator has stated that the
    /// node is stopped: a run that writes would be refused because of it.
    #[must_use]
    pub fn unseen(&self) -> &[Unseen] {
        if self.node_is_stopped { &[] } else { &self.seen.unseen }
    }
}

fn in_the_way(holder: &Holder) -> Error {
    Error::new(ErrorKind::Busy, format!("process {} ({}) has it open", holder.pid, holder.command))
        .at(&holder.path)
        .hint("drain and stop the node, or end that process, then run again")
}

fn lock(directory: &Path, mode: LeaseMode) -> Result<File> {
    let file = File::open(directory)
        .map_err(|e| Error::io("cannot open the data directory", directory, e))?;
    let locked = match mode {
        LeaseMode::Exclusive => file.try_lock(),
        LeaseMode::Shared => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let by = holders::of_lock(&file, false).map_or_else(String::new, |holder| {
                format!(" by process {} ({})", holder.pid, holder.command)
            });
            Err(Error::new(ErrorKind::Busy, format!("the data directory is locked{by}"))
                .at(directory)
                .hint("wait for the other run of this program to end, or end it, then run again"))
        }
        Err(TryLockError::Error(error)) => {
            Err(not_locked(error, directory, mounts::file_system_of(directory)))
        }
    }
}

/// The error of a lock that could not be requested. Without locks a second run cannot be detected.
fn not_locked(error: io::Error, directory: &Path, file_system: Option<String>) -> Error {
    let is_unsupported = |errno| matches!(errno, Errno::NOLCK | Errno::BADF) || is_refusal(errno);
    if !Errno::from_io_error(&error).is_some_and(is_unsupported) {
        return Error::io("cannot lock the data directory", directory, error);
    }
    let file_system = file_system.map_or_else(String::new, |name| format!(" ({name})"));
    Error::new(
        ErrorKind::Busy,
        format!(
            "its file system{file_system} has no locks, so it cannot be told whether another run \
             works on it"
        ),
    )
    .at(directory)
    .caused_by(error)
    .hint(
        "mount it with working locks, or copy the data to a local disk; census, plan and verify \
         need a lock as well",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_or_many_readers() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        let reader = NodeLease::take(&dirs, LeaseMode::Shared).unwrap();
        let second = NodeLease::take(&dirs, LeaseMode::Shared).unwrap();
        let error = NodeLease::take(&dirs, LeaseMode::Exclusive).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert_eq!(NodeLease::writer(dir.path()), None, "a reader is no writer");
        drop((reader, second));
        assert_eq!(NodeLease::writer(dir.path()), None);
        let writer = NodeLease::take(&dirs, LeaseMode::Exclusive).unwrap();
        assert_eq!(NodeLease::writer(dir.path()).unwrap().pid, std::process::id());
        let error = NodeLease::take(&dirs, LeaseMode::Shared).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(writer);
        NodeLease::take(&dirs, LeaseMode::Exclusive).unwrap();
    }

    #[test]
    fn a_file_system_without_locks_is_refused_by_its_name() {
        let name = || Some("nfs4".to_owned());
        for code in [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS, Errno::PERM, Errno::ACCESS] {
            let error = not_locked(code.into(), Path::new("/mnt/data"), name());
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(error.to_string().contains("/mnt/data: its file system (nfs4) has no locks"));
            assert!(error.hint_text().is_some_and(|hint| hint.contains("mount")));
        }
        let error = not_locked(Errno::NOLCK.into(), Path::new("/mnt/data"), None);
        assert!(error.to_string().contains("its file system has no locks"), "{error}");
        let error = not_locked(Errno::IO.into(), Path::new("/mnt/data"), name());
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn another_process_with_an_open_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("ks");
        std::fs::create_dir(&inside).unwrap();
        let path = inside.join("nb-1-big-Data.db");
        File::create_new(&path).unwrap();
        let dirs = [std::fs::canonicalize(dir.path()).unwrap()];
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .stdin(File::open(&path).unwrap())
            .spawn()
            .unwrap();
        // A process that has just been started has no command line yet.
        let command_line = format!("/proc/{}/cmdline", child.id());
        while !std::fs::read(&command_line).unwrap().starts_with(b"sleep") {
            std::thread::yield_now();
        }
        let error = NodeLease::take(&dirs, LeaseMode::Exclusive);
        let lease = NodeLease::take(&dirs, LeaseMode::Shared);
        child.kill().unwrap();
        child.wait().unwrap();
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().contains(&format!("process {} (sleep", child.id())), "{error}");
        assert_eq!(lease.unwrap().holders().len(), 1);
        NodeLease::take(&dirs, LeaseMode::Exclusive).unwrap();
    }
}
