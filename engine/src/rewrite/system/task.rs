//! The re-encryption of one segment or hints file, its verification, or the removal of a saved cache.
//!
//! A file is one piece: a segment has some 32 MiB, and several files keep all cores busy.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::scratch::Scratch;
use super::pass::{self, Passed};
use super::replace::{COMPANION_LIMIT, discard, replace, temporary};
use super::unit::{UnitOpener, UnitSealer};
use crate::io::{Access, Storage};
use crate::pipeline::{Need, Next, Share, Task};
use crate::plan::Space;
use crate::system::{Head, OpenFile, SystemFileName};
use crate::{Error, ErrorKind, Result};

/// What is done with a file; everything is decided.
#[derive(Debug)]
pub struct SystemTask<'a> {
    /// The file system.
    pub storage: &'a dyn Storage,
    /// How the file is read.
    pub access: Access<'a>,
    /// Its names; the first is worked on.
    pub paths: &'a [PathBuf],
    /// What it is.
    pub name: &'a SystemFileName,
    /// Its length.
    pub bytes: u64,
    /// The number of its file system.
    pub file_system: u64,
    /// What is done.
    pub work: SystemWork,
    /// Chunks and blocks that were opened.
    pub units: AtomicU64,
}

/// What is done with a file.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a choice that callers make")]
pub enum SystemWork {
    /// It is opened with this, and nothing is changed.
    Verify(UnitOpener),
    /// A new file takes its place.
    Replace(UnitOpener, Box<Successor>),
    /// It is removed: the node makes a new one.
    Delete,
}

/// What takes the place of a file.
#[derive(Debug)]
pub struct Successor {
    head: Head,
    sealer: UnitSealer,
    /// For reading it back: the new key only.
    opener: UnitOpener,
}

impl Successor {
    pub(crate) const fn new(head: Head, sealer: UnitSealer, opener: UnitOpener) -> Self {
        Self { head, sealer, opener }
    }
}

impl SystemTask<'_> {
    fn path(&self) -> Result<&Path> {
        let first = self.paths.first().map(PathBuf::as_path);
        first.ok_or_else(|| Error::new(ErrorKind::Internal, "a file has no name"))
    }

    fn verify(&self, opener: &UnitOpener, scratch: &mut Scratch) -> Result<()> {
        let file = OpenFile::open(self.path()?, self.name, self.access)?;
        let passed = pass::read(&file, opener, 0, scratch)?;
        self.units.store(passed.units, Ordering::Relaxed);
        Ok(())
    }

    fn replace(
        &self,
        opener: &UnitOpener,
        successor: &Successor,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let companions: Vec<PathBuf> =
            self.paths.iter().filter_map(|path| companion(path, self.name)).collect();
        let done = self.make(opener, successor, &companions, scratch);
        // Once the first name is the new file's, the others are to follow: the next run sees to that. A
        // rename that was reported as failed may have happened.
        let new = temporary(self.path()?);
        if done.is_err() && matches!(self.storage.identity(&new), Ok(Some(_))) {
            // The first comes last: as long as it is there, nothing is in place.
            let names = companions.iter().chain(self.paths.iter().rev()).cloned();
            let _swept_later = discard(self.storage, names);
        }
        done
    }

    fn make(
        &self,
        opener: &UnitOpener,
        successor: &Successor,
        companions: &[PathBuf],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let path = self.path()?;
        let new = temporary(path);
        let file = OpenFile::open(path, self.name, self.access)?;
        let seed = getrandom::u64().map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").caused_by(error)
        })?;
        let output = self.storage.create(&new)?;
        let with = (&successor.head, &successor.sealer);
        let written = pass::write(&file, opener, with, seed, scratch, output.as_ref())?;
        output.copy_attributes(path)?;
        output.sync()?;
        output.forget_cached();
        drop(output);

        let staged = OpenFile::open(&new, self.name, Access::Positional)?;
        let read = pass::read(&staged, &successor.opener, seed, scratch)?;
        compare(&written, &read).map_err(|error| error.at(path))?;
        let length = staged.source.length();
        drop(staged);
        file.source.unchanged()?;
        let mut contents = Vec::new();
        for companion in companions {
            let before = self.storage.read(companion, COMPANION_LIMIT)?;
            contents.extend(
                content(self.name, &before, file.source.length(), length, written.checksum)
                    .map(|content| (companion.clone(), content)),
            );
        }
        drop(file);
        replace(self.storage, self.paths, &contents)?;
        self.units.store(read.units, Ordering::Relaxed);
        Ok(())
    }

    fn delete(&self) -> Result<()> {
        for path in self.paths {
            self.storage.remove_file(path)?;
            if let Some(parent) = path.parent() {
                self.storage.sync_directory(parent)?;
            }
        }
        Ok(())
    }
}

