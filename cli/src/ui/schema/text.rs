//! The same in words.

use std::fmt::Write as _;

use rekey_engine::options::{ChunkScheme, CompressionParams, OptionMap, ProviderOptions};
use rekey_engine::schema::Schema;
use rekey_engine::upgrade::{TableOptions, TableVerdict};

use crate::ui::text::{align, bytes, hint, table};

pub(super) fn schema(schema: &Schema, tables: &[TableOptions], all: bool) -> String {
    let shown: Vec<_> = tables.iter().filter(|of| all || !is_in_clear(of)).collect();
    let mut lines = table(&["table", "the node writes", "SSTables", "bytes", "are", "to do"]);
    for of in &shown {
        let written = match &of.schema {
            Some(options) => in_short(Some(options)),
            None if matches!(of.verdict, TableVerdict::Dropped) => {
                "nothing: no such table".to_owned()
            }
            None => "by its configuration".to_owned(),
        };
        let (mut counts, mut sizes, mut are) = (vec![], vec![], vec![]);
        for found in &of.found {
            counts.push(found.sstables.to_string());
            sizes.push(bytes(found.bytes));
            are.push(in_short(found.options.as_ref()));
        }
        lines.add_row([
            of.table.clone(),
            written,
            counts.join("\n"),
            sizes.join("\n"),
            are.join("\n"),
            to_do(of),
        ]);
    }
    align(&mut lines, &[2, 3]);
    let mut text = format!("{lines}\n");
    let mut statements: Vec<&str> = shown.iter().filter_map(|of| statement(&of.verdict)).collect();
    // The one of a table is that of its indices, which are listed after it.
    statements.dedup();
    if !statements.is_empty() {
        text.push_str("\nthe node writes these tables with other options until you alter them:\n");
        for statement in statements {
            let _ = writeln!(text, "  {statement}");
        }
    }
    for of in &shown {
        if let TableVerdict::Unknown(error) = &of.verdict {
            let _ = writeln!(text, "unknown: {}: {}", of.table, error.chain());
            hint(&mut text, error);
        }
    }
    if shown.len() < tables.len() {
        let left = tables.len().saturating_sub(shown.len());
        let _ = writeln!(text, "not shown: {left} tables that are not encrypted (--all)");
    }
    if let Some(version) = schema.local().and_then(|local| local.schema_version.as_deref()) {
        let _ = writeln!(text, "schema version {version}, as this node had it when it stopped");
    }
    text
}

fn is_in_clear(of: &TableOptions) -> bool {
    matches!(of.verdict, TableVerdict::InClear)
}

fn statement(verdict: &TableVerdict) -> Option<&str> {
    match verdict {
        TableVerdict::Alter(statement) => Some(statement),
        _ => None,
    }
}

fn to_do(of: &TableOptions) -> String {
    let rewrite = || match of.found.iter().map(|found| found.left).sum::<usize>() {
        0 => "nothing".to_owned(),
        left => format!("re-encrypt {left}"),
    };
    match &of.verdict {
        TableVerdict::InClear => "nothing".to_owned(),
        TableVerdict::AsTarget | TableVerdict::Dropped => rewrite(),
        TableVerdict::Alter(_) => format!("alter it; {}", rewrite()),
        TableVerdict::NewWritesInClear => "alter it: new writes are in clear".to_owned(),
        TableVerdict::Unknown(_) => "unknown, see below".to_owned(),
        _ => String::new(),
    }
}

/// Class, strength and the place of the key.
fn in_short(options: Option<&OptionMap>) -> String {
    let Some(options) = options else { return "uncompressed".to_owned() };
    let Ok(params) = CompressionParams::from_cql_options(options) else {
        return options.get("class").unwrap_or("unknown").to_owned();
    };
    let Some(class) = params.class() else { return "uncompressed".to_owned() };
    let scheme = params.scheme().ok().flatten();
    match scheme.as_ref().and_then(ChunkScheme::encryptor) {
        None => class.simple_name().to_owned(),
        Some(encryptor) => {
            let place = match encryptor.provider() {
                ProviderOptions::Kmip { host, .. } => format!("kmip {host}"),
                ProviderOptions::Local { secret_key_file } => secret_key_file.clone(),
                ProviderOptions::Replicated { system_key_file, .. } => {
                    format!("replicated {system_key_file}")
                }
                _ => String::new(),
            };
            format!("{} {} bits, {place}", class.simple_name(), encryptor.strength())
        }
    }
}
