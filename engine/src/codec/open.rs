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
    /// It does not decrypt under the key that its header names, and does under several others.
    #[error(
        "it does not decrypt with the key that its header names, and {0} other keys of the group \
         give a plausible plaintext"
    )]
    Ambiguous(usize),
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
            ChunkError::Ambiguous(_) => {
                "scrub the SSTable on the node, which writes it anew under one key"
            }
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

/// Opens the chunks of one SSTable, with the keys that it is given and no others.
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

/// Under which key a chunk was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened<'a> {
    /// The one that its header or the SSTable's options name.
    AsNamed,
    /// Another one of its group: the database may write the header with a new key and still
    /// encrypt with the one before (FORMATS.md 5.5, KMIP.md 3.4).
    Under(&'a KeyId),
}

impl ChunkOpener {
    /// Chunks without a key header: one key for the whole SSTable.
    #[must_use]
    pub fn with_key(key: Arc<CipherKey>) -> Self {
        let transformation = key.transformation().clone();
        Self { header: HeaderKind::None, transformation, keys: Keys::One(key) }
    }

    /// Chunks that name their keys. One that does not decrypt under the key that it names is
    /// tried under all others of `keys`.
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
    pub fn open(
        &self,
        stored: &[u8],
        plain: usize,
        out: &mut [u8],
    ) -> Result<Opened<'_>, ChunkError> {
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
        let sealed = Sealed { iv, ciphertext, plain };
        match self.key(header.id())? {
            key if sealed.opens_with(key, out) => Ok(Opened::AsNamed),
            _ => self.open_with_another(header.id(), &sealed, out).map(Opened::Under),
        }
    }

    /// Looks for the one other key under which a chunk opens. Only a short last chunk can open under
    /// a wrong one, once in thousands of times; so two that fit are one too many.
    fn open_with_another(
        &self,
        named: Option<&str>,
        sealed: &Sealed<'_>,
        out: &mut [u8],
    ) -> Result<&KeyId, ChunkError> {
        let Keys::ById(keys) = &self.keys else { return Err(DecryptFailed.into()) };
        let others = keys.iter().filter(|(id, _)| Some(id.as_str()) != named);
        let fitting: Vec<_> = others.filter(|(_, key)| sealed.opens_with(key, out)).collect();
        match fitting.as_slice() {
            [(id, key)] if sealed.opens_with(key, out) => Ok(id),
            [] | [_] => Err(DecryptFailed.into()),
            several => Err(ChunkError::Ambiguous(several.len())),
        }
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

/// What is left of a chunk behind its key header.
struct Sealed<'a> {
    iv: &'a [u8],
    ciphertext: &'a [u8],
    /// Bytes of plaintext that it must give.
    plain: usize,
}

impl Sealed<'_> {
    fn opens_with(&self, key: &CipherKey, out: &mut [u8]) -> bool {
        key.open_into(self.iv, self.ciphertext, out) == Ok(self.plain)
    }
}