impl Task for SystemTask<'_> {
    type Scratch = Scratch;
    type Stage = ();

    fn scratch() -> Result<Scratch> {
        Scratch::new()
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn work(&self) -> u64 {
        self.bytes
    }

    fn share(&self) -> Option<&dyn Share<()>> {
        matches!(self.work, SystemWork::Replace(..)).then_some(self)
    }

    fn begin(&self) -> Result<Next<()>> {
        Ok(Next::stage((), 1))
    }

    fn piece(&self, (): &(), _piece: u64, scratch: &mut Scratch) -> Result<u64> {
        match &self.work {
            SystemWork::Verify(opener) => self.verify(opener, scratch)?,
            SystemWork::Replace(opener, successor) => self.replace(opener, successor, scratch)?,
            SystemWork::Delete => self.delete()?,
        }
        Ok(self.bytes)
    }

    fn end(&self, (): &()) -> Result<Next<()>> {
        Ok(Next::Done)
    }

    fn abandon(&self, _stage: Option<()>, _why: &Error) {
        // A piece cleans up by itself.
    }
}

impl Share<()> for SystemTask<'_> {
    fn of(&self) -> u64 {
        self.file_system
    }

    /// A new file beside the old one. Chunks grow by the header and the padding of another cipher.
    fn need(&self, _stage: Option<&()>) -> Need {
        let bytes = self.bytes.saturating_add(self.bytes / 64).saturating_add(Space::BLOCK);
        Need { most: bytes, least: bytes }
    }

    fn left(&self) -> Result<u64> {
        let directory = self.path()?.parent().unwrap_or_else(|| Path::new("."));
        let reserve = self.storage.reserve(directory)?;
        Ok(self.storage.free_space(directory)?.saturating_sub(reserve))
    }

    fn too_little(&self, left: u64) -> Error {
        let path = self.paths.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
        Space::too_little(self.need(None).least, left, path)
    }
}

/// Opens the first chunk or block of a file: whether the keys are the right ones.
///
/// # Errors
/// As the run would have them.
pub(crate) fn try_first(
    path: &Path,
    name: &SystemFileName,
    access: Access<'_>,
    opener: &UnitOpener,
    scratch: &mut Scratch,
) -> Result<()> {
    pass::first(&OpenFile::open(path, name, access)?, opener, scratch)
}

/// What counts the bytes of a file beside it, by that file's kind.
fn companion(path: &Path, name: &SystemFileName) -> Option<PathBuf> {
    let companion = match name {
        SystemFileName::CommitLog(segment) => path.with_file_name(segment.index()),
        SystemFileName::Hints(hints) => path.with_file_name(hints.checksum()),
        _ => return None,
    };
    companion.is_file().then_some(companion)
}

/// What a companion has to say of the new file, if the old one's length or checksum is in it.
///
/// The index of a segment has a position in plaintext, which does not change; after a replay it has
/// the length of the file instead.
fn content(
    name: &SystemFileName,
    before: &[u8],
    old: u64,
    new: u64,
    checksum: u32,
) -> Option<Vec<u8>> {
    if let SystemFileName::Hints(_) = name {
        return Some(format!("{checksum:x}").into_bytes());
    }
    let text = str::from_utf8(before).ok()?;
    let (first, rest) = text.find('\n').map_or((text, ""), |at| text.split_at(at));
    (first.trim().parse() == Ok(old)).then(|| format!("{new}{rest}").into_bytes())
}

fn compare(written: &Passed, read: &Passed) -> Result<()> {
    if (written.digest, written.units) == (read.digest, read.units) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Mismatch,
        "what was read back from the disk is not what was read from the old file",
    )
    .hint("the old file is in its place; check memory and disk of this machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_follows_its_file_only_if_it_counts_the_file() {
        let name = SystemFileName::parse("CommitLog-7-17.log").unwrap();
        let of = |text: &str| {
            content(&name, text.as_bytes(), 100, 120, 7)
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(of("100\nCOMPLETED").as_deref(), Some("120\nCOMPLETED"));
        assert_eq!(of("100").as_deref(), Some("120"));
        assert_eq!(of("99\nCOMPLETED"), None);
        assert_eq!(of(""), None);
    }
}
