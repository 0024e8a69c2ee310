//! The same as JSON lines.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a serde_json object adds the field; it panics only on other values"
)]

use std::collections::BTreeSet;

use rekey_engine::schema::Schema;
use rekey_engine::upgrade::{FoundOptions, TableOptions, TableVerdict};
use serde_json::{Value, json};

use crate::ui::json::{error, target};

pub(super) fn table(of: &TableOptions) -> Value {
    let found = |found: &FoundOptions| {
        json!({
            "options": found.options,
            "keys": found.keys,
            "sstables": found.sstables,
            "bytes": found.bytes,
            "left": found.left,
        })
    };
    let mut line = json!({
        "type": "table",
        "table": of.table,
        "schema": of.schema,
        "found": of.found.iter().map(found).collect::<Vec<_>>(),
        "target": of.target.as_ref().map(|of| target(of)),
        "verdict": of.verdict.name(),
    });
    match &of.verdict {
        TableVerdict::Alter(statement) => line["statement"] = json!(statement),
        TableVerdict::Unknown(why) => line["error"] = error(why),
        _ => {}
    }
    line
}

pub(super) fn summary(schema: &Schema, tables: &[TableOptions]) -> Value {
    let local = schema.local();
    // Of an index the statement is that of its table.
    let altered: BTreeSet<&str> = tables
        .iter()
        .filter_map(|of| match &of.verdict {
            TableVerdict::Alter(statement) => Some(statement.as_str()),
            _ => None,
        })
        .collect();
    let count = |name| tables.iter().filter(|of| of.verdict.name() == name).count();
    json!({
        "type": "summary",
        "tables": tables.len(),
        "alter": altered.len(),
        "new_writes_in_clear": count("new_writes_in_clear"),
        "unknown": count("unknown"),
        "schema_version_of_the_node": local.and_then(|local| local.schema_version.as_deref()),
        "host_id": local.and_then(|local| local.host_id.as_deref()),
        "cluster_name": local.and_then(|local| local.cluster_name.as_deref()),
        "release_version": local.and_then(|local| local.release_version.as_deref()),
    })
}
