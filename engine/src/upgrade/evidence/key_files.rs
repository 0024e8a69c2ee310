//! The key files of this machine: where those are that something is under, and whether the one that somebody
//! asks about has one of their keys.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::draft::shown;
use crate::config::NodeConfig;
use crate::evidence::{Evidence, KeyName, KeyQuery, KeyUses, Place, Relation};
use crate::keys::{KeyFile, LocalKeyFiles, kmip_group_and_id};
use crate::{Error, Result};

/// Where key files are on this machine.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a request that callers make")]
pub struct KeyPlaces<'a> {
    /// Those that options name.
    pub files: &'a LocalKeyFiles,
    /// The node's `hcd.yaml` or `dse.yaml`, which names the directory of system keys.
    pub config: Option<&'a NodeConfig>,
    /// Whether this is the node's own machine, so that its keys are here: not where the data is no node's.
    pub are_here: bool,
}

impl KeyPlaces<'_> {
    /// The file of a key and its name there; none of what is on a server, in a keystore or a table.
    fn of<'k>(&self, key: &'k KeyName) -> Option<(&'k str, PathBuf)> {
        match key {
            KeyName::LocalFile { file, .. } => Some((file, self.files.resolve(file))),
            KeyName::SystemKey { name } => Some((name, self.system_key(name)?)),
            _ => None,
        }
    }

    fn system_key(&self, name: &str) -> Option<PathBuf> {
        let directory = self.config.filter(|_| kmip_group_and_id(name).is_none())?;
        Some(directory.system_key_directory().join(name))
    }

    /// Notes other paths of a key's file, the whole one and the one without links, and whether it is there.
    pub(super) fn look_at(&self, uses: &mut KeyUses) {
        let Some((name, path)) = self.of(&uses.key) else { return };
        let all = [std::path::absolute(&path).ok(), fs::canonicalize(&path).ok()];
        let all: BTreeSet<String> = all.iter().flatten().map(|path| shown(path)).collect();
        let also = all.into_iter().filter(|path| path != name).collect();
        let is_read = match (KeyFile::read(&path), &uses.key) {
            (Ok(Some(file)), KeyName::LocalFile { transformation, strength, .. }) => {
                file.has(transformation, *strength)
            }
            (Ok(Some(_)), _) => true,
            (Ok(None) | Err(_), _) => false,
        };
        // A key that is yet to be made has no file.
        let is_written = uses.uses.iter().any(|of| of.place != Place::NextWrites);
        (uses.also, uses.is_unread) = (also, self.are_here && is_written && !is_read);
    }

    /// The key that somebody asks about, with all names that its file has on this machine: links, and files
    /// with the same key that something is under.
    ///
    /// # Errors
    /// When nothing is under a key of that name, and no file with keys that has it could be read: a name
    /// that was not spelled right would get a yes.
    pub fn resolve(&self, query: KeyQuery, evidence: &Evidence) -> Result<KeyQuery> {
        let paths: Vec<String> = query.paths().map(str::to_owned).collect();
        let (mut query, mut is_read, mut failed) = (query, false, None);
        for name in &paths {
            let path = self.asked(&query, name);
            let is_sure = query.is_file() || fs::metadata(&path).is_ok_and(|of| of.is_file());
            match KeyFile::read(&path) {
                Ok(Some(file)) => {
                    is_read = true;
                    query = query.also(|of| (of == name).then(|| whole(&path)).flatten());
                    query = self.with_copies(query, name, &file, evidence);
                }
                Ok(None) if query.is_file() => {
                    failed.get_or_insert_with(|| no_file(&path));
                }
                Err(error) if is_sure => failed = Some(error),
                Ok(None) | Err(_) => {}
            }
        }
        let is_known = evidence.keys.iter().any(|uses| query.relation(uses) != Relation::Other);
        match failed.filter(|_| !is_read && !is_known && self.are_here) {
            Some(error) => Err(error),
            None => Ok(query),
        }
    }

    fn asked(&self, query: &KeyQuery, name: &str) -> PathBuf {
        let system_key = query.is_system_key().then(|| self.system_key(name)).flatten();
        system_key.unwrap_or_else(|| self.files.resolve(name))
    }

    /// With the names of the keys in use that are in this file, too.
    fn with_copies(
        &self,
        query: KeyQuery,
        name: &str,
        file: &KeyFile,
        evidence: &Evidence,
    ) -> KeyQuery {
        let mut found = query.clone();
        for uses in &evidence.keys {
            let Some((of, path)) = self.of(&uses.key) else { continue };
            let Ok(Some(other)) = KeyFile::read(&path) else { continue };
            let cipher = match &uses.key {
                KeyName::LocalFile { transformation, strength, .. } => {
                    Some((transformation.as_str(), *strength))
                }
                _ => None,
            };
            let is_asked = |of: &str, bits| query.takes(name, of, bits);
            let is_used = |of: &str, bits| cipher.is_none_or(|cipher| cipher == (of, bits));
            if file.has_key_of(is_asked, &other, is_used) {
                let whole = uses.also.last().map_or(of, String::as_str);
                found = found.and_in(name, whole, cipher);
            }
        }
        found
    }
}

fn whole(path: &Path) -> Option<String> {
    Some(fs::canonicalize(path).ok()?.to_str()?.to_owned())
}

fn no_file(path: &Path) -> Error {
    Error::invalid("there is no such key file, and nothing is under a key of that name")
        .at(path)
        .hint("check the name; ask about a file that was moved away by the path that it has now")
}
