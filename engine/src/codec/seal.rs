//! Payloads to stored chunks, a whole image at a time.
//!
//! ```text
//! image: record, record, ...
//!
//! in clear     record: payload                                                        [CRC32]
//! Encryptor    record: [key header] [IV] [ciphertext of the payload]                  [CRC32]
//! chain        record: [int32 L1] [key header] [IV] [ciphertext of int32 L0, payload] [CRC32]
//! ```
//!
//! An uncompressed Data.db has only the payloads; the CRCs are in CRC.db.

use std::sync::Arc;

use crate::compress::ChainFraming;
use crate::crypto::{CipherKey, IvSource, Lane, Transformation, pad};
use crate::keys::KeyHeader;
use crate::sstable::CHUNK_CRC_LENGTH;
use crate::{Error, ErrorKind, Result};

/// Seals chunks in one way, under one key if they are encrypted.
#[derive(Debug)]
pub struct ChunkSealer {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Uncompressed,
    Clear,
    Encrypted { header: Vec<u8>, key: Arc<CipherKey>, chained: bool },
}

/// Lengths of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair that callers make")]
pub struct ChunkLengths {
    /// Bytes of plaintext.
    pub plain: usize,
    /// Bytes that the compressor made of it.
    pub payload: usize,
}

/// The result of sealing an image.
#[derive(Debug)]
#[non_exhaustive]
pub struct SealedImage {
    /// Running CRC32 of the image.
    pub crc: crc32fast::Hasher,
    /// CRC32 of each chunk as it is stored.
    pub chunk_crcs: Vec<u32>,
}

impl ChunkSealer {
    /// Seals under `key`, with the header that names it; `chained` puts a compressor's chain
    /// around it.
    #[must_use]
    pub fn new(header: &KeyHeader, key: Arc<CipherKey>, chained: bool) -> Self {
        Self { form: Form::Encrypted { header: header.encode(), key, chained } }
    }

    /// Stores compressed chunks unencrypted.
    #[must_use]
    pub const fn in_clear() -> Self {
        Self { form: Form::Clear }
    }

    /// Stores plaintext as it is, with its CRCs elsewhere.
    #[must_use]
    pub const fn uncompressed() -> Self {
        Self { form: Form::Uncompressed }
    }

    /// Bytes before the payload of each record.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        match &self.form {
            Form::Uncompressed | Form::Clear => 0,
            Form::Encrypted { header, key, chained } => {
                let before = header.len().saturating_add(key.transformation().iv_length());
                before.saturating_add(if *chained { 2 * PREFIX } else { 0 })
            }
        }
    }

    /// Bytes of the whole record of a payload, its CRC included.
    #[must_use]
    pub fn record_length(&self, payload: usize) -> usize {
        match &self.form {
            Form::Uncompressed => payload,
            Form::Clear => payload.saturating_add(CHUNK_CRC_LENGTH),
            Form::Encrypted { header, key, chained: false } => {
                record_length(header.len(), key.transformation(), payload)
            }
            Form::Encrypted { header, key, chained: true } => {
                let sealed = payload.saturating_add(PREFIX);
                record_length(header.len(), key.transformation(), sealed).saturating_add(PREFIX)
            }
        }
    }

    /// Room that a record has after its prefix while its payload is put there: a cipher may need a
    /// block for padding.
    #[must_use]
    pub fn room(&self, payload: usize) -> usize {
        self.record_length(payload).saturating_sub(self.prefix_length())
    }

    /// Turns an image, whose records hold their payload after their prefix, into what is written to
    /// disk: headers, fresh IVs, padding, ciphertext of all records in parallel, CRCs.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when image and lengths do not match.
    pub fn seal(
        &self,
        image: &mut [u8],
        chunks: &[ChunkLengths],
        ivs: &mut IvSource,
    ) -> Result<SealedImage> {
        if let Form::Encrypted { header, key, chained } = &self.form {
            let mut lanes = Vec::with_capacity(chunks.len());
            let mut rest = &mut *image;
            for chunk in chunks {
                let (record, after) = split(rest, self.record_length(chunk.payload))?;
                let between = header.len().saturating_add(key.transformation().iv_length());
                let record = if *chained { chain(record, chunk, between)? } else { record };
                let sealed = chunk.payload.saturating_add(if *chained { PREFIX } else { 0 });
                lanes.push(prepare(header, key.transformation(), record, sealed, ivs)?);
                rest = after;
            }
            key.seal(&mut lanes)?;
        }
        self.checksum(image, chunks)
    }

    /// Bytes of the key header.
    pub(super) const fn header_length(&self) -> usize {
        match &self.form {
            Form::Encrypted { header, .. } => header.len(),
            Form::Uncompressed | Form::Clear => 0,
        }
    }

    /// Bytes of ciphertext for this much plaintext.
    pub(super) fn ciphertext_length(&self, plain: usize) -> usize {
        match &self.form {
            Form::Encrypted { key, .. } => key.transformation().ciphertext_length(plain),
            Form::Uncompressed | Form::Clear => plain,
        }
    }

    /// Encrypts what [`Self::prepare`] has prepared.
    pub(super) fn encrypt(&self, lanes: &mut [Lane<'_>]) -> Result<()> {
        match &self.form {
            Form::Encrypted { key, .. } => Ok(key.seal(lanes)?),
            Form::Uncompressed | Form::Clear => Err(mismatch()),
        }
    }

    /// Puts header, IV and padding around the plaintext in a record. What follows its ciphertext is
    /// unchanged. Only chunks have the lengths of a chain.
    pub(super) fn prepare<'a>(
        &self,
        record: &'a mut [u8],
        plain: usize,
        ivs: &mut IvSource,
    ) -> Result<Lane<'a>> {
        match &self.form {
            Form::Encrypted { header, key, .. } => {
                prepare(header, key.transformation(), record, plain, ivs)
            }
            Form::Uncompressed | Form::Clear => Err(mismatch()),
        }
    }

    /// Appends the CRC to each record that has room for it.
    fn checksum(&self, image: &mut [u8], chunks: &[ChunkLengths]) -> Result<SealedImage> {
        let mut whole = crc32fast::Hasher::new();
        let mut chunk_crcs = Vec::with_capacity(chunks.len());
        let mut rest = image;
        for chunk in chunks {
            let (record, after) = split(rest, self.record_length(chunk.payload))?;
            let mut hasher = crc32fast::Hasher::new();
            if let Form::Uncompressed = self.form {
                hasher.update(record);
                chunk_crcs.push(hasher.clone().finalize());
            } else {
                let (stored, crc) =
                    record.split_last_chunk_mut::<CHUNK_CRC_LENGTH>().ok_or_else(mismatch)?;
                hasher.update(stored);
                let value = hasher.clone().finalize();
                *crc = value.to_be_bytes();
                chunk_crcs.push(value);
                // The file's checksum covers the CRCs, too: extend the record's own by its four
                // bytes.
                hasher.update(crc);
            }
            whole.combine(&hasher);
            rest = after;
        }
        if rest.is_empty() { Ok(SealedImage { crc: whole, chunk_crcs }) } else { Err(mismatch()) }
    }
}

