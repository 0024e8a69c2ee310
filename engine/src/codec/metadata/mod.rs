//! Statistics.db with its bodies in clear, and back (FORMATS.md 7.1, 8).
//!
//! Each body is stored in clear or like a chunk, `[key header] [IV] [ciphertext]`. Only the body
//! itself says which: some builds of Converged Core write bodies in clear although their version
//! encrypts them. What is in clear stays in clear.

use zeroize::Zeroizing;

use super::open::{ChunkError, ChunkOpener, Opened};
use super::seal::{ChunkLengths, ChunkSealer, mismatch};
use crate::crypto::IvSource;
use crate::keys::KeyId;
use crate::sstable::{
    BodyKind, CHUNK_CRC_LENGTH, StatisticsError, compression_ratio_at, format_statistics,
    is_body_in_clear, parse_statistics,
};
use crate::{Error, Result};

/// Why a Statistics.db cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Its container is damaged.
    #[error(transparent)]
    Container(#[from] StatisticsError),
    /// A body is not in clear and does not decrypt.
    #[error("body {kind} is not in clear, and cannot be decrypted: {source}")]
    Body {
        /// The number of its kind.
        kind: i32,
        /// Why it cannot be decrypted.
        source: ChunkError,
    },
}

impl From<MetadataError> for Error {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Container(error) => error.into(),
            MetadataError::Body { kind, source } => {
                let cause = Self::from(source);
                let what = format!("metadata body {kind} is not in clear, and cannot be decrypted");
                Self::new(cause.kind(), what).wrapping(cause)
            }
        }
    }
}

/// A body in clear; wiped when it is dropped.
#[derive(PartialEq, Eq)]
pub struct Body {
    kind: BodyKind,
    plain: Zeroizing<Vec<u8>>,
    encrypted: bool,
    /// The key that it was under, if its header names another one.
    under: Option<KeyId>,
}

impl Body {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> BodyKind {
        self.kind
    }

    /// Its plaintext.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Whether it is stored encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The key that it was under, if its header names another one.
    #[must_use]
    pub const fn mislabelled(&self) -> Option<&KeyId> {
        self.under.as_ref()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("kind", &self.kind)
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}

/// A Statistics.db in clear.
#[derive(Debug)]
pub struct Metadata {
    checksums: bool,
    bodies: Vec<Body>,
}

impl Metadata {
    /// Parses a file whose bodies are all in clear.
    ///
    /// # Errors
    /// [`StatisticsError`].
    pub fn parse_clear(bytes: &[u8], checksums: bool) -> Result<Self, StatisticsError> {
        let bodies = parse_statistics(bytes, checksums)?;
        let bodies = bodies.into_iter().map(|(kind, body)| clear(kind, body)).collect();
        Ok(Self { checksums, bodies })
    }

