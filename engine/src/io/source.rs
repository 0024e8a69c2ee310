//! Random reads of an immutable file, from a memory map or by positional reads.

use std::fs::File;
use std::io::IoSliceMut;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memmap2::Mmap;
use rustix::fs::Advice;
use rustix::io::{ReadWriteFlags, preadv2};

use super::lease::NodeLease;
use super::mmap;
use super::waitless::open_to_read;
use crate::{Error, Result};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Access<'l> {
    /// Through a memory map, which needs the lease, unless the file is small. What the system
    /// cannot bring into memory (a bad sector, a truncated file, a kernel before 5.14) is read
    /// positionally, and is at worst an error. A truncation between the two steps raises a signal.
    Mapped(&'l NodeLease),
    /// By positional reads: slower, but a truncated file is always an error and never a signal.
    Positional,
}

/// Smallest file that is worth mapping, in bytes. Unmapping interrupts all other threads.
const MAPPED_FROM: u64 = 256 << 10;

/// An open input file with its recorded length and time.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    map: Option<Mmap>,
    length: u64,
    modified: SystemTime,
}

impl Source {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when it cannot be opened.
    pub fn open(path: &Path, access: Access<'_>) -> Result<Self> {
        let fail = |error| Error::io("cannot open", path, error);
        let file = open_to_read(path)?;
        let metadata = file.metadata().map_err(fail)?;
        let map = match access {
            Access::Mapped(lease) if metadata.len() >= MAPPED_FROM => {
                // What cannot be mapped (by the file system, or for lack of address space) is read.
                mmap::map(&file, lease).ok()
            }
            _ => None,
        };
        let modified = metadata.modified().map_err(fail)?;
        Ok(Self { path: path.to_owned(), file, map, length: metadata.len(), modified })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length in bytes when it was opened.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns `length` bytes from `offset`; they may be in `scratch`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when the range is not within the file, and
    /// [`crate::ErrorKind::Io`] when it cannot be read.
    pub fn slice<'a>(
        &'a self,
        offset: u64,
        length: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        let outside = || {
            Error::corrupt(format!(
                "{length} bytes are expected here, but the file has {} bytes",
                self.length
            ))
            .at(&self.path)
            .offset(offset)
        };
        let end = u64::try_from(length)
            .ok()
            .and_then(|length| offset.checked_add(length))
            .filter(|&end| end <= self.length)
            .ok_or_else(outside)?;
        if let Some(map) = &self.map {
            let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
            let bytes = range.and_then(|(from, to)| map.get(from..to)).ok_or_else(outside)?;
            if bytes.is_empty() || mmap::populate(map, offset, length).is_ok() {
                return Ok(bytes);
            }
        }
        // Grows only to what the file holds: the length was checked above.
        scratch.resize(length, 0);
        self.file
            .read_exact_at(scratch, offset)
            .map_err(|e| Error::io("cannot read", &self.path, e).offset(offset))?;
        Ok(scratch)
    }

    /// Asks the system to start reading a range that will be needed soon. A part beyond the end is
    /// ignored.
    pub fn prefetch(&self, offset: u64, length: usize) {
        let Some(length) = self.part(offset, length) else { return };
        // Ranges are loaded from the start, and a request for one that is already loaded walks over
        // all its pages.
        if self.is_cached(offset.saturating_add(length.get()).saturating_sub(1)) {
            return;
        }
        let _only_a_hint = rustix::fs::fadvise(&self.file, offset, Some(length), Advice::WillNeed);
    }

    /// Asks the system to free the memory of a range that will not be read again. Only pieces that
    /// are completely in the range and are not mapped are freed. A part beyond the end is ignored.
    pub fn forget(&self, offset: u64, length: usize) {
        let Some(length) = self.part(offset, length) else { return };
        let _only_a_hint = rustix::fs::fadvise(&self.file, offset, Some(length), Advice::DontNeed);
    }

    /// How much of a range is within the file, if any.
    fn part(&self, offset: u64, length: usize) -> Option<NonZeroU64> {
        let left = self.length.saturating_sub(offset);
        NonZeroU64::new(u64::try_from(length).unwrap_or(u64::MAX).min(left))
    }

    /// Whether a byte is in memory, as far as the system can say without reading it from the disk.
    fn is_cached(&self, offset: u64) -> bool {
        let mut byte = [0];
        let mut into = [IoSliceMut::new(&mut byte)];
        preadv2(&self.file, &mut into, offset, ReadWriteFlags::NOWAIT).is_ok()
    }

