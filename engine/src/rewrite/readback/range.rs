//! One range of the new Data.db, read from the disk.

use std::ops::Range;

use crate::Result;
use crate::codec::{ChunkSource, DecodeScratch};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::input::Route;
use crate::rewrite::scratch::Scratch;

/// Reads the chunks of a range, checks their CRCs, opens them, and digests what the first pass did.
/// Returns their running CRC32 and their bytes.
pub(in crate::rewrite) fn read(
    source: &ChunkSource,
    route: Route,
    (range, chunks): (u64, Range<u64>),
    digest: &mut PlainDigest,
    scratch: &mut Scratch,
) -> Result<(crc32fast::Hasher, u64)> {
    let Scratch { input, plain, opened, codecs, .. } = scratch;
    let checked = source.check(chunks, input)?;
    let mut decode = DecodeScratch { opened, context: codecs };
    match route {
        Route::Payloads => {
            for chunk in checked.chunks() {
                let working = plain.sized(chunk.working_length()?);
                let length = chunk.payload(working, &mut decode)?;
                digest.add(chunk.number(), working.get(..length).unwrap_or_default());
            }
        }
        Route::Plaintext(_) => {
            let plain = plain.sized(checked.plain_length());
            checked.plaintext(plain, &mut decode)?;
            digest.add(range, plain);
        }
    }
    checked.forget();
    Ok((checked.crc.clone(), u64::try_from(checked.length()).unwrap_or(u64::MAX)))
}
