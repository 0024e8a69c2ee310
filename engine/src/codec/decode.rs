//! Stored chunks to plaintext, for every class that writes them.
//!
//! Between the two is the *payload*: what the compressor wrote. Without a compressor it is the
//! plaintext itself. It is what a rewrite passes on when the compressor stays the same.

use super::{ChunkOpener, Opened};
use crate::compress::{ChainFraming, Codec, CodecContext};
use crate::memory::WipedBuffer;
use crate::sstable::MAX_COMPRESSED_LENGTH_NONE;
use crate::{Error, ErrorKind, Result};

/// Decodes the chunks of one SSTable.
#[derive(Debug)]
pub struct ChunkDecoder {
    codec: Option<Codec>,
    opener: Option<ChunkOpener>,
    /// A chunk with this many stored bytes or more is stored raw: in clear and uncompressed.
    raw_from: usize,
}

/// Working memory of a decoder.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair that callers make")]
pub struct DecodeScratch<'a> {
    /// For the output of an Encryptor.
    pub opened: &'a mut WipedBuffer,
    /// For the compressors.
    pub context: &'a mut CodecContext,
}

impl ChunkDecoder {
    /// Decodes with a compressor, an Encryptor or both; `max_compressed_length` is that of
    /// CompressionInfo.db. With neither, chunks are stored in clear and uncompressed.
    #[must_use]
    pub fn new(
        codec: Option<Codec>,
        opener: Option<ChunkOpener>,
        max_compressed_length: u32,
    ) -> Self {
        let raw_from = match (max_compressed_length, codec.is_none() && opener.is_none()) {
            (_, true) => 0,
            (MAX_COMPRESSED_LENGTH_NONE, false) => usize::MAX,
            (length, false) => usize::try_from(length).unwrap_or(usize::MAX),
        };
        Self { codec, opener, raw_from }
    }

    /// Whether a chunk with this many stored bytes is stored raw (FORMATS.md 2.3).
    #[must_use]
    pub const fn is_raw(&self, stored: usize) -> bool {
        stored >= self.raw_from
    }

    /// Length of a chunk's payload in bytes. A chain stores it in clear; decryption shows whether
    /// it is right.
    ///
    /// # Errors
    /// As [`ChainFraming::split`].
    pub fn payload_length(&self, stored: &[u8], plain: usize) -> Result<usize> {
        Ok(match (&self.opener, self.codec) {
            (_, None) => plain,
            (Some(_), Some(_)) => {
                ChainFraming::split(stored)?.0.saturating_sub(ChainFraming::PREFIX_LENGTH)
            }
            (None, Some(_)) => stored.len(),
        })
    }

    /// Length that `out` of [`Self::payload`] must have: the payload and a cipher's padding.
    ///
    /// # Errors
    /// As [`Self::payload_length`].
    pub fn working_length(&self, stored: &[u8], plain: usize) -> Result<usize> {
        match (&self.opener, self.codec) {
            (Some(opener), None) if !self.is_raw(stored.len()) => Ok(opener.working_length(plain)),
            _ => self.payload_length(stored, plain),
        }
    }

    /// Puts the payload of a chunk at the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] and the other kinds of [`super::ChunkError`] and
    /// [`crate::compress::CodecError`]; a raw chunk in a compressed SSTable has no payload.
    pub fn payload(
        &self,
        stored: &[u8],
        plain: usize,
        out: &mut [u8],
        scratch: &mut DecodeScratch<'_>,
    ) -> Result<(usize, Opened<'_>)> {
        if self.is_raw(stored.len()) {
            if self.codec.is_some() {
                return Err(Error::new(ErrorKind::Internal, "a raw chunk was taken for a payload"));
            }
            copy(self.raw(stored, plain)?, out)?;
            return Ok((plain, Opened::AsNamed));
        }
        match (&self.opener, self.codec) {
            (Some(opener), None) => Ok((plain, opener.open(stored, plain, out)?)),
            (Some(opener), Some(_)) => {
                let (opened, how) = open_chained(opener, stored, scratch.opened)?;
                let payload = chained_payload(opened, plain)?;
                copy(payload, out)?;
                Ok((payload.len(), how))
            }
            (None, _) => {
                copy(stored, out)?;
                Ok((stored.len(), Opened::AsNamed))
            }
        }
    }

