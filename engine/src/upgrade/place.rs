//! Where the journal of a run is.

use std::path::{Path, PathBuf};

use crate::io::Storage;
use crate::journal::{History, JOURNAL_FILE};
use crate::plan::STATE_DIRECTORY;
use crate::rewrite;
use crate::{Error, Result};

/// The state directory of a run: below the first data directory, where the operator says, or where
/// an earlier run has chosen to have it.
#[derive(Debug)]
pub(super) struct Place {
    directory: PathBuf,
    /// The data directory above it, if it is this program's own directory there.
    data_dir: Option<PathBuf>,
    is_there: bool,
}

impl Place {
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
        let mut found = Vec::new();
        let is_there = |directory: &Path| -> Result<bool> {
            Ok(storage.stat(&directory.join(JOURNAL_FILE))?.is_some())
        };
        for data_dir in data_dirs {
            let directory = data_dir.join(STATE_DIRECTORY);
            if is_there(&directory)? {
                found.push((directory, data_dir));
            }
        }
        if let Some(directory) = state_dir {
            if let Some((other, _)) = found.iter().find(|(other, _)| other != directory) {
                return Err(elsewhere(other));
            }
            let is_there = is_there(directory)?;
            return Ok(Self { directory: directory.to_owned(), data_dir: None, is_there });
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(_), Some((second, _))) => Err(elsewhere(&second)),
            (Some((directory, data_dir)), None) => {
                Ok(Self { directory, data_dir: Some(data_dir.clone()), is_there: true })
            }
            (None, _) => {
                let data_dir = data_dirs.first().cloned().unwrap_or_default();
                let directory = data_dir.join(STATE_DIRECTORY);
                Ok(Self { directory, data_dir: Some(data_dir), is_there: false })
            }
        }
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file.
    pub(super) fn journal(&self) -> PathBuf {
        self.directory.join(JOURNAL_FILE)
    }

    /// What the journal says, if there is one.
    ///
    /// # Errors
    /// As [`History::open`].
    pub(super) fn history(&self, storage: &dyn Storage) -> Result<Option<History>> {
        if self.is_there { History::open(storage, &self.directory) } else { Ok(None) }
    }

    /// Makes the directory, durably.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(super) fn create(&self, storage: &dyn Storage) -> Result<()> {
        if let Some(data_dir) = &self.data_dir {
            rewrite::create_state_directory(storage, data_dir)?;
            return storage.sync_directory(data_dir);
        }
        storage.create_directory(&self.directory)?;
        match self.directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => storage.sync_directory(parent),
            None => Ok(()),
        }
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

fn elsewhere(other: &Path) -> Error {
    Error::invalid("the journal of another run that has not ended is here, too")
        .at(other.join(JOURNAL_FILE))
        .cure(
            "finish that run first, with the same data directories and the same --state-dir as it \
             was begun with, or abandon it",
        )
}
