//! The files beside the tables: from arguments and the node's configuration to what is asked of the
//! engine.

use std::env;
use std::path::{Path, PathBuf};

use rekey_engine::config::{NextFiles, Node, TransparentEncryption};
use rekey_engine::evidence::Role;
use rekey_engine::keys::{KeySources, KmipServers};
use rekey_engine::options::OptionMap;
use rekey_engine::plan::KeystoreAim;
use rekey_engine::upgrade::{SystemKinds, SystemRequest};
use rekey_engine::{Error, Result};

use crate::args::{BesideArgs, DataArgs, Only, SystemArgs};
use crate::node::of_variable;
use crate::ui::Output;

/// What is asked of the files beside the tables.
#[derive(Debug)]
pub(crate) struct Beside {
    directories: Vec<PathBuf>,
    kinds: SystemKinds,
    commit_log: Option<OptionMap>,
    hints: Option<OptionMap>,
    keystore: Option<KeystoreAim>,
}

impl SystemArgs {
    /// Whether the tables are worked on.
    pub(crate) fn takes_tables(&self) -> bool {
        self.takes(Only::Tables)
    }

    fn takes(&self, what: Only) -> bool {
        self.only.is_empty() || self.only.contains(&what)
    }

    /// What is asked of the files beside the tables; none, if nothing is.
    ///
    /// # Errors
    /// A directory that somebody means and that is not there. One of the node's that is not is said: a node
    /// that has never started has none, and one whose disk is not mounted has some.
    pub(crate) fn settle(
        &self,
        data: &DataArgs,
        sources: &KeySources,
        output: Output,
    ) -> Result<Option<Beside>> {
        let mut commit_logs = self.dirs.commit_logs();
        let mut hints = self.dirs.hints();
        let node = data.node.found.as_ref();
        // Whoever names tables means no more than these.
        let is_named = data.keyspace.is_some() && self.only.is_empty();
        let own = node.filter(|node| !is_named && !data.not_a_node && is_of(node, &data.data_dirs));
        let (mut caches, mut missing) = (Vec::new(), Vec::new());
        missing.extend(self.without(Only::Commitlog, &commit_logs, true));
        missing.extend(self.without(Only::Hints, &hints, true));
        if let Some(node) = own {
            let (own_logs, own_hints) =
                (directories(node, "commitlog_directory"), directories(node, "hints_directory"));
            missing.extend(self.without(Only::Commitlog, &own_logs, false));
            missing.extend(self.without(Only::Hints, &own_hints, false));
            commit_logs.extend(own_logs);
            commit_logs.extend(directories(node, "cdc_raw_directory"));
            hints.extend(own_hints);
            caches.extend(directories(node, "saved_caches_directory"));
        }
        for (error, is_meant) in missing {
            if is_meant {
                return Err(error);
            }
            output.warn(&error);
        }
        self.refuse_nothing(Only::Commitlog, &commit_logs)?;
        self.refuse_nothing(Only::Hints, &hints)?;
        let kinds = SystemKinds {
            commit_log: self.takes(Only::Commitlog) && !commit_logs.is_empty(),
            hints: self.takes(Only::Hints) && !hints.is_empty(),
            caches: self.only.is_empty() && !caches.is_empty(),
        };
        let mut directories = Vec::new();
        for (is_taken, of_kind) in
            [(kinds.commit_log, commit_logs), (kinds.hints, hints), (kinds.caches, caches)]
        {
            directories.extend(of_kind.into_iter().filter(|_| is_taken).map(|dir| resolved(&dir)));
        }
        directories.sort();
        directories.dedup();
        if directories.is_empty() {
            return Ok(None);
        }
        let NextFiles { commit_log, hints, transparent, .. } =
            NextFiles::of(node, sources.servers.as_ref().map(KmipServers::config))?;
        let keystore = transparent.and_then(keystore_aim);
        Ok(Some(Beside { directories, kinds, commit_log, hints, keystore }))
    }
}

