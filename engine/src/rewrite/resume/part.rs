//! The sealed content of ranges that are journalled together.

use super::envelope::Envelope;
use super::progress::RunSums;
use crate::journal::{Part, Pass};
use crate::rewrite::digest::PlainDigest;
use crate::wire::Reader;
use crate::{Error, ErrorKind, Result};

/// Ranges that an earlier run has journalled together, opened.
#[derive(Debug)]
pub(super) struct OpenPart {
    pub(super) stage: Pass,
    pub(super) sums: Vec<RunSums>,
    pub(super) digest: PlainDigest,
}

/// The sealed content of a part: the checksums of each run, then the digest of all.
pub(in crate::rewrite) fn part_content(sums: &[RunSums], digest: &PlainDigest) -> Vec<u8> {
    let mut content = Vec::with_capacity(part_length(sums.len()));
    for sums in sums {
        content.extend_from_slice(&sums.old_crc.to_be_bytes());
        content.extend_from_slice(&sums.new_crc.to_be_bytes());
    }
    content.extend_from_slice(&digest.sum().to_be_bytes());
    content.extend_from_slice(&digest.bytes().to_be_bytes());
    content
}

/// Opens it.
pub(super) fn open_part(part: &Part, envelope: &Envelope, seed: u64) -> Result<OpenPart> {
    let content = envelope.open(&part.sealed, part_length(part.runs.len()))?;
    let mut reader = Reader::new(&content);
    let mut sums = Vec::with_capacity(part.runs.len());
    for run in &part.runs {
        let old_crc = u32::from_be_bytes(reader.take_array("checksum").map_err(short)?);
        let new_crc = u32::from_be_bytes(reader.take_array("checksum").map_err(short)?);
        sums.push(RunSums { run: *run, old_crc, new_crc });
    }
    let sum = u128::from_be_bytes(reader.take_array("digest").map_err(short)?);
    let bytes = u64::from_be_bytes(reader.take_array("length").map_err(short)?);
    Ok(OpenPart { stage: part.stage, sums, digest: PlainDigest::kept(seed, sum, bytes) })
}

const fn part_length(runs: usize) -> usize {
    runs.saturating_mul(8).saturating_add(24)
}

fn short(_length_was_checked: crate::wire::WireError) -> Error {
    Error::new(ErrorKind::Internal, "a sealed record is too short")
}
