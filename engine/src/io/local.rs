//! [`Storage`] on the local file system.

use std::fs::{File, FileTimes, Metadata};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Advice, AtFlags, FallocateFlags, OFlags, RenameFlags};
use rustix::io::{Errno, ReadWriteFlags, pwritev2};

use super::refusal::is_refusal;
use super::storage::{Entry, EntryKind, FileId, FileStat, OutputFile, Storage};
use super::waitless::open_to_read;
use super::way::{self, Way};
use super::{attributes, directory};
use crate::{Error, ErrorKind, Result};

/// The local file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalStorage;

impl Storage for LocalStorage {
    fn list(&self, directory: &Path) -> Result<Vec<Entry>> {
        let fail = |error| Error::io("cannot list the directory", directory, error);
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let mut kind = entry.file_type().map_err(fail)?;
            let is_link = kind.is_symlink();
            if is_link && let Ok(target) = std::fs::metadata(entry.path()) {
                kind = target.file_type();
            }
            let (name, kind) = match (entry.file_name().into_string(), kind.is_file()) {
                (Ok(name), true) => (name, EntryKind::File),
                (Ok(name), _) if kind.is_dir() => (name, EntryKind::Directory),
                (Ok(name), _) => (name, EntryKind::Other),
                (Err(name), _) => (
                    name.to_string_lossy().into_owned(),
                    EntryKind::NotUtf8 { is_directory: kind.is_dir() },
                ),
            };
            entries.push(Entry { name, kind, is_link });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn stat(&self, path: &Path) -> Result<Option<FileStat>> {
        let fail = |error| Error::io("cannot look at the file", path, error);
        let Some(metadata) = look(path)? else { return Ok(None) };
        let modified = metadata.modified().map_err(fail)?;
        Ok(Some(FileStat { length: metadata.len(), modified }))
    }

    fn identity(&self, path: &Path) -> Result<Option<FileId>> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(FileId {
                device: metadata.dev(),
                inode: metadata.ino(),
                is_link: metadata.is_symlink(),
            })),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(Error::io("cannot look at the file", path, error)),
        }
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        read_whole(&open_to_read(path)?, path, limit)
    }

    fn read_own(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        let fail = |error| way::failed("cannot read the file", path, error);
        let file = Way::to(path).and_then(|way| way.open(OFlags::RDONLY)).map_err(fail)?;
        way::check_own(&file).map_err(|what| {
            Error::invalid(format!("not a file that this program has made: {what}"))
                .at(path)
                .hint("find out who put it there, and run as the user who began the work")
        })?;
        read_whole(&file, path, limit)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let file = create_new(path)?;
        Ok(Box::new(LocalFile { path: path.to_owned(), file }))
    }

    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let open = || {
            let way = Way::to(path)?;
            let file = way.open_file(OFlags::WRONLY)?;
            let found = file.metadata()?;
            // Staged files get second names while copies are replaced. A file that another user put
            // there belongs to that user, not to the directory's owner.
            if found.nlink() == 1 || found.uid() == way.owner()? {
                return Ok(file);
            }
            Err(io::Error::other("it has a second name, a hard link, and another owner"))
        };
        let file = open().map_err(|e| way::failed("cannot open for writing", path, e))?;
        Ok(Box::new(LocalFile { path: path.to_owned(), file }))
    }

    fn link_or_copy(&self, from: &Path, to: &Path) -> Result<()> {
        let link = || -> io::Result<()> {
            let (old, new) = (Way::to(from)?, Way::to(to)?);
            let none = AtFlags::empty();
            Ok(rustix::fs::linkat(old.directory(), old.name(), new.directory(), new.name(), none)?)
        };
        let Err(error) = link() else { return Ok(()) };
        match Errno::from_io_error(&error) {
            // Another file system or mount, one without links, too many links, or another user's
            // file.
            Some(Errno::XDEV | Errno::MLINK) => copy(from, to),
            Some(errno) if is_refusal(errno) => copy(from, to),
            _ => Err(way::failed("cannot link to", to, error)),
        }
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> Result<()> {
        let set = || {
            let file = Way::to(path)?.open_file(OFlags::RDONLY)?;
            file.set_times(FileTimes::new().set_modified(time))?;
            file.sync_all()
        };
        set().map_err(|e| way::failed("cannot set the modification time", path, e))
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        let write_again = || {
            let mut file = Way::to(path)?.open_file(OFlags::RDWR)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            file.write_all_at(&bytes, 0)?;
            file.sync_all()
        };
        write_again().map_err(|e| way::failed("cannot make durable", path, e))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let rename = || -> io::Result<()> {
            let (old, new) = (Way::to(from)?, Way::to(to)?);
            let (old_in, new_in) = (old.directory(), new.directory());
            let once = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(old_in, old.name(), new_in, new.name(), once) {
                // Some file systems have no atomic rename without replacing; the caller chose a
                // free name.
                Err(errno) if is_refusal(errno) && new.is_free() => {
                    Ok(rustix::fs::renameat(old_in, old.name(), new_in, new.name())?)
                }
                renamed => Ok(renamed?),
            }
        };
        rename().map_err(|e| way::failed("cannot rename into place", to, e))
    }

    fn replace(&self, from: &Path, to: &Path) -> Result<()> {
        let replace = || -> io::Result<()> {
            let (old, new) = (Way::to(from)?, Way::to(to)?);
            Ok(rustix::fs::renameat(old.directory(), old.name(), new.directory(), new.name())?)
        };
        replace().map_err(|e| way::failed("cannot replace", to, e))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        remove(path, AtFlags::empty()).map_err(|e| way::failed("cannot remove", path, e))
    }

    fn create_directory(&self, path: &Path, like: Option<&Path>) -> Result<()> {
        directory::create(path, like)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        remove(path, AtFlags::REMOVEDIR)
            .map_err(|e| way::failed("cannot remove the directory", path, e))
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        way::open_directory(path, OFlags::RDONLY)
            .and_then(|directory| File::from(directory).sync_all())
            .map_err(|e| way::failed("cannot make the directory durable", path, e))
    }

    fn free_space(&self, path: &Path) -> Result<u64> {
        let stat = rustix::fs::statvfs(path)
            .map_err(|e| Error::io("cannot ask for the free space", path, e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn reserve(&self, path: &Path) -> Result<u64> {
        let stat = rustix::fs::statvfs(path)
            .map_err(|e| Error::io("cannot ask for the size of the disk", path, e.into()))?;
        Ok((stat.f_blocks.saturating_mul(stat.f_frsize) / 100).min(MOST_RESERVED))
    }

    fn file_system(&self, path: &Path) -> Result<u64> {
        std::fs::metadata(path)
            .map(|metadata| metadata.dev())
            .map_err(|e| Error::io("cannot look at the directory", path, e))
    }

    fn allocated(&self, path: &Path) -> Result<u64> {
        let alone = look(path)?.filter(|metadata| metadata.nlink() == 1);
        Ok(alone.map_or(0, |metadata| metadata.blocks().saturating_mul(BLOCK_OF_STAT)))
    }
}

fn read_whole(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("cannot read the file", path, error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(Error::corrupt(format!("longer than the {limit} bytes it can have"))
            .at(path)
            .hint("compare the file with a backup"));
    }
    Ok(bytes)
}

fn remove(path: &Path, flags: AtFlags) -> io::Result<()> {
    let way = Way::to(path)?;
    Ok(rustix::fs::unlinkat(way.directory(), way.name(), flags)?)
}

/// What is known of a file, or `None` when there is none.
fn look(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(Error::io("cannot look at the file", path, error)),
    }
}

/// On a large disk, a hundredth is more than the system's logs need.
const MOST_RESERVED: u64 = 1 << 30;

/// The unit of `st_blocks`, whatever the file system's block size.
const BLOCK_OF_STAT: u64 = 512;

#[derive(Debug)]
struct LocalFile {
    path: PathBuf,
    file: File,
}

impl OutputFile for LocalFile {
    fn reserve(&self, length: u64) -> Result<()> {
        // tmpfs zeroes the pages it reserves, which costs more than it gives.
        if length == 0 || is_tmpfs(&self.file) {
            return Ok(());
        }
        let reserve = || rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, length);
        match rustix::io::retry_on_intr(reserve) {
            Ok(()) => Ok(()),
            Err(errno) if is_refusal(errno) => Ok(()),
            Err(error) => Err(Error::io("cannot reserve space for", &self.path, error.into())),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| Error::io("cannot write", &self.path, e))
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        write_durably(&self.file, bytes, offset)
            .map_err(|e| Error::io("cannot write and make durable", &self.path, e))
    }

    fn stream_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)?;
        // One call for both: dirty pages begin to be written, clean ones are dropped. (The other
        // way to start writing, sync_file_range, has no safe wrapper.)
        let from = offset.saturating_sub(STREAMED_BEHIND);
        let written = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let length = NonZeroU64::new((offset - from).saturating_add(written));
        let _only_a_hint = rustix::fs::fadvise(&self.file, from, length, Advice::DontNeed);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io("cannot make durable", &self.path, e))
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Error::io("cannot make durable", &self.path, e))
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(|e| Error::io("cannot set the length of", &self.path, e))
    }

    fn copy_attributes(&self, like: &Path) -> Result<()> {
        attributes::copy(like, &self.file, &self.path)
    }

    fn forget_cached(&self) {
        forget_cached(&self.file);
    }
}

