//! A plan table by table: what its SSTables have in common, and how many there are of each kind.

use std::collections::BTreeMap;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Facts, Plan, PlannedSSTable, SkipReason, Target};

use super::all::is_laid_out;
use super::now::now;
use crate::ui::target;

/// The SSTables of one table.
#[derive(Debug)]
pub(super) struct TableSum<'p> {
    /// `keyspace.table`.
    pub(super) name: &'p str,
    pub(super) sstables: usize,
    /// Of their Data.db, as far as they could be looked at.
    pub(super) bytes: u64,
    /// What they are now.
    pub(super) kinds: Vec<Kind<'p>>,
    /// What those that are rewritten become, each in a few words.
    pub(super) targets: BTreeMap<String, &'p Target>,
    pub(super) rewrites: usize,
    /// Of these, SSTables whose trie index is laid out anew.
    pub(super) laid_out: usize,
    /// Of these, SSTables that lie in snapshots and backups only.
    pub(super) archived: usize,
    pub(super) skips: Vec<(SkipReason, usize)>,
    pub(super) refusals: usize,
    /// Places that could not be looked at.
    pub(super) unreadable: usize,
}

/// SSTables with the same options and keys.
#[derive(Debug)]
pub(super) struct Kind<'p> {
    /// In words, without the keys.
    pub(super) now: String,
    /// What one of them says of itself.
    pub(super) facts: &'p Facts,
    pub(super) sstables: usize,
}

impl Kind<'_> {
    /// The keys in use.
    pub(super) fn keys(&self) -> impl Iterator<Item = &KeyRef> {
        self.facts.keys.iter().map(|used| &used.key)
    }
}

/// The tables of a plan, that with the most bytes first.
pub(super) fn tables(plan: &Plan) -> Vec<TableSum<'_>> {
    let mut tables = BTreeMap::new();
    for planned in &plan.sstables {
        let name = planned.table.as_str();
        tables.entry(name).or_insert_with(|| TableSum::new(name)).add(planned);
    }
    for (name, _) in &plan.unreadable {
        let table = tables.entry(name).or_insert_with(|| TableSum::new(name));
        table.unreadable = table.unreadable.saturating_add(1);
    }
    let mut tables: Vec<_> = tables.into_values().collect();
    tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
    tables
}

impl<'p> TableSum<'p> {
    const fn new(name: &'p str) -> Self {
        Self {
            name,
            sstables: 0,
            bytes: 0,
            kinds: vec![],
            targets: BTreeMap::new(),
            rewrites: 0,
            laid_out: 0,
            archived: 0,
            skips: vec![],
            refusals: 0,
            unreadable: 0,
        }
    }

    fn add(&mut self, planned: &'p PlannedSSTable) {
        self.sstables = self.sstables.saturating_add(1);
        if let Some(facts) = &planned.facts {
            self.bytes = self.bytes.saturating_add(facts.data_bytes);
            self.add_kind(facts);
        }
        match &planned.action {
            Action::Rewrite { target, .. } => {
                self.rewrites = self.rewrites.saturating_add(1);
                let laid_out =
                    planned.facts.as_ref().is_some_and(|facts| is_laid_out(facts, target));
                self.laid_out = self.laid_out.saturating_add(usize::from(laid_out));
                self.archived = self.archived.saturating_add(usize::from(!planned.is_live));
                self.targets.entry(target::words(target)).or_insert(target);
            }
            Action::Skip(reason) => match self.skips.iter_mut().find(|skip| skip.0 == *reason) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => self.skips.push((*reason, 1)),
            },
            _ => self.refusals = self.refusals.saturating_add(1),
        }
    }

    fn add_kind(&mut self, facts: &'p Facts) {
        let words = now(facts);
        let is_one = |kind: &&mut Kind<'_>| {
            let keys = facts.keys.iter().map(|used| &used.key);
            kind.now == words && kind.keys().eq(keys)
        };
        match self.kinds.iter_mut().find(is_one) {
            Some(kind) => kind.sstables = kind.sstables.saturating_add(1),
            None => self.kinds.push(Kind { now: words, facts, sstables: 1 }),
        }
    }
}
