//! The engine of `sstablerekey`: re-encrypts the SSTables of Cassandra-family databases offline.
//!
//! Data flows one way. [`plan`] examines the data directories and decides everything. [`rewrite`]
//! carries the plan out for one SSTable, piece by piece. [`pipeline`] distributes the pieces of all
//! SSTables over the cores. [`txn`] swaps a finished SSTable in with the database's own transaction
//! log. [`upgrade`] is the facade over all of it.
//!
//! The engine prints nothing, reads no environment variables, and connects only to the key servers
//! that [`config`] names. Progress is reported as [`event`]s. `ARCHITECTURE.md` at the root of the
//! repository is the map.

pub mod codec;
pub mod compress;
pub mod config;
pub mod crypto;
pub mod error;
pub mod event;
pub mod evidence;
pub mod io;
pub mod journal;
pub mod keys;
pub mod memory;
pub mod options;
pub mod pipeline;
pub mod plan;
pub mod rewrite;
pub mod schema;
pub mod sstable;
pub mod system;
pub mod trie;
pub mod txn;
pub mod upgrade;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
