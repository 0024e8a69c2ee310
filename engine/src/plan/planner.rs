//! From what is on disk and a target to a plan.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::STATE_DIRECTORY;
use super::beside::page_geometry;
use super::discover::{Selection, Table, discover};
use super::finding::{Finding, Severity};
use super::findings;
use super::inspect::{Facts, Inspector, Shape};
use super::keys::ResolvedKeys;
use super::numbering::number;
use super::probe::{ProbeBuffers, Probed, probe};
use super::shared::Shared;
use super::space::{self, Space};
use super::target::Target;
use crate::compress::Codec;
use crate::io::{NodeLease, Storage};
use crate::keys::{KeyRing, KeySources};
use crate::options::ChunkScheme;
use crate::sstable::{Component, Descriptor, Products};
use crate::txn::{Flavor, LiveSSTable, Verdict};
use crate::{Error, ErrorKind, Result};

/// What will happen to an SSTable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Action {
    /// It is re-encrypted under a new id.
    Rewrite {
        /// The new name.
        new: Descriptor,
    },
    /// Nothing needs to be done.
    Skip(SkipReason),
    /// Nothing can be done, for the reason given.
    Refuse(Error),
}

/// Why nothing needs to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Every chunk is under the target key, with the target cipher.
    UnderTargetKey,
    /// Neither it nor any other SSTable of its table is encrypted.
    NotEncrypted,
    /// It is in clear, in the form that the target has.
    AsTarget,
}

impl SkipReason {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnderTargetKey => "under_target_key",
            Self::NotEncrypted => "not_encrypted",
            Self::AsTarget => "as_target",
        }
    }

    /// The words in reports.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UnderTargetKey => "already under the target key",
            Self::NotEncrypted => "not encrypted",
            Self::AsTarget => "already as the target",
        }
    }
}

/// One line of a plan.
#[derive(Debug)]
pub struct PlannedSSTable {
    /// `keyspace.table`.
    pub table: String,
    /// The data directory that it lies in.
    pub data_dir: PathBuf,
    /// The SSTable.
    pub sstable: Arc<LiveSSTable>,
    /// What it says of itself; absent when it could not be read.
    pub facts: Option<Facts>,
    /// What will happen.
    pub action: Action,
    /// What the new SSTable takes until the old one is deleted.
    pub space: Space,
}

impl PlannedSSTable {
    /// Where its successor is staged: where its table lies below the data directory, and its old
    /// name. A table that was dropped and made again has two directories of one name, which may give
    /// out the same ids; and the new name will not do, since the next run may give it to another
    /// SSTable.
    #[must_use]
    pub fn staging_path(&self) -> PathBuf {
        let directory = &self.sstable.directory;
        let below = directory.strip_prefix(&self.data_dir).unwrap_or(directory);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let name = format!("{}.{}", parts.join("."), self.sstable.descriptor);
        self.data_dir.join(STATE_DIRECTORY).join(name)
    }

    /// Bytes of what is staged of it by now, perhaps by an earlier run; links cost nothing. What
    /// cannot be looked at counts as not there.
    #[must_use]
    pub fn staged(&self, storage: &dyn Storage) -> u64 {
        let directory = self.staging_path();
        let files = storage.list(&directory).unwrap_or_default();
        let bytes = files.iter().map(|file| storage.allocated(&directory.join(&file.name)));
        bytes.fold(0, |sum, bytes| sum.saturating_add(bytes.unwrap_or_default()))
    }

    /// The facts of an SSTable that is to be decrypted, or that is left because of its key.
    fn needs_keys(&self) -> Option<&Facts> {
        match self.action {
            Action::Rewrite { .. } | Action::Skip(SkipReason::UnderTargetKey) => {
                self.facts.as_ref()
            }
            _ => None,
        }
    }
}

