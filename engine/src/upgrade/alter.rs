//! Which tables are to be altered after a run.
//!
//! A node writes with the options of its schema, which lies in no SSTable of the table. What its
//! SSTables had before the run is what the schema asked for when they were written.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Outcome, Report};
use crate::options::alter;
use crate::plan::{Plan, PlannedRewrite};
use crate::schema::{Schema, TableKind};
use crate::sstable::Component;

/// A table whose SSTables have other options now than those that the node writes with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alteration {
    /// `keyspace.table`.
    pub table: String,
    /// What alters it; none of a table whose options are not in the schema.
    pub statement: Option<String>,
    /// Whether the schema has it. Else it could be a materialized view, which is altered by other words.
    pub is_in_schema: bool,
}

/// The tables that a run has given other options, with the statement that makes the node write with
/// them, too. Where only the key is another one there is nothing to alter.
#[must_use]
pub fn to_alter(plan: &Plan, report: &Report, schema: &Schema) -> Vec<Alteration> {
    let is_rewritten = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    let rewritten: BTreeSet<_> = report
        .sstables
        .iter()
        .filter(|line| is_rewritten(&line.outcome))
        .map(|line| &line.data)
        .collect();
    let mut tables = BTreeMap::new();
    for PlannedRewrite { sstable, facts, target, .. } in plan.rewrites() {
        let is_changed = sstable.is_live
            && !facts.has_form_of(target)
            && rewritten.contains(&sstable.sstable.path(&Component::Data));
        // An index has the options of its table: `keyspace.table.index`.
        let mut names = sstable.table.splitn(3, '.');
        if let (true, Some(keyspace), Some(table)) = (is_changed, names.next(), names.next())
            && !plan.targets.is_as_written(keyspace, table)
        {
            tables.insert((keyspace, table), target.params().map());
        }
    }
    tables
        .into_iter()
        .map(|((keyspace, table), map)| {
            let row = schema.table(keyspace, table);
            let is_view = row.is_some_and(|row| matches!(row.kind, TableKind::View { .. }));
            Alteration {
                table: format!("{keyspace}.{table}"),
                statement: (!NOT_IN_THE_SCHEMA.contains(&keyspace))
                    .then(|| alter(is_view, keyspace, table, map)),
                is_in_schema: row.is_some(),
            }
        })
        .collect()
}

/// Keyspaces whose tables a node knows from its own code, and lets nobody alter.
const NOT_IN_THE_SCHEMA: [&str; 2] = ["system", "system_schema"];
