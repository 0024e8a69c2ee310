//! What an SSTable says of itself, as a value.

use std::path::PathBuf;
use std::sync::Arc;

use super::tally::KeyUse;
use crate::Error;
use crate::compress::Codec;
use crate::io::FileStat;
use crate::options::{ChunkScheme, CompressorClass, EncryptorOptions, OptionMap};
use crate::sstable::{Component, CompressionHeader, Version};
use crate::txn::LiveSSTable;

/// How the Data.db of an SSTable is stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Shape {
    /// Not compressed: there is no CompressionInfo.db.
    Uncompressed,
    /// In chunks that are compressed, encrypted, or both.
    Chunked {
        /// Simple class name.
        class: String,
        /// What the class and its options do.
        scheme: Arc<ChunkScheme>,
    },
    /// By another class, which may encrypt; this release does not read it.
    Foreign {
        /// Class name.
        class: String,
        /// Why not.
        why: Error,
    },
}

impl Shape {
    /// How its chunks are encrypted.
    #[must_use]
    pub fn encryptor(&self) -> Option<&EncryptorOptions> {
        match self {
            Self::Chunked { scheme, .. } => scheme.encryptor(),
            Self::Uncompressed | Self::Foreign { .. } => None,
        }
    }

    /// How they are compressed.
    #[must_use]
    pub fn codec(&self) -> Option<Codec> {
        match self {
            Self::Chunked { scheme, .. } => scheme.codec(),
            Self::Uncompressed | Self::Foreign { .. } => None,
        }
    }

    /// Whether its chunks are encrypted, or may be as far as this release can see.
    #[must_use]
    pub fn may_be_encrypted(&self) -> bool {
        match self {
            Self::Foreign { class, .. } => CompressorClass::parse(class).may_encrypt(),
            Self::Uncompressed | Self::Chunked { .. } => self.is_encrypted(),
        }
    }

    /// Whether its chunks are encrypted in a way that this release reads.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encryptor().is_some()
    }
}

/// What is known of one SSTable without any key.
#[derive(Debug)]
pub struct Facts {
    /// Where it is and what it is made of.
    pub sstable: Arc<LiveSSTable>,
    /// The row of the version table.
    pub version: &'static Version,
    /// How it is stored.
    pub shape: Shape,
    /// The head of CompressionInfo.db, if there is one.
    pub header: Option<CompressionHeader>,
    /// Length of Data.db.
    pub data_bytes: u64,
    /// Length of all its files.
    pub total_bytes: u64,
    /// All its files, as they were looked at.
    pub files: Vec<(Component, FileStat)>,
    /// What is encrypted beside Data.db, under the same options.
    pub encrypted_components: Vec<Component>,
    /// Whether the nodes that read it take its index for encrypted wherever its Data.db is.
    pub nodes_encrypt_index: bool,
    /// The site's limit for the length of key ids, in bytes, under which its index was written, if it is not
    /// that of the target.
    pub longest_id: Option<usize>,
    /// The keys in use, most used first; those of [`Self::encrypted_components`], too.
    pub keys: Vec<KeyUse>,
    /// Chunks stored in clear because of `min_compress_ratio` (FORMATS.md 2.3).
    pub clear_chunks: u64,
    /// Things worth a warning.
    pub warnings: Vec<Error>,
}

impl Facts {
    /// Length of the plaintext.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.header.as_ref().map_or(self.data_bytes, |header| header.data_length)
    }

    /// Its options as a CQL map; none of an uncompressed one.
    #[must_use]
    pub fn options(&self) -> Option<OptionMap> {
        let header = self.header.as_ref()?;
        let kib = (header.chunk_length.bytes() / 1024).to_string();
        let own = [("class", header.class.as_str()), ("chunk_length_in_kb", kib.as_str())];
        OptionMap::from_pairs(own.into_iter().chain(header.options.iter())).ok()
    }

    /// The path of Data.db.
    #[must_use]
    pub fn data_path(&self) -> PathBuf {
        self.sstable.path(&Component::Data)
    }
}
