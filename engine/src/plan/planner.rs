//! From what is on disk and a target to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::discover::{Selection, Table, discover};
use super::finding::{Finding, Severity};
use super::inspect::{Facts, Inspector, Shape};
use super::keys::{KeySources, ResolvedKeys};
use super::probe::probe;
use super::target::Target;
use crate::io::{NodeLease, Storage};
use crate::keys::{KeyRef, KeyRing};
use crate::options::EncryptorOptions;
use crate::sstable::{CHUNK_CRC_LENGTH, Component, Descriptor, IdGenerator};
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
}

impl SkipReason {
    /// The words in reports.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UnderTargetKey => "already under the target key",
            Self::NotEncrypted => "not encrypted",
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
    pub sstable: LiveSSTable,
    /// What it says of itself; absent when it could not be read.
    pub facts: Option<Facts>,
    /// What will happen.
    pub action: Action,
    /// Bytes that the new SSTable takes until the old one is deleted.
    pub space: u64,
}

/// Everything that a run will do.
#[derive(Debug)]
pub struct Plan {
    /// What every SSTable is to become.
    pub target: Target,
    /// Whose transaction logs are written; known when something is to be rewritten.
    pub flavor: Option<Flavor>,
    /// Every SSTable of the selection, biggest first.
    pub sstables: Vec<PlannedSSTable>,
    /// Logs of interrupted operations, with what their rules demand.
    pub logs: Vec<(PathBuf, Verdict)>,
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
        let tables = discover(self.storage, self.data_dirs, self.selection)?;
        let mut sstables = self.inspect(&tables);
        self.decide(&mut sstables);
        let keys = self.resolve_keys(&mut sstables);
        self.probe(&mut sstables, &keys);
        let mut plan = Plan {
            target: self.target.clone(),
            flavor: None,
            sstables,
            logs: tables.iter().flat_map(|table| table.view.logs.clone()).collect(),
            findings: vec![],
            ring: keys.ring,
        };
        self.check_space(&mut plan)?;
        number(&tables, &mut plan)?;
        gather_findings(&mut plan);
        let missing_target = keys.failures.get(self.target.key());
        self.settle(&tables, &mut plan, missing_target);
        warn_of_same_key(&mut plan, &keys.same_as_target);
        plan.sstables.sort_by_key(|planned| {
            std::cmp::Reverse(planned.facts.as_ref().map_or(0, |facts| facts.data_bytes))
        });
        Ok(plan)
    }

    fn inspect(&self, tables: &[Table]) -> Vec<PlannedSSTable> {
        let inspector = Inspector::new(self.storage, self.lease, self.mapped);
        let all: Vec<(&Table, &LiveSSTable)> = tables
            .iter()
            .flat_map(|table| table.view.live.iter().map(move |sstable| (table, sstable)))
            .collect();
        all.into_par_iter()
            .map(|(table, sstable)| {
                let facts = match table.view.refused.first() {
                    // The log is not ours to judge: nothing of its table is touched.
                    Some(error) => Err(error.clone()),
                    None => inspector.inspect(sstable.clone()),
                };
                let (facts, action) = match facts {
                    Ok(facts) => (Some(facts), Action::Skip(SkipReason::NotEncrypted)),
                    Err(error) => (None, Action::Refuse(error)),
                };
                PlannedSSTable {
                    table: table.name(),
                    data_dir: table
                        .data_dir_of(&sstable.directory)
                        .unwrap_or(&sstable.directory)
                        .to_owned(),
                    sstable: sstable.clone(),
                    facts,
                    action,
                    space: 0,
                }
            })
            .collect()
    }

    fn decide(&self, sstables: &mut [PlannedSSTable]) {
        let encrypted: BTreeSet<String> = sstables
            .iter()
            .filter(|planned| planned.facts.as_ref().is_some_and(is_encrypted))
            .map(|planned| planned.table.clone())
            .collect();
        for planned in sstables {
            let Some(facts) = &planned.facts else { continue };
            let expected = self.selection.names_tables() || encrypted.contains(&planned.table);
            planned.action = self.decide_one(facts, expected);
        }
    }

    fn decide_one(&self, facts: &Facts, expected: bool) -> Action {
        let refuse = |what: String, cure: &'static str| {
            Action::Refuse(Error::unsupported(what).at(facts.data_path()).cure(cure))
        };
        let options = match &facts.shape {
            Shape::Encrypted(options) => options,
            Shape::Compressed { class } if class.may_encrypt() => {
                return refuse(
                    format!("class '{class}' is not handled by this release"),
                    "use a node-side upgrade for this table",
                );
            }
            Shape::Compressed { .. } | Shape::Uncompressed if !expected => {
                return Action::Skip(SkipReason::NotEncrypted);
            }
            Shape::Compressed { class } => {
                return refuse(
                    format!(
                        "it is in clear (class {class}), as flush_compression writes it, and \
                         encrypting what is in clear is not handled by this release"
                    ),
                    "let the node rewrite this SSTable (nodetool upgradesstables -a, or compact)",
                );
            }
            Shape::Uncompressed => {
                return refuse(
                    "it is not compressed, and encrypting what is in clear is not handled by \
                     this release"
                        .to_owned(),
                    "let the node rewrite this SSTable (nodetool upgradesstables -a, or compact)",
                );
            }
        };
        if facts.clear_chunks > 0 {
            return refuse(
                format!(
                    "{} of its chunks are stored in clear because of min_compress_ratio, which \
                     is not handled by this release",
                    facts.clear_chunks
                ),
                "remove min_compress_ratio from the table, then let the node rewrite it",
            );
        }
        if self.is_under_target(facts, options) {
            return Action::Skip(SkipReason::UnderTargetKey);
        }
        let has = facts.header.as_ref().map(|header| header.chunk_length);
        match self.target.chunk_length() {
            Some(wanted) if has != Some(wanted) => refuse(
                format!(
                    "its chunks have {} bytes where the target says {}; another chunk length is \
                     not handled by this release",
                    has.map_or(0, |length| length.bytes()),
                    wanted.bytes()
                ),
                "leave chunk_length_in_kb out of --compression to keep what each SSTable has",
            ),
            // The id is given out when everything else is settled.
            _ => Action::Rewrite { new: facts.sstable.descriptor.clone() },
        }
    }

    fn is_under_target(&self, facts: &Facts, options: &EncryptorOptions) -> bool {
        let target = self.target.encryptor();
        (options.transformation(), options.strength())
            == (target.transformation(), target.strength())
            && options.provider() == target.provider()
            && facts.keys.iter().all(|used| used.key == *self.target.key())
    }

    fn resolve_keys(&self, sstables: &mut [PlannedSSTable]) -> ResolvedKeys {
        let facts = sstables
            .iter()
            .filter(|planned| matches!(planned.action, Action::Rewrite { .. }))
            .filter_map(|planned| planned.facts.as_ref());
        let keys = ResolvedKeys::fetch(self.sources, facts, Some(self.target));
        for planned in sstables {
            if let (Action::Rewrite { .. }, Some(facts)) = (&planned.action, &planned.facts)
                && let Some(error) = keys.missing_for(facts)
            {
                planned.action = Action::Refuse(error.clone());
            }
        }
        keys
    }

    /// Decrypts the first chunk of each SSTable: a wrong key shows now, not after hours.
    fn probe(&self, sstables: &mut [PlannedSSTable], keys: &ResolvedKeys) {
        let inspector = Inspector::new(self.storage, self.lease, self.mapped);
        sstables.par_iter_mut().for_each(|planned| {
            if let (Action::Rewrite { .. }, Some(facts)) = (&planned.action, &planned.facts)
                && let Err(error) = probe(&inspector, facts, &keys.ring)
            {
                planned.action = Action::Refuse(error);
            }
        });
    }

    fn check_space(&self, plan: &mut Plan) -> Result<()> {
        let target = &plan.target;
        for planned in &mut plan.sstables {
            if let (Action::Rewrite { .. }, Some(facts)) = (&planned.action, &planned.facts) {
                planned.space = space_needed(facts, target);
            }
        }
        for data_dir in self.data_dirs {
            let free = self.storage.free_space(data_dir)?;
            for planned in plan.sstables.iter_mut().filter(|p| p.data_dir == *data_dir) {
                if matches!(planned.action, Action::Rewrite { .. }) && planned.space > free {
                    planned.action = Action::Refuse(
                        Error::new(
                            ErrorKind::NoSpace,
                            format!(
                                "it needs {} bytes beside the old one, and {free} are free",
                                planned.space
                            ),
                        )
                        .at(planned.sstable.path(&Component::Data))
                        .cure("free space on that file system, then run again"),
                    );
                }
            }
            let mut spaces: Vec<u64> = plan
                .sstables
                .iter()
                .filter(|p| p.data_dir == *data_dir && matches!(p.action, Action::Rewrite { .. }))
                .map(|planned| planned.space)
                .collect();
            spaces.sort_unstable_by(|a, b| b.cmp(a));
            let peak: u64 = spaces.iter().take(self.open_tasks).sum();
            if peak > free {
                let error = Error::new(
                    ErrorKind::NoSpace,
                    format!(
                        "up to {peak} bytes are needed for the SSTables that are staged at a \
                         time, and {free} are free"
                    ),
                )
                .at(data_dir)
                .cure("use fewer --threads, or free space; each swap frees what it took");
                plan.findings.push(Finding {
                    severity: Severity::Warning,
                    error,
                    sstables: vec![],
                });
            }
        }
        Ok(())
    }

    /// What can only be settled for all of them: the product, and the target key.
    fn settle(&self, tables: &[Table], plan: &mut Plan, missing_target: Option<&Error>) {
        let wanted = plan.rewrites().next().is_some();
        let blocked = |error| Finding { severity: Severity::Blocker, error, sstables: vec![] };
        if let Some(error) = missing_target {
            // With nothing to rewrite a missing target key is a mistake all the same.
            plan.findings.insert(0, blocked(error.clone()));
        }
        let found = tables
            .iter()
            .flat_map(|table| &table.view.live)
            .filter_map(|live| Some((live.descriptor.version()?, &live.descriptor.id)));
        match Flavor::settle(self.flavor, found) {
            Ok(flavor) => plan.flavor = Some(flavor),
            Err(error) if wanted => plan.findings.insert(0, blocked(error)),
            Err(_nothing_to_swap) => {}
        }
    }
}

