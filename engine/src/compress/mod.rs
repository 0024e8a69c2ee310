//! The database's compressors, one chunk at a time (FORMATS.md 4).
//!
//! A [`Codec`] is a compressor with its options, as
//! [`Transformation`](crate::crypto::Transformation) is a cipher: a small value to compare, store
//! and copy. [`ChainFraming`] puts a codec in front of an `Encryptor`. Neither knows where a chunk
//! comes from.
//!
//! Every decoder is told the length of the plaintext and gets exactly that much room. A length in
//! the data is compared with it and never trusted. Input that a decoder does not use up is an
//! error, too.
//!
//! The libraries: `lz4`, since it binds liblz4, which the database uses too, and the Rust crates
//! have no high compression; `zstd` binds the only complete implementation; `flate2` on `zlib-rs`
//! and `snap` are Rust. [`CodecContext`] keeps their working memory between chunks. What they leave
//! in it (a window, literals, hash tables) is not wiped.

mod chain;
mod codec;
mod context;
mod deflate;
mod error;
mod level;
mod lz4;
mod snappy;
mod zstd;

#[cfg(test)]
mod tests;

pub use chain::ChainFraming;
pub use codec::Codec;
pub use context::CodecContext;
pub use error::CodecError;
pub use level::{AdaptiveLevel, AdaptiveLevels, LevelError, Lz4Level, Lz4Type, ZstdLevel};
