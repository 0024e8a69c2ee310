//! The database's compressors, one chunk at a time (FORMATS.md 4).
//!
//! A [`Codec`] is a compressor with its options, as [`Transformation`](crate::crypto::Transformation)
//! is a cipher: a small value to compare, hold and copy. [`ChainFraming`] puts a codec in front of
//! an `Encryptor`. Neither knows where a chunk comes from.
//!
//! Every decoder is told how long the plaintext is and is given exactly that much room; a length
//! in the data is compared with it and never believed. What a decoder does not use up is an error,
//! too.
//!
//! The libraries behind it: `lz4`, for it binds the liblz4 that the database runs as well, and the
//! Rust ones have no high compression; `zstd` binds the only complete implementation; `flate2` on
//! `zlib-rs` and `snap` are Rust. [`CodecContext`] keeps their working memory between chunks. What
//! they leave in it (a window, literals, hash tables) is theirs, and not wiped.

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
