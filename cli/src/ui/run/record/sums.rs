//! What became of each table, in numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Facts, Plan};
use rekey_engine::sstable::Component;
use rekey_engine::upgrade::{Outcome, Report};
use serde_json::{Map, Value, json};

use super::times::{Span, Times};
use crate::ui::json::time;
use crate::ui::run::json::Ended;

/// What the SSTables said of themselves before the run.
pub(super) type FactsByData<'p> = BTreeMap<PathBuf, &'p Facts>;

pub(super) fn facts(plan: &Plan) -> FactsByData<'_> {
    let known = plan.sstables.iter().filter_map(|planned| {
        Some((planned.sstable.path(&Component::Data), planned.facts.as_ref()?))
    });
    known.collect()
}

/// What became of each table, when that was done, and what is no longer under each key.
pub(super) fn tables(
    report: &Report,
    facts: &FactsByData<'_>,
    times: &Times,
) -> Map<String, Value> {
    let mut tables: BTreeMap<&str, Sums<'_>> = BTreeMap::new();
    for line in &report.sstables {
        let sums = tables.entry(&line.table).or_default();
        let how = Ended::of(line).map_or("", |how| how.name());
        let found = facts.get(&line.data);
        let bytes = found.map_or(0, |facts| facts.data_bytes);
        sums.outcomes.entry(how).or_default().add(bytes);
        sums.worked_on(&line.data, times);
        // After a rewrite nothing of it is under its old key.
        if matches!(line.outcome, Outcome::Rewritten { .. }) {
            for used in found.into_iter().flat_map(|facts| &facts.keys) {
                sums.left_behind.entry(&used.key).or_default().add(used.bytes);
            }
        }
    }
    tables.into_iter().map(|(name, sums)| (name.to_owned(), sums.shown())).collect()
}

/// What became of the SSTables of a table.
#[derive(Debug, Default)]
struct Sums<'p> {
    outcomes: BTreeMap<&'static str, Sum>,
    /// The old keys of those that were rewritten.
    left_behind: BTreeMap<&'p KeyRef, Sum>,
    /// From the first to the last work on it.
    span: Option<Span>,
}

#[derive(Debug, Default)]
struct Sum {
    sstables: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.sstables = self.sstables.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn shown(&self) -> Value {
        json!({"sstables": self.sstables, "bytes": self.bytes})
    }
}

impl Sums<'_> {
    fn worked_on(&mut self, data: &Path, times: &Times) {
        if let Some(span) = times.of(data) {
            self.span = Some(self.span.map_or(span, |so_far| so_far.and(span)));
        }
    }

    fn shown(&self) -> Value {
        let outcomes = self.outcomes.iter().map(|(how, sum)| ((*how).to_owned(), sum.shown()));
        let mut shown: Map<_, _> = outcomes.collect();
        let keys = self
            .left_behind
            .iter()
            .map(|(key, sum)| json!({"key": key, "sstables": sum.sstables, "bytes": sum.bytes}));
        shown.insert("old_keys".to_owned(), keys.collect());
        shown.extend(times_of(self.span));
        Value::Object(shown)
    }
}

/// The fields of what was worked on.
pub(super) fn times_of(span: Option<Span>) -> impl Iterator<Item = (String, Value)> {
    let field = |name: &str, at: Timestamp| (name.to_owned(), json!(time(at)));
    span.into_iter().flat_map(move |span| [field("began", span.began), field("ended", span.ended)])
}