fn write_durably(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match pwritev2(file, &[IoSlice::new(bytes)], offset, ReadWriteFlags::DSYNC) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset = offset.saturating_add(u64::try_from(written).unwrap_or_default());
            }
            Err(Errno::INTR) => {}
            Err(errno) if is_refusal(errno) => {
                file.write_all_at(bytes, offset)?;
                return file.sync_data();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut source = open_to_read(from)?;
    let target = create_new(to)?;
    let written = checksum(&mut source, from, |piece| {
        (&target).write_all(piece).map_err(|e| Error::io("cannot copy to", to, e))
    })?;
    attributes::copy(from, &target, to)?;
    target.sync_all().map_err(|e| Error::io("cannot make durable", to, e))?;
    forget_cached(&target);
    let mut copy = Way::to(to)
        .and_then(|way| way.open_file(OFlags::RDONLY))
        .map_err(|e| way::failed("cannot open", to, e))?;
    if checksum(&mut copy, to, |_| Ok(()))? == written {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Mismatch, "the copy does not read back as the original")
        .at(to)
        .hint("check the machine's memory and disk; the original is untouched"))
}

fn forget_cached(file: &File) {
    let _only_a_hint = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
}

/// Reads a file to its end, passes each piece on, and returns the length and the CRC32 of all.
fn checksum(
    file: &mut File,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(u64, u32)> {
    let (mut buffer, mut crc) = (vec![0; COPY_AT_ONCE], crc32fast::Hasher::new());
    let mut length = 0_u64;
    loop {
        let read = file.read(&mut buffer).map_err(|e| Error::io("cannot read", path, e))?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok((length, crc.finalize()));
        }
        crc.update(piece);
        length = length.saturating_add(u64::try_from(read).unwrap_or_default());
        each(piece)?;
    }
}

