//! The same of files beside the tables: each is replaced under all of its names, or deleted.

use std::path::Path;

use super::directories::Directories;
use super::{files, key_file};
use crate::io::{Rights, Storage};
use crate::keys::{KeyRef, LocalKeyFiles};
use crate::plan::space::Space;
use crate::plan::system::{PlannedSystemFile, SystemAction, SystemAim};
use crate::plan::target_key::{NewKey, TargetKey};
use crate::{Error, Result};

/// What is asked, and of whom.
#[derive(Debug)]
pub(crate) struct BesidePreflight<'a> {
    storage: &'a dyn Storage,
    directories: Directories<'a>,
    key_files: &'a LocalKeyFiles,
}

impl<'a> BesidePreflight<'a> {
    /// For files of a storage, and keys in these files.
    pub(crate) const fn new(storage: &'a dyn Storage, key_files: &'a LocalKeyFiles) -> Self {
        Self { storage, directories: Directories::new(storage), key_files }
    }

    /// What an operator should know, if what is decided can be done.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) fn check(&mut self, file: &PlannedSystemFile) -> Result<Option<Error>> {
        let (SystemAction::Rewrite(_) | SystemAction::Delete) = &file.action else {
            return Ok(None);
        };
        let (rights, mut warning) = (Rights::own(), None);
        for path in &file.paths {
            let directory = self.directories.writable(path.parent().unwrap_or(path))?;
            // What is gone by now, the run will say.
            let Some(standing) = self.storage.standing(path)? else { continue };
            files::check(rights, path, &standing, &directory, true)?;
            if let SystemAction::Rewrite(_) = &file.action {
                let of_owner = files::new_owner(rights, path, &standing, &directory)?;
                warning = warning.or(of_owner);
            }
        }
        if let (SystemAction::Rewrite(aim), Some(path)) = (&file.action, file.paths.first()) {
            self.check_room(path, file.bytes)?;
            self.check_key(aim)?;
        }
        Ok(warning)
    }

    /// The new file is beside the old one until it takes its place.
    fn check_room(&self, path: &Path, bytes: u64) -> Result<()> {
        let directory = path.parent().unwrap_or(path);
        let (free, reserve) =
            (self.storage.free_space(directory)?, self.storage.reserve(directory)?);
        let (needed, usable) = (bytes.saturating_add(Space::BLOCK), free.saturating_sub(reserve));
        if needed > usable { Err(Space::too_little(needed, usable, path)) } else { Ok(()) }
    }

    fn check_key(&self, aim: &SystemAim) -> Result<()> {
        match aim {
            SystemAim::Options(target) if target.may_be_made() => match target.target_key() {
                Some(TargetKey::ToBeMade(NewKey::InFile(KeyRef::LocalFile { file, .. }))) => {
                    key_file(self.storage, &self.key_files.resolve(file))
                }
                _ => Ok(()),
            },
            SystemAim::Options(_) | SystemAim::Keystore(_) => Ok(()),
        }
    }
}
