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
use super::draft::{Decided, Found, Looked};
use super::facts::Facts;
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
use super::targets::{Aim, Targets};
use crate::io::{NodeLease, Rights, Storage};
use crate::keys::{KeyRef, KeySources};
use crate::memory::wipe_stack;
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
    /// What they are to become.
    pub targets: &'a Targets,
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
        let flavor = Flavor::settle(self.flavor, products);
        let inspector = Inspector::new(self.storage, self.lease, self.mapped)
            .for_nodes_of(flavor.as_ref().ok().copied())
            .with_key_ids_up_to(self.targets.longest_old_id());
        let found = self.find(inspector, &tables);
        let shelf = Shelf::of(self.storage, &archives, self.archives);
        unreadable.extend(shelf.unreadable.iter().cloned());
        strangers.extend(shelf.strangers.iter().map(|path| stranger(path)));
        let looks = (inspector, self.storage);
        let (inspected, OutOfScope { copies, alone }) = shelf.attach(looks, self.targets, found);

        let rules = Rules { selection: self.selection, flavor: self.flavor };
        let (decided, alone) = rules.decide(inspected, alone);
        let keys = self.resolve_keys(&decided);
        let decided = decided.into_iter().map(|decided| self.check_keys(decided, &keys)).collect();
        let decided = self.probe(decided, &keys);
        let preflight = self.preflight(flavor.as_ref().ok().copied());
        let (decided, asked) = preflight.check(decided);

        let placement = room::place(self.storage, self.open_tasks, decided)?;
        let mut sstables = number(self.storage, &tables, placement.sstables);

        let mut findings = self.settle(&sstables, flavor.as_ref().err(), &keys, &preflight);
        findings.extend(asked);
        findings.extend(placement.findings);
        findings.extend(findings::gather(&unreadable, &strangers, &mut sstables));
        findings.extend(findings::of_keys(&sstables, self.sources, &keys));
        findings.extend(findings::of_choice(&sstables, self.targets, keys.group_failures));
        findings.extend(findings::of_weakness(&sstables, self.targets));
        findings.extend(findings::of_clear_terms(&sstables));
        findings.extend(findings::of_machines(&self.lease.shared_by_machines()));
        let archived_left = count_left(&sstables, &copies, &alone);
        sstables.sort_by_cached_key(|planned| {
            std::cmp::Reverse(planned.facts.as_ref().map_or(0, |facts| facts.data_bytes))
        });
        let views = || tables.iter().map(|table| &table.view);
        Ok(Plan {
            selection: self.selection.clone(),
            archives: self.archives,
            targets: self.targets.clone(),
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
    fn find(&self, inspector: Inspector<'_>, tables: &[Table]) -> Vec<Found> {
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
                let looked = facts.map(|facts| {
                    let facts = shared.share(facts);
                    Looked { aim: self.aim(table, &facts), facts }
                });
                Found {
                    table: table.name(),
                    data_dir: data_dir.to_owned(),
                    sstable: Arc::clone(sstable),
                    looked,
                }
            })
            .collect()
    }

    /// What an SSTable of a table is to become; all directories of a table have the same name.
    fn aim(&self, table: &Table, facts: &Facts) -> Aim {
        let no_directory = || Error::new(ErrorKind::Internal, "a table has no directory");
        let directory = table.directories.first();
        directory.map_or_else(|| Aim::Unknown(no_directory()), |d| self.targets.aim(d, facts))
    }

    fn resolve_keys(&self, sstables: &[Decided]) -> ResolvedKeys {
        let works = sstables.iter().filter_map(Decided::needs_keys);
        let facts = works.map(|work| &work.facts);
        let keys = ResolvedKeys::fetch(self.sources, facts, self.targets.distinct());
        wipe_stack();
        keys
    }

    /// Looks into the first chunk of each SSTable: a wrong key shows now, not after hours; an SSTable that
    /// says to be under the target key is, or it is rewritten; and none is encrypted with an index that
    /// is not its own.
    fn probe(&self, sstables: Vec<Decided>, keys: &ResolvedKeys) -> Vec<Decided> {
        let longest = self.targets.longest_id();
        let look = |buffers: &mut ProbeBuffers, decided: Decided| {
            let Some(work) = decided.needs_keys() else { return decided };
            let longest = work.facts.longest_id.unwrap_or(longest);
            let probed = probe(&work.facts, &keys.ring, longest, buffers);
            wipe_stack();
            match probed {
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
        // With nothing to swap nobody needs to know it.
        let no_flavor = no_flavor.filter(|_| rewrites(sstables).next().is_some()).cloned();
        let (mut blockers, mut of_keys) = (Vec::new(), Vec::new());
        for target in self.targets.distinct() {
            let (of_key, no_file) = self.settle_key(target, keys, preflight);
            // Tables of the same options may have the same key.
            of_keys.extend(of_key.filter(|finding| !of_keys.iter().any(|f| is_same(f, finding))));
            blockers.extend(no_file.map(blocker));
        }
        blockers.extend(no_flavor.map(blocker));
        blockers.extend(of_keys);
        blockers
    }

    /// What is to be said of a target key, and why the file cannot be written that it is to be made in.
    fn settle_key(
        &self,
        target: &Target,
        keys: &ResolvedKeys,
        preflight: &Preflight<'_>,
    ) -> (Option<Finding>, Option<Error>) {
        let Some(key) = target.target_key() else { return (None, None) };
        let may_be_made = target.may_be_made();
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
            (_, Some(error)) if self.targets.is_one() => (Some(blocker(error.clone())), None),
            (_, Some(_) | None) => (None, None),
        }
    }

    /// Refuses an SSTable whose keys cannot be had. The only target key is none of its own matters.
    fn check_keys(&self, decided: Decided, keys: &ResolvedKeys) -> Decided {
        let missing = decided.needs_keys().and_then(|work| {
            let new = || {
                let error = keys.failures.get(work.target.key()?)?;
                let is_made =
                    work.target.may_be_made() && error.kind() == ErrorKind::KeyUnavailable;
                (!self.targets.is_one() && !is_made).then_some(error)
            };
            keys.missing_for(&work.facts).or_else(new)
        });
        match missing {
            Some(error) => decided.refuse(error.clone()),
            None => decided,
        }
    }
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.severity == other.severity && one.error.to_string() == other.error.to_string()
}

const fn blocker(error: Error) -> Finding {
    Finding { severity: Severity::Blocker, error, sstables: vec![] }
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
