//! Chunks of class `Encryptor` to plaintext.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::{CipherKey, DecryptFailed, Transformation};
use crate::keys::{HeaderError, HeaderKind, KeyId};
use crate::{Error, ErrorKind};

/// Why a chunk gives no plaintext.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Its key header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Its length is not that of a chunk with so much plaintext.
    #[error("{stored} bytes are stored where a chunk of {plain} bytes takes {expected}")]
    Length {
        /// Bytes stored.
        stored: usize,
        /// Bytes that it should take.
        expected: usize,
        /// Bytes of plaintext.
        plain: usize,
    },
    /// Its header names a key that the run does not have.
    #[error("its header names key {0}, which this run does not have")]
    UnknownKey(String),
    /// It does not decrypt to the expected length.
    #[error(transparent)]
    Decrypt(#[from] DecryptFailed),
}

impl From<ChunkError> for Error {
    fn from(error: ChunkError) -> Self {
        let kind = match error {
            ChunkError::UnknownKey(_) => ErrorKind::KeyUnavailable,
            _ => ErrorKind::Corrupt,
        };
        let cure = match error {
            ChunkError::Decrypt(_) => {
                "compare the key with the one that the node used; if it is right, \
                 scrub the SSTable on the node or restore it from a backup"
            }
            ChunkError::UnknownKey(_) => "plan again: the file was changed since",
            _ => "scrub the SSTable on the node, or restore it from a backup",
        };
        Self::new(kind, error.to_string()).cure(cure)
    }
}

/// The error for a chunk whose CRC32 is not that of its stored bytes.
#[must_use]
pub fn crc_mismatch() -> Error {
    Error::corrupt("the chunk's CRC does not match its bytes")
        .cure("restore the SSTable from a backup or a replica, or scrub it on the node")
}

/// Opens the chunks of one SSTable, with the keys that it needs and no others.
#[derive(Debug)]
pub struct ChunkOpener {
    header: HeaderKind,
    transformation: Transformation,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    One(Arc<CipherKey>),
    ById(BTreeMap<KeyId, Arc<CipherKey>>),
}

impl ChunkOpener {
    /// Chunks without a key header: one key for the whole SSTable.
    #[must_use]
    pub fn with_key(key: Arc<CipherKey>) -> Self {
        let transformation = key.transformation().clone();
        Self { header: HeaderKind::None, transformation, keys: Keys::One(key) }
    }

    /// Chunks that name their keys.
    #[must_use]
    pub const fn with_ids(
        transformation: Transformation,
        keys: BTreeMap<KeyId, Arc<CipherKey>>,
    ) -> Self {
        Self { header: HeaderKind::Kmip, transformation, keys: Keys::ById(keys) }
    }

    /// Bytes that `out` must have for a chunk of so much plaintext: the ciphertext is decrypted
    /// in place there.
    #[must_use]
    pub const fn working_length(&self, plain: usize) -> usize {
        self.transformation.ciphertext_length(plain)
    }

    /// Decrypts a chunk to the first `plain` bytes of `out`, which must be
    /// [`working_length`](Self::working_length) bytes long.
    ///
    /// # Errors
    /// [`ChunkError`]; `out` then holds nothing to be believed.
    pub fn open(&self, stored: &[u8], plain: usize, out: &mut [u8]) -> Result<(), ChunkError> {
        let header = self.header.parse(stored)?;
        let prefix = header.length().saturating_add(self.transformation.iv_length());
        let expected = self.working_length(plain);
        let length = ChunkError::Length {
            stored: stored.len(),
            expected: prefix.saturating_add(expected),
            plain,
        };
        let Some((before, ciphertext)) = stored.split_at_checked(prefix) else {
            return Err(length);
        };
        if ciphertext.len() != expected || out.len() != expected {
            return Err(length);
        }
        let iv = before.get(header.length()..).unwrap_or_default();
        let opened = self.key(header.id())?.open_into(iv, ciphertext, out)?;
        if opened == plain { Ok(()) } else { Err(DecryptFailed.into()) }
    }

    fn key(&self, id: Option<&str>) -> Result<&CipherKey, ChunkError> {
        match (&self.keys, id) {
            (Keys::One(key), None) => Ok(key),
            (Keys::ById(keys), Some(id)) => keys
                .get(id)
                .map(Arc::as_ref)
                .ok_or_else(|| ChunkError::UnknownKey(id.escape_debug().to_string())),
            _ => Err(DecryptFailed.into()),
        }
    }
}
