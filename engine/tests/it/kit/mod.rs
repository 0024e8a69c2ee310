//! What the tests share: copies of real SSTables, and an oracle that reads them by itself.

pub(crate) mod oracle;
pub(crate) mod workspace;

pub(crate) use oracle::{plaintext, stored_key_ids};
pub(crate) use workspace::Workspace;
