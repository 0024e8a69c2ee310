//! From what is on disk and a target to a plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::action::Action;
use super::archive::Archives;
use super::copies::{OutOfScope, Shelf};
use super::decision::Rules;
use super::discover::{Discovery, Selection, Table, discover, stranger};
use super::draft::{Decided, Found};
use super::finding::{Finding, Severity};
use super::findings;
use super::inspect::Inspector;
use super::keys::ResolvedKeys;
use super::numbering::number;
use super::planned::{Plan, PlannedSSTable, rewrites};
use super::preflight::Preflight;
use super::probe::{ProbeBuffers, Probed, probe};
use super::room;
use super::shared::Shared;
use super::target::Target;
use super::target_key::{NewKey, TargetKey};
use crate::io::{NodeLease, Rights, Storage};
use crate::keys::{KeyRef, KeySources};
use crate::txn::{Flavor, LiveSSTable};
use crate::{Error, ErrorKind, Result};

/// Makes plans.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
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
    pub(crate) fn plan(&self) -> Result<Plan> {
        let discovery = discover(self.storage, self.data_dirs, self.selection)?;
        let Discovery { tables, mut unreadable, mut strangers, archives, products } = discovery;
        let found = self.find(&tables);
        let shelf = Shelf::of(self.storage, &archives, self.archives);
        unreadable.extend(shelf.unreadable.iter().cloned());
        strangers.extend(shelf.strangers.iter().map(|path| stranger(path)));
        let looks = (Inspector::new(self.storage, self.lease, self.mapped), self.storage);
        let (inspected, OutOfScope { copies, alone }) = shelf.attach(looks, self.target, found);

        let rules = Rules { selection: self.selection, target: self.target, flavor: self.flavor };
        let (decided, alone) = rules.decide(inspected, alone);
        let keys = self.resolve_keys(&decided);
        let decided = decided.into_iter().map(|decided| check_keys(decided, &keys)).collect();
        let decided = self.probe(decided, &keys);
        let flavor = Flavor::settle(self.flavor, products);
        let preflight = self.preflight(flavor.as_ref().ok().copied());
        let (decided, asked) = preflight.check(decided);

        let placement = room::place(self.storage, self.open_tasks, self.target, decided)?;
        let mut sstables = number(self.storage, &tables, placement.sstables);

        let mut findings = self.settle(&sstables, flavor.as_ref().err(), &keys, &preflight);
        findings.extend(asked);
        findings.extend(placement.findings);
        findings.extend(findings::gather(&unreadable, &strangers, &mut sstables));
        findings.extend(findings::of_keys(&sstables, self.sources, &keys));
        findings.extend(findings::of_choice(&sstables, self.target, keys.group_failures));
        findings.extend(findings::of_weakness(&sstables, self.target));
        findings.extend(findings::of_machines(&self.lease.shared_by_machines()));
        let archived_left = count_left(&sstables, &copies, &alone);
        sstables.sort_by_cached_key(|planned| {
            std::cmp::Reverse(planned.facts.as_ref().map_or(0, |facts| facts.data_bytes))
        });
        let views = || tables.iter().map(|table| &table.view);
        Ok(Plan {
            selection: self.selection.clone(),
            archives: self.archives,
            target: self.target.clone(),
            flavor: flavor.ok(),
            sstables,
            unreadable,
            strangers,
            logs: views().flat_map(|view| view.logs.clone()).collect(),
            has_pending_logs: views().any(|view| view.has_logs() && view.refused.is_empty()),
            archived_left,
            findings,
            ring: keys.ring,
            rooms: placement.rooms,
        })
    }

    /// What a node would load, and what it says of itself.
    fn find(&self, tables: &[Table]) -> Vec<Found> {
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
                let data_dir = table.data_dir_of(&sstable.directory).unwrap_or(&sstable.directory);
                Found {
                    table: table.name(),
                    data_dir: data_dir.to_owned(),
                    sstable: Arc::clone(sstable),
                    facts: facts.map(|facts| shared.share(facts)),
                }
            })
            .collect()
    }

    fn resolve_keys(&self, sstables: &[Decided]) -> ResolvedKeys {
        let facts = sstables.iter().filter_map(Decided::needs_keys);
        ResolvedKeys::fetch(self.sources, facts, Some(self.target))
    }

    /// Looks into the first chunk of each SSTable: a wrong key shows now, not after hours; an SSTable that
    /// says to be under the target key is, or it is rewritten; and none is encrypted with an index that
    /// is not its own.
    fn probe(&self, sstables: Vec<Decided>, keys: &ResolvedKeys) -> Vec<Decided> {
        let longest = self.target.longest_id();
        let look = |buffers: &mut ProbeBuffers, decided: Decided| {
            let Some(facts) = decided.needs_keys() else { return decided };
            match probe(facts, &keys.ring, longest, buffers) {
                Ok(Probed::AsNamed) => decided,
                Ok(Probed::UnderAnotherKey) => decided.rewrite_anyway(),
                Err(error) => decided.refuse(error),
            }
        };
        sstables.into_par_iter().map_init(ProbeBuffers::default, look).collect()
    }

    fn preflight(&self, flavor: Option<Flavor>) -> Preflight<'_> {
        Preflight {
            storage: self.storage,
            rights: Rights::own(),
            data_dirs: self.data_dirs,
            state_dir: self.state_dir,
            flavor,
        }
    }

    /// What can only be settled for all of them: the target key, and the product.
    fn settle(
        &self,
        sstables: &[PlannedSSTable],
        no_flavor: Option<&Error>,
        keys: &ResolvedKeys,
        preflight: &Preflight<'_>,
    ) -> Vec<Finding> {
        let (of_key, no_file) = self.settle_key(keys, preflight);
        // With nothing to swap nobody needs to know it.
        let no_flavor = no_flavor.filter(|_| rewrites(sstables).next().is_some()).cloned();
        let blockers = no_file.into_iter().chain(no_flavor).map(blocker);
        blockers.chain(of_key).collect()
    }

    /// What is to be said of the target key, and why the file cannot be written that it is to be made in.
    fn settle_key(
        &self,
        keys: &ResolvedKeys,
        preflight: &Preflight<'_>,
    ) -> (Option<Finding>, Option<Error>) {
        let Some(key) = self.target.target_key() else { return (None, None) };
        let may_be_made = self.target.may_be_made();
        let is_made = || {
            let error = Error::key_unavailable("the target key is made when the run starts");
            Finding { severity: Severity::Warning, error: error.key(key), sstables: vec![] }
        };
        match (key, key.name().and_then(|name| keys.failures.get(name))) {
            (TargetKey::ToBeMade(NewKey::OnServer { .. }), _) if may_be_made => {
                (Some(is_made()), None)
            }
            (TargetKey::ToBeMade(NewKey::OnServer { .. }), _) => {
                let error = Error::key_unavailable("the target key could not be made");
                (Some(blocker(error.key(key))), None)
            }
            (TargetKey::ToBeMade(NewKey::InFile(KeyRef::LocalFile { file, .. })), Some(error))
                if may_be_made && error.kind() == ErrorKind::KeyUnavailable =>
            {
                let path = self.sources.local.resolve(file);
                (Some(is_made()), preflight.check_key_file(&path).err())
            }
            // With nothing to rewrite a missing target key is a mistake all the same.
            (_, Some(error)) => (Some(blocker(error.clone())), None),
            (_, None) => (None, None),
        }
    }
}

const fn blocker(error: Error) -> Finding {
    Finding { severity: Severity::Blocker, error, sstables: vec![] }
}

fn check_keys(decided: Decided, keys: &ResolvedKeys) -> Decided {
    match decided.needs_keys().and_then(|facts| keys.missing_for(facts)) {
        Some(error) => decided.refuse(error.clone()),
        None => decided,
    }
}

/// Those that were not asked for and would be worked on, or could not be; `copies` are of the SSTables
/// in these places of the list.
fn count_left(
    sstables: &[PlannedSSTable],
    copies: &BTreeMap<usize, usize>,
    alone: &[Decided],
) -> usize {
    let is_left = |number: usize| {
        sstables.get(number).is_some_and(|planned| !matches!(planned.action, Action::Skip(_)))
    };
    let copies = copies.iter().filter(|(number, _)| is_left(**number)).map(|(_, copies)| *copies);
    let alone = alone.iter().filter(|decided| !decided.is_done());
    copies.chain(alone.map(|decided| decided.subject.copies.len().max(1))).sum()
}
