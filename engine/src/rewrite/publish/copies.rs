//! Replaces the copies of the old SSTable in snapshots and backups by the staged one.
//!
//! No node finishes or undoes that. Each line is a point at which the process may die:
//!
//! 1. old files linked into the staging directory; [`Replacement`] written there, all of it durable
//! 2. for each copy: staged files get a second link, each link renamed over an old file, files
//!    without a successor removed, directory durable
//! 3. the record removed, durably; only then is the first staged file removed
//!
//! As long as the record exists, the next run repeats step 2, as often as necessary: a file that is
//! a link to the staged one is in place. Meanwhile a copy has old and new files, and cannot be
//! read. An error that the process survives undoes the copy at which it occurred; so does the next
//! run if it cannot replace it. Then each copy is either completely new or completely old, and step
//! 3 ends the replacement.

use std::path::{Path, PathBuf};

use crate::io::{Access, Entry, EntryKind, Source, Storage};
use crate::journal::{REPLACEMENT_FILE, Replacement};
use crate::plan::STATE_DIRECTORY;
use crate::rewrite::staging::StagingArea;
use crate::sstable::{Component, Descriptor, parse_file_name};
use crate::{Error, ErrorKind, Result};

/// A replacement in progress.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) struct Copies<'a> {
    pub(in crate::rewrite) storage: &'a dyn Storage,
    /// The data directory above the copies and the staging directory.
    pub(in crate::rewrite) data_dir: &'a Path,
    /// Durable, and read back.
    pub(in crate::rewrite) staging: &'a StagingArea,
    pub(in crate::rewrite) replacement: &'a Replacement,
}

/// The state after a copy could not be replaced.
#[derive(Debug)]
pub(in crate::rewrite) struct Halted {
    pub(in crate::rewrite) error: Error,
    /// This many of the first copies are new; the others are old.
    pub(in crate::rewrite) replaced: usize,
    /// But the next one may be neither, and the staging directory must not be touched before the
    /// next run has finished it.
    pub(in crate::rewrite) is_pending: bool,
}

/// Why a copy was not replaced.
#[derive(Debug)]
struct NotPut {
    error: Error,
    /// Whether some of its files may be new by now.
    is_touched: bool,
}

