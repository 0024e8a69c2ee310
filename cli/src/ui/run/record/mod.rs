//! The report of a run that is kept on disk: who did what, when, where, and what became of it.

mod keys;
mod sums;
mod times;

use std::path::PathBuf;

use jiff::Timestamp;
use rekey_engine::io::own_user;
use rekey_engine::journal::{Ending, Seen};
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::{Action, Plan};
use rekey_engine::schema::Local;
use rekey_engine::upgrade::{Alteration, Report, SSTableReport};
use serde_json::{Value, json};

use self::sums::{FactsByData, facts, tables, times_of};
pub(crate) use self::times::Times;
use super::json::{Ended, alteration, sstable, summary};
use crate::exit_code::Code;
use crate::ui::command_line;
use crate::ui::json::{error, escaped, path, targets, time};
use crate::ui::plan;

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct RunRecord<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) report: &'r Report,
    pub(crate) alterations: &'r [Alteration],
    /// What the node says of itself, if it says anything that can be read.
    pub(crate) local: Option<&'r Local>,
    pub(crate) data_dirs: &'r [PathBuf],
    /// When SSTables were worked on.
    pub(crate) times: &'r Times,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) code: Code,
}

impl RunRecord<'_> {
    /// The name of its file, without an ending: the time at which it began.
    pub(crate) fn name(&self) -> String {
        self.began.strftime("%Y-%m-%dT%H%M%SZ").to_string()
    }

    /// The file: one JSON object, SSTables a line each at its end.
    pub(crate) fn content(&self) -> Vec<u8> {
        let head = serde_json::to_string_pretty(&self.head()).unwrap_or_default();
        let mut text = escaped(head.trim_end().trim_end_matches('}').trim_end().to_owned());
        text.push_str(",\n  \"sstables\": [");
        let facts = facts(self.plan);
        for (number, line) in self.report.sstables.iter().enumerate() {
            text.push_str(if number == 0 { "\n    " } else { ",\n    " });
            text.push_str(&escaped(one(line, &facts, self.times).to_string()));
        }
        text.push_str("\n  ]\n}\n");
        text.into_bytes()
    }

    fn head(&self) -> Value {
        let Self { plan, report, .. } = *self;
        let seconds = self.ended.duration_since(self.began).as_secs_f64();
        let mut counts = summary(report, None, seconds);
        if let Some(counts) = counts.as_object_mut() {
            counts.remove("type");
        }
        let warnings = report.warnings.iter().map(error).collect::<Vec<_>>();
        let keys = old_keys(plan);
        json!({
            "report_version": REPORT_VERSION,
            "tool": concat!("sstablerekey ", env!("CARGO_PKG_VERSION")),
            "run": report.run.map(|run| run.to_string()),
            "attempt": report.earlier.len().saturating_add(1),
            "earlier_attempts": report.earlier.iter().map(attempt).collect::<Vec<_>>(),
            "user": own_user(),
            "began": time(self.began),
            "ended": time(self.ended),
            "exit_status": self.code.number(),
            "directory": std::env::current_dir().ok().as_deref().map(path),
            "arguments": words(),
            "data_directories": self.data_dirs.iter().map(|dir| path(dir)).collect::<Vec<_>>(),
            "node": self.local.map(node),
            "flavor": plan.flavor.map(|flavor| flavor.name()),
            "targets": targets(&plan.targets),
            "old_keys": keys,
            "keys": keys::before_and_after(plan, report),
            "counts": counts,
            "tables": tables(report, &facts(plan), self.times),
            "alterations": self.alterations.iter().map(alteration).collect::<Vec<_>>(),
            "findings": plan::findings(plan),
            "warnings": warnings,
        })
    }
}

/// The keys that SSTables to be rewritten were under before the run.
fn old_keys(plan: &Plan) -> Vec<&KeyRef> {
    let is_rewritten = |action: &Action| matches!(action, Action::Rewrite { .. });
    let rewrites = plan.sstables.iter().filter(|planned| is_rewritten(&planned.action));
    let facts = rewrites.filter_map(|planned| planned.facts.as_ref());
    let mut keys: Vec<_> =
        facts.flat_map(|facts| facts.keys.iter().map(|used| &used.key)).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn one(line: &SSTableReport, facts: &FactsByData<'_>, times: &Times) -> Value {
    let bytes = facts.get(&line.data).map(|facts| facts.data_bytes);
    let Some(how) = Ended::of(line) else { return Value::Null };
    let mut shown = sstable(&line.table, &line.data, bytes, how, line.copies, &line.warnings);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("type");
        fields.extend(times_of(times.of(&line.data)));
    }
    shown
}

/// A process that has worked on the run before, from its first record to its last.
fn attempt(seen: &Seen) -> Value {
    let at = |of| Timestamp::try_from(of).ok().map(time);
    json!({
        "tool": seen.session.tool,
        "began": at(seen.began),
        "ended": at(seen.last),
        "why": seen.ending.map(Ending::name),
    })
}

/// The words of the command, as text.
fn words() -> Vec<String> {
    command_line::words().iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn node(local: &Local) -> Value {
    json!({
        "host_id": local.host_id,
        "cluster": local.cluster_name,
        "data_center": local.data_center,
        "rack": local.rack,
        "release_version": local.release_version,
        "schema_version": local.schema_version,
    })
}

/// The version of the report: it changes when a field is removed or changes its meaning, not when one is
/// added.
const REPORT_VERSION: u32 = 1;
