//! The engine of `sstablerekey`: re-encrypts the SSTables of Cassandra-family databases offline.
//!
//! Data flows one way. [`plan`] looks at the data directories and decides everything; [`rewrite`]
//! carries it out for one SSTable, piece by piece; [`pipeline`] spreads the pieces of all of them
//! over the cores; [`txn`] swaps a finished SSTable in with the database's own transaction log.
//! [`upgrade`] is the facade over all of it.
//!
//! The engine prints nothing and reads no environment, and talks to nobody but the key servers
//! that [`config`] names; progress leaves as [`event`]s. `ARCHITECTURE.md` at the root of the repository is the map.

pub mod codec;
pub mod compress;
pub mod config;
pub mod crypto;
pub mod error;
pub mod event;
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
pub mod txn;
pub mod upgrade;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
