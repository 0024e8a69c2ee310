//! The state directory of a run, with its journal.

use std::path::{Path, PathBuf};

use super::session::Session;
use super::whose;
use crate::io::Storage;
use crate::journal::{History, JOURNAL_FILE, Marker, Site};
use crate::plan::STATE_DIRECTORY;
use crate::rewrite;
use crate::{Error, Result};

/// The state directory of a run: below the first data directory, where the operator says, or where
/// an earlier run has chosen to have it.
#[derive(Debug)]
pub(super) struct StateDir {
    directory: PathBuf,
    data_dirs: Vec<PathBuf>,
    /// Whether it is this program's own directory below one of these.
    is_below: bool,
    is_there: bool,
}

impl StateDir {
    /// That of a session.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(super) fn of(session: &Session) -> Result<Self> {
        Self::find(session.storage(), session.data_dirs(), session.state_dir())
    }

    /// Looks for a journal.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when there are two, or one lies elsewhere than the operator
    /// says.
    pub(super) fn find(
        storage: &dyn Storage,
        data_dirs: &[PathBuf],
        state_dir: Option<&Path>,
    ) -> Result<Self> {
        let is_there = |directory: &Path| -> Result<bool> {
            Ok(storage.stat(&directory.join(JOURNAL_FILE))?.is_some())
        };
        let mut below = Vec::new();
        for data_dir in data_dirs {
            let directory = data_dir.join(STATE_DIRECTORY);
            if is_there(&directory)? {
                below.push(directory);
            }
        }
        let found = if let Some(directory) = state_dir {
            if let Some(other) = below.iter().find(|other| *other != directory) {
                return Err(elsewhere(other));
            }
            let is_there = is_there(directory)?;
            Self { directory: directory.to_owned(), data_dirs: vec![], is_below: false, is_there }
        } else {
            let mut below = below.into_iter();
            match (below.next(), below.next()) {
                (Some(_), Some(second)) => return Err(elsewhere(&second)),
                (Some(directory), None) => {
                    Self { directory, data_dirs: vec![], is_below: true, is_there: true }
                }
                (None, _) => {
                    let data_dir = data_dirs.first().cloned().unwrap_or_default();
                    let directory = data_dir.join(STATE_DIRECTORY);
                    Self { directory, data_dirs: vec![], is_below: true, is_there: false }
                }
            }
        };
        let found = Self { data_dirs: data_dirs.to_vec(), ..found };
        if !found.is_there {
            found.look_elsewhere(storage)?;
        }
        Ok(found)
    }

    /// Looks where the data directories say that the journal of their run is. What is staged in them is
    /// that run's as long as it is there.
    fn look_elsewhere(&self, storage: &dyn Storage) -> Result<()> {
        for data_dir in &self.data_dirs {
            let Some(marker) = Marker::find(storage, &data_dir.join(STATE_DIRECTORY))? else {
                continue;
            };
            let is_of_it = match History::open(storage, &marker.state_dir) {
                Ok(None) => false,
                Ok(Some(history)) => history.site.is_some_and(|site| site.run == marker.run),
                // Whatever it says, it is not for a run with other arguments to throw away.
                Err(_) => true,
            };
            if is_of_it && marker.state_dir != absolute(&self.directory)? {
                return Err(elsewhere(&marker.state_dir));
            }
        }
        Ok(())
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file.
    pub(super) fn journal(&self) -> PathBuf {
        self.directory.join(JOURNAL_FILE)
    }

    /// Whether it is below one of the data directories.
    pub(super) const fn is_below(&self) -> bool {
        self.is_below
    }

    /// Whether one of the data directories says that the journal of its run is there.
    pub(super) fn is_marked(&self, storage: &dyn Storage) -> Result<bool> {
        let directory = absolute(&self.directory)?;
        for data_dir in &self.data_dirs {
            let marker = Marker::find(storage, &data_dir.join(STATE_DIRECTORY))?;
            if marker.is_some_and(|marker| marker.state_dir == directory) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the journal says, whoever's it is, if there is one.
    ///
    /// # Errors
    /// As [`History::open`].
    pub(super) fn read(&self, storage: &dyn Storage) -> Result<Option<History>> {
        if self.is_there { History::open(storage, &self.directory) } else { Ok(None) }
    }

    /// What the journal says, if there is one: it is of these data directories, and says where they
    /// are now.
    ///
    /// # Errors
    /// As [`History::open`], and [`crate::ErrorKind::Invalid`] when it is of other data directories.
    pub(super) fn history(&self, storage: &dyn Storage) -> Result<Option<History>> {
        let mut history = self.read(storage)?;
        if let Some(history) = &mut history {
            whose::settle(storage, history, &self.data_dirs, &self.journal())?;
        }
        Ok(history)
    }

    /// Makes the directory, durably.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(super) fn make(&self, storage: &dyn Storage) -> Result<()> {
        let parent = self.directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        match parent {
            Some(data_dir) if self.is_below => {
                rewrite::create_state_directory(storage, data_dir)?;
            }
            _ => storage.create_directory(&self.directory, None)?,
        }
        parent.map_or(Ok(()), |parent| storage.sync_directory(parent))
    }

    /// Makes the directory, and marks the data directories as those of a run, all durably.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(super) fn create(&self, storage: &dyn Storage, site: &Site) -> Result<()> {
        if !self.is_below {
            self.make(storage)?;
        }
        let state_dir = absolute(&self.directory)?;
        for (number, data_dir) in (0..).zip(&site.data_dirs) {
            let state = rewrite::create_state_directory(storage, data_dir)?;
            let marker = Marker { run: site.run, number, state_dir: state_dir.clone() };
            marker.write(storage, &state)?;
            storage.sync_directory(data_dir)?;
        }
        Ok(())
    }

    /// Removes the journal, durably: the run is over.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(super) fn remove_journal(&self, storage: &dyn Storage) -> Result<bool> {
        let path = self.journal();
        if storage.stat(&path)?.is_none() {
            return Ok(false);
        }
        storage.remove_file(&path)?;
        storage.sync_directory(&self.directory)?;
        Ok(true)
    }
}

/// A relative path means nothing to whoever stands elsewhere.
fn absolute(directory: &Path) -> Result<PathBuf> {
    std::path::absolute(directory).map_err(|error| Error::io("cannot find", directory, error))
}

fn elsewhere(other: &Path) -> Error {
    Error::invalid("the journal of another run that has not ended is here, too")
        .at(other.join(JOURNAL_FILE))
        .hint(
            "finish that run first, with the same data directories and the same --state-dir as it \
             was begun with, or abandon it",
        )
}
