//! Keys: their names, their bytes, and the places that keep them.
//!
//! A [`KeyRef`] names a key and may be printed, stored and compared; a [`SecretKey`] holds its
//! bytes and allows none of that. A [`KeyProvider`] turns the first into the second, before the
//! pipeline starts. The [`header`] of a chunk says which key a chunk of a KMIP table needs (KMIP.md
//! 3.1).
//!
//! Buffers through which key bytes pass are wiped, and no error repeats the content of a key
//! file. The only write here is [`LocalKeyFiles::create`], which appends to a key file.

pub mod header;

mod id;
mod keystore;
pub mod kmip;
mod kmip_file;
mod local;
mod reference;
mod replicated;
mod ring;
mod secret;
mod secret_file;
mod sources;
mod system_key;

use std::fmt;

pub use header::{HeaderError, HeaderKind, KeyHeader, ParsedHeader};
pub use id::{DATABASE_KEY_ID_LIMIT, KeyId, KeyIdError, MAX_KEY_ID_LENGTH};
pub use keystore::NodeKeystore;
pub use kmip::KmipServers;
pub use kmip_file::KmipKeyFile;
pub use local::{KeyCreation, KeyFile, LocalKeyFiles};
pub use reference::{KeyGroup, KeyRef};
pub use replicated::{EncryptedKey, KeyRows, KeyTable, ReplicatedKeys};
pub use ring::KeyRing;
pub use secret::SecretKey;
pub use sources::KeySources;
pub use system_key::SystemKey;
pub(crate) use system_key::group_and_id as kmip_group_and_id;

use crate::error::Result;

/// A place that keeps keys.
pub trait KeyProvider: fmt::Debug + Send + Sync {
    /// Fetches a key by its name, whatever its state there: data encrypted with it must stay
    /// readable.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when the place does not have
    /// the key, or keeps keys of another kind; other kinds when the place itself fails. The error
    /// names the key, but never contains its bytes.
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey>;
}