impl SystemArgs {
    /// Of directories for files of a kind those that are not there, and whether somebody means them.
    fn without(&self, kind: Only, dirs: &[PathBuf], is_named: bool) -> Vec<(Error, bool)> {
        let is_meant = is_named || self.only.contains(&kind);
        let missing = dirs.iter().filter(|dir| self.takes(kind) && !dir.is_dir());
        let error = |dir: &PathBuf| {
            Error::invalid(format!("the directory for {} is not there", of_kind(kind)))
                .at(dir)
                .hint("check the name, and that its disk is mounted")
        };
        missing.map(|dir| (error(dir), is_meant)).collect()
    }

    /// Nothing is done of what was asked for.
    fn refuse_nothing(&self, kind: Only, dirs: &[PathBuf]) -> Result<()> {
        if !self.only.contains(&kind) || !dirs.is_empty() {
            return Ok(());
        }
        let option = if kind == Only::Hints { "--hints-dir" } else { "--commitlog-dir" };
        let fact = format!("no directory for {} is known", of_kind(kind));
        Err(Error::invalid(fact)
            .hint(format!("name it: {option} DIR; or the node's cassandra.yaml: --conf FILE")))
    }
}

const fn of_kind(kind: Only) -> &'static str {
    match kind {
        Only::Tables => "tables",
        Only::Hints => "hints",
        Only::Commitlog => "the commit log",
    }
}

impl BesideArgs {
    fn commit_logs(&self) -> Vec<PathBuf> {
        given(&self.commitlog_dirs, COMMITLOG_DIR)
    }

    fn hints(&self) -> Vec<PathBuf> {
        given(&self.hints_dirs, HINTS_DIR)
    }

    /// The directories, by what they are for, and how they were named.
    pub(crate) fn by_role(&self) -> Vec<(Role, PathBuf, &'static str)> {
        let logs =
            self.commit_logs().into_iter().map(|dir| (Role::CommitLog, dir, "--commitlog-dir"));
        let hints = self.hints().into_iter().map(|dir| (Role::Hints, dir, "--hints-dir"));
        logs.chain(hints).collect()
    }
}

fn given(dirs: &[PathBuf], variable: &str) -> Vec<PathBuf> {
    match dirs {
        [] => of_variable(env::var_os(variable).as_deref()),
        dirs => dirs.to_vec(),
    }
}

impl Beside {
    pub(crate) fn request(&self) -> SystemRequest<'_> {
        SystemRequest {
            directories: &self.directories,
            kinds: self.kinds,
            commit_log: self.commit_log.as_ref(),
            hints: self.hints.as_ref(),
            keystore: self.keystore.as_ref(),
        }
    }
}

fn keystore_aim(says: TransparentEncryption) -> Option<KeystoreAim> {
    Some(KeystoreAim { cipher: says.cipher, alias: says.key_alias? })
}

/// Whether these are the data directories of a node: else its other directories are not meant.
fn is_of(node: &Node, data_dirs: &[PathBuf]) -> bool {
    let given: Vec<PathBuf> = data_dirs.iter().map(|dir| resolved(dir)).collect();
    node.data_directories().is_ok_and(|own| {
        !own.is_empty() && own.iter().all(|own| given.contains(&resolved(&own.value)))
    })
}

/// The directories of a node beside its tables, if these are its data directories.
pub(crate) fn beside_of(node: Option<&Node>, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    let own = node.filter(|node| is_of(node, data_dirs));
    let of = |name: &'static str| own.map(|node| directories(node, name)).unwrap_or_default();
    let names = ["commitlog_directory", "cdc_raw_directory", "hints_directory"];
    names.into_iter().flat_map(of).collect()
}

fn directories(node: &Node, name: &str) -> Vec<PathBuf> {
    let paths = node.entry(name).and_then(|entry| entry.paths().ok()).unwrap_or_default();
    paths.into_iter().map(|fact| fact.value).filter(|path| path.is_absolute()).collect()
}

/// A path without links, as far as it is there: files are changed only where no link leads elsewhere.
fn resolved(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_not_there| path.to_owned())
}

const COMMITLOG_DIR: &str = "SSTABLEREKEY_COMMITLOG_DIR";
const HINTS_DIR: &str = "SSTABLEREKEY_HINTS_DIR";
