//! `compare`: what the schema says of tables, beside what their SSTables are.
//!
//! A table whose schema is not that of its target gets its next SSTable under the old key, or in clear:
//! as long as there is one, the old key may not be given up.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::inspect::inspect_all;
use super::session::Session;
use super::targets::is_of_the_node;
use crate::keys::KeyRef;
use crate::options::{CompressorClass, OptionMap, alter};
use crate::plan::{Aim, Facts, Selection, Target, Targets, discover};
use crate::schema::{Schema, TableKind, TableSchema};
use crate::sstable::TableDir;
use crate::{Error, Result};

/// A table with all that is known of its options.
#[derive(Debug)]
#[non_exhaustive]
pub struct TableOptions {
    /// `keyspace.table`, or `keyspace.table.index`.
    pub table: String,
    /// What the schema says; none without a row.
    pub schema: Option<OptionMap>,
    /// What its live SSTables are.
    pub found: Vec<FoundOptions>,
    /// What they are to become, where that is settled.
    pub target: Option<Arc<Target>>,
    /// What is to be done.
    pub verdict: TableVerdict,
}

/// SSTables with the same options and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundOptions {
    /// The options; none of uncompressed ones.
    pub options: Option<OptionMap>,
    /// The keys that their chunks name.
    pub keys: Vec<KeyRef>,
    /// How many they are.
    pub sstables: usize,
    /// Bytes of their Data.db.
    pub bytes: u64,
    /// How many of them are not as their target, if they have one.
    pub left: usize,
}

/// What is to be done about a table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TableVerdict {
    /// Nothing is encrypted, and nothing is to be.
    InClear,
    /// The node writes as its target says.
    AsTarget,
    /// The node writes otherwise: under the old key, or with other options. This alters it.
    Alter(String),
    /// SSTables are encrypted, and the node writes the next one in clear.
    NewWritesInClear,
    /// It is not in the schema: nothing writes it, and what is left has options of its own.
    Dropped,
    /// It is not known, for this reason.
    Unknown(Error),
}

impl TableVerdict {
    /// The name in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InClear => "in_clear",
            Self::AsTarget => "as_target",
            Self::Alter(_) => "alter",
            Self::NewWritesInClear => "new_writes_in_clear",
            Self::Dropped => "dropped",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether something has to be done before the old key may be given up, or may have to be.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Alter(_) | Self::NewWritesInClear | Self::Unknown(_))
    }
}

/// Compares schema, SSTables and targets, table by table. Tables without an SSTable are among them, if
/// they are encrypted by the schema: the next one will be.
///
/// # Errors
/// What concerns the whole selection.
pub fn compare(
    session: &Session,
    selection: &Selection,
    schema: &Schema,
    targets: &Targets,
    threads: NonZeroUsize,
) -> Result<Vec<TableOptions>> {
    let found = discover(session.storage(), session.data_dirs(), selection)?;
    let mut tables: BTreeMap<String, (TableDir, Vec<Facts>, Vec<Error>)> = BTreeMap::new();
    let mut all = Vec::new();
    for table in &found.tables {
        let Some(dir) = table.directories.first() else { continue };
        let name = format!("{dir}-{}", dir.table_id.as_deref().unwrap_or_default());
        let refused = table.view.refused.clone();
        tables.insert(name.clone(), (dir.clone(), vec![], refused));
        all.extend(table.view.live.iter().map(|sstable| (name.clone(), Arc::clone(sstable))));
    }
    for (name, _, facts) in inspect_all(session, all, threads)? {
        let Some((_, known, unknown)) = tables.get_mut(&name) else { continue };
        match facts {
            Ok(facts) => known.push(facts),
            Err(error) => unknown.push(error),
        }
    }
    let mut lines: Vec<TableOptions> = tables
        .into_values()
        .map(|(dir, facts, unknown)| {
            let seen = Seen { dir: &dir, facts: &facts, unknown: unknown.first() };
            seen.compared((schema, targets), selection.names_tables())
        })
        .collect();
    let unreadable = found.unreadable.into_iter().map(|(table, error)| TableOptions {
        table,
        schema: None,
        found: vec![],
        target: None,
        verdict: TableVerdict::Unknown(error),
    });
    lines.extend(unreadable);
    Ok(lines)
}