/// Everything that a run will do.
#[derive(Debug)]
pub struct Plan {
    /// The tables.
    pub selection: Selection,
    /// What every SSTable is to become.
    pub target: Target,
    /// Whose transaction logs are written; known when something is to be rewritten.
    pub flavor: Option<Flavor>,
    /// Every SSTable of the selection, biggest first.
    pub sstables: Vec<PlannedSSTable>,
    /// Tables and files that could not be looked at, by the name of the table.
    pub unreadable: Vec<(String, Error)>,
    /// Files that are of no SSTable that a node would load.
    pub strangers: Vec<Error>,
    /// Logs of interrupted operations, with what their rules demand.
    pub logs: Vec<(PathBuf, Verdict)>,
    /// Whether one of these waits to be finished or undone, and can be: a run comes after that.
    pub has_pending_logs: bool,
    /// What an operator should know.
    pub findings: Vec<Finding>,
    /// The keys of the run.
    pub ring: KeyRing,
}

impl Plan {
    /// The SSTables to rewrite.
    pub fn rewrites(&self) -> impl Iterator<Item = (&PlannedSSTable, &Facts, &Descriptor)> {
        self.sstables.iter().filter_map(|planned| match (&planned.action, &planned.facts) {
            (Action::Rewrite { new }, Some(facts)) => Some((planned, facts, new)),
            _ => None,
        })
    }

    /// The finding that forbids the whole run.
    #[must_use]
    pub fn blocker(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.severity == Severity::Blocker)
    }
}

/// Makes plans.
#[derive(Debug)]
pub struct Planner<'a> {
    /// The file system.
    pub storage: &'a dyn Storage,
    /// The lease on the data directories.
    pub lease: &'a NodeLease,
    /// The data directories, canonical.
    pub data_dirs: &'a [PathBuf],
    /// The tables.
    pub selection: &'a Selection,
    /// What every SSTable is to become.
    pub target: &'a Target,
    /// The product, if the operator says it.
    pub flavor: Option<Flavor>,
    /// Where keys come from.
    pub sources: &'a KeySources,
    /// Read through maps.
    pub mapped: bool,
    /// SSTables that will be staged at a time.
    pub open_tasks: usize,
}

