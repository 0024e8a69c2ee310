//! What is asked for.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::session::Session;
use crate::Result;
use crate::keys::KeySources;
use crate::options::OptionMap;
use crate::plan::{
    Archives, Encrypts, FoundFile, KeystoreAim, Selection, Targets, find, with_folders,
};
use crate::system::SystemFileName;
use crate::txn::Flavor;

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The tables.
    pub selection: &'a Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// What they are to become.
    pub targets: &'a Targets,
    /// The product, if the operator says it.
    pub flavor: Option<Flavor>,
    /// Where keys come from.
    pub sources: &'a KeySources,
    /// Worker threads of the planning, and of the run to come.
    pub threads: NonZeroUsize,
}

/// What is asked of the files beside the tables.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a request that callers make")]
pub struct SystemRequest<'a> {
    /// Where they are: of the commit log, of CDC, of its archives, of hints, of saved caches.
    pub directories: &'a [PathBuf],
    /// Which of them.
    pub kinds: SystemKinds,
    /// Class and options with which the node writes its next segment: an empty map, if it does so in
    /// clear; none, if that is not known.
    pub commit_log: Option<&'a OptionMap>,
    /// The same for its next hints.
    pub hints: Option<&'a OptionMap>,
    /// With what `transparent_data_encryption_options` encrypts both, if it does.
    pub keystore: Option<&'a KeystoreAim>,
}

/// Which files beside the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a choice that callers make")]
pub struct SystemKinds {
    /// Segments of the commit log.
    pub commit_log: bool,
    /// Hints.
    pub hints: bool,
    /// Saved caches.
    pub caches: bool,
}

impl SystemKinds {
    const fn take(self, name: &SystemFileName) -> bool {
        match name {
            SystemFileName::CommitLog(_) => self.commit_log,
            SystemFileName::Hints(_) => self.hints,
            SystemFileName::SavedCache => self.caches,
            _ => false,
        }
    }
}

impl SystemRequest<'_> {
    /// Whether the node encrypts what it writes next.
    pub(super) fn encrypts(&self) -> Encrypts {
        let of = |options: Option<&OptionMap>| match (self.keystore, options) {
            (Some(_), _) => Some(true),
            (None, options) => options.map(|options| !options.is_empty()),
        };
        // The stream of saved caches is encrypted with the commit log, and not by a key store.
        let caches = self.commit_log.map(|options| !options.is_empty());
        Encrypts { commit_log: of(self.commit_log), hints: of(self.hints), caches }
    }

    /// Its directories and what is below them.
    pub(super) fn folders(&self, session: &Session) -> Result<Vec<PathBuf>> {
        with_folders(session.storage(), self.directories)
    }

    /// The files of this request.
    pub(super) fn find(&self, session: &Session) -> Result<Vec<FoundFile>> {
        let mut found = find(session.storage(), &self.folders(session)?)?;
        // What a node would not load, it would not make anew.
        let is_loaded = |path: &PathBuf| {
            let is_in = |directory: &PathBuf| path.parent() == Some(directory.as_path());
            self.directories.iter().any(is_in)
        };
        found.retain(|file| {
            let is_cache = file.name == SystemFileName::SavedCache;
            self.kinds.take(&file.name) && (!is_cache || file.paths.iter().all(is_loaded))
        });
        Ok(found)
    }
}
