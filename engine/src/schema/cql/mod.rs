//! A schema as CQL: what `DESCRIBE SCHEMA` prints, or `schema.cql` of a snapshot.
//!
//! ```text
//! CREATE KEYSPACE name WITH replication = {...} [AND durable_writes = ...];
//! CREATE TABLE [keyspace.]name (...) [WITH [ID = ...] [AND compression = {...}] ...];
//! CREATE MATERIALIZED VIEW [keyspace.]name AS SELECT ... FROM name ... [WITH ...];
//! CREATE [CUSTOM] INDEX [name] ON [keyspace.]name (...) [USING '...'] [WITH OPTIONS = {...}];
//! ALTER TABLE | MATERIALIZED VIEW | KEYSPACE name ... [WITH ...];     USE keyspace;
//! ```
//!
//! Of the same name the last statement counts. Types and columns are not read.

mod lexer;
mod options;
mod parser;
mod statements;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::lexer::Wrong;
use self::statements::Statements;
use super::{Schema, TableKind};
use crate::config;
use crate::{Error, Result};

impl Schema {
    /// Reads a schema as CQL from a file of up to 64 MiB.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it is missing or no regular file, is not text in UTF-8, and as
    /// [`Self::parse_cql`]; [`crate::ErrorKind::Io`].
    pub fn read_cql(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let bytes = config::read_file(&path, "the schema file", LONGEST)?;
        let text = str::from_utf8(&bytes).map_err(|error| {
            let at = error.valid_up_to();
            let (line, column) = position(&String::from_utf8_lossy(&bytes), at);
            Error::invalid(format!("line {line}, column {column}: not text in UTF-8"))
                .at(&path)
                .hint("save the file in UTF-8")
        })?;
        Self::parse_cql(text, &path)
    }

    /// Reads a schema as CQL; `path` is where the text is from. Tables have an id only if the text
    /// says it (`DESCRIBE SCHEMA WITH INTERNALS`, `schema.cql`), and no compression if it does not. There
    /// are no types, dropped columns, or facts of the node.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] with line and column for what is no CQL of a schema, and for a text
    /// without any table.
    pub fn parse_cql(text: &str, path: &Path) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(Error::invalid(format!("a schema of more than {LONGEST} bytes"))
                .at(path)
                .hint(HINT));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let wrong = |Wrong { at, what }| {
            let (line, column) = position(text, at);
            Error::invalid(format!("line {line}, column {column}: {what}")).at(path).hint(HINT)
        };
        let found = Statements::read(text, &Arc::from(path)).map_err(wrong)?;
        if found.tables.is_empty() {
            return Err(Error::invalid("there is no CREATE TABLE in it").at(path).hint(HINT));
        }
        let mut schema = Self {
            is_found: true,
            keyspaces: found.keyspaces.into_values().collect(),
            indexes: found.indexes.into_values().collect(),
            ..Self::default()
        };
        let is_table = |kind: &TableKind| *kind == TableKind::Table;
        let (tables, views) = found.tables.into_values().partition(|table| is_table(&table.kind));
        schema.add(tables);
        schema.add(views);
        schema.add_indexes();
        Ok(schema)
    }
}

/// Line and column of a byte, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    (lines.saturating_add(1), line.chars().count().saturating_add(1))
}

/// Bytes of a text.
const LONGEST: usize = 64 << 20;
const HINT: &str =
    "give what DESCRIBE SCHEMA prints in cqlsh, or schema.cql of a snapshot, and nothing else";
