//! What the tests share: copies of real SSTables, synthetic ones, an independent oracle that reads
//! them, storages that fail, and the diagnosis of a damaged SSTable.

pub(crate) mod beside;
pub(crate) mod oracle;
pub(crate) mod pass_on;
pub(crate) mod patient;
pub(crate) mod small_disk;
pub(crate) mod storage;
pub(crate) mod synthetic;
pub(crate) mod system;
pub(crate) mod trie;
pub(crate) mod workspace;

pub(crate) use oracle::{plaintext, stored_key_ids};
pub(crate) use patient::Patient;
pub(crate) use storage::TestStorage;
pub(crate) use workspace::Workspace;
