//! The files of a directory beside the tables, by the directory's role.

use super::data;
use super::draft::{Draft, Item};
use super::walk::File;
use crate::Error;
use crate::config::SystemInfoEncryption;
use crate::evidence::{FindingKind, KeyName, Place, Role, UnknownKind};
use crate::io::{Access, Storage};
use crate::rewrite::{COMPANION_LIMIT, is_of_a_replacement};
use crate::system::{self, Protection, SystemFileName};

/// What is known of files beside the tables.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    pub(super) storage: &'a dyn Storage,
    /// What encrypts saved caches, if the node's configuration is known; they do not say it themselves.
    pub(super) system: Option<&'a SystemInfoEncryption>,
    /// The newest id of a segment in the commit log: milliseconds since 1970.
    pub(super) newest_id: Option<i64>,
    /// When the newest segment was last written.
    pub(super) newest_segment: Option<std::time::SystemTime>,
}

impl Beside<'_> {
    /// Counts a file, and tells its kind.
    pub(super) fn add(&mut self, role: Role, file: &File, draft: &mut Draft) -> &'static str {
        match role {
            Role::Data => data::kind_of(self.storage, file, draft),
            Role::CommitLog | Role::CommitLogArchive | Role::CdcRaw | Role::Hints => {
                self.system_file(role, file, draft)
            }
            Role::SavedCaches => self.cache(file, draft),
            Role::Search => search(file, draft),
            Role::QueryLog => {
                let what = "a log of queries or audits, with their values";
                let place = (file.path.as_path(), file.stat.length);
                draft.add_finding(FindingKind::QueryLog, what.to_owned(), place);
                "query_log"
            }
            Role::Home => plaintext(file, draft).unwrap_or("program"),
        }
    }

    fn system_file(&mut self, role: Role, file: &File, draft: &mut Draft) -> &'static str {
        let name = SystemFileName::parse(&file.name);
        let belongs = match (&name, role) {
            (Some(SystemFileName::Hints(_) | SystemFileName::HintsChecksum(_)), Role::Hints) => {
                true
            }
            (Some(SystemFileName::CommitLog(_) | SystemFileName::CommitLogIndex(_)), role) => {
                role != Role::Hints
            }
            _ => false,
        };
        let Some(name) = name.filter(|name| belongs && !is_too_long(name, file)) else {
            return match is_of_a_replacement(&file.name) {
                true => unfinished(file, draft),
                false => foreign(file, role, draft),
            };
        };
        if let (SystemFileName::CommitLog(segment), Role::CommitLog) = (&name, role) {
            self.newest_id = self.newest_id.into_iter().chain([segment.id]).max();
            let modified = Some(file.stat.modified);
            self.newest_segment = self.newest_segment.into_iter().chain(modified).max();
        }
        let kind = name.kind();
        match system::inspect(&file.path, name, Access::Positional, self.storage) {
            Err(error) => draft.add_unknown(&error),
            Ok(found) => {
                if let Some(damage) = &found.damage {
                    draft.add_unknown(damage);
                }
                if matches!(found.protection, Protection::Untold) {
                    draft.add_unknown(&untold(file));
                }
                if found.is_unread {
                    draft.add_unknown(&unread(file));
                }
                // A node takes the key that the header names before it knows whether it needs it.
                let of_header = found.header_key();
                let others = of_header.iter().filter(|key| !found.keys.contains_key(key));
                for key in found.keys.keys().chain(others) {
                    let item = Item {
                        bytes: found.bytes,
                        modified: Some(found.modified),
                        ..Item::at(place(role), Some(&file.path))
                    };
                    draft.add_use(&KeyName::from(key), item);
                }
            }
        }
        kind
    }

    /// A saved cache is in clear where the configuration encrypts nothing but tables. What it is under
    /// otherwise it does not say.
    fn cache(&self, file: &File, draft: &mut Draft) -> &'static str {
        let Some(name @ SystemFileName::SavedCache) = SystemFileName::parse(&file.name) else {
            return foreign(file, Role::SavedCaches, draft);
        };
        let may_be_encrypted = self.system.is_some_and(|system| system.enabled);
        if may_be_encrypted {
            let error = Error::unsupported(
                "a saved cache, which system_info_encryption encrypts, and which does not say under \
                 which key",
            )
            .at(&file.path)
            .hint("delete it: the node makes a new one");
            draft.add_unknown_of(UnknownKind::SavedCache, &error, Some(file.stat.modified));
        }
        name.kind()
    }
}