    /// The plaintext of a raw chunk, padded with zeros to the max compressed length. Anything else
    /// is not such a chunk: a damaged field must not turn ciphertext into plaintext.
    fn raw<'a>(&self, stored: &'a [u8], plain: usize) -> Result<&'a [u8]> {
        let (own, padding) = stored.split_at_checked(plain).ok_or_else(too_short)?;
        if stored.len() == plain.max(self.raw_from) && padding.iter().all(|byte| *byte == 0) {
            return Ok(own);
        }
        Err(Error::corrupt(format!(
            "by its stored length of {} bytes it is in clear, but {plain} bytes in clear look \
             different",
            stored.len()
        ))
        .hint("restore CompressionInfo.db from a backup, or scrub the SSTable on the node"))
    }

    /// Fills `out`, which has exactly the length of the plaintext.
    ///
    /// # Errors
    /// As [`Self::payload`].
    pub fn plaintext(
        &self,
        stored: &[u8],
        out: &mut [u8],
        scratch: &mut DecodeScratch<'_>,
    ) -> Result<Opened<'_>> {
        let plain = out.len();
        if self.is_raw(stored.len()) {
            copy(self.raw(stored, plain)?, out)?;
            return Ok(Opened::AsNamed);
        }
        let DecodeScratch { opened, context } = scratch;
        match (&self.opener, self.codec) {
            (Some(opener), None) => {
                let working = opened.sized(opener.working_length(plain));
                let how = opener.open(stored, plain, working)?;
                copy(working.get(..plain).ok_or_else(too_short)?, out)?;
                Ok(how)
            }
            (Some(opener), Some(codec)) => {
                let (opened, how) = open_chained(opener, stored, opened)?;
                ChainFraming::new(codec).decompress(opened, out, context)?;
                Ok(how)
            }
            (None, Some(codec)) => {
                codec.decompress(stored, out, context)?;
                Ok(Opened::AsNamed)
            }
            (None, None) => Err(Error::new(ErrorKind::Internal, "a chunk without a form")),
        }
    }
}

/// The input of a chain's Encryptor: the length of the plaintext, then the payload.
fn open_chained<'a, 'k>(
    opener: &'k ChunkOpener,
    stored: &[u8],
    buffer: &'a mut WipedBuffer,
) -> Result<(&'a [u8], Opened<'k>)> {
    let (length, sealed) = ChainFraming::split(stored)?;
    let working = buffer.sized(opener.working_length(length));
    let how = opener.open(sealed, length, working)?;
    Ok((working.get(..length).ok_or_else(too_short)?, how))
}

fn chained_payload(opened: &[u8], plain: usize) -> Result<&[u8]> {
    match opened.split_first_chunk() {
        Some((length, payload)) if u32::try_from(plain) == Ok(u32::from_be_bytes(*length)) => {
            Ok(payload)
        }
        _ => Err(Error::corrupt(format!(
            "what it decrypts to does not stand for the {plain} bytes that the chunk has"
        ))
        .hint(
            "compare the key with the one that the node used; if it is right, scrub the SSTable \
             on the node or restore it from a backup",
        )),
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> Result<()> {
    let room = to
        .get_mut(..from.len())
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a buffer has no room for its chunk"))?;
    room.copy_from_slice(from);
    Ok(())
}

fn too_short() -> Error {
    Error::corrupt("fewer bytes are stored than the chunk has")
        .hint("scrub the SSTable on the node, or restore it from a backup")
}
