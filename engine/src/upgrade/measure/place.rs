//! The directory of trials below a data directory.

use std::path::{Path, PathBuf};

use crate::io::{LeaseMode, NodeLease, Storage};
use crate::rewrite::{StagingArea, create_state_directory};
use crate::{Error, ErrorKind, Result};

/// A directory of trials, locked; [`Self::remove`] removes it with all that is left there. What a kill
/// leaves is removed by whoever makes the next one, and by the next run.
#[derive(Debug)]
pub(super) struct TrialDir<'s> {
    storage: &'s dyn Storage,
    state: PathBuf,
    path: PathBuf,
    /// A killed process leaves no lock.
    _alone: NodeLease,
}

impl<'s> TrialDir<'s> {
    /// Makes it, or empties the one that a killed process has left.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when another process measures there, and [`ErrorKind::Io`].
    pub(super) fn make(storage: &'s dyn Storage, data_dir: &Path) -> Result<Self> {
        let state = create_state_directory(storage, data_dir)?;
        let path = state.join(MEASURE_DIRECTORY);
        storage.create_directory(&path, Some(data_dir))?;
        let lock = NodeLease::take_as_told(std::slice::from_ref(&path), LeaseMode::Exclusive, true);
        let alone = lock.map_err(|error| match error.kind() {
            ErrorKind::Busy => Error::new(ErrorKind::Busy, "another plan is measuring here")
                .at(&path)
                .hint("wait until it is done; both at once would measure each other"),
            _ => error,
        })?;
        for entry in storage.list(&path)? {
            storage.remove_file(&path.join(entry.name))?;
        }
        Ok(Self { storage, state, path, _alone: alone })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it; also the state directory, if nothing else is there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(super) fn remove(self) -> Result<()> {
        StagingArea::left(self.path).remove(self.storage)?;
        if self.storage.list(&self.state)?.is_empty() {
            self.storage.remove_directory(&self.state)?;
        }
        Ok(())
    }
}

/// Below the state directory; no staging directory has such a name, since those end in an SSTable's.
pub(in crate::upgrade) const MEASURE_DIRECTORY: &str = "measure";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::LocalStorage;
    use crate::plan::STATE_DIRECTORY;

    #[test]
    fn what_a_kill_left_goes_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let left = root.path().join(STATE_DIRECTORY).join(MEASURE_DIRECTORY);
        std::fs::create_dir_all(&left).unwrap();
        drop(LocalStorage.create(&left.join("0-Data.staged")).unwrap());
        let made = TrialDir::make(&LocalStorage, root.path()).unwrap();
        assert_eq!(std::fs::read_dir(made.path()).unwrap().count(), 0);
        let error = TrialDir::make(&LocalStorage, root.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        drop(LocalStorage.create(&left.join("1-Data.staged")).unwrap());
        made.remove().unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_journal_beside_it_stays() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join(STATE_DIRECTORY);
        std::fs::create_dir(&state).unwrap();
        drop(LocalStorage.create(&state.join("journal")).unwrap());
        TrialDir::make(&LocalStorage, root.path()).unwrap().remove().unwrap();
        assert!(state.join("journal").exists() && !state.join(MEASURE_DIRECTORY).exists());
    }
}
