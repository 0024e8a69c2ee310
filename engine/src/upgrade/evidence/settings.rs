//! What the node's settings and tables put under a key: what it writes from now on, the keys of its own
//! table, values of its configuration.

use std::path::Path;

use super::draft::{Draft, Item};
use super::request::EvidenceRequest;
use crate::Result;
use crate::config::{BesideTables, NextFiles, NodeConfig};
use crate::evidence::{Encrypts, KeyName, Place, UnknownKind};
use crate::keys::{EncryptedKey, KeyRef, kmip_group_and_id};
use crate::options::{
    CompressionParams, CompressorClass, EncryptorOptions, OptionMap, ProviderOptions,
};
use crate::schema::{Schema, TableSchema};

/// Counts what the schema makes the node write under.
pub(super) fn next_writes(schema: &Schema, rows: &[EncryptedKey], draft: &mut Draft) {
    let own =
        schema.tables().iter().filter(|table| !OF_THE_CODE.contains(&table.keyspace.as_str()));
    for table in own {
        let name = name_of(table);
        match table.params().and_then(|params| written_with(&params)) {
            Ok(None) => {}
            Ok(Some(options)) => {
                for key in keys_of(&options, rows) {
                    let item = Item { table: Some(&name), ..Item::at(Place::NextWrites, None) };
                    draft.add_use(&key, item);
                }
            }
            Err(error) => {
                let class = table.compression.get("class").map(CompressorClass::parse);
                if class.is_some_and(|class| class.may_encrypt()) {
                    let error = error.key(&name);
                    draft.add_unknown_of(UnknownKind::Foreign, &error, None);
                }
            }
        }
    }
}

/// Counts keys that a system key encrypts in the database's own table, or in a snapshot of it.
pub(super) fn key_table(rows: &[EncryptedKey], tag: Option<&str>, draft: &mut Draft) {
    for row in rows {
        let item = Item { tag, ..Item::at(Place::KeyTable, row.origin.as_deref()) };
        draft.add_use(&system_key(&row.system_key), item);
    }
}

/// Counts what the node's configuration says.
pub(super) fn configuration(request: &EvidenceRequest<'_>, draft: &mut Draft) {
    if let Some(node) = request.node
        && let Err(error) = beside_tables(&node.installation().cassandra_yaml.value, draft)
    {
        draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
    }
    let Some(config) = request.config else { return };
    let encryption = config.config_encryption();
    if encryption.active {
        let item = Item::at(Place::Configuration, Some(config.path()));
        draft.add_use(&system_key(&encryption.key_name), item);
    }
    if let Err(error) = own_tables(config, draft) {
        draft.add_unknown_of(UnknownKind::NotLookedAt, &error, None);
    }
}

/// Whether the node encrypts what it writes next. What of its files cannot be read was noted where that
/// counts.
pub(super) fn encrypts(request: &EvidenceRequest<'_>) -> Encrypts {
    let next = NextFiles::of(request.node, request.config).unwrap_or_default();
    let of = |options: Option<OptionMap>| match next.transparent {
        Some(_) => Some(true),
        None => options.map(|options| !options.is_empty()),
    };
    Encrypts { commit_log: of(next.commit_log), hints: of(next.hints) }
}

/// A key file has one key for its cipher and strength; of a server the node takes the one that is then the
/// newest.
fn own_tables(config: &NodeConfig, draft: &mut Draft) -> Result<()> {
    let options = config.system_tables()?;
    if options.get("class").is_none() {
        return Ok(());
    }
    let written = written_with(&CompressionParams::from_cql_options(&options)?)?;
    for key in written.map(|options| keys_of(&options, &[])).unwrap_or_default() {
        draft.add_use(&key, Item::at(Place::NextWrites, Some(config.path())));
    }
    Ok(())
}

/// What `cassandra.yaml` makes the node write its commit log and hints under.
fn beside_tables(cassandra_yaml: &Path, draft: &mut Draft) -> Result<()> {
    let says = BesideTables::read(cassandra_yaml)?;
    let item = || Item::at(Place::NextWrites, Some(cassandra_yaml));
    let transparent = says.transparent.filter(|says| says.enabled);
    if let Some(alias) = transparent.and_then(|says| says.key_alias) {
        draft.add_use(&KeyName::Keystore { alias }, item());
    }
    for options in [says.commit_log, says.hints].into_iter().filter(|options| !options.is_empty()) {
        let written = written_with(&CompressionParams::from_cql_options(&options)?)?;
        for key in written.map(|options| keys_of(&options, &[])).unwrap_or_default() {
            draft.add_use(&key, item());
        }
    }
    Ok(())
}

fn written_with(params: &CompressionParams) -> Result<Option<EncryptorOptions>> {
    Ok(params.scheme()?.and_then(|scheme| scheme.encryptor().cloned()))
}

/// The keys that a node writes with, by options that say it.
fn keys_of(options: &EncryptorOptions, rows: &[EncryptedKey]) -> Vec<KeyName> {
    match options.provider() {
        ProviderOptions::Kmip { .. } => vec![],
        ProviderOptions::Local { .. } => {
            KeyRef::named_by(options, None).iter().map(KeyName::from).collect()
        }
        // The first row of each product's table (FORMATS.md 6.2).
        ProviderOptions::Replicated { system_key_file, .. } => {
            let cipher = options.transformation().algorithm().name();
            let is_it = |row: &&EncryptedKey| {
                row.system_key == *system_key_file
                    && row.cipher == cipher
                    && row.strength == options.strength()
            };
            let mut first: Vec<&EncryptedKey> = Vec::new();
            for row in rows.iter().filter(is_it) {
                if !first.iter().any(|known| known.table == row.table) {
                    first.push(row);
                }
            }
            let name = |row: &EncryptedKey| KeyName::Replicated {
                system_key: row.system_key.clone(),
                id: row.id.to_string(),
            };
            first.into_iter().map(name).collect()
        }
    }
}

/// A system key is in a file, or on a KMIP server.
fn system_key(name: &str) -> KeyName {
    match kmip_group_and_id(name) {
        Some((group, id)) => KeyName::Kmip { group: group.to_owned(), id: id.to_owned() },
        None => KeyName::SystemKey { name: name.to_owned() },
    }
}

fn name_of(table: &TableSchema) -> String {
    format!("{}.{}", table.keyspace, table.name)
}

/// Keyspaces whose tables a node defines by its code, whatever rows they have.
const OF_THE_CODE: [&str; 2] = ["system", "system_schema"];
