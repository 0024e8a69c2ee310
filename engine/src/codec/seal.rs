//! Plaintext to chunks of class `Encryptor`, a whole image at a time.
//!
//! ```text
//! image: record, record, ...        record: [key header] [IV] [ciphertext] [CRC32]
//! ```

use std::sync::Arc;

use crate::crypto::{CipherKey, IvSource, Lane, Transformation, pad};
use crate::keys::KeyHeader;
use crate::sstable::CHUNK_CRC_LENGTH;
use crate::{Error, ErrorKind, Result};

/// Seals chunks under one key.
#[derive(Debug)]
pub struct ChunkSealer {
    header: Vec<u8>,
    key: Arc<CipherKey>,
}

impl ChunkSealer {
    /// Seals under `key`, with the header that names it.
    #[must_use]
    pub fn new(header: &KeyHeader, key: Arc<CipherKey>) -> Self {
        Self { header: header.encode(), key }
    }

    /// Bytes before the ciphertext of each record; the plaintext is put behind them.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        self.header.len().saturating_add(self.key.transformation().iv_length())
    }

    /// Bytes of ciphertext for so much plaintext.
    #[must_use]
    pub fn ciphertext_length(&self, plain: usize) -> usize {
        self.key.transformation().ciphertext_length(plain)
    }

    /// Bytes of the whole record, its CRC included.
    #[must_use]
    pub fn record_length(&self, plain: usize) -> usize {
        record_length(self.header.len(), self.key.transformation(), plain)
    }

    /// Turns an image, whose records hold their plaintext behind their prefix, into what goes to
    /// the disk: headers, fresh IVs, padding, ciphertext of all records side by side, CRCs.
    /// Returns the running CRC32 of the image.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when image and lengths do not belong together.
    pub fn seal(
        &self,
        image: &mut [u8],
        plain_lengths: &[usize],
        ivs: &mut IvSource,
    ) -> Result<crc32fast::Hasher> {
        let mut lanes = Vec::with_capacity(plain_lengths.len());
        let mut rest = &mut *image;
        for &plain in plain_lengths {
            let (record, after) = split(rest, self.record_length(plain))?;
            lanes.push(self.prepare(record, plain, ivs)?);
            rest = after;
        }
        self.key.seal(&mut lanes);
        drop(lanes);

        let mut whole = crc32fast::Hasher::new();
        let mut rest = image;
        for &plain in plain_lengths {
            let (record, after) = split(rest, self.record_length(plain))?;
            let (stored, crc) =
                record.split_last_chunk_mut::<CHUNK_CRC_LENGTH>().ok_or_else(mismatch)?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(stored);
            *crc = hasher.clone().finalize().to_be_bytes();
            // The file's checksum covers the CRCs, too: extend the record's own by its four bytes.
            hasher.update(crc);
            whole.combine(&hasher);
            rest = after;
        }
        if rest.is_empty() { Ok(whole) } else { Err(mismatch()) }
    }

    /// Bytes of the key header.
    pub(super) const fn header_length(&self) -> usize {
        self.header.len()
    }

    /// Encrypts what [`prepare`](Self::prepare) made ready.
    pub(super) fn encrypt(&self, lanes: &mut [Lane<'_>]) {
        self.key.seal(lanes);
    }

    /// Puts header, IV and padding around the plaintext in a record; what lies behind its
    /// ciphertext stays as it is.
    pub(super) fn prepare<'a>(
        &self,
        record: &'a mut [u8],
        plain: usize,
        ivs: &mut IvSource,
    ) -> Result<Lane<'a>> {
        let transformation = self.key.transformation();
        let iv = if transformation.iv_length() > 0 { ivs.next_iv() } else { [0; 16] };
        let (header, rest) = split(record, self.header.len())?;
        header.copy_from_slice(&self.header);
        let (stored_iv, rest) = split(rest, transformation.iv_length())?;
        let shown = iv.get(..stored_iv.len()).ok_or_else(mismatch)?;
        stored_iv.copy_from_slice(shown);
        let (blocks, _crc) = split(rest, self.ciphertext_length(plain))?;
        let _padded = pad(transformation, blocks, plain);
        Ok(Lane::new(iv, blocks)?)
    }
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
