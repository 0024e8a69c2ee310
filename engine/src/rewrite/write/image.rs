//! Builds the image of a range: record after record, each with its payload after its prefix, ready
//! to be sealed.

use crate::codec::{CheckedChunks, ChunkLengths, ChunkSealer, DecodeScratch};
use crate::compress::{Codec, CodecContext};
use crate::memory::WipedBuffer;
use crate::rewrite::digest::PlainDigest;
use crate::{Error, ErrorKind, Result};

/// Puts every payload after the prefix of its record.
pub(in crate::rewrite) fn payloads_to_image(
    checked: &CheckedChunks<'_>,
    sealer: &ChunkSealer,
    image: &mut WipedBuffer,
    aside: &mut WipedBuffer,
    decode: &mut DecodeScratch<'_>,
    digest: &mut PlainDigest,
) -> Result<Vec<ChunkLengths>> {
    let lengths = checked
        .chunks()
        .map(|chunk| {
            Ok(ChunkLengths { plain: chunk.plain_length(), payload: chunk.payload_length()? })
        })
        .collect::<Result<Vec<_>>>()?;
    let total = lengths.iter().map(|chunk| sealer.record_length(chunk.payload)).sum();
    let mut rest = image.sized(total);
    for (chunk, length) in checked.chunks().zip(&lengths) {
        let (record, after) =
            rest.split_at_mut_checked(sealer.record_length(length.payload)).ok_or_else(no_fit)?;
        rest = after;
        let room = record.get_mut(sealer.prefix_length()..).ok_or_else(no_fit)?;
        let working = chunk.working_length()?;
        // The old cipher may pad more than the new one has room for.
        let found = match room.get_mut(..working) {
            Some(place) => chunk.payload(place, decode)?,
            None => {
                let place = aside.sized(working);
                let found = chunk.payload(place, decode)?;
                let payload = place.get(..length.payload).ok_or_else(no_fit)?;
                room.get_mut(..length.payload).ok_or_else(no_fit)?.copy_from_slice(payload);
                found
            }
        };
        if found != length.payload {
            return Err(no_fit());
        }
        digest.add(chunk.number(), room.get(..length.payload).unwrap_or_default());
    }
    Ok(lengths)
}

/// Cuts plaintext into chunks of these lengths and compresses each to its place in the image.
pub(in crate::rewrite) fn compress_to_image(
    plain: &[u8],
    lengths: &[usize],
    codec: Option<Codec>,
    sealer: &ChunkSealer,
    image: &mut WipedBuffer,
    context: &mut CodecContext,
) -> Result<Vec<ChunkLengths>> {
    let most = |plain: usize| codec.map_or(plain, |codec| codec.max_compressed_length(plain));
    let bound = lengths.iter().map(|&plain| sealer.record_length(most(plain))).sum();
    let whole = image.sized(bound);
    let (mut at, mut rest) = (0_usize, plain);
    let mut chunks = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (own, after) = rest.split_at_checked(length).ok_or_else(no_fit)?;
        rest = after;
        let room = whole.get_mut(at.saturating_add(sealer.prefix_length())..);
        let room = room.ok_or_else(no_fit)?;
        let payload = match codec {
            Some(codec) => codec.compress(own, room, context)?,
            None => {
                room.get_mut(..length).ok_or_else(no_fit)?.copy_from_slice(own);
                length
            }
        };
        at = at.saturating_add(sealer.record_length(payload));
        chunks.push(ChunkLengths { plain: length, payload });
    }
    image.sized(at);
    Ok(chunks)
}

fn no_fit() -> Error {
    Error::new(ErrorKind::Internal, "the chunks of a range do not fit its image")
}
