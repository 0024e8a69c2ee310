//! A lease on some data directories, and the way to their files.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::io::{LeaseMode, NodeLease, Storage};
use crate::journal::Checkpoint;
use crate::pipeline::Control;
use crate::plan::check_data_dirs;
use crate::rewrite::RANGE_BYTES;
use crate::{Error, Result};

/// What somebody says of data directories that nobody can see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a choice that callers make")]
pub struct Said {
    /// They are no node's: copied or restored data, without system keyspaces.
    pub not_a_node: bool,
    /// No node works on them, though not every process can be looked into.
    pub node_is_stopped: bool,
}

/// The right to work on data directories, held until it is dropped.
#[derive(Debug)]
pub struct Session {
    storage: Box<dyn Storage>,
    lease: NodeLease,
    mode: LeaseMode,
    data_dirs: Vec<PathBuf>,
    mapped: bool,
    state_dir: Option<PathBuf>,
    checkpoint: Checkpoint,
    progress_every: Duration,
    range_bytes: u32,
    control: Arc<Control>,
    command: Option<String>,
    doubts: Vec<Error>,
}

impl Session {
    /// Locks the data directories. `mapped` chooses between memory maps and positional reads.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when one is missing, is no directory, is no data directory or
    /// lies in another one, [`crate::ErrorKind::Busy`] when somebody else works there, or may.
    pub fn open(
        storage: Box<dyn Storage>,
        data_dirs: &[PathBuf],
        mode: LeaseMode,
        mapped: bool,
    ) -> Result<Self> {
        Self::open_as_told(storage, data_dirs, mode, mapped, Said::default())
    }

    /// The same where somebody says more of the directories than can be seen.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_as_told(
        storage: Box<dyn Storage>,
        data_dirs: &[PathBuf],
        mode: LeaseMode,
        mapped: bool,
        said: Said,
    ) -> Result<Self> {
        let canonical = canonical(data_dirs)?;
        for inner in &canonical {
            if let Some(outer) = canonical.iter().find(|o| *o != inner && inner.starts_with(o)) {
                return Err(Error::invalid(format!(
                    "the data directory lies in another one, {}",
                    outer.display()
                ))
                .at(inner)
                .hint("give each data directory of the node once, as its configuration has them"));
            }
        }
        let doubts = check_data_dirs(storage.as_ref(), &canonical, said.not_a_node)?;
        let lease = NodeLease::take_as_told(&canonical, mode, said.node_is_stopped)?;
        Ok(Self {
            storage,
            lease,
            mode,
            data_dirs: canonical,
            mapped,
            state_dir: None,
            checkpoint: Checkpoint::default(),
            progress_every: PROGRESS_EVERY,
            range_bytes: RANGE_BYTES,
            control: Arc::default(),
            command: None,
            doubts,
        })
    }

    /// Keeps the journal in another directory than below the first data directory.
    #[must_use]
    pub fn with_state_dir(mut self, state_dir: Option<PathBuf>) -> Self {
        self.state_dir = state_dir.as_deref().map(resolved);
        self
    }

    /// Makes checkpoints at other times than usual.
    #[must_use]
    pub const fn with_checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = checkpoint;
        self
    }

    /// Tells the journal at other times than usual how far the run is: for tests, whose runs are short.
    #[must_use]
    pub const fn with_progress_every(mut self, every: Duration) -> Self {
        self.progress_every = every;
        self
    }

    /// Cuts SSTables into other pieces than the usual ones: for tests, whose SSTables are small.
    #[must_use]
    pub const fn with_range_bytes(mut self, range_bytes: u32) -> Self {
        self.range_bytes = range_bytes;
        self
    }

    /// Lets somebody else end or slow down what is carried out.
    #[must_use]
    pub fn with_control(mut self, control: Arc<Control>) -> Self {
        self.control = control;
        self
    }

    /// Says by which command a run is begun: the journal keeps the text for whoever resumes it. No secret
    /// may be in it.
    #[must_use]
    pub fn with_command(mut self, text: Option<String>) -> Self {
        self.command = text;
        self
    }

    pub(super) fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// When checkpoints are made.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    pub(super) fn state_dir(&self) -> Option<&Path> {
        self.state_dir.as_deref()
    }

    pub(super) const fn progress_every(&self) -> Duration {
        self.progress_every
    }

    pub(super) const fn range_bytes(&self) -> u32 {
        self.range_bytes
    }

    /// The data directories, canonical.
    #[must_use]
    pub fn data_dirs(&self) -> &[PathBuf] {
        &self.data_dirs
    }

    /// What is doubtful about the data directories.
    #[must_use]
    pub fn doubts(&self) -> &[Error] {
        &self.doubts
    }

    /// The lease; it knows who else has files open.
    #[must_use]
    pub const fn lease(&self) -> &NodeLease {
        &self.lease
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    pub(super) const fn is_mapped(&self) -> bool {
        self.mapped
    }

    /// The right to change something, if the session was opened for that.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] for a session that only reads.
    pub(super) fn exclusive(&self) -> Result<Exclusive<'_>> {
        match self.mode {
            LeaseMode::Exclusive => Ok(Exclusive(self)),
            LeaseMode::Shared => Err(Error::new(
                crate::ErrorKind::Internal,
                "a session that only reads was asked to change something",
            )),
        }
    }
}

/// A session that may change something. What writes takes this, and not the session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exclusive<'s>(&'s Session);

impl<'s> Exclusive<'s> {
    pub(super) const fn session(self) -> &'s Session {
        self.0
    }

    pub(super) fn storage(self) -> &'s dyn Storage {
        self.0.storage()
    }
}

/// Some 60 bytes of journal, for `status`: what an operator sees is not older.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The data directories, canonical, each of them once, also one that is there by two paths.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when one is missing or is no directory.
pub fn canonical(data_dirs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut canonical: Vec<PathBuf> = Vec::new();
    let mut seen = BTreeSet::new();
    for given in data_dirs {
        let path = canonicalize(given)?;
        let identity = std::fs::metadata(&path)
            .map_err(|e| Error::io("cannot look at the data directory", &path, e))?;
        if seen.insert((identity.dev(), identity.ino())) {
            canonical.push(path);
        }
    }
    Ok(canonical)
}

fn canonicalize(given: &Path) -> Result<PathBuf> {
    let wrong = |what: &'static str| {
        Error::invalid(what)
            .at(given)
            .hint("--data-dir is a directory that holds keyspaces, such as /var/lib/cassandra/data")
    };
    let path = std::fs::canonicalize(given)
        .map_err(|e| wrong("cannot find the data directory").caused_by(e))?;
    if path.is_dir() { Ok(path) } else { Err(wrong("not a directory")) }
}

/// A state directory by a path without links: whoever gave it may reach it through some, and what is
/// done there may not. It need not be there yet.
pub(super) fn resolved(directory: &Path) -> PathBuf {
    let by_parent = || {
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = std::fs::canonicalize(parent.unwrap_or_else(|| Path::new("."))).ok()?;
        Some(parent.join(directory.file_name()?))
    };
    let found = std::fs::canonicalize(directory).ok().or_else(by_parent);
    // What leads nowhere is named as it was given.
    found.unwrap_or_else(|| directory.to_owned())
}
