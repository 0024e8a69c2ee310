//! Opens and seals what a segment or a hints file has encrypted at once.
//!
//! The *payload* is what the compressor made. It is passed on as it is: the plaintext, and with it
//! every checksum inside, is the same as before.

use std::sync::Arc;

use crate::codec::{
    ChunkDecoder, ChunkError, ChunkLengths, ChunkOpener, ChunkSealer, DecodeScratch,
};
use crate::compress::{Codec, Lz4Type};
use crate::crypto::{CipherKey, DecryptFailed, Lane, pad};
use crate::memory::WipedBuffer;
use crate::options::ChunkScheme;
use crate::sstable::{CHUNK_CRC_LENGTH, MAX_COMPRESSED_LENGTH_NONE};
use crate::system::KeystoreCipher;
use crate::{Error, ErrorKind, Result};

use super::super::scratch::Scratch;
use super::entries::Entries;

/// What opens the chunks or blocks of a file.
#[derive(Debug)]
pub struct UnitOpener(Opener);

#[derive(Debug)]
enum Opener {
    Chunk { decoder: ChunkDecoder, codec: Option<Codec> },
    Block(BlockCipher),
}

/// What seals them.
#[derive(Debug)]
pub struct UnitSealer(Sealer);

#[derive(Debug)]
enum Sealer {
    Chunk(ChunkSealer),
    Block(BlockCipher),
}

/// Apache's encryption: the IV of the header for every block (FORMATS.md 10.3).
#[derive(Debug, Clone)]
struct BlockCipher {
    key: Arc<CipherKey>,
    iv: [u8; 16],
    iv_length: usize,
}

/// Lengths of what was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// Bytes of the payload.
    pub(super) payload: usize,
    /// Bytes of the plaintext.
    pub(super) plain: usize,
}

impl UnitOpener {
    /// Opens the chunks of a class that encrypts.
    #[must_use]
    pub fn chunks(scheme: &ChunkScheme, opener: ChunkOpener) -> Self {
        let codec = scheme.codec();
        let decoder = ChunkDecoder::new(codec, Some(opener), MAX_COMPRESSED_LENGTH_NONE);
        Self(Opener::Chunk { decoder, codec })
    }

    /// Opens the blocks of Apache's encryption.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the IV is not one of the cipher.
    pub fn blocks(cipher: &KeystoreCipher, key: Arc<CipherKey>) -> Result<Self> {
        BlockCipher::new(cipher, key).map(Opener::Block).map(Self)
    }

    /// Puts the payload at the start of `scratch.plain`. It is believed only if the lengths inside are
    /// those outside; what is compressed is decompressed, and given to `entries`, if there are any.
    pub(super) fn open(
        &self,
        stored: &[u8],
        declared: usize,
        entries: Option<&mut Entries>,
        scratch: &mut Scratch,
    ) -> Result<Opened> {
        let opened = self.open_unit(stored, declared, scratch);
        let checked = opened.and_then(|opened| {
            self.check(opened, entries, scratch)?;
            Ok(opened)
        });
        checked.map_err(|error| match error.kind() {
            // What is below speaks of SSTables.
            ErrorKind::Corrupt => error.hint(HINT),
            _ => error,
        })
    }

    fn open_unit(&self, stored: &[u8], declared: usize, scratch: &mut Scratch) -> Result<Opened> {
        match &self.0 {
            Opener::Block(cipher) => cipher.open(stored, declared, &mut scratch.plain),
            Opener::Chunk { decoder, codec } => {
                // Encryption shortens nothing, so no declared length allocates.
                if codec.is_none() && declared > stored.len() {
                    return Err(failed());
                }
                let room = decoder.working_length(stored, declared)?;
                let out = scratch.plain.sized(room);
                let mut context =
                    DecodeScratch { opened: &mut scratch.opened, context: &mut scratch.codecs };
                let (payload, _how) = decoder.payload(stored, declared, out, &mut context)?;
                Ok(Opened { payload, plain: declared })
            }
        }
    }

    fn check(
        &self,
        opened: Opened,
        entries: Option<&mut Entries>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        // A block has the length of its plaintext in front.
        let (codec, before) = match &self.0 {
            Opener::Block(_) => (Some(LZ4), 4),
            Opener::Chunk { codec, .. } => (*codec, 0),
        };
        let Scratch { plain, opened: buffer, codecs, .. } = scratch;
        let payload = plain.as_slice().get(before..opened.payload).unwrap_or_default();
        let content = match codec {
            None => payload,
            Some(codec) => {
                // No compressor makes less of more.
                if opened.plain.checked_div(BEST_RATIO) > Some(payload.len().saturating_add(1)) {
                    return Err(failed());
                }
                let content = buffer.sized(opened.plain);
                codec.decompress(payload, content, codecs)?;
                content
            }
        };
        if entries.is_some_and(|entries| !entries.take(content)) {
            return Err(unsound());
        }
        Ok(())
    }
}

