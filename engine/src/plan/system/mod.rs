//! What is done with the files beside the tables.

mod decide;
mod find;

use std::path::PathBuf;
use std::sync::Arc;

use super::action::SkipReason;
use super::target::Target;
use super::targets::Targets;
use crate::Error;
use crate::keys::KeyRing;
use crate::options::OptionMap;
use crate::system::{Protection, SystemFile, SystemFileName};

pub(crate) use decide::{Encrypts, SystemRules, decide, fetch};
pub(crate) use find::{FoundFile, find, with_folders};

/// A file beside the tables, and what is done with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct PlannedSystemFile {
    /// Its names: hard links of each other.
    pub paths: Vec<PathBuf>,
    /// What it is.
    pub name: SystemFileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it says of itself; none if that cannot be told.
    pub facts: Option<SystemFile>,
    /// What is done.
    pub action: SystemAction,
}

/// What is done with a file beside the tables.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SystemAction {
    /// It is re-encrypted.
    Rewrite(SystemAim),
    /// It is removed: the node makes a new one.
    Delete,
    /// Nothing.
    Skip(SkipReason),
    /// It is left as it is.
    Refuse(Error),
}

/// What a file is to become.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SystemAim {
    /// The same class with the options and the key of this target.
    Options(Arc<Target>),
    /// Apache's encryption with this.
    Keystore(KeystoreAim),
}

/// With what a node encrypts by `transparent_data_encryption_options`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair that callers make")]
pub struct KeystoreAim {
    /// Java's name of the cipher.
    pub cipher: String,
    /// The alias of the key.
    pub alias: String,
}

/// A plan for the files beside the tables.
#[derive(Debug)]
#[non_exhaustive]
pub struct SystemPlan {
    /// Each file, by its first path.
    pub files: Vec<PlannedSystemFile>,
    /// Their targets.
    pub targets: Targets,
    /// What an operator should know.
    pub warnings: Vec<Error>,
    /// The keys of the run.
    pub ring: KeyRing,
}

impl SystemPlan {
    /// The files that a run changes.
    pub fn changes(&self) -> impl Iterator<Item = &PlannedSystemFile> {
        self.files
            .iter()
            .filter(|file| matches!(file.action, SystemAction::Rewrite(_) | SystemAction::Delete))
    }
}

impl SystemFile {
    /// Class and options in one map; none if it does not pass through a class.
    pub(crate) fn options(&self) -> Option<OptionMap> {
        let Protection::Compressor { class, options } = &self.protection else {
            return None;
        };
        let class = std::iter::once(("class".to_owned(), class.to_string()));
        let own = options.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        OptionMap::from_pairs(class.chain(own)).ok()
    }
}
