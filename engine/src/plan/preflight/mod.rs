//! Whether a run will be let do what the plan says: asked before the first byte, by looking alone.
//!
//! Each question is about something that a run does late: to rename into a table's directory, to delete
//! or replace old files, to give new ones their owner. What would fail there after hours is refused
//! here, by its name.

mod beside;
mod directories;
mod files;

use std::path::{Path, PathBuf};

pub(crate) use self::beside::BesidePreflight;
use self::directories::Directories;
use super::STATE_DIRECTORY;
use super::draft::{Decided, Subject};
use super::facts::Facts;
use super::finding::{Finding, Severity};
use super::findings::Findings;
use crate::io::{Mount, Rights, Storage};
use crate::sstable::Component;
use crate::txn::{Flavor, LiveSSTable, MtimeRule, PathForm};
use crate::{Error, Result};

/// What is asked, and of whom.
#[derive(Debug)]
pub(super) struct Preflight<'a> {
    pub(super) storage: &'a dyn Storage,
    /// Of the process that will run.
    pub(super) rights: &'a Rights,
    pub(super) data_dirs: &'a [PathBuf],
    /// Where the journal is to be, if not below the first data directory.
    pub(super) state_dir: Option<&'a Path>,
    /// The product, if it is known by now.
    pub(super) flavor: Option<Flavor>,
}

impl Preflight<'_> {
    /// Refuses what a run would not be let do. What an operator should know comes with it.
    pub(super) fn check(&self, sstables: Vec<Decided>) -> (Vec<Decided>, Vec<Finding>) {
        let mut directories = Directories::new(self.storage);
        let mut findings = Findings::default();
        let mut check = |decided: Decided| {
            let Some((work, ())) = decided.rewrite() else { return decided };
            match self.check_one(&decided.subject, &work.facts, &mut directories) {
                Ok(None) => decided,
                Ok(Some(warning)) => {
                    let data = decided.subject.data();
                    findings.add(Severity::Warning, &warning, Some(&data));
                    decided
                }
                Err(error) => decided.refuse(error),
            }
        };
        let sstables: Vec<Decided> = sstables.into_iter().map(&mut check).collect();
        let mut findings = findings.list;
        if sstables.iter().any(|decided| decided.rewrite().is_some())
            && let Err(error) = self.check_journal(&mut directories)
        {
            findings.push(Finding { severity: Severity::Blocker, error, sstables: vec![] });
        }
        (sstables, findings)
    }

    /// What an operator should know, if it can be done.
    fn check_one(
        &self,
        subject: &Subject,
        facts: &Facts,
        directories: &mut Directories<'_>,
    ) -> Result<Option<Error>> {
        let home = own_directory(&subject.data_dir, directories)?;
        let mut warning = None;
        if subject.is_live {
            // All products refuse the same names.
            PathForm::Bare.write(&subject.sstable.directory, "")?;
            let components = facts.files.iter().map(|(component, _)| component);
            warning = self.check_files(&subject.sstable, components, home, false, directories)?;
        }
        for copy in &subject.copies {
            let components = subject.shared.iter().map(|(component, _)| component);
            let of_copy = self.check_files(copy, components, home, true, directories)?;
            warning = warning.or(of_copy);
        }
        Ok(warning)
    }

    fn check_files<'c>(
        &self,
        sstable: &LiveSSTable,
        components: impl Iterator<Item = &'c Component>,
        home: Mount,
        in_place: bool,
        directories: &mut Directories<'_>,
    ) -> Result<Option<Error>> {
        let directory = directories.writable(&sstable.directory)?;
        if directory.place != home {
            return Err(elsewhere(&sstable.directory));
        }
        let mut warning = None;
        for component in components {
            let path = sstable.path(component);
            // What is gone by now, the run will say.
            let Some(file) = self.storage.standing(&path)? else { continue };
            files::check(self.rights, &path, &file, &directory, in_place)?;
            let sets_times = self.flavor.map(Flavor::mtime_rule) == Some(MtimeRule::WholeSecond);
            if sets_times && !self.rights.owns(&file) {
                return Err(files::times_of_others(&path));
            }
            warning = warning.or(files::new_owner(self.rights, &path, &file, &directory)?);
        }
        Ok(warning)
    }

    fn check_journal(&self, directories: &mut Directories<'_>) -> Result<()> {
        match (self.state_dir, self.data_dirs.first()) {
            (Some(directory), _) => directories.writable_or_in(directory).map(|_| ()),
            (None, Some(data_dir)) => own_directory(data_dir, directories).map(|_| ()),
            (None, None) => Ok(()),
        }
    }

    /// Why a key file that is to be made cannot be, if so.
    pub(super) fn check_key_file(&self, path: &Path) -> Result<()> {
        key_file(self.storage, path)
    }
}

fn key_file(storage: &dyn Storage, path: &Path) -> Result<()> {
    let mut directories = Directories::new(storage);
    match storage.standing(path)? {
        Some(file) if file.is_immutable => Err(files::unchangeable(path)),
        Some(_) => Ok(()),
        None => directories.writable_or_above(path.parent().unwrap_or(path)).map(|_| ()),
    }
}

/// Where new SSTables are staged: this program's own directory, or the data directory, in which it is
/// to be made.
fn own_directory(data_dir: &Path, directories: &mut Directories<'_>) -> Result<Mount> {
    let own = data_dir.join(STATE_DIRECTORY);
    directories.writable_or_above(&own).map(|standing| standing.place)
}

fn elsewhere(directory: &Path) -> Error {
    Error::unsupported(
        "it is on another mount than its data directory, below which new SSTables are staged: they \
         cannot be moved from one to the other",
    )
    .at(directory)
    .hint(
        "for the time of the run unmount it and put its files in its place, or copy them to another \
         machine or disk and re-encrypt them there; a bind mount counts as another mount, too",
    )
}
