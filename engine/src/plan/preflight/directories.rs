//! Directories in which names are made and removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::unchangeable;
use crate::io::{Standing, Storage};
use crate::{Error, ErrorKind, Result};

/// What was found out of each directory: many SSTables share one.
#[derive(Debug)]
pub(super) struct Directories<'a> {
    storage: &'a dyn Storage,
    known: BTreeMap<PathBuf, Result<Option<Standing>>>,
}

impl<'a> Directories<'a> {
    pub(super) const fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, known: BTreeMap::new() }
    }

    /// A directory in which this process may work.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn writable(&mut self, path: &Path) -> Result<Standing> {
        self.look(path)?.ok_or_else(|| {
            Error::new(ErrorKind::Io, "the directory is not there")
                .at(path)
                .hint("check that its disk is mounted, or make it")
        })
    }

    /// The same of a directory that will be made in the one above, where it is not there.
    ///
    /// # Errors
    /// As [`Self::writable`].
    pub(super) fn writable_or_in(&mut self, path: &Path) -> Result<Standing> {
        match (self.look(path)?, path.parent()) {
            (Some(standing), _) => Ok(standing),
            (None, Some(above)) if !above.as_os_str().is_empty() => self.writable(above),
            (None, _) => self.writable(Path::new(".")),
        }
    }

    /// The same of a directory that will be made where it is not there: then the one above counts.
    ///
    /// # Errors
    /// As [`Self::writable`].
    pub(super) fn writable_or_above(&mut self, path: &Path) -> Result<Standing> {
        let mut ancestors =
            path.ancestors().map(|directory| match directory.as_os_str().is_empty() {
                true => Path::new("."),
                false => directory,
            });
        loop {
            let Some(directory) = ancestors.next() else { return self.writable(path) };
            if let Some(standing) = self.look(directory)? {
                return Ok(standing);
            }
        }
    }

    fn look(&mut self, path: &Path) -> Result<Option<Standing>> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let found = self.storage.standing(path).and_then(|standing| match standing {
            Some(standing) => check(path, &standing).map(|()| Some(standing)),
            None => Ok(None),
        });
        self.known.insert(path.to_owned(), found.clone());
        found
    }
}

fn check(path: &Path, directory: &Standing) -> Result<()> {
    if directory.mode & FILE_TYPE != DIRECTORY {
        return Err(Error::invalid("it is not a directory").at(path).hint("name another place"));
    }
    if directory.is_read_only {
        return Err(Error::new(ErrorKind::Io, "the directory is on a mount that is read-only")
            .at(path)
            .hint("mount it writable; a disk that the system has set to read-only is damaged"));
    }
    if directory.is_immutable || directory.is_append_only {
        return Err(unchangeable(path));
    }
    if !directory.is_writable {
        return Err(Error::new(
            ErrorKind::Io,
            "this user may not make or remove files in the directory",
        )
        .at(path)
        .hint("run as root or as the user that the database runs as"));
    }
    Ok(())
}

const FILE_TYPE: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
