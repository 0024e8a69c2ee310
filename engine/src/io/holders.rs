//! Which processes have files below a directory open, or hold a lock: read from `/proc`.
//!
//! Only root sees what processes of other users have open. So that a node under another user is
//! not overlooked, a process that cannot be looked into counts if its command line is a node's.
//! Processes in another PID namespace (a container's host, or another container) are invisible;
//! the lock of a second run of this program is seen by everybody.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

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

/// Processes other than this one that have a file below one of the directories open or mapped,
/// one row each. The directories must be canonical.
pub(super) fn below(directories: &[PathBuf]) -> Vec<Holder> {
    let own = std::process::id();
    processes()
        .filter(|&pid| pid != own)
        .filter_map(|pid| {
            let path = match open_below(pid, directories) {
                Ok(found) => found.or_else(|| mapped_below(pid, directories)),
                Err(_not_ours) if is_node(pid) => directories.first().cloned(),
                Err(_not_ours) => None,
            }?;
            Some(Holder { pid, command: command(pid), path })
        })
        .collect()
}

/// Whether a process runs the main class of a database node.
fn is_node(pid: u32) -> bool {
    const MAIN_CLASSES: [&str; 3] = [
        "org.apache.cassandra.service.CassandraDaemon",
        "com.datastax.bdp.DseModule",
        "com.datastax.bdp.DseDaemon",
    ];
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&bytes);
    MAIN_CLASSES.iter().any(|class| line.contains(class))
}

/// The process that holds a lock on the file, as the kernel lists it; or one that holds it alone.
pub(super) fn of_lock(file: &File, alone: bool) -> Option<Holder> {
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
    let pid = locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let kind = fields.nth(1)?;
        let mode = fields.nth(1)?;
        let pid = fields.next()?;
        let device = fields.next()?;
        let fits = kind == "FLOCK" && (!alone || mode == "WRITE");
        (fits && device.rsplit(':').next() == Some(inode.as_str())).then(|| pid.parse().ok())?
    })?;
    Some(Holder { pid, command: command(pid), path: PathBuf::new() })
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn open_below(pid: u32, directories: &[PathBuf]) -> std::io::Result<Option<PathBuf>> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .find(|path| is_below(path, directories)))
}

fn mapped_below(pid: u32, directories: &[PathBuf]) -> Option<PathBuf> {
    fs::read_dir(format!("/proc/{pid}/map_files"))
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .find(|path| is_below(path, directories))
}

/// The directory itself does not count: a shell that stands in it is harmless, and a second run
/// of this program is found by its lock.
fn is_below(path: &Path, directories: &[PathBuf]) -> bool {
    directories.iter().any(|directory| path != directory && path.starts_with(directory))
}

fn command(pid: u32) -> String {
    const SHOWN: usize = 80;
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let words = text.trim();
    // A node's command line is kilobytes of options; its last word is the main class.
    match words.rsplit(' ').next() {
        Some(last) if words.len() > SHOWN => {
            let first = words.split(' ').next().unwrap_or_default();
            format!("{first} ... {last}")
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_counts() {
        let dirs = [PathBuf::from("/data/a")];
        assert!(is_below(Path::new("/data/a/ks/t-1/nb-1-big-Data.db"), &dirs));
        assert!(!is_below(Path::new("/data/a"), &dirs));
        assert!(!is_below(Path::new("/data/ab/x"), &dirs));
    }
}