    /// Checks that the file is still the one that was opened.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Busy`] when its length or its time has changed since.
    pub fn unchanged(&self) -> Result<()> {
        let fail = |error| Error::io("cannot look at", &self.path, error);
        let metadata = self.file.metadata().map_err(fail)?;
        if metadata.len() == self.length && metadata.modified().map_err(fail)? == self.modified {
            return Ok(());
        }
        Err(Error::new(crate::ErrorKind::Busy, "the file was changed while it was read")
            .at(&self.path)
            .hint("find out what writes there; nothing was replaced"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::io::{LeaseMode, LocalStorage, Storage as _};

    fn file(dir: &Path, bytes: &[u8]) -> PathBuf {
        let path = dir.join("f");
        LocalStorage.create(&path).unwrap().write_at(bytes, 0).unwrap();
        path
    }

    /// More than any address space: a map is refused for lack of memory, and the file is read. Few
    /// file systems allow files of 256 TiB; on others the test does nothing.
    #[test]
    fn a_file_too_large_to_map_is_read() {
        let Ok(dir) = tempfile::tempdir_in("/dev/shm") else { return };
        let path = dir.path().join("f");
        let length = 1_u64 << 48;
        let made = LocalStorage.create(&path).unwrap();
        if made.write_at(b"the end", length - 7).is_err() {
            return;
        }
        let made = File::open(&path).unwrap();
        let lease = NodeLease::take(&[dir.path().to_owned()], LeaseMode::Exclusive).unwrap();
        assert!(mmap::map(&made, &lease).is_err(), "it would be no test");
        let source = Source::open(&path, Access::Mapped(&lease)).unwrap();
        assert_eq!(source.slice(length - 7, 7, &mut Vec::new()).unwrap(), b"the end");
    }

    #[test]
    fn a_map_and_positional_reads_give_the_same() {
        let from = usize::try_from(MAPPED_FROM).unwrap();
        for length in [10, from - 1, from, from + 10] {
            let dir = tempfile::tempdir().unwrap();
            let lease = NodeLease::take(&[dir.path().to_owned()], LeaseMode::Exclusive).unwrap();
            let bytes = &b"0123456789".repeat(40_000)[..length];
            let path = file(dir.path(), bytes);
            for (access, maps) in
                [(Access::Mapped(&lease), length >= from), (Access::Positional, false)]
            {
                let source = Source::open(&path, access).unwrap();
                assert_eq!(source.map.is_some(), maps, "{length}");
                let mut scratch = Vec::new();
                for (offset, wanted) in [(3, 4), (length, 0), (length - 5, 5)] {
                    let found = source.slice(offset as u64, wanted, &mut scratch).unwrap();
                    assert_eq!(found, &bytes[offset..offset + wanted]);
                }
                let past = length as u64 + 1;
                for (offset, more) in [(7, length - 6), (past, 0), (u64::MAX, 1), (0, usize::MAX)] {
                    let error = source.slice(offset, more, &mut scratch).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                }
                assert!(scratch.capacity() < 1024, "no allocation from an absurd length");
            }
        }
    }

    #[test]
    fn a_file_truncated_under_its_map_is_an_error_not_a_signal() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), &vec![7; 300_000]);
        let lease = NodeLease::take(&[dir.path().to_owned()], LeaseMode::Exclusive).unwrap();
        let source = Source::open(&path, Access::Mapped(&lease)).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(270_000).unwrap();
        let mut scratch = Vec::new();
        assert_eq!(source.slice(269_000, 1_000, &mut scratch).unwrap(), [7; 1_000]);
        for offset in [271_500, 274_432, 299_000] {
            let error = source.slice(offset, 1_000, &mut scratch).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.chain().contains("cannot read"), "{error:?}");
        }
    }

    #[test]
    fn a_forgotten_range_frees_its_memory_and_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = &b"0123456789".repeat(40_000);
        let path = file(dir.path(), bytes);
        LocalStorage.sync_file(&path).unwrap();
        let source = Source::open(&path, Access::Positional).unwrap();
        let mut scratch = Vec::new();
        assert_eq!(source.slice(0, bytes.len(), &mut scratch).unwrap(), bytes);
        assert!(source.is_cached(0));
        for (offset, length) in [(0, 0), (7, 10), (u64::MAX, 1)] {
            source.forget(offset, length);
        }
        assert!(source.is_cached(0));
        // An advice: the kernel keeps a page that somebody else holds at this moment.
        let is_kept = (0..100).all(|_| {
            source.forget(0, usize::MAX);
            std::thread::sleep(std::time::Duration::from_millis(1));
            source.is_cached(0)
        });
        assert_eq!(is_kept, crate::io::local::is_tmpfs(&source.file));
        assert_eq!(source.slice(0, bytes.len(), &mut scratch).unwrap(), bytes);
    }

    #[test]
    fn a_changed_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), b"0123456789");
        let source = Source::open(&path, Access::Positional).unwrap();
        source.unchanged().unwrap();
        LocalStorage.set_modified(&path, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(source.unchanged().unwrap_err().kind(), ErrorKind::Busy);
    }
}