fn is_encrypted(facts: &Facts) -> bool {
    match &facts.shape {
        Shape::Encrypted(_) => true,
        Shape::Compressed { class } => class.may_encrypt(),
        Shape::Uncompressed => false,
    }
}

/// Bytes of the new SSTable: every chunk at its new length, everything else as it is.
fn space_needed(facts: &Facts, target: &Target) -> u64 {
    let Some(header) = &facts.header else { return 0 };
    let record = |plain: usize| {
        let length = target
            .key_header()
            .encoded_length()
            .saturating_add(target.encryptor().iv_length())
            .saturating_add(target.encryptor().transformation().ciphertext_length(plain))
            .saturating_add(CHUNK_CRC_LENGTH);
        u64::try_from(length).unwrap_or(u64::MAX)
    };
    let full = usize::try_from(header.chunk_length.bytes()).unwrap_or_default();
    let data = header.chunk_count.saturating_mul(record(full));
    facts.total_bytes.saturating_sub(facts.data_bytes).saturating_add(data)
}

/// Gives out the new ids.
fn number(tables: &[Table], plan: &mut Plan) -> Result<()> {
    let mut generators: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut ids: Vec<IdGenerator> = Vec::new();
    for table in tables {
        let mut generator = IdGenerator::default();
        for sstable in table.view.live.iter().chain(&table.view.condemned) {
            generator.observe(&sstable.descriptor.id);
        }
        for directory in &table.directories {
            generators.insert(&directory.path, ids.len());
        }
        ids.push(generator);
    }
    for planned in &mut plan.sstables {
        if let Action::Rewrite { new } = &mut planned.action
            && let Some(generator) =
                generators.get(planned.sstable.directory.as_path()).and_then(|&at| ids.get_mut(at))
        {
            *new = new.with_id(generator.next(&planned.sstable.descriptor.id)?);
        }
    }
    Ok(())
}