impl Planner<'_> {
    /// Looks at everything and decides. Changes nothing.
    ///
    /// # Errors
    /// Only what concerns the whole selection; what concerns one SSTable is in its action.
    pub fn plan(&self) -> Result<Plan> {
        let found = discover(self.storage, self.data_dirs, self.selection)?;
        let mut sstables = self.inspect(&found.tables);
        self.decide(&mut sstables);
        let keys = self.resolve_keys(&mut sstables);
        self.probe(&mut sstables, &keys);
        let mut plan = Plan {
            selection: self.selection.clone(),
            target: self.target.clone(),
            flavor: None,
            sstables,
            unreadable: found.unreadable,
            strangers: found.strangers,
            logs: found.tables.iter().flat_map(|table| table.view.logs.clone()).collect(),
            has_pending_logs: found
                .tables
                .iter()
                .any(|table| table.view.has_logs() && table.view.refused.is_empty()),
            findings: vec![],
            ring: keys.ring,
        };
        space::check(self.storage, self.open_tasks, &mut plan)?;
        number(self.storage, &found.tables, &mut plan);
        findings::gather(&mut plan);
        findings::warn_of_keys(&mut plan, self.sources, &keys.same_as_target);
        findings::explain_choice(&mut plan, keys.group_failures);
        findings::warn_of_weakness(&mut plan);
        findings::warn_of_machines(&mut plan, &self.lease.shared_by_machines());
        let missing = self.target.key().and_then(|key| keys.failures.get(key));
        self.settle(found.products, &mut plan, missing);
        plan.sstables.sort_by_cached_key(|planned| {
            std::cmp::Reverse(planned.facts.as_ref().map_or(0, |facts| facts.data_bytes))
        });
        Ok(plan)
    }

    fn inspect(&self, tables: &[Table]) -> Vec<PlannedSSTable> {
        let inspector = Inspector::new(self.storage, self.lease, self.mapped);
        let shared = Shared::default();
        let all: Vec<(&Table, &Arc<LiveSSTable>)> = tables
            .iter()
            .flat_map(|table| table.view.live.iter().map(move |sstable| (table, sstable)))
            .collect();
        all.into_par_iter()
            .map(|(table, sstable)| {
                let facts = match table.view.refused.first() {
                    // The log is not ours to judge: nothing of its table is touched.
                    Some(error) => Err(error.clone()),
                    None => inspector.inspect(Arc::clone(sstable)),
                };
                let (facts, action) = match facts {
                    Ok(mut facts) => {
                        shared.share(&mut facts);
                        (Some(facts), Action::Skip(SkipReason::NotEncrypted))
                    }
                    Err(error) => (None, Action::Refuse(error)),
                };
                PlannedSSTable {
                    table: table.name(),
                    data_dir: table
                        .data_dir_of(&sstable.directory)
                        .unwrap_or(&sstable.directory)
                        .to_owned(),
                    sstable: Arc::clone(sstable),
                    facts,
                    action,
                    space: Space::default(),
                }
            })
            .collect()
    }

    fn decide(&self, sstables: &mut [PlannedSSTable]) {
        let encrypted: BTreeSet<String> = sstables
            .iter()
            .filter(|planned| {
                planned.facts.as_ref().is_some_and(|facts| facts.shape.may_be_encrypted())
            })
            .map(|planned| planned.table.clone())
            .collect();
        for planned in sstables {
            let Some(facts) = &planned.facts else { continue };
            let expected = self.selection.names_tables() || encrypted.contains(&planned.table);
            planned.action = self.decide_one(facts, expected);
        }
    }

    fn decide_one(&self, facts: &Facts, expected: bool) -> Action {
        let scheme = match &facts.shape {
            Shape::Foreign { .. } if !expected => return Action::Skip(SkipReason::NotEncrypted),
            Shape::Foreign { why, .. } => return Action::Refuse(why.clone()),
            Shape::Chunked { scheme, .. } => Some(scheme),
            Shape::Uncompressed => None,
        };
        let is_encrypted = facts.shape.is_encrypted();
        if !is_encrypted && !expected {
            return Action::Skip(SkipReason::NotEncrypted);
        }
        if !is_encrypted && self.target.encryptor().is_none() {
            // From clear to clear only what was named one by one.
            if !self.selection.names_tables() {
                return Action::Skip(SkipReason::NotEncrypted);
            }
            if self.is_as_target(facts, scheme.map(Arc::as_ref)) {
                return Action::Skip(SkipReason::AsTarget);
            }
        }
        if let Some(why) = unknown_to(self.flavor, self.target.codec()) {
            let error = Error::unsupported(why).at(facts.data_path());
            return Action::Refuse(error.cure("choose a compressor that the node's release has"));
        }
        let is_under_key = facts.keys.iter().all(|used| Some(&used.key) == self.target.key());
        if is_encrypted && is_under_key && self.is_as_target(facts, scheme.map(Arc::as_ref)) {
            return Action::Skip(SkipReason::UnderTargetKey);
        }
        match self.check_geometry(facts) {
            Ok(()) => rewrite(facts),
            Err(error) => Action::Refuse(error),
        }
    }

    /// Encrypted index pages are encrypted anew in their places, which needs as many usable bytes
    /// in them as there are; and an index in clear stays in clear, where the version allows that.
    fn check_geometry(&self, facts: &Facts) -> Result<()> {
        let path = || facts.sstable.path(&Component::Partitions);
        if !facts.encrypted_components.contains(&Component::Partitions) {
            return self.check_clear_index(facts);
        }
        let longest = self.target.longest_id();
        let (Some(old), Some(new)) = (facts.shape.encryptor(), self.target.encryptor()) else {
            return Err(Error::unsupported(
                "its encrypted index would have to be laid out again in clear, which is not \
                 handled by this release",
            )
            .at(path())
            .cure("use a node-side upgrade for this table"));
        };
        page_geometry(old, longest)
            .check_same(&page_geometry(new, longest))
            .map_err(|error| Error::from(error).at(path()))
    }

    /// Products that encrypt indices read them by the options of Data.db: they cannot be encrypted
    /// for the first time without being laid out again.
    fn check_clear_index(&self, facts: &Facts) -> Result<()> {
        let is_apache =
            facts.version.products.apache_4 && self.flavor != Some(Flavor::ConvergedCore);
        if !facts.version.may_encrypt_indices
            || is_apache
            || facts.shape.is_encrypted()
            || self.target.encryptor().is_none()
        {
            return Ok(());
        }
        Err(Error::unsupported(
            "its index would have to be encrypted, too, and laid out again for that, which is not \
             handled by this release",
        )
        .at(facts.sstable.path(&Component::Partitions))
        .cure("use a node-side upgrade for this table"))
    }

    /// Whether its chunks are what the target makes of them, keys aside.
    fn is_as_target(&self, facts: &Facts, scheme: Option<&ChunkScheme>) -> bool {
        let has = facts.header.as_ref().map(|header| header.chunk_length);
        self.target.is_scheme(scheme)
            && facts.clear_chunks == 0
            && self.target.chunk_length().is_none_or(|wanted| has == Some(wanted))
    }

    fn resolve_keys(&self, sstables: &mut [PlannedSSTable]) -> ResolvedKeys {
        let facts = sstables.iter().filter_map(PlannedSSTable::needs_keys);
        let keys = ResolvedKeys::fetch(self.sources, facts, Some(self.target));
        for planned in sstables {
            if let Some(facts) = planned.needs_keys()
                && let Some(error) = keys.missing_for(facts)
            {
                planned.action = Action::Refuse(error.clone());
            }
        }
        keys
    }

    /// Decrypts the first chunk of each SSTable: a wrong key shows now, not after hours; and an
    /// SSTable that says to be under the target key is, or it is rewritten.
    fn probe(&self, sstables: &mut [PlannedSSTable], keys: &ResolvedKeys) {
        sstables.par_iter_mut().for_each_init(ProbeBuffers::default, |buffers, planned| {
            let Some(facts) = planned.needs_keys().filter(|facts| facts.shape.is_encrypted())
            else {
                return;
            };
            let longest = self.target.longest_id();
            match (probe(facts, &keys.ring, longest, buffers), &planned.action) {
                (Err(error), _) => planned.action = Action::Refuse(error),
                (Ok(Probed::UnderAnotherKey), Action::Skip(SkipReason::UnderTargetKey)) => {
                    planned.action = rewrite(facts);
                }
                _ => {}
            }
        });
    }

    /// What can only be settled for all of them: the product, and the target key.
    fn settle(&self, products: Products, plan: &mut Plan, missing_target: Option<&Error>) {
        let finding = |severity, error| Finding { severity, error, sstables: vec![] };
        let wanted = plan.rewrites().next().is_some();
        match missing_target {
            Some(error)
                if self.target.may_be_made() && error.kind() == ErrorKind::KeyUnavailable =>
            {
                let error = Error::key_unavailable("the target key is made when the run starts");
                let error = match self.target.key() {
                    Some(key) => error.key(key),
                    None => error,
                };
                plan.findings.insert(0, finding(Severity::Warning, error));
            }
            // With nothing to rewrite a missing target key is a mistake all the same.
            Some(error) => plan.findings.insert(0, finding(Severity::Blocker, error.clone())),
            None => {}
        }
        match Flavor::settle(self.flavor, products) {
            Ok(flavor) => plan.flavor = Some(flavor),
            Err(error) if wanted => {
                plan.findings.insert(0, finding(Severity::Blocker, error));
            }
            Err(_nothing_to_swap) => {}
        }
    }
}

/// The id is given out when everything else is settled.
fn rewrite(facts: &Facts) -> Action {
    Action::Rewrite { new: facts.sstable.descriptor.clone() }
}

/// Why the product's nodes cannot read what a codec writes.
fn unknown_to(flavor: Option<Flavor>, codec: Option<Codec>) -> Option<&'static str> {
    match (codec?, flavor?) {
        (Codec::Zstd(_) | Codec::Noop | Codec::Adaptive(_), Flavor::Apache3) => {
            Some("Cassandra 3.x does not have the target's compressor")
        }
        (Codec::Adaptive(_), Flavor::Apache4 | Flavor::Dse) => {
            Some("only Converged Core has class AdaptiveCompressor")
        }
        _ => None,
    }
}