/// Writes both lengths of a chained chunk, and returns the part of the record that its Encryptor
/// writes: `between` bytes of header and IV, then L0 and the payload.
fn chain<'a>(record: &'a mut [u8], chunk: &ChunkLengths, between: usize) -> Result<&'a mut [u8]> {
    let as_int = |length: usize| i32::try_from(length).map_err(|_too_long| mismatch());
    let (outer, rest) = split(record, PREFIX)?;
    outer.copy_from_slice(&as_int(chunk.payload.saturating_add(PREFIX))?.to_be_bytes());
    let inner = rest.get_mut(between..between.saturating_add(PREFIX)).ok_or_else(mismatch)?;
    inner.copy_from_slice(&as_int(chunk.plain)?.to_be_bytes());
    Ok(rest)
}

fn prepare<'a>(
    header: &[u8],
    transformation: &Transformation,
    record: &'a mut [u8],
    sealed: usize,
    ivs: &mut IvSource,
) -> Result<Lane<'a>> {
    let iv = if transformation.iv_length() > 0 { ivs.next_iv() } else { [0; 16] };
    let (own_header, rest) = split(record, header.len())?;
    own_header.copy_from_slice(header);
    let (stored_iv, rest) = split(rest, transformation.iv_length())?;
    let shown = iv.get(..stored_iv.len()).ok_or_else(mismatch)?;
    stored_iv.copy_from_slice(shown);
    let (blocks, _crc) = split(rest, transformation.ciphertext_length(sealed))?;
    let _padded = pad(transformation, blocks, sealed);
    Ok(Lane::new(iv, blocks))
}

/// Bytes of the record of a chunk: key header, IV, ciphertext, CRC.
#[must_use]
pub const fn record_length(header: usize, transformation: &Transformation, plain: usize) -> usize {
    header
        .saturating_add(transformation.iv_length())
        .saturating_add(transformation.ciphertext_length(plain))
        .saturating_add(CHUNK_CRC_LENGTH)
}

fn split(bytes: &mut [u8], at: usize) -> Result<(&mut [u8], &mut [u8])> {
    bytes.split_at_mut_checked(at).ok_or_else(mismatch)
}

pub(super) fn mismatch() -> Error {
    Error::new(ErrorKind::Internal, "an image does not have the length of its records")
}

const PREFIX: usize = ChainFraming::PREFIX_LENGTH;
