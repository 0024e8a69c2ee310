//! Targets that take any bytes in place of what a database, an operator or an earlier run left.
//!
//! Each module has `run`, which must return for any input, and `seeds`, inputs that reach the code
//! under test. Where a checksum guards a parser, `run` corrects it, so that changes of a seed get
//! past it. If there is an encoder, a value must survive being encoded and read again.
//!
//! `testdata/fuzz/run` drives them by libFuzzer, and `engine/tests/it/fuzz.rs` on stable Rust.

pub mod chunk;
pub mod chunk_table;
pub mod codec;
pub mod config;
pub mod crc_table;
pub mod directory;
pub mod evidence;
pub mod journal;
pub mod key_files;
pub mod key_header;
pub mod metadata;
pub mod names;
pub mod node;
pub mod options;
pub mod page;
pub mod records;
pub mod schema;
pub mod schema_cql;
mod scratch;
mod set;
pub mod statistics;
pub mod system;
pub mod transaction_log;
pub mod trie;
pub mod utf;
