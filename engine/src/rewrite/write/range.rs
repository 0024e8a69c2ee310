//! One range on its way from the old Data.db to the new one.

use crate::Result;
use crate::codec::{ChunkSealer, ChunkSource, DecodeScratch};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::input::{Layout, Route};
use crate::rewrite::scratch::Scratch;
use crate::rewrite::write::image::{compress_to_image, payloads_to_image};

/// What the new Data.db gets for a range; its bytes are in [`Scratch::output`].
#[derive(Debug)]
pub(in crate::rewrite) struct Transformed {
    /// Running CRC32 of the old range, and its bytes.
    pub(in crate::rewrite) old: (crc32fast::Hasher, u64),
    /// The same of the new one.
    pub(in crate::rewrite) new: (crc32fast::Hasher, u64),
    /// Length of the record of each new chunk.
    pub(in crate::rewrite) records: Vec<usize>,
    /// CRC32 of each new chunk as it is stored.
    pub(in crate::rewrite) crcs: Vec<u32>,
}

/// Reads a range, checks its CRCs, opens it, and seals it for the new Data.db. What is compared
/// later goes into the digest.
pub(in crate::rewrite) fn transform(
    layout: &Layout,
    (source, sealer): (&ChunkSource, &ChunkSealer),
    range: u64,
    digest: &mut PlainDigest,
    scratch: &mut Scratch,
) -> Result<Transformed> {
    let Scratch { input, output, plain, opened, codecs, ivs } = scratch;
    let checked = source.check(layout.ranges.old(range), input)?;
    let mut decode = DecodeScratch { opened, context: codecs };
    let chunks = match layout.route {
        Route::Payloads => payloads_to_image(&checked, sealer, output, plain, &mut decode, digest)?,
        Route::Plaintext(codec) => {
            let plain = plain.sized(checked.plain_length());
            checked.plaintext(plain, &mut decode)?;
            digest.add(range, plain);
            let lengths = layout.new_lengths(range);
            compress_to_image(plain, &lengths, codec, sealer, output, decode.context)?
        }
    };
    let records = chunks.iter().map(|chunk| sealer.record_length(chunk.payload)).collect();
    let length = output.as_slice().len();
    let sealed = sealer.seal(output.sized(length), &chunks, ivs)?;
    Ok(Transformed {
        old: (checked.crc.clone(), bytes(checked.length())),
        new: (sealed.crc, bytes(length)),
        records,
        crcs: sealed.chunk_crcs,
    })
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