/// Plaintext that a database or its JVM leaves where it is installed, or in its working directory.
pub(super) fn plaintext(file: &File, draft: &mut Draft) -> Option<&'static str> {
    let (name, place) = (file.name.as_str(), (file.path.as_path(), file.stat.length));
    let (kind, word, what) = if name.ends_with(".hprof") || is_core(name) {
        let what = "the memory of a process: rows, and the keys that it had";
        (FindingKind::Dump, "dump", what)
    } else if is_mutation(name) {
        (FindingKind::Mutation, "mutation", "a write that could not be replayed, in clear")
    } else if name.ends_with(".cq4") {
        (FindingKind::QueryLog, "query_log", "a log of queries or audits, with their values")
    } else {
        return None;
    };
    draft.add_finding(kind, what.to_owned(), place);
    Some(word)
}

/// `core`, `core.4711`
fn is_core(name: &str) -> bool {
    let number = name.strip_prefix("core").map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `mutation8212345dat`, as Java names temporary files.
fn is_mutation(name: &str) -> bool {
    let number = name.strip_prefix("mutation").and_then(|rest| rest.strip_suffix("dat"));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Each file of DSE Search is under the key of the time at which it was written, and no file tells it
/// (FORMATS.md 7.6).
fn search(file: &File, draft: &mut Draft) -> &'static str {
    let error = Error::unsupported(
        "an index of DSE Search, which may be encrypted, and does not say under which key",
    )
    .at(&file.path)
    .hint("index again on the running node: dsetool reload_core KEYSPACE.TABLE reindex=true");
    draft.add_unknown_of(UnknownKind::Search, &error, Some(file.stat.modified));
    "search"
}

/// An index or a checksum is a number or two: what is longer only has its name.
fn is_too_long(name: &SystemFileName, file: &File) -> bool {
    let is_short =
        matches!(name, SystemFileName::CommitLogIndex(_) | SystemFileName::HintsChecksum(_));
    is_short && file.stat.length > COMPANION_LIMIT
}

fn unfinished(file: &File, draft: &mut Draft) -> &'static str {
    let error = Error::unsupported(
        "a run of this program has not ended: what it was about to put there may be under the key",
    )
    .at(&file.path)
    .hint("run upgradesstables again with this directory: it puts it there, or removes it");
    draft.add_unknown_of(UnknownKind::Unfinished, &error, Some(file.stat.modified));
    "unfinished"
}

fn foreign(file: &File, role: Role, draft: &mut Draft) -> &'static str {
    let error =
        Error::unsupported(format!("a file of no known kind in the directory for {}", role.name()))
            .at(&file.path)
            .hint("find out what it is, and move it away");
    draft.add_unknown_of(UnknownKind::Foreign, &error, Some(file.stat.modified));
    "foreign"
}

/// Its keys are named where its sections or blocks begin.
fn unread(file: &File) -> Error {
    Error::corrupt("none of its sections and blocks is whole: what there is may be under any key")
        .at(&file.path)
        .hint("start the node, which says what it makes of it; or move the file away")
}

fn untold(file: &File) -> Error {
    Error::unsupported("it does not say whether it is encrypted")
        .at(&file.path)
        .hint("find out what it is, and move it away")
}

const fn place(role: Role) -> Place {
    match role {
        Role::CommitLogArchive => Place::CommitLogArchive,
        Role::CdcRaw => Place::CdcRaw,
        Role::Hints => Place::Hints,
        _ => Place::CommitLog,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_java_and_the_kernel_name_so_is_a_dump() {
        for name in ["core", "core.4711", "core4711"] {
            assert!(is_core(name), "{name}");
        }
        for name in ["core.jar", "cores", "score", "core.4711.gz"] {
            assert!(!is_core(name), "{name}");
        }
        assert!(is_mutation("mutation8212345dat"));
        for name in ["mutationdat", "mutation.dat", "mutation12", "amutation1dat"] {
            assert!(!is_mutation(name), "{name}");
        }
    }
}