impl Copies<'_> {
    /// Replaces all copies, whose files are those of `old`.
    pub(in crate::rewrite) fn replace(
        &self,
        old: &[(Component, PathBuf)],
    ) -> std::result::Result<(), Halted> {
        let halt = |error, replaced, undone: Result<()>| {
            let is_pending = undone.and_then(|()| self.withdraw()).is_err();
            Err(Halted { error, replaced, is_pending })
        };
        if let Err(error) = self.record(old) {
            return halt(error, 0, Ok(()));
        }
        for (number, (directory, name)) in self.replacement.copies.iter().enumerate() {
            let directory = self.data_dir.join(directory);
            if let Err(NotPut { error, is_touched }) = self.put(&directory, name) {
                let undone = if is_touched { self.take_back(&directory, name) } else { Ok(()) };
                return halt(error, number, undone);
            }
        }
        let replaced = self.replacement.copies.len();
        self.withdraw().map_err(|error| Halted { error, replaced, is_pending: true })
    }

    /// Step 1.
    fn record(&self, old: &[(Component, PathBuf)]) -> Result<()> {
        for (component, path) in old {
            let kept = self.staging.replaced(component);
            self.remove_if_there(&kept)?;
            self.storage.link_or_copy(path, &kept)?;
        }
        let path = self.staging.path().join(REPLACEMENT_FILE);
        let unfinished = path.with_extension("new");
        self.remove_if_there(&unfinished)?;
        let file = self.storage.create(&unfinished)?;
        file.write_at(&self.replacement.encode(), 0)?;
        file.sync()?;
        self.storage.rename(&unfinished, &path)?;
        self.staging.sync_names(self.storage, self.data_dir)
    }

    /// Step 2 for one copy. What can fail for lack of space comes before the first change.
    fn put(&self, directory: &Path, name: &Descriptor) -> std::result::Result<(), NotPut> {
        let mut is_touched = false;
        self.put_files(directory, name, &mut is_touched)
            .map_err(|error| NotPut { error, is_touched })
    }

    fn put_files(&self, directory: &Path, name: &Descriptor, is_touched: &mut bool) -> Result<()> {
        let mut ready = Vec::new();
        for component in &self.replacement.put {
            let place = name.path(directory, component);
            ready.extend(self.link_for(&self.staging.file(component), &place, component)?);
        }
        for (link, place) in ready {
            let replaced = self.storage.replace(&link, &place);
            // A rename that was reported as failed may have happened: then its link has no name.
            *is_touched |= replaced.is_ok() || !matches!(self.storage.identity(&link), Ok(Some(_)));
            replaced?;
        }
        for component in &self.replacement.dropped {
            *is_touched = true;
            self.remove_if_there(&name.path(directory, component))?;
        }
        self.storage.sync_directory(directory)
    }

    /// Undoes it.
    fn take_back(&self, directory: &Path, name: &Descriptor) -> Result<()> {
        let data = self.staging.replaced(&Component::Data);
        if self.storage.identity(&data)?.is_none() {
            return Err(gone("what was kept of it is gone", &data));
        }
        let Replacement { put, dropped, .. } = self.replacement;
        for component in put.iter().chain(dropped) {
            let (place, old) = (name.path(directory, component), self.staging.replaced(component));
            if self.storage.identity(&old)?.is_none() {
                self.remove_if_there(&place)?;
            } else if let Err(error) = self.put_back(&old, &place, component) {
                // What was kept is a copy where no link can be made, as from another mount. Nothing
                // can be renamed into place there, so nothing was replaced.
                if !self.is_same(&old, &place)? {
                    return Err(error);
                }
            }
        }
        self.storage.sync_directory(directory)
    }

    fn put_back(&self, old: &Path, place: &Path, component: &Component) -> Result<()> {
        match self.link_for(old, place, component)? {
            Some((link, place)) => self.storage.replace(&link, &place),
            None => Ok(()),
        }
    }

    /// Whether two files have the same bytes; a missing file has none.
    fn is_same(&self, one: &Path, other: &Path) -> Result<bool> {
        if self.storage.identity(one)?.is_none() || self.storage.identity(other)?.is_none() {
            return Ok(false);
        }
        let open = |path| Source::open(path, Access::Positional);
        let (one, other) = (open(one)?, open(other)?);
        if one.length() != other.length() {
            return Ok(false);
        }
        let (mut buffer, mut other_buffer) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < one.length() {
            let left = usize::try_from(one.length().saturating_sub(at)).unwrap_or(usize::MAX);
            let length = left.min(COMPARED_AT_ONCE);
            let part = one.slice(at, length, &mut buffer)?;
            if part != other.slice(at, length, &mut other_buffer)? {
                return Ok(false);
            }
            at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok(true)
    }

    /// A second name for a file, to be renamed into place; `None` if it is in place.
    fn link_for(
        &self,
        file: &Path,
        place: &Path,
        component: &Component,
    ) -> Result<Option<(PathBuf, PathBuf)>> {
        let staged = self.storage.identity(file)?.ok_or_else(|| {
            gone("what was staged for it is gone, and it may be partly replaced", place)
        })?;
        if self.storage.identity(place)? == Some(staged) {
            return Ok(None);
        }
        let link = self.staging.link(component);
        self.remove_if_there(&link)?;
        self.storage.link_or_copy(file, &link)?;
        Ok(Some((link, place.to_owned())))
    }

    /// Step 3, also when the record was not completed.
    fn withdraw(&self) -> Result<()> {
        self.remove_if_there(&self.staging.path().join(REPLACEMENT_FILE))?;
        self.storage.sync_directory(self.staging.path())
    }

    fn remove_if_there(&self, path: &Path) -> Result<()> {
        match self.storage.identity(path)? {
            Some(_) => self.storage.remove_file(path),
            None => Ok(()),
        }
    }

    /// Whether a copy exists at all: the operator may have cleared the snapshot.
    fn is_there(&self, directory: &Path, name: &Descriptor) -> Result<bool> {
        if self.storage.identity(directory)?.is_none() {
            return Ok(false);
        }
        let entries = self.storage.list(directory)?;
        Ok(entries.iter().any(|e| parse_file_name(&e.name).is_some_and(|(of, _)| of == *name)))
    }
}

