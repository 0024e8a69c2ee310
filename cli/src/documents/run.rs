//! The report of a run (cli/docs/JSON.md, report), as far as it is shown.

use std::collections::BTreeMap;
use std::fmt;

use rekey_engine::evidence::KeyName;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Moment;

/// A report.
#[derive(Debug, Deserialize)]
pub(crate) struct RunReport {
    pub(crate) tool: String,
    pub(crate) run: Option<String>,
    pub(crate) attempt: u64,
    pub(crate) earlier_attempts: Vec<Attempt>,
    pub(crate) user: Option<String>,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) exit_status: u8,
    pub(crate) directory: Option<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) data_directories: Vec<String>,
    pub(crate) node: Option<Node>,
    pub(crate) flavor: Option<String>,
    pub(crate) targets: Vec<Target>,
    pub(crate) keys: Vec<Under>,
    pub(crate) counts: Counts,
    pub(crate) tables: BTreeMap<String, Outcomes>,
    pub(crate) alterations: Vec<Alteration>,
    pub(crate) findings: Vec<Fault>,
    pub(crate) warnings: Vec<Fault>,
    #[serde(rename = "sstables")]
    pub(crate) failed: Failed,
}

/// A process that has worked on the run before.
#[derive(Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) began: Option<Moment>,
    pub(crate) ended: Option<Moment>,
    pub(crate) why: Option<String>,
}

/// What the node says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) host_id: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) data_center: Option<String>,
    pub(crate) rack: Option<String>,
    pub(crate) release_version: Option<String>,
}

/// What was written.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) key: Option<KeyName>,
    pub(crate) state: Option<String>,
}

/// How much was and is under a key; in clear without one.
#[derive(Debug, Deserialize)]
pub(crate) struct Under {
    pub(crate) key: Option<KeyName>,
    pub(crate) before: Bytes,
    pub(crate) after: Bytes,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Bytes {
    pub(crate) live: u64,
    pub(crate) archived: u64,
}

/// SSTables by outcome.
#[derive(Debug, Deserialize)]
pub(crate) struct Counts {
    pub(crate) rewritten: u64,
    pub(crate) skipped: u64,
    pub(crate) failed: u64,
    pub(crate) left: u64,
    pub(crate) copies: u64,
}

/// What became of a table.
#[derive(Debug, Deserialize)]
pub(crate) struct Outcomes {
    #[serde(default)]
    pub(crate) rewritten: Sum,
    #[serde(default)]
    pub(crate) skipped: Sum,
    #[serde(default)]
    pub(crate) failed: Sum,
    #[serde(default)]
    pub(crate) left: Sum,
    pub(crate) began: Option<Moment>,
    pub(crate) ended: Option<Moment>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Sum {
    pub(crate) sstables: u64,
    pub(crate) bytes: u64,
}

/// A statement to run.
#[derive(Debug, Deserialize)]
pub(crate) struct Alteration {
    pub(crate) table: String,
    pub(crate) statement: Option<String>,
}

/// An error, a warning, or a finding.
#[derive(Debug, Deserialize)]
pub(crate) struct Fault {
    /// Of findings only.
    pub(crate) severity: Option<String>,
    pub(crate) message: String,
    pub(crate) cure: Option<String>,
}

/// The first of the SSTables that have failed; the others are read over, for they may be very many.
#[derive(Debug, Default)]
pub(crate) struct Failed {
    pub(crate) first: Vec<(String, Fault)>,
    pub(crate) more: u64,
}

#[derive(Debug, Deserialize)]
struct SSTable {
    table: String,
    outcome: String,
    error: Option<Fault>,
}

impl<'de> Deserialize<'de> for Failed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = Failed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of SSTables")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Failed, A::Error> {
                let mut failed = Failed::default();
                while let Some(line) = lines.next_element::<SSTable>()? {
                    match line.error.filter(|_| line.outcome == "failed") {
                        None => {}
                        Some(fault) if failed.first.len() < MOST => {
                            failed.first.push((line.table, fault));
                        }
                        Some(_) => failed.more = failed.more.saturating_add(1),
                    }
                }
                Ok(failed)
            }
        }
        from.deserialize_seq(Lines)
    }
}

/// Failures that are kept.
const MOST: usize = 50;