/// One finding for each distinct refusal, with all SSTables that share it.
fn gather_findings(plan: &mut Plan) {
    let mut findings: Vec<Finding> = Vec::new();
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    for planned in &plan.sstables {
        let path = planned.sstable.path(&Component::Data).display().to_string();
        if let Action::Refuse(error) = &planned.action {
            let index = *at.entry(error.chain()).or_insert_with(|| {
                findings.push(Finding {
                    severity: Severity::Refusal,
                    error: error.clone(),
                    sstables: vec![],
                });
                findings.len().saturating_sub(1)
            });
            if let Some(finding) = findings.get_mut(index) {
                finding.sstables.push(path);
            }
        }
    }
    for facts in plan.sstables.iter_mut().filter_map(|planned| planned.facts.as_mut()) {
        let path = facts.data_path().display().to_string();
        for warning in std::mem::take(&mut facts.warnings) {
            findings.push(Finding {
                severity: Severity::Warning,
                error: warning,
                sstables: vec![path.clone()],
            });
        }
    }
    plan.findings.extend(findings);
}

fn warn_of_same_key(plan: &mut Plan, same: &BTreeSet<KeyRef>) {
    for key in same {
        let error = Error::invalid(
            "the target key has the same bytes under another name: nothing is rotated",
        )
        .key(key)
        .cure("make a new key if the old one is to be given up");
        let sstables = plan
            .rewrites()
            .filter(|(_, facts, _)| facts.keys.iter().any(|used| used.key == *key))
            .map(|(_, facts, _)| facts.data_path().display().to_string())
            .collect();
        plan.findings.push(Finding { severity: Severity::Warning, error, sstables });
    }
}