/// Replacements that a run has left below a data directory: the directories where they are staged.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(crate) fn pending_copies(storage: &dyn Storage, data_dir: &Path) -> Result<Vec<PathBuf>> {
    let state = data_dir.join(STATE_DIRECTORY);
    let mut pending = Vec::new();
    // Anything else in its place is reported where it is in the way.
    let is_there = |entry: &Entry| {
        entry.name == STATE_DIRECTORY && entry.kind == EntryKind::Directory && !entry.is_link
    };
    if storage.list(data_dir)?.iter().any(is_there) {
        for entry in storage.list(&state)? {
            let directory = state.join(entry.name);
            if !entry.is_link && is_pending(storage, &directory)? {
                pending.push(directory);
            }
        }
    }
    Ok(pending)
}

/// Whether copies may be partly replaced by what is staged in a directory.
pub(in crate::rewrite) fn is_pending(storage: &dyn Storage, directory: &Path) -> Result<bool> {
    Ok(storage.identity(&directory.join(REPLACEMENT_FILE))?.is_some())
}

/// The outcome of the replacements that a run has left.
#[derive(Debug, Default)]
#[non_exhaustive]
pub(crate) struct FinishedCopies {
    /// Copies that are new, by their Data.db.
    pub new: Vec<PathBuf>,
    /// Why some are old, by their Data.db: they could not be replaced, and are unchanged.
    pub old: Vec<Error>,
    /// Records that could not be carried out in either direction, and why: they stay.
    pub stuck: Vec<(PathBuf, Error)>,
}

/// Ends the replacements that a run has left below a data directory: each copy is replaced, or, if
/// that fails, restored. Needs the exclusive lease.
///
/// # Errors
/// [`ErrorKind::Io`] when it is unknown what is left. A record that is damaged or cannot be carried
/// out in either direction is not an error.
pub(crate) fn finish_copies(storage: &dyn Storage, data_dir: &Path) -> Result<FinishedCopies> {
    let mut finished = FinishedCopies::default();
    for directory in pending_copies(storage, data_dir)? {
        if let Err(error) = finish(storage, data_dir, directory.clone(), &mut finished) {
            finished.stuck.push((directory, error));
        }
    }
    Ok(finished)
}

fn finish(
    storage: &dyn Storage,
    data_dir: &Path,
    directory: PathBuf,
    finished: &mut FinishedCopies,
) -> Result<()> {
    let staging = &StagingArea::left(directory);
    let path = staging.path().join(REPLACEMENT_FILE);
    let replacement = &Replacement::decode(&storage.read_own(&path, LONGEST_RECORD)?)
        .map_err(|error| unreadable(error, &path))?;
    // A run that was killed before its fsync has left the record only in the cache.
    staging.sync_names(storage, data_dir)?;
    let copies = Copies { storage, data_dir, staging, replacement };
    for (below, name) in &replacement.copies {
        let directory = data_dir.join(below);
        if !copies.is_there(&directory, name)? {
            continue;
        }
        let data = name.path(&directory, &Component::Data);
        match copies.put(&directory, name) {
            Ok(()) => finished.new.push(data),
            Err(NotPut { error, .. }) => {
                // The final error says why it could not be replaced.
                copies.take_back(&directory, name).map_err(|_not_back| error.clone())?;
                finished.old.push(put_back(&error, data));
            }
        }
    }
    copies.withdraw()
}

fn put_back(why: &Error, data: PathBuf) -> Error {
    let why = why.chain();
    Error::new(
        ErrorKind::Io,
        format!("a copy that a run was cut off at could not be replaced ({why}), and is as it was"),
    )
    .at(data)
}

fn gone(what: &'static str, path: &Path) -> Error {
    Error::corrupt(what).at(path).hint("restore this SSTable from another snapshot or backup")
}

fn unreadable(error: Error, path: &Path) -> Error {
    let error = error.at(path);
    match error.kind() {
        ErrorKind::Unsupported => error,
        _ => error.hint(
            "copies of this SSTable in snapshots and backups may be partly replaced: restore them \
             from elsewhere, then remove this file",
        ),
    }
}

const LONGEST_RECORD: u64 = 64 << 20;

const COMPARED_AT_ONCE: usize = 1 << 20;
