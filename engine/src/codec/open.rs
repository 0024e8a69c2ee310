//! Chunks of class `Encryptor` to plaintext.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::{CipherKey, DecryptFailed, Transformation};
use crate::keys::{HeaderError, HeaderKind, KeyId};
use crate::{Error, ErrorKind};

/// Why a chunk cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Its key header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Its length does not fit the length of its plaintext.
    #[error("{stored} bytes are stored where a chunk of {plain} bytes takes {expected}")]
    Length {
        /// Bytes stored.
        stored: usize,
        /// Bytes expected.
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
    /// It does not decrypt under the key that its header names, but does under several others.
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
        let hint = match error {
            ChunkError::Decrypt(_) => {
                "compare the key with the one that the node used; if it is right, \
                 scrub the SSTable on the node or restore it from a backup"
            }
            ChunkError::UnknownKey(_) => "plan again: the file was changed since",
            ChunkError::Ambiguous(_) => {
                "scrub the SSTable on the node, which rewrites it under one key"
            }
            _ => "scrub the SSTable on the node, or restore it from a backup",
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}

/// The error for a chunk whose CRC32 is not that of its stored bytes.
#[must_use]
pub(crate) fn crc_mismatch() -> Error {
    Error::corrupt("the chunk's CRC does not match its bytes")
        .hint("restore the SSTable from a backup or a replica, or scrub it on the node")
}

/// Opens the chunks of one SSTable, with the given keys only.
#[derive(Debug, Clone)]
pub struct ChunkOpener {
    header: HeaderKind,
    transformation: Transformation,
    named: BTreeMap<KeyId, Arc<CipherKey>>,
    unnamed: Option<Arc<CipherKey>>,
}

/// The key that a chunk was found under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened<'a> {
    /// The key that its header or the SSTable's options name.
    AsNamed,
    /// Another key of its group: the database may name a new key in the header and still encrypt
    /// with the previous one (FORMATS.md 5.5, KMIP.md 3.4).
    Under(&'a KeyId),
}

impl ChunkOpener {
    /// Chunks with headers of one kind. A chunk that does not decrypt under the key that it names
    /// is tried under all others of `named`. Chunks that name no key are under `unnamed`.
    #[must_use]
    pub const fn new(
        header: HeaderKind,
        transformation: Transformation,
        named: BTreeMap<KeyId, Arc<CipherKey>>,
        unnamed: Option<Arc<CipherKey>>,
    ) -> Self {
        Self { header, transformation, named, unnamed }
    }

    /// Chunks without a key header: one key for the whole SSTable.
    #[must_use]
    pub fn with_key(key: Arc<CipherKey>) -> Self {
        let transformation = key.transformation().clone();
        Self::new(HeaderKind::None, transformation, BTreeMap::new(), Some(key))
    }

    /// Chunks that name their keys on a KMIP server.
    #[must_use]
    pub const fn with_ids(
        transformation: Transformation,
        keys: BTreeMap<KeyId, Arc<CipherKey>>,
    ) -> Self {
        Self::new(HeaderKind::Kmip, transformation, keys, None)
    }

    /// Length that `out` must have for a chunk with this much plaintext: the ciphertext is
    /// decrypted there in place.
    #[must_use]
    pub const fn working_length(&self, plain: usize) -> usize {
        self.transformation.ciphertext_length(plain)
    }

    /// Decrypts a chunk to the first `plain` bytes of `out`, which must be
    /// [`working_length`](Self::working_length) bytes long.
    ///
    /// # Errors
    /// [`ChunkError`]; the content of `out` is then meaningless.
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
        let sealed = Sealed { iv, ciphertext, believed: &|opened| opened.len() == plain };
        self.open_sealed(header.id(), &sealed, out).map(|(_, opened)| opened)
    }

    /// Decrypts data that does not store the length of its plaintext, such as an index page or a
    /// metadata body, to the first bytes of `out`, and returns their count. A wrong key passes the
    /// padding check once in 256 times, so the result must also be `believed`.
    ///
    /// # Errors
    /// [`ChunkError`]; the content of `out` is then meaningless.
    pub fn open_unmeasured(
        &self,
        stored: &[u8],
        out: &mut [u8],
        believed: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(usize, Opened<'_>), ChunkError> {
        let header = self.header.parse(stored)?;
        let prefix = header.length().saturating_add(self.transformation.iv_length());
        let (before, ciphertext) = stored.split_at_checked(prefix).ok_or(DecryptFailed)?;
        let iv = before.get(header.length()..).unwrap_or_default();
        let out = out.get_mut(..ciphertext.len()).ok_or(DecryptFailed)?;
        self.open_sealed(header.id(), &Sealed { iv, ciphertext, believed }, out)
    }

    fn open_sealed(
        &self,
        named: Option<&str>,
        sealed: &Sealed<'_>,
        out: &mut [u8],
    ) -> Result<(usize, Opened<'_>), ChunkError> {
        if let Some(length) = sealed.open_with(self.key(named)?, out) {
            return Ok((length, Opened::AsNamed));
        }
        self.open_with_another(named, sealed, out).map(|(length, id)| (length, Opened::Under(id)))
    }

    /// Searches for the one other key that opens a chunk. Only a short last chunk can open under a
    /// wrong key, once in thousands of times, and a page once in 256 times. If two keys fit,
    /// neither is trusted.
    fn open_with_another(
        &self,
        named: Option<&str>,
        sealed: &Sealed<'_>,
        out: &mut [u8],
    ) -> Result<(usize, &KeyId), ChunkError> {
        let others = self.named.iter().filter(|(id, _)| Some(id.as_str()) != named);
        let fitting: Vec<_> =
            others.filter(|(_, key)| sealed.open_with(key, out).is_some()).collect();
        match fitting.as_slice() {
            [(id, key)] => {
                let length = sealed.open_with(key, out).ok_or(DecryptFailed)?;
                Ok((length, id))
            }
            [] => Err(DecryptFailed.into()),
            several => Err(ChunkError::Ambiguous(several.len())),
        }
    }

    fn key(&self, id: Option<&str>) -> Result<&CipherKey, ChunkError> {
        let key = match id {
            None => self.unnamed.as_ref().ok_or(ChunkError::Decrypt(DecryptFailed))?,
            Some(id) => self
                .named
                .get(id)
                .ok_or_else(|| ChunkError::UnknownKey(id.escape_debug().to_string()))?,
        };
        Ok(key)
    }
}

/// The rest of a chunk after its key header.
struct Sealed<'a> {
    iv: &'a [u8],
    ciphertext: &'a [u8],
    /// Whether this can be the plaintext.
    believed: &'a dyn Fn(&[u8]) -> bool,
}

impl Sealed<'_> {
    /// The length of the plaintext, if the key fits.
    fn open_with(&self, key: &CipherKey, out: &mut [u8]) -> Option<usize> {
        let length = key.open_into(self.iv, self.ciphertext, out).ok()?;
        out.get(..length).is_some_and(self.believed).then_some(length)
    }
}
