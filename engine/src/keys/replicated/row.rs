//! A row of the tables in which the replicated provider keeps its keys.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rekey_kmip::secret::Secret;
use uuid::Uuid;

/// The table of a product. A node that was upgraded from one to the other may have both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyTable {
    /// DSE's.
    Dse,
    /// HCD's.
    Hcd,
}

impl KeyTable {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dse, Self::Hcd];

    /// The keyspace.
    #[must_use]
    pub const fn keyspace(self) -> &'static str {
        match self {
            Self::Dse => "dse_system",
            Self::Hcd => "hcd_system",
        }
    }
}

impl fmt::Display for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.encrypted_keys", self.keyspace())
    }
}

/// A row: a key, encrypted by a system key.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the columns of the table, and where it was")]
pub struct EncryptedKey {
    /// Whose table it is.
    pub table: KeyTable,
    /// `key_file`: the name of the system key.
    pub system_key: String,
    /// `cipher`: the bare algorithm.
    pub cipher: String,
    /// `strength`, in bits.
    pub strength: u32,
    /// `key_id`.
    pub id: Uuid,
    /// `key`: base64 of what the system key encrypted.
    pub value: Secret,
    /// The Data.db that has it.
    pub origin: Option<Arc<Path>>,
}
