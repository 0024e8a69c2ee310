//! Each table with options of its own: those of the schema, or where that has no row for it, those of its
//! SSTables.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::aims::Aims;
use super::named::check_key_id;
use super::settle::{KeyAsked, Settler};
use super::{TargetRequest, check_key_file, system};
use crate::options::{CompressionParams, OptionMap};
use crate::plan::{Aim, Targets, discover};
use crate::schema::Schema;
use crate::sstable::TableDir;
use crate::txn::LiveSSTable;
use crate::upgrade::inspect::inspect_all;
use crate::upgrade::session::Session;
use crate::{Error, Result};

/// Where the options of tables are.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a request that callers make")]
pub struct OwnOptions<'a> {
    /// The schema. Where it is not found, all tables have those of their SSTables.
    pub schema: &'a Schema,
    /// Options that encrypted tables get in place of their own, and their values.
    pub changes: &'a [(String, String)],
    /// What the node's own tables are encrypted with by its configuration: none, if that is not known; an
    /// empty map, if nothing is (FORMATS.md 10.5).
    pub system: Option<&'a OptionMap>,
}

/// Where the options of a table are.
enum Row {
    /// In the schema.
    There(OptionMap),
    /// In the node's configuration: only that changes them.
    Fixed(OptionMap),
    /// It has none.
    Absent,
    /// They are not known, or it has none that encrypt, for this reason.
    InClear(Error),
}

pub(super) fn targets<'a>(
    settler: &mut Settler<'a>,
    session: &Session,
    own: OwnOptions<'a>,
    request: &TargetRequest<'a>,
) -> Result<Targets> {
    if !own.schema.is_found() && own.changes.is_empty() {
        return Err(Error::invalid(
            "there is no schema below the data directories that says what SSTables are to become",
        )
        .hint(
            "give the schema as a file (--schema FILE), the options of all tables (--compression \
             MAP), or those to change (--set OPTION=VALUE)",
        ));
    }
    let found = discover(session.storage(), session.data_dirs(), request.selection)?;
    for (name, value) in own.changes {
        if name == "secret_key_file" {
            check_key_file(value)?;
        }
    }
    let mut with_row = Vec::new();
    let mut without: Vec<(TableDir, Arc<LiveSSTable>)> = Vec::new();
    let mut targets = Targets::by_table(request.longest_id);
    for table in found.tables {
        let Some(dir) = table.directories.first() else { continue };
        match own.row(dir) {
            Row::There(map) => with_row.push((dir.clone(), map, true)),
            Row::Fixed(map) => with_row.push((dir.clone(), map, false)),
            Row::InClear(error) => targets.add_table(dir, Aim::InClear(error), true),
            Row::Absent => without.extend(table.view.live.into_iter().map(|it| (dir.clone(), it))),
        }
    }
    // A table with archives has a directory, and so was seen. What cannot be looked at is refused by the
    // plan.
    for archive in found.archives.iter().filter(|it| request.archives.take(it.kind)) {
        if let (Row::Absent, Ok(view)) = (own.row(&archive.table), archive.view(session.storage()))
        {
            without.extend(view.live.into_iter().map(|it| (archive.table.clone(), it)));
        }
    }
    let mut options: Vec<OptionMap> = Vec::new();
    let mut dropped = BTreeSet::new();
    for (dir, _, facts) in inspect_all(session, without, request.threads)? {
        let Ok(facts) = facts else { continue };
        if own.schema.is_found() && facts.shape.may_be_encrypted() {
            dropped.insert(dir.to_string());
        }
        options.extend(facts.options().filter(|own| !options.contains(own)));
    }
    for table in dropped {
        targets.warn(not_in_the_schema(&table));
    }
    let mut aims = Aims::new(settler, own.changes, request);
    if let KeyAsked::Named(..) = request.key {
        let rows = with_row.iter().map(|(_, map, may_change)| (map, *may_change));
        let all = rows.chain(options.iter().map(|map| (map, true)));
        let of_tables = all.filter_map(|(map, may_change)| aims.written(map, may_change));
        check_key_id(request, of_tables.chain(of_files(session, request)?))?;
    }
    for (dir, map, may_change) in &with_row {
        let is_as_written = !may_change || aims.is_as_written(map);
        targets.add_table(dir, aims.of(map, *may_change), is_as_written);
    }
    for map in &options {
        targets.add_own(map, aims.of(map, true));
    }
    Ok(targets)
}

/// What the files beside the tables that are selected as well are written with.
fn of_files(session: &Session, request: &TargetRequest<'_>) -> Result<Vec<CompressionParams>> {
    let Some(files) = &request.beside else { return Ok(Vec::new()) };
    Ok(system::written(request, files, &files.find(session)?).collect())
}

impl OwnOptions<'_> {
    fn row(&self, table: &TableDir) -> Row {
        if is_of_the_node(table) {
            return self.row_of_the_node(table);
        }
        let row = self.schema.row_of(table);
        row.map_or(Row::Absent, |row| Row::There(row.compression.clone()))
    }

    /// A node takes the options of its own tables from its code and its configuration, whatever their
    /// rows say.
    fn row_of_the_node(&self, table: &TableDir) -> Row {
        let Some(options) = self.system else {
            return Row::InClear(
                Error::invalid(
                    "with what the node encrypts this table is in its configuration, which is not \
                     known",
                )
                .hint("name the node's hcd.yaml or dse.yaml: --config FILE"),
            );
        };
        match table.keyspace == "system" && ENCRYPTED.contains(&table.table.as_str()) {
            true if !options.is_empty() => Row::Fixed(options.clone()),
            _ => Row::InClear(
                Error::invalid(
                    "the node writes this table in clear: system_info_encryption of its \
                     configuration does not encrypt it",
                )
                .hint("correct the configuration, or give the options with --compression"),
            ),
        }
    }
}

/// Whether a table is one of those that a node knows from its code.
pub(in crate::upgrade) fn is_of_the_node(table: &TableDir) -> bool {
    OF_THE_NODE.contains(&table.keyspace.as_str())
}

fn not_in_the_schema(table: &str) -> Error {
    Error::invalid(format!(
        "the schema has no table {table} of this id: it was dropped, and what is left of it keeps the \
         options that it has"
    ))
    .hint("change them with --set, or remove what is left if nobody needs it (nodetool clearsnapshot)")
}

/// Keyspaces whose tables a node knows from its code.
const OF_THE_NODE: [&str; 2] = ["system", "system_schema"];

/// Tables of `system` that `system_info_encryption` encrypts (FORMATS.md 10.5).
const ENCRYPTED: [&str; 3] = ["batches", "paxos", "paxos_repair_history"];
