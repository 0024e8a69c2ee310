//! Which kind of file system a path is on: read from `/proc`.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// The kind of the file system of a canonical path, such as `nfs4`, if the kernel reports it.
pub(super) fn file_system_of(path: &Path) -> Option<String> {
    kind_of(path, &fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// Whether other machines may work on a file system of this kind without seeing a lock on a
/// directory: the kernel keeps such locks local even where it sends locks on files to the server.
pub(super) fn is_shared_by_machines(kind: &str) -> bool {
    const KINDS: [&str; 15] = [
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "gpfs", "lustre", "nfs", "nfs4",
        "ocfs2", "orangefs", "smb3", "virtiofs",
    ];
    const OVER_FUSE: [&str; 5] =
        ["fuse.glusterfs", "fuse.sshfs", "fuse.ceph", "fuse.moosefs", "fuse.s3fs"];
    KINDS.contains(&kind) || OVER_FUSE.contains(&kind)
}

/// The number of the mount that a path is on, if `statx` does not report it.
pub(super) fn number_of(path: &Path) -> Option<u64> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = deepest(&fs::canonicalize(path).ok()?, &mounts)?;
    line.split(' ').next()?.parse().ok()
}

/// Among the mounts along a path the deepest one counts, and among several at one place the last.
fn deepest<'m>(path: &Path, mounts: &'m str) -> Option<&'m str> {
    let place = |line: &&str| mount(line).map(|(place, ..)| place);
    let on_the_way =
        mounts.lines().filter(|line| place(line).is_some_and(|at| path.starts_with(at)));
    on_the_way.max_by_key(|line| place(line).map(|at| at.components().count()))
}

fn kind_of(path: &Path, mounts: &str) -> Option<String> {
    mount(deepest(path, mounts)?).map(|(_, kind, _)| kind.to_owned())
}

/// The options of the file system that is mounted at exactly this path; of several, the last one's.
pub(super) fn options_at(path: &Path, mounts: &str) -> Option<String> {
    let mut last_first = mounts.lines().rev().filter_map(mount);
    last_first.find(|(place, ..)| place == path).map(|(_, _, options)| options.to_owned())
}

/// `36 35 98:0 /root /place rw,noatime master:1 - ext4 /dev/sda rw`: the place, the kind, and the
/// options of the file system.
fn mount(line: &str) -> Option<(PathBuf, &str, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let mut after = after.split(' ');
    let (kind, _device) = (after.next()?, after.next());
    Some((unescaped(before.split(' ').nth(4)?), kind, after.next().unwrap_or_default()))
}

/// Blanks, tabs, line ends and backslashes are written as a backslash and three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.first_chunk::<3>().and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 8).ok());
        match (first, byte) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        30 22 0:25 / /proc rw - proc proc rw\n\
        41 22 0:44 /export /mnt/far\\040data rw shared:7 - nfs4 server:/export rw,vers=4.2\n\
        42 41 0:45 / /mnt/far\\040data/in rw - xfs /dev/sdb rw\n\
        43 41 0:46 / /mnt/far\\040data/in rw - btrfs /dev/sdc rw\n";

    #[test]
    fn the_deepest_and_the_last_mount_counts() {
        for (path, kind) in [
            ("/var/lib/cassandra/data", "ext4"),
            ("/mnt/far data", "nfs4"),
            ("/mnt/far data/cassandra", "nfs4"),
            ("/mnt/far database", "ext4"),
            ("/mnt/far data/in/x", "btrfs"),
        ] {
            assert_eq!(kind_of(Path::new(path), MOUNTS).as_deref(), Some(kind), "{path}");
        }
        assert_eq!(kind_of(Path::new("/"), "nonsense\n"), None);
        let options = |path| options_at(Path::new(path), MOUNTS);
        assert_eq!(options("/mnt/far data").as_deref(), Some("rw,vers=4.2"));
        assert_eq!(options("/mnt/far data/x"), None, "nothing is mounted there itself");
        let numbered = deepest(Path::new("/mnt/far data/in/x"), MOUNTS).unwrap();
        assert!(numbered.starts_with("43 "), "{numbered}");
        assert_ne!(number_of(Path::new("/proc/self")), number_of(Path::new("/")));
        assert!(is_shared_by_machines("nfs4") && !is_shared_by_machines("ext4"));
        assert_eq!(file_system_of(Path::new("/proc/self")).as_deref(), Some("proc"));
    }
}