const COPY_AT_ONCE: usize = 1 << 18;

/// How far behind the write position of a stream memory is freed: far enough for the disk to have
/// written it. Pages that are freed at once are reused at once. Otherwise each page is a new one,
/// and in a virtual machine that returns free memory to its host, a new page costs several times as
/// much as all other work on it.
const STREAMED_BEHIND: u64 = 64 << 20;

fn create_new(path: &Path) -> Result<File> {
    Way::to(path).and_then(|way| way.create()).map_err(|e| way::failed("cannot create", path, e))
}

pub(super) fn is_tmpfs(file: &File) -> bool {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    rustix::fs::fstatfs(file).is_ok_and(|stat| stat.f_type == TMPFS_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once_written_anywhere_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let file = LocalStorage.create(&a).unwrap();
        file.reserve(10).unwrap();
        file.write_at(b"world", 5).unwrap();
        file.write_at(b"hello", 0).unwrap();
        file.sync().unwrap();
        assert_eq!(LocalStorage.read(&a, 10).unwrap(), b"helloworld");
        file.write_durably_at(b"", 0).unwrap();
        file.write_durably_at(b"dd", 9).unwrap();
        assert_eq!(LocalStorage.read(&a, 11).unwrap(), b"helloworldd");
        file.set_length(10).unwrap();
        assert_eq!(LocalStorage.read(&a, 9).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(LocalStorage.create(&a).is_err());
        let again = LocalStorage.reopen(&a).unwrap();
        again.write_at(b"W", 5).unwrap();
        again.set_length(8).unwrap();
        again.set_length(10).unwrap();
        again.sync_data().unwrap();
        assert_eq!(LocalStorage.read(&a, 10).unwrap(), b"helloWor\0\0");
        assert!(LocalStorage.reopen(&b).is_err());
        LocalStorage.link_or_copy(&a, &b).unwrap();
        assert!(LocalStorage.rename(&a, &b).is_err(), "the new name is taken");
        assert!(LocalStorage.link_or_copy(&a, &b).is_err());
        let inode = |path| std::fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&a), inode(&b));
        LocalStorage.remove_file(&b).unwrap();
        copy(&a, &b).unwrap();
        assert!(copy(&a, &b).is_err(), "nothing is replaced");
        assert_ne!(inode(&a), inode(&b));
        assert_eq!(LocalStorage.read(&b, 10).unwrap(), b"helloWor\0\0");
        LocalStorage.remove_file(&b).unwrap();
        LocalStorage.rename(&a, &b).unwrap();
        assert_eq!(LocalStorage.stat(&a).unwrap(), None);
        assert_eq!(LocalStorage.identity(&a).unwrap(), None);
        assert_eq!(LocalStorage.stat(&b).unwrap().unwrap().length, 10);
    }

    #[test]
    fn a_file_takes_what_is_written_on_its_directory_s_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert_eq!(LocalStorage.allocated(&path).unwrap(), 0);
        assert!(LocalStorage.file_system(&path).is_err());
        let file = LocalStorage.create(&path).unwrap();
        file.write_at(&[7; 100_000], 0).unwrap();
        file.sync().unwrap();
        let taken = LocalStorage.allocated(&path).unwrap();
        assert!((100_000..200_000).contains(&taken), "{taken}");
        let second = dir.path().join("b");
        LocalStorage.link_or_copy(&path, &second).unwrap();
        assert_eq!(LocalStorage.allocated(&path).unwrap(), 0, "its removal gives nothing back");
        LocalStorage.remove_file(&second).unwrap();
        let number = |path: &Path| LocalStorage.file_system(path).unwrap();
        assert_eq!(number(&path), number(dir.path()));
        assert_ne!(number(&path), number(Path::new("/proc")));
    }

    #[test]
    fn a_file_is_replaced_atomically_and_known_by_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| dir.path().join(name));
        for path in [&a, &b] {
            drop(LocalStorage.create(path).unwrap());
        }
        let id = |path| LocalStorage.identity(path).unwrap().unwrap();
        let (first, second) = (id(&a), id(&b));
        assert_ne!(first, second);
        LocalStorage.link_or_copy(&a, &c).unwrap();
        assert_eq!(id(&c), first);
        LocalStorage.replace(&c, &b).unwrap();
        assert_eq!((id(&a), id(&b)), (first, first));
        assert_eq!(LocalStorage.identity(&c).unwrap(), None);
        std::os::unix::fs::symlink(&a, &c).unwrap();
        assert!(id(&c).is_link && id(&c) != first, "a link is not what it points to");
        assert!(LocalStorage.replace(&dir.path().join("d"), &a).is_err());
    }

    #[test]
    fn a_linked_file_is_written_only_if_the_directory_s_owner_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b, link] = ["a", "b", "link"].map(|name| dir.path().join(name));
        drop(LocalStorage.create(&a).unwrap());
        LocalStorage.link_or_copy(&a, &b).unwrap();
        drop(LocalStorage.reopen(&a).unwrap());
        std::os::unix::fs::symlink(&a, &link).unwrap();
        assert!(
            LocalStorage.reopen(&link).unwrap_err().hint_text().unwrap().contains("symbolic link")
        );
        if std::os::unix::fs::chown(&a, Some(1001), None).is_ok() {
            let error = LocalStorage.reopen(&b).unwrap_err();
            assert!(error.chain().contains("another owner"), "{error:?}");
            LocalStorage.remove_file(&b).unwrap();
            drop(LocalStorage.reopen(&a).unwrap());
        }
    }

    #[test]
    fn own_directories_are_private_and_listing_is_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        LocalStorage.create_directory(&own, None).unwrap();
        LocalStorage.create_directory(&own, None).unwrap();
        assert_eq!(std::fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
        for name in ["b", "a"] {
            drop(LocalStorage.create(&dir.path().join(name)).unwrap());
        }
        let names: Vec<_> =
            LocalStorage.list(dir.path()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a", "b", "own"]);
    }

    #[test]
    fn no_entry_is_skipped() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let odd = |bytes: &[u8]| dir.path().join(std::ffi::OsStr::from_bytes(bytes));
        std::fs::create_dir(odd(b"ks\xff")).unwrap();
        drop(File::create_new(odd(b"file\xfe")).unwrap());
        std::os::unix::fs::symlink(odd(b"gone"), odd(b"link")).unwrap();
        let listed = LocalStorage.list(dir.path()).unwrap();
        let found: Vec<_> = listed.iter().map(|e| (e.name.as_str(), e.kind, e.is_link)).collect();
        assert_eq!(
            found,
            [
                ("file\u{fffd}", EntryKind::NotUtf8 { is_directory: false }, false),
                ("ks\u{fffd}", EntryKind::NotUtf8 { is_directory: true }, false),
                ("link", EntryKind::Other, true),
            ]
        );
    }
}
