//! Where new SSTables are built: below each data directory, outside any table directory.
//!
//! ```text
//! <data dir>/.sstablerekey/<keyspace>.<table>-<id>.<old SSTable>/Data.db.staged, ...
//! <data dir>/.sstablerekey/journal                     in the first one, unless it is elsewhere
//! <data dir>/.sstablerekey/run                         in each, while a run is unfinished
//! <data dir>/.sstablerekey/rotations                   beside it; stays when the run is over
//! <data dir>/.sstablerekey/reports/                    beside it; stays, too
//! <data dir>/.sstablerekey/rewritten                   in each; its time is that of the last run
//! <data dir>/.sstablerekey/measure/                    while a plan measures
//! ```
//!
//! The leftovers of a killed run must not disturb a node that is started. It walks the whole data
//! directory and refuses files that end in `.db` without an SSTable's name, so the staged ones end
//! in `.staged`; and it must be able to enter the directories, so they have the owner and the mode
//! of the data directory. Everything in them belongs to this program: a run that holds the lease
//! may remove what the journal does not need.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::io::Storage;
use crate::plan::STATE_DIRECTORY;
use crate::sstable::Component;

/// The staging directory of one SSTable.
#[derive(Debug)]
pub(crate) struct StagingArea {
    path: PathBuf,
}

impl StagingArea {
    /// Creates it, with the state directory above it, which stays until the run is over.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(crate) fn create(storage: &dyn Storage, data_dir: &Path, path: PathBuf) -> Result<Self> {
        create_state_directory(storage, data_dir)?;
        storage.create_directory(&path, Some(data_dir))?;
        Ok(Self { path })
    }

    /// One that an earlier run has left.
    #[must_use]
    pub(crate) const fn left(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes its name and the names in it durable.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(crate) fn sync_names(&self, storage: &dyn Storage, data_dir: &Path) -> Result<()> {
        storage.sync_directory(&self.path)?;
        storage.sync_directory(&data_dir.join(STATE_DIRECTORY))?;
        storage.sync_directory(data_dir)
    }

    /// Removes the files of all components but these.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(crate) fn keep_only(&self, storage: &dyn Storage, components: &[Component]) -> Result<()> {
        let kept: Vec<_> = components.iter().map(|component| self.file(component)).collect();
        for entry in storage.list(&self.path)? {
            let path = self.path.join(&entry.name);
            if !kept.contains(&path) {
                storage.remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Where a component is staged.
    #[must_use]
    pub(crate) fn file(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.staged"))
    }

    /// Where the old file of a component is kept while copies of it are replaced.
    pub(super) fn replaced(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.replaced"))
    }

    /// A second name of a file that is about to replace another one.
    pub(super) fn link(&self, component: &Component) -> PathBuf {
        self.path.join(format!("{component}.link"))
    }

    /// The directory itself.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with whatever is left in it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub(crate) fn remove(&self, storage: &dyn Storage) -> Result<()> {
        remove_flat(storage, &self.path)
    }
}

/// Creates the state directory below a data directory, if it does not exist.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub(crate) fn create_state_directory(storage: &dyn Storage, data_dir: &Path) -> Result<PathBuf> {
    let state = data_dir.join(STATE_DIRECTORY);
    storage.create_directory(&state, Some(data_dir))?;
    Ok(state)
}

fn remove_flat(storage: &dyn Storage, directory: &Path) -> Result<()> {
    for entry in storage.list(directory)? {
        storage.remove_file(&directory.join(entry.name))?;
    }
    storage.remove_directory(directory)
}