    /// Parses a file whose bodies may be encrypted, and decrypts those that are.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn open(bytes: &[u8], checksums: bool, keys: &ChunkOpener) -> Result<Self, MetadataError> {
        let stored = parse_statistics(bytes, checksums)?;
        let all_clear = !has_encrypted_body(&stored);
        let open = |(kind, body): (BodyKind, &[u8])| match is_body_in_clear(kind, body) {
            // An unknown body is assumed to be stored like the others.
            Some(true) | None if all_clear => Ok(clear(kind, body)),
            // Among encrypted ones a body may look clear by accident, and would be lost with the
            // key.
            Some(true) => decrypt(kind, body, keys).or_else(|_| Ok(clear(kind, body))),
            _ => decrypt(kind, body, keys),
        };
        let bodies = stored.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { checksums, bodies })
    }

    /// The bodies, in their order.
    #[must_use]
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Has all bodies encrypted, or none, where they are written next.
    pub fn set_encrypted(&mut self, is_encrypted: bool) {
        for body in &mut self.bodies {
            body.encrypted = is_encrypted;
        }
    }

    /// Whether both have the same bodies with the same plaintext, encrypted or not.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let content = |body: &Body| (body.kind, body.encrypted);
        self.checksums == other.checksums
            && self.bodies.len() == other.bodies.len()
            && self.bodies.iter().zip(&other.bodies).all(|(one, another)| {
                content(one) == content(another) && one.plain == another.plain
            })
    }

    /// Writes another compression ratio into STATS: stored bytes by plain bytes, -1 for a Data.db
    /// that is not compressed (FORMATS.md 8.2).
    ///
    /// # Errors
    /// [`StatisticsError`] when there is no STATS, or none that has a place for it.
    pub fn patch_compression_ratio(&mut self, ratio: f64) -> Result<(), StatisticsError> {
        let stats = self.bodies.iter_mut().find(|body| body.kind == BodyKind::STATS);
        let stats = &mut stats.ok_or(StatisticsError::NoStats)?.plain;
        let place = compression_ratio_at(stats)?;
        let misfit = StatisticsError::Histograms(stats.len());
        stats.get_mut(place).ok_or(misfit)?.copy_from_slice(&ratio.to_be_bytes());
        Ok(())
    }

    /// The file, with those bodies encrypted that were: positions and checksums are adjusted.
    ///
    /// # Errors
    /// [`StatisticsError::TooLong`] as [`Error`], and [`crate::ErrorKind::Internal`].
    pub fn seal(&self, sealer: &ChunkSealer, ivs: &mut IvSource) -> Result<Vec<u8>> {
        let encrypted = || self.bodies.iter().filter(|body| body.encrypted);
        let lengths: Vec<usize> = encrypted().map(|body| body.plain.len()).collect();
        let records = || lengths.iter().map(|plain| sealer.record_length(*plain));
        // Bodies are records of chunks side by side, CRC included.
        let mut image = Zeroizing::new(vec![0; records().sum()]);
        let mut rest = image.as_mut_slice();
        for (body, length) in encrypted().zip(records()) {
            let (record, after) = rest.split_at_mut_checked(length).ok_or_else(mismatch)?;
            let plain = record
                .get_mut(sealer.prefix_length()..)
                .and_then(|record| record.get_mut(..body.plain.len()))
                .ok_or_else(mismatch)?;
            plain.copy_from_slice(&body.plain);
            rest = after;
        }
        let chunks: Vec<_> =
            lengths.iter().map(|&plain| ChunkLengths { plain, payload: plain }).collect();
        let _whole = sealer.seal(&mut image, &chunks, ivs)?;
        let (mut rest, mut lengths) = (image.as_slice(), records());
        let mut stored = Vec::with_capacity(self.bodies.len());
        for body in &self.bodies {
            if !body.encrypted {
                stored.push((body.kind, body.plain.as_slice()));
                continue;
            }
            let length = lengths.next().unwrap_or_default();
            let (record, after) = rest.split_at_checked(length).ok_or_else(mismatch)?;
            let (sealed, _crc) =
                record.split_last_chunk::<CHUNK_CRC_LENGTH>().ok_or_else(mismatch)?;
            stored.push((body.kind, sealed));
            rest = after;
        }
        Ok(format_statistics(&stored, self.checksums)?)
    }

    /// The file, which has no encrypted bodies.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when it has some: what was encrypted is never written in
    /// clear.
    pub fn format_clear(&self) -> Result<Vec<u8>> {
        if self.bodies.iter().any(|body| body.encrypted) {
            return Err(mismatch());
        }
        let bodies: Vec<_> =
            self.bodies.iter().map(|body| (body.kind, body.plain.as_slice())).collect();
        Ok(format_statistics(&bodies, self.checksums)?)
    }
}

/// The bodies of a file that are encrypted, as far as their bytes tell without a key: those that
/// are not valid in clear, and, if there are any, also those of unknown kinds.
///
/// # Errors
/// [`StatisticsError`].
pub fn encrypted_bodies(
    bytes: &[u8],
    checksums: bool,
) -> Result<Vec<(BodyKind, &[u8])>, StatisticsError> {
    let mut bodies = parse_statistics(bytes, checksums)?;
    if !has_encrypted_body(&bodies) {
        return Ok(vec![]);
    }
    bodies.retain(|(kind, body)| is_body_in_clear(*kind, body) != Some(true));
    Ok(bodies)
}

fn has_encrypted_body(bodies: &[(BodyKind, &[u8])]) -> bool {
    bodies.iter().any(|(kind, body)| is_body_in_clear(*kind, body) == Some(false))
}

fn clear(kind: BodyKind, body: &[u8]) -> Body {
    Body { kind, plain: Zeroizing::new(body.to_vec()), encrypted: false, under: None }
}

fn decrypt(kind: BodyKind, body: &[u8], keys: &ChunkOpener) -> Result<Body, MetadataError> {
    let mut plain = Zeroizing::new(vec![0; body.len()]);
    let believed = |plain: &[u8]| is_body_in_clear(kind, plain) != Some(false);
    let (length, opened) = keys
        .open_unmeasured(body, &mut plain, &believed)
        .map_err(|source| MetadataError::Body { kind: kind.0, source })?;
    let under = match opened {
        Opened::Under(id) => Some(id.clone()),
        Opened::AsNamed => None,
    };
    plain.truncate(length);
    Ok(Body { kind, plain, encrypted: true, under })
}

#[cfg(test)]
mod tests;
