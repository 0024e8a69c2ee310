//! The engine of `sstablerekey`: re-encrypts the SSTables of Cassandra-family databases offline.

pub mod crypto;
pub mod error;
pub mod io;
pub mod keys;
pub mod options;
pub mod pipeline;
pub mod sstable;
pub mod txn;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
