//! The key of the replicated provider: the first row of the database's own table for the system key,
//! the bare algorithm and the strength (FORMATS.md 6.2).
//!
//! Only the database makes keys there: a row that is added to one stopped node would be unknown to the
//! others.

use uuid::Uuid;

use super::{KeyChoice, KeyWish};
use crate::keys::{EncryptedKey, KeyId, KeyRef, ReplicatedKeys};
use crate::options::{CompressionParams, EncryptorOptions};
use crate::{Error, Result};

/// What the target's options say.
#[derive(Debug)]
pub(in crate::plan) struct Asked<'a> {
    pub(in crate::plan) params: &'a CompressionParams,
    pub(in crate::plan) encryptor: &'a EncryptorOptions,
    /// The name of the system key.
    pub(in crate::plan) system_key: &'a str,
}

/// Settles the key, and why.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for options without a provider where that may mean another one, and for
/// an id that is none; [`crate::ErrorKind::KeyUnavailable`] when there is no such row, and what is
/// wrong with the table.
pub(in crate::plan) fn key(
    asked: &Asked<'_>,
    wish: KeyWish<'_>,
    keys: Option<&ReplicatedKeys>,
) -> Result<(KeyRef, Option<KeyChoice>)> {
    check_provider(asked.params, keys)?;
    let system_key = asked.system_key.to_owned();
    if let Some(id) = wish.id() {
        let id = Uuid::parse_str(id.as_str()).map_err(|error| {
            Error::invalid("the id of a key of the replicated provider is a UUID")
                .key(id)
                .caused_by(error)
                .hint("give the key_id of its row in the table encrypted_keys")
        })?;
        return Ok((KeyRef::Replicated { system_key, id: KeyId::new(id.to_string())? }, None));
    }
    if let KeyWish::New(_) = wish {
        return Err(Error::invalid(
            "a new key is asked for, and only a running node makes keys of the replicated provider",
        )
        .hint(HOW_TO_MAKE));
    }
    let Some(keys) = keys else {
        return Err(Error::invalid(
            "the target key is in the database's own table (dse_system.encrypted_keys or \
             hcd_system.encrypted_keys), which nothing here leads to",
        )
        .hint("give the data directories of the node, or name the key with --key-id (its key_id, a UUID)"));
    };
    let (cipher, bits) =
        (asked.encryptor.transformation().algorithm().name(), asked.encryptor.strength());
    match keys.to_write(asked.system_key, cipher, bits)? {
        Some(row) => {
            let id = KeyId::new(row.id.to_string())?;
            Ok((KeyRef::Replicated { system_key, id }, Some(choice(row))))
        }
        None => Err(Error::key_unavailable(format!(
            "the database's own table encrypted_keys has no {cipher} key of {bits} bits to write with"
        ))
        .key(asked.system_key.escape_debug())
        .hint(HOW_TO_MAKE)),
    }
}

fn choice(row: &EncryptedKey) -> KeyChoice {
    KeyChoice {
        reason: format!(
            "the first row of {} for {}, {} bits, under this system key",
            row.table, row.cipher, row.strength
        ),
        state: None,
        others: vec![],
        warnings: vec![],
        by_rule: true,
        rotates: false,
    }
}

/// Without a provider some products mean this one and others none.
fn check_provider(params: &CompressionParams, keys: Option<&ReplicatedKeys>) -> Result<()> {
    let names_provider = ["key_provider", "secret_key_provider_factory_class"];
    if names_provider.iter().any(|name| params.options().get(name).is_some())
        || keys.is_some_and(ReplicatedKeys::is_default_provider)
    {
        return Ok(());
    }
    Err(Error::invalid(
        "option 'key_provider' is missing, which means the replicated provider to some releases \
         of the database and nothing to others",
    )
    .hint("name the provider; or, if the node runs DSE, say so: --flavor dse"))
}

const HOW_TO_MAKE: &str = "have the database make it: on the running cluster, ALTER TABLE with these \
                           options, write to the table, nodetool flush, then nodetool drain; stop the \
                           node and run again";
