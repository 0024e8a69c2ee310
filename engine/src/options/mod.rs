//! What a CQL `compression` map means, as typed values (FORMATS.md 2.1, 5.2).
//!
//! An [`OptionMap`] is the map as text: parsed from CQL, or taken from a CompressionInfo.db.
//! [`CompressionParams`] is the target of a run, [`ChunkScheme`] is what a class and its options do
//! to a chunk, and [`EncryptorOptions`] is the part of it that encrypts. Everything that this
//! release cannot honour exactly is refused here, before a byte is written. No key is ever in a
//! map: options name keys, they do not hold them; this module never opens a file.

mod chunk_length;
mod class;
mod cql;
mod encryptor;
mod map;
mod meant;
mod params;
mod provider;
mod scheme;
mod shown;

pub use chunk_length::{ChunkLength, ChunkLengthError};
pub use class::CompressorClass;
pub use encryptor::EncryptorOptions;
pub(crate) use map::alter;
pub use map::{DuplicateOption, OptionMap};
pub(crate) use meant::{did_you_mean, meant};
pub use params::CompressionParams;
pub use provider::ProviderOptions;
pub use scheme::ChunkScheme;
pub(crate) use shown::{escape, shown};