impl UnitSealer {
    /// Seals chunks.
    #[must_use]
    pub const fn chunks(sealer: ChunkSealer) -> Self {
        Self(Sealer::Chunk(sealer))
    }

    /// Seals the blocks of Apache's encryption.
    ///
    /// # Errors
    /// As [`UnitOpener::blocks`].
    pub fn blocks(cipher: &KeystoreCipher, key: Arc<CipherKey>) -> Result<Self> {
        BlockCipher::new(cipher, key).map(Sealer::Block).map(Self)
    }

    /// Whether a length stands before each, in the order of Apache's encryption.
    pub(super) const fn is_blocks(&self) -> bool {
        matches!(self.0, Sealer::Block(_))
    }

    /// Seals the payload at the start of `scratch.plain`; what is to be stored is then
    /// `scratch.output`, up to the returned length.
    pub(super) fn seal(&self, opened: Opened, scratch: &mut Scratch) -> Result<usize> {
        let Scratch { plain, output, ivs, .. } = scratch;
        let payload = plain.as_slice().get(..opened.payload).ok_or_else(no_room)?;
        match &self.0 {
            Sealer::Block(cipher) => cipher.seal(payload, output),
            Sealer::Chunk(sealer) => {
                let image = output.sized(sealer.record_length(payload.len()));
                let start = sealer.prefix_length();
                let place = image.get_mut(start..start.saturating_add(payload.len()));
                place.ok_or_else(no_room)?.copy_from_slice(payload);
                let lengths = ChunkLengths { plain: opened.plain, payload: payload.len() };
                sealer.seal(image, &[lengths], ivs)?;
                // The files here have no CRC after a chunk.
                Ok(image.len().saturating_sub(CHUNK_CRC_LENGTH))
            }
        }
    }
}

impl BlockCipher {
    fn new(cipher: &KeystoreCipher, key: Arc<CipherKey>) -> Result<Self> {
        let iv_length = key.transformation().iv_length();
        let mut iv = [0; 16];
        let fits = iv_length == cipher.iv.len();
        match iv.get_mut(..iv_length).filter(|_| fits && iv_length > 0) {
            Some(place) => place.copy_from_slice(&cipher.iv),
            None => {
                return Err(Error::corrupt(format!(
                    "its header has an IV of {} bytes, and its cipher takes {iv_length}",
                    cipher.iv.len()
                )));
            }
        }
        Ok(Self { key, iv, iv_length })
    }

    /// A block is the length of its plaintext, big-endian, and an LZ4 chunk, which begins with the same
    /// length, little-endian.
    fn open(&self, stored: &[u8], declared: usize, out: &mut WipedBuffer) -> Result<Opened> {
        let out = out.sized(stored.len());
        let iv = self.iv.get(..self.iv_length).unwrap_or_default();
        let payload = self.key.open_into(iv, stored, out).map_err(ChunkError::from)?;
        let lengths = out.get(..payload).and_then(|inner| inner.first_chunk::<8>());
        let plain = lengths.and_then(|bytes| {
            let (big, little) = bytes.split_first_chunk::<4>()?;
            let plain = i32::from_be_bytes(*big);
            (i32::from_le_bytes(*little.first_chunk()?) == plain).then_some(plain)
        });
        match plain.map(usize::try_from) {
            Some(Ok(plain)) if payload == declared => Ok(Opened { payload, plain }),
            _ => Err(failed()),
        }
    }

    fn seal(&self, payload: &[u8], out: &mut WipedBuffer) -> Result<usize> {
        let transformation = self.key.transformation();
        let out = out.sized(transformation.ciphertext_length(payload.len()));
        out.get_mut(..payload.len()).ok_or_else(no_room)?.copy_from_slice(payload);
        let _padded = pad(transformation, out, payload.len());
        self.key.seal(&mut [Lane::new(self.iv, out)])?;
        Ok(out.len())
    }
}

/// What is told of damaged mutations and hints.
pub(super) fn unsound() -> Error {
    Error::corrupt("the checksum of a mutation or a hint in it does not match").hint(HINT)
}

fn failed() -> Error {
    ChunkError::from(DecryptFailed).into()
}

fn no_room() -> Error {
    Error::new(ErrorKind::Internal, "a buffer has no room for its chunk")
}

/// The compressor of Apache's encryption.
const LZ4: Codec = Codec::Lz4(Lz4Type::Fast);

/// More than any of the compressors can achieve: zlib's is 1032.
const BEST_RATIO: usize = 1040;

const HINT: &str = "compare the key with the one that the node used; if it is right, the file is \
                    damaged there: start the node, which says what it makes of it";
