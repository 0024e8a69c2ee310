//! How much is under each key, before a run and after it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Plan, PlannedSSTable};
use rekey_engine::sstable::Component;
use rekey_engine::upgrade::{Outcome, Report};
use serde_json::{Value, json};

/// Bytes of Data.db, of SSTables that a node would load and of others.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    live: u64,
    archived: u64,
}

impl Bytes {
    const fn add(&mut self, is_live: bool, bytes: u64) {
        let sum = if is_live { &mut self.live } else { &mut self.archived };
        *sum = sum.saturating_add(bytes);
    }

    fn shown(self) -> Value {
        json!({"live": self.live, "archived": self.archived})
    }
}

/// Before and after, by key; in clear without one.
type Sums<'p> = BTreeMap<Option<&'p KeyRef>, [Bytes; 2]>;

/// How much of the SSTables of a plan was under each key before its run, and is after it.
pub(super) fn before_and_after(plan: &Plan, report: &Report) -> Vec<Value> {
    let is_rewritten = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    let rewritten = report.sstables.iter().filter(|line| is_rewritten(&line.outcome));
    let rewritten: BTreeSet<&PathBuf> = rewritten.map(|line| &line.data).collect();
    let mut sums = Sums::new();
    for planned in &plan.sstables {
        let is_rewritten = rewritten.contains(&planned.sstable.path(&Component::Data));
        add(&mut sums, planned, is_rewritten);
    }
    let shown = |(key, [before, after]): (_, [Bytes; 2])| json!({"key": key, "before": before.shown(), "after": after.shown()});
    sums.into_iter().map(shown).collect()
}

fn add<'p>(sums: &mut Sums<'p>, planned: &'p PlannedSSTable, is_rewritten: bool) {
    let Some(facts) = &planned.facts else { return };
    let is_live = planned.is_live;
    let target = match &planned.action {
        Action::Rewrite { target, .. } if is_rewritten => Some(target.key()),
        _ => None,
    };
    let mut count = |key, bytes, is_kept| {
        let [before, after] = sums.entry(key).or_default();
        before.add(is_live, bytes);
        if is_kept {
            after.add(is_live, bytes);
        }
    };
    for used in &facts.keys {
        count(Some(&used.key), used.bytes, target.is_none());
    }
    if facts.keys.is_empty() {
        count(None, facts.data_bytes, target.is_none());
    }
    if let Some(key) = target {
        let [_, after] = sums.entry(key).or_default();
        after.add(is_live, facts.data_bytes);
    }
}