/// A table, and what its live SSTables say of themselves.
struct Seen<'a> {
    dir: &'a TableDir,
    facts: &'a [Facts],
    /// Why one of them could not be looked at, if that is so.
    unknown: Option<&'a Error>,
}

impl Seen<'_> {
    /// `is_named`: a table in clear that was named becomes its target, too, as in a plan.
    fn compared(&self, (schema, targets): (&Schema, &Targets), is_named: bool) -> TableOptions {
        let Self { dir, facts, .. } = *self;
        let row = schema.row_of(dir).filter(|_| !is_of_the_node(dir));
        // Where the schema says it, the next SSTable becomes that, too.
        let aims: Vec<Aim> = match targets.aim_of_table(dir) {
            Some(aim) => vec![aim],
            None => facts.iter().map(|facts| targets.aim(dir, facts)).collect(),
        };
        let target = aims.iter().find_map(|aim| match aim {
            Aim::Target(target) => Some(Arc::clone(target)),
            _ => None,
        });
        let why = aims.iter().find_map(|aim| match aim {
            Aim::Unknown(error) => Some(error),
            _ => None,
        });
        let is_encrypted = facts.iter().any(|facts| facts.shape.may_be_encrypted());
        let is_concerned = is_encrypted || is_named || row.is_some_and(is_written_encrypted);
        let verdict = match (self.unknown.or(why), row, &target) {
            (Some(error), ..) => TableVerdict::Unknown(error.clone()),
            (None, Some(row), Some(target)) if is_concerned => compared(dir, row, target),
            (None, Some(row), None) if is_encrypted => in_clear(row),
            (None, None, _) if is_encrypted && !is_of_the_node(dir) => TableVerdict::Dropped,
            (None, None, Some(_)) if is_encrypted => TableVerdict::AsTarget,
            _ => TableVerdict::InClear,
        };
        TableOptions {
            table: dir.to_string(),
            schema: row.map(|row| row.compression.clone()),
            found: grouped(facts, target.as_deref()),
            target,
            verdict,
        }
    }
}

fn is_written_encrypted(row: &TableSchema) -> bool {
    row.params().is_ok_and(|params| params.class().is_some_and(CompressorClass::encrypts))
}

/// The node would have to be told, but nobody has said what.
fn in_clear(row: &TableSchema) -> TableVerdict {
    match row.params() {
        Ok(_) => TableVerdict::NewWritesInClear,
        Err(error) => TableVerdict::Unknown(error),
    }
}

fn compared(dir: &TableDir, row: &TableSchema, target: &Target) -> TableVerdict {
    let is_same = row.params().is_ok_and(|written| target.params().means(&written));
    if is_same {
        return TableVerdict::AsTarget;
    }
    let is_view = matches!(row.kind, TableKind::View { .. });
    TableVerdict::Alter(alter(is_view, &dir.keyspace, &dir.table, target.params().map()))
}

fn grouped(facts: &[Facts], target: Option<&Target>) -> Vec<FoundOptions> {
    let mut groups: Vec<FoundOptions> = Vec::new();
    for facts in facts {
        let options = facts.options();
        let keys: Vec<KeyRef> = facts.keys.iter().map(|used| used.key.clone()).collect();
        let is_left = target.is_some_and(|target| !facts.meets(target));
        let left = usize::from(is_left);
        match groups.iter_mut().find(|group| group.options == options && group.keys == keys) {
            Some(group) => {
                group.sstables = group.sstables.saturating_add(1);
                group.bytes = group.bytes.saturating_add(facts.data_bytes);
                group.left = group.left.saturating_add(left);
            }
            None => {
                let bytes = facts.data_bytes;
                groups.push(FoundOptions { options, keys, sstables: 1, bytes, left });
            }
        }
    }
    groups
}
