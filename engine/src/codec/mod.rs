//! Bytes on disk to plaintext and back, for each encrypted shape.
//!
//! A chunk of class `Encryptor` is `[key header] [IV] [ciphertext]`, nothing else: no length, no
//! MAC (FORMATS.md 5.1). So a plaintext is accepted only if it has exactly the expected length; a
//! wrong key passes the padding check once in 256 times.

mod chunks;
mod decode;
mod metadata;
mod open;
mod page;
mod seal;

pub use chunks::{CheckedChunks, ChunkSource, StoredChunk};
pub use decode::{ChunkDecoder, DecodeScratch};
pub use metadata::{Body, Metadata, MetadataError, encrypted_bodies};
pub(crate) use open::crc_mismatch;
pub use open::{ChunkError, ChunkOpener, Opened};
pub use page::{Limits, PageBatch, PageError, PageGeometry, PageOpener, PageSealer, page_content};
pub use seal::{ChunkLengths, ChunkSealer, SealedImage, record_length};
