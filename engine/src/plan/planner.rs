//! From what is on disk and a target to a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::archive::Archives;
use super::copies::{Left, Shelf};
use super::decision::rewrite;
use super::discover::{Selection, Table, discover, stranger};
use super::finding::{Finding, Severity};
use super::findings;
use super::inspect::Inspector;
use super::keys::ResolvedKeys;
use super::numbering::number;
use super::planned::{Action, Plan, PlannedSSTable, SkipReason};
use super::preflight::Preflight;
use super::probe::{ProbeBuffers, Probed, probe};
use super::room;
use super::shared::Shared;
use super::space::Space;
use super::target::Target;
use crate::io::{NodeLease, Rights, Storage};
use crate::keys::{KeyRef, KeySources};
use crate::sstable::Products;
use crate::txn::{Flavor, LiveSSTable};
use crate::{Error, ErrorKind, Result};

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
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
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
    /// Where the journal is to be, if not below the first data directory.
    pub state_dir: Option<&'a Path>,
}

impl Planner<'_> {
    /// Looks at everything and decides. Changes nothing.
    ///
    /// # Errors
    /// Only what concerns the whole selection; what concerns one SSTable is in its action.
    pub fn plan(&self) -> Result<Plan> {
        let mut found = discover(self.storage, self.data_dirs, self.selection)?;
        let mut sstables = self.inspect(&found.tables);
        let shelf = Shelf::of(self.storage, &found.archives, self.archives);
        found.unreadable.extend(shelf.unreadable.iter().cloned());
        found.strangers.extend(shelf.strangers.iter().map(|path| stranger(path)));
        let looks = (Inspector::new(self.storage, self.lease, self.mapped), self.storage);
        let mut left = shelf.attach(looks, self.target, &mut sstables);
        self.decide(&mut sstables, &mut left.alone);
        let keys = self.resolve_keys(&mut sstables);
        self.probe(&mut sstables, &keys);
        let mut plan = Plan {
            selection: self.selection.clone(),
            archives: self.archives,
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
            archived_left: 0,
            findings: vec![],
            ring: keys.ring,
            rooms: vec![],
        };
        let preflight = self.preflight(found.products);
        preflight.check(&mut plan);
        room::check(self.storage, self.open_tasks, &mut plan)?;
        number(self.storage, &found.tables, &mut plan);
        findings::gather(&mut plan);
        findings::warn_of_keys(&mut plan, self.sources, &keys.same_as_target);
        findings::explain_choice(&mut plan, keys.group_failures);
        findings::warn_of_weakness(&mut plan);
        findings::warn_of_machines(&mut plan, &self.lease.shared_by_machines());
        let missing = self.target.key().and_then(|key| keys.failures.get(key));
        self.settle(found.products, &mut plan, missing);
        if missing.is_some_and(|error| self.is_made_then(error)) {
            self.check_key_file(&preflight, &mut plan);
        }
        plan.archived_left = count_left(&plan, &left);
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
                    is_live: true,
                    copies: vec![],
                    shared: vec![],
                    facts,
                    action,
                    space: Space::default(),
                }
            })
            .collect()
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

    /// Looks into the first chunk of each SSTable: a wrong key shows now, not after hours; an SSTable that
    /// says to be under the target key is, or it is rewritten; and none is encrypted with an index that
    /// is not its own.
    fn probe(&self, sstables: &mut [PlannedSSTable], keys: &ResolvedKeys) {
        sstables.par_iter_mut().for_each_init(ProbeBuffers::default, |buffers, planned| {
            let Some(facts) = planned.needs_keys() else { return };
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

    fn preflight(&self, products: Products) -> Preflight<'_> {
        Preflight {
            storage: self.storage,
            rights: Rights::own(),
            data_dirs: self.data_dirs,
            state_dir: self.state_dir,
            flavor: Flavor::settle(self.flavor, products).ok(),
        }
    }

    /// Whether the target key that is missing is made when the run starts.
    fn is_made_then(&self, missing: &Error) -> bool {
        self.target.may_be_made() && missing.kind() == ErrorKind::KeyUnavailable
    }

    fn check_key_file(&self, preflight: &Preflight<'_>, plan: &mut Plan) {
        let Some(KeyRef::LocalFile { file, .. }) = self.target.key() else { return };
        if let Err(error) = preflight.check_key_file(&self.sources.local.resolve(file)) {
            let severity = Severity::Blocker;
            plan.findings.insert(0, Finding { severity, error, sstables: vec![] });
        }
    }

    /// What can only be settled for all of them: the product, and the target key.
    fn settle(&self, products: Products, plan: &mut Plan, missing_target: Option<&Error>) {
        let finding = |severity, error| Finding { severity, error, sstables: vec![] };
        let wanted = plan.rewrites().next().is_some();
        match missing_target {
            Some(error) if self.is_made_then(error) => {
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

/// Those that would be worked on, or could not be.
fn count_left(plan: &Plan, left: &Left) -> usize {
    let is_done = |planned: &PlannedSSTable| matches!(planned.action, Action::Skip(_));
    let copies = left.copies.iter().filter_map(|(number, copies)| {
        let planned = plan.sstables.get(*number)?;
        (!is_done(planned)).then_some(*copies)
    });
    let alone = left.alone.iter().filter(|planned| !is_done(planned));
    copies.chain(alone.map(|planned| planned.copies.len().max(1))).sum()
}
