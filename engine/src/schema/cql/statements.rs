//! The statements.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::{Index, Keyspace, TableKind, TableSchema};
use super::lexer::{Kind, Wrong};
use super::parser::Parser;
use crate::options::{OptionMap, shown};

/// A keyspace, and a name in it.
type FullName = (String, String);

/// What they make.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pub(super) keyspaces: BTreeMap<String, Keyspace>,
    /// Views, too.
    pub(super) tables: BTreeMap<FullName, TableSchema>,
    pub(super) indexes: BTreeMap<FullName, Index>,
}

impl Statements {
    pub(super) fn read(text: &str, path: &Arc<Path>) -> Result<Self, Wrong> {
        let (mut parser, mut all) = (Parser::new(text), Self::default());
        loop {
            let token = parser.next()?;
            let Kind::Word(verb) = token.kind else {
                match token.kind {
                    Kind::End => return Ok(all),
                    Kind::Symbol(';') => continue,
                    _ => return Err(parser.unexpected(&token, "a statement")),
                }
            };
            match verb.to_ascii_lowercase().as_str() {
                "create" => all.create(&mut parser, path)?,
                "alter" => all.alter(&mut parser)?,
                "use" => parser.keyspace = Some(parser.name()?),
                verb if IGNORED.contains(&verb) => {}
                _ => return Err(parser.unexpected(&token, "a statement of a schema")),
            }
            parser.skip_statement()?;
            let counts = [all.keyspaces.len(), all.tables.len(), all.indexes.len()];
            if counts.into_iter().any(|count| count > MOST) {
                let what = format!("there are more than {MOST} of a kind");
                return Err(Wrong { at: token.start, what });
            }
        }
    }

    fn create(&mut self, parser: &mut Parser<'_>, path: &Arc<Path>) -> Result<(), Wrong> {
        if parser.eat("keyspace")? {
            return self.keyspace(parser);
        }
        if parser.eat("table")? || parser.eat("columnfamily")? {
            parser.if_not_exists()?;
            let name = parser.full_name()?;
            return self.table(parser, name, TableKind::Table, path);
        }
        if parser.eat("materialized")? {
            parser.expect("view")?;
            parser.if_not_exists()?;
            let name = parser.full_name()?;
            parser.expect("as")?;
            if !parser.skip_to_word("from")? {
                return Err(parser.unexpected_here("FROM")?);
            }
            let (_, of) = parser.full_name()?;
            return self.table(parser, name, TableKind::View { of }, path);
        }
        let is_custom = parser.eat("custom")?;
        if parser.eat("index")? {
            return self.index(parser, is_custom);
        }
        // Functions, roles, types, triggers and others.
        Ok(())
    }

    fn keyspace(&mut self, parser: &mut Parser<'_>) -> Result<(), Wrong> {
        parser.if_not_exists()?;
        let name = parser.name()?;
        let options = parser.options()?;
        let durable_writes = options.durable_writes.unwrap_or(true);
        let replication = options.replication.unwrap_or_default();
        self.keyspaces.insert(name.clone(), Keyspace { name, durable_writes, replication });
        Ok(())
    }

    fn table(
        &mut self,
        parser: &mut Parser<'_>,
        name: FullName,
        kind: TableKind,
        path: &Arc<Path>,
    ) -> Result<(), Wrong> {
        let options = parser.options()?;
        let table = TableSchema {
            keyspace: name.0.clone(),
            name: name.1.clone(),
            id: options.id.unwrap_or_default(),
            kind,
            compression: options.compression.unwrap_or_default(),
            origins: vec![Arc::clone(path)],
        };
        self.tables.insert(name, table);
        Ok(())
    }

    fn index(&mut self, parser: &mut Parser<'_>, is_custom: bool) -> Result<(), Wrong> {
        parser.if_not_exists()?;
        let named = match parser.eat("on")? {
            true => None,
            false => {
                let name = parser.name()?;
                parser.expect("on")?;
                Some(name)
            }
        };
        let (keyspace, table) = parser.full_name()?;
        let target = parser.bracketed()?;
        let class = match parser.eat("using")? {
            true => Some(parser.text()?),
            false => None,
        };
        let of_index = parser.options()?.of_index.unwrap_or_default();
        let has_sstables = class.as_deref().is_none_or(|class| class == LOCAL_TABLE) && !is_custom;
        let kind = if has_sstables { "COMPOSITES" } else { "CUSTOM" };
        let name = named.unwrap_or_else(|| {
            let usual = format!("{table}_{target}_idx");
            usual.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect()
        });
        let own = of_index.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let class = class.filter(|_| !has_sstables).map(|class| ("class_name".to_owned(), class));
        let more = [Some(("target".to_owned(), target.to_owned())), class];
        let options = OptionMap::from_pairs(own.chain(more.into_iter().flatten()));
        let options = options.map_err(|error| parser.wrong_here(error.to_string()))?;
        let key = (keyspace.clone(), name.clone());
        self.indexes.insert(key, Index { keyspace, table, name, kind: kind.to_owned(), options });
        Ok(())
    }

    fn alter(&mut self, parser: &mut Parser<'_>) -> Result<(), Wrong> {
        if parser.eat("keyspace")? {
            parser.if_not_exists()?;
            let name = parser.name()?;
            let options = parser.options()?;
            let Some(keyspace) = self.keyspaces.get_mut(&name) else { return Ok(()) };
            keyspace.durable_writes = options.durable_writes.unwrap_or(keyspace.durable_writes);
            if let Some(replication) = options.replication {
                keyspace.replication = replication;
            }
            return Ok(());
        }
        if parser.eat("materialized")? {
            parser.expect("view")?;
        } else if !(parser.eat("table")? || parser.eat("columnfamily")?) {
            return Ok(());
        }
        parser.if_not_exists()?;
        let name = parser.full_name()?;
        let Some(compression) = parser.options()?.compression else { return Ok(()) };
        match self.tables.get_mut(&name) {
            Some(table) => table.compression = compression,
            None => {
                let what = format!("{} is altered, and was not created", shown(&name.1));
                return Err(parser.wrong_here(what));
            }
        }
        Ok(())
    }
}

/// The class of an index that keeps its SSTables as a table does.
const LOCAL_TABLE: &str = "legacy_local_table";

/// Statements that a dump may have beside those of a schema. DROP is none of them: what it takes away
/// would have to be taken away.
const IGNORED: [&str; 5] = ["delete", "grant", "insert", "revoke", "update"];

/// Of each kind. Nodes do badly with some hundreds of tables.
const MOST: usize = 1 << 16;
