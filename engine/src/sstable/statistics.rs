//! The container of Statistics.db (FORMATS.md 8.1).
//!
//! ```text
//! int32 count           1..=16
//! [int32 CRC32 of it]
//! count times           int32 kind, int32 position: both rise
//! [int32 CRC32 of the count and all of these, not of the CRC between them]
//! count times           body, [int32 CRC32 of it]
//! ```
//!
//! Whether there are checksums depends on the version. A body may be encrypted; count, kinds and
//! positions never are.

use crate::wire::{Put as _, Reader, WireError};
use crate::{Error, Result};

/// What is wrong with the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// It ends too early.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The count of bodies is not plausible.
    #[error("it declares {0} bodies, not 1 to {MAX_BODIES}")]
    Count(i32),
    /// A checksum does not match.
    #[error("the CRC of its {0} does not match")]
    Crc(&'static str),
    /// The kinds do not ascend.
    #[error("body {0} is out of order by its kind")]
    Kind(i32),
    /// The positions do not ascend, or the first does not follow the table, or one is beyond the
    /// end.
    #[error("the position {position} of body {kind} does not lie where a body can")]
    Position {
        /// The kind of the body.
        kind: i32,
        /// The position.
        position: i32,
    },
    /// STATS is too short for its histograms.
    #[error("its histograms do not fit their {0} bytes")]
    Histograms(usize),
    /// There is no STATS.
    #[error("it has no STATS body")]
    NoStats,
    /// The new container is longer than positions can express.
    #[error("its bodies are too long")]
    TooLong,
}

impl From<StatisticsError> for Error {
    fn from(error: StatisticsError) -> Self {
        Self::corrupt(error.to_string())
            .hint("restore the file from a backup, or scrub the SSTable on the node")
    }
}

/// The kind of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyKind(pub i32);

impl BodyKind {
    /// Partitioner and chance of the bloom filter.
    pub const VALIDATION: Self = Self(0);
    /// An estimate of the count of keys.
    pub const COMPACTION: Self = Self(1);
    /// Histograms, times, ranges.
    pub const STATS: Self = Self(2);
    /// Types and columns of the rows.
    pub const HEADER: Self = Self(3);
}

/// The bodies as they are stored, in their order.
///
/// # Errors
/// [`StatisticsError`].
pub fn parse_statistics(
    bytes: &[u8],
    checksums: bool,
) -> Result<Vec<(BodyKind, &[u8])>, StatisticsError> {
    let mut reader = Reader::new(bytes);
    let count =
        reader.length("count of bodies", 1..=MAX_BODIES)?.map_err(StatisticsError::Count)?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(bytes.get(..reader.position()).unwrap_or_default());
    if checksums {
        check(&mut reader, &crc, "count")?;
    }
    let mut places = Vec::with_capacity(count);
    let mut before = None;
    for _ in 0..count {
        let kind = reader.i32("kind of a body")?;
        let position = reader.i32("position of a body")?;
        crc.update(&kind.to_be_bytes());
        crc.update(&position.to_be_bytes());
        if before.is_some_and(|before| kind <= before) || kind < 0 {
            return Err(StatisticsError::Kind(kind));
        }
        before = Some(kind);
        places.push((kind, position));
    }
    if checksums {
        check(&mut reader, &crc, "table of bodies")?;
    }
    let mut bodies = Vec::with_capacity(count);
    let mut ends = places.iter().skip(1).map(|(kind, position)| (*kind, Some(*position)));
    for (kind, position) in &places {
        let wrong = |kind, position| StatisticsError::Position { kind, position };
        // The first follows the table, and each begins where the one before ends.
        if usize::try_from(*position) != Ok(reader.position()) {
            return Err(wrong(*kind, *position));
        }
        let body = match ends.next() {
            Some((next, Some(end))) => {
                let length = usize::try_from(end)
                    .ok()
                    .and_then(|end| end.checked_sub(reader.position()))
                    .ok_or_else(|| wrong(next, end))?;
                reader.take(length, "body").map_err(|_beyond| wrong(next, end))?
            }
            _ => reader.rest(),
        };
        bodies.push((BodyKind(*kind), if checksums { checked(body)? } else { body }));
    }
    Ok(bodies)
}

/// Writes a container: positions and checksums follow from the bodies.
///
/// # Errors
/// [`StatisticsError::TooLong`].
pub fn format_statistics(
    bodies: &[(BodyKind, &[u8])],
    checksums: bool,
) -> Result<Vec<u8>, StatisticsError> {
    let too_long = |_| StatisticsError::TooLong;
    let crc_length: usize = if checksums { 4 } else { 0 };
    let table = bodies.len().saturating_mul(8).saturating_add(4);
    let head = table.saturating_add(crc_length).saturating_add(crc_length);
    let mut bytes = Vec::with_capacity(head);
    let mut crc = crc32fast::Hasher::new();
    let count = i32::try_from(bodies.len()).map_err(too_long)?;
    bytes.put_i32(count);
    crc.update(&count.to_be_bytes());
    if checksums {
        bytes.extend(crc.clone().finalize().to_be_bytes());
    }
    let mut position = head;
    for (kind, body) in bodies {
        let at = i32::try_from(position).map_err(too_long)?;
        for value in [kind.0, at] {
            bytes.put_i32(value);
            crc.update(&value.to_be_bytes());
        }
        position = position.saturating_add(body.len()).saturating_add(crc_length);
    }
    if checksums {
        bytes.extend(crc.finalize().to_be_bytes());
    }
    for (_, body) in bodies {
        bytes.extend_from_slice(body);
        if checksums {
            bytes.extend(crc32fast::hash(body).to_be_bytes());
        }
    }
    Ok(bytes)
}

/// Where `compressionRatio` is in a STATS body, in clear (FORMATS.md 8.2): after two histograms, a
/// position in the commit log, and twelve numbers of times.
///
/// # Errors
/// [`StatisticsError`] when the histograms do not fit the body.
pub fn compression_ratio_at(stats: &[u8]) -> Result<std::ops::Range<usize>, StatisticsError> {
    let misfit = StatisticsError::Histograms(stats.len());
    let mut reader = Reader::new(stats);
    for histogram in ["histogram of sizes", "histogram of cell counts"] {
        let buckets = reader.length(histogram, 0..=stats.len())?.map_err(|_beyond| misfit)?;
        reader.take(buckets.saturating_mul(BUCKET), histogram).map_err(|_beyond| misfit)?;
    }
    reader.take(BEFORE_RATIO, "times")?;
    let start = reader.position();
    reader.take(RATIO, "compression ratio")?;
    Ok(start..reader.position())
}

fn check(
    reader: &mut Reader<'_>,
    crc: &crc32fast::Hasher,
    of: &'static str,
) -> Result<(), StatisticsError> {
    if crc.clone().finalize() == reader.u32("checksum")? {
        return Ok(());
    }
    Err(StatisticsError::Crc(of))
}

fn checked(body: &[u8]) -> Result<&[u8], StatisticsError> {
    let (body, crc) =
        body.split_last_chunk::<4>().ok_or(WireError::MissingData("checksum of a body"))?;
    if crc32fast::hash(body) == u32::from_be_bytes(*crc) {
        return Ok(body);
    }
    Err(StatisticsError::Crc("bodies"))
}

/// More than any Statistics.db has: histograms and, at most, a few keys and columns.
pub(crate) const STATISTICS_LIMIT: u64 = 64 << 20;

/// The database has four kinds.
const MAX_BODIES: usize = 16;
/// Bytes of a bucket: offset and count.
const BUCKET: usize = 16;
/// int64 and int32 of the commit log, two int64 of times, two int32 of deletion times, two of TTLs.
const BEFORE_RATIO: usize = 12 + 16 + 8 + 8;
/// A float64.
const RATIO: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> Vec<(BodyKind, &'static [u8])> {
        vec![
            (BodyKind::VALIDATION, b"validation"),
            (BodyKind::COMPACTION, b""),
            (BodyKind::STATS, b"stats"),
            (BodyKind(7), b"x"),
        ]
    }

    #[test]
    fn statistics_round_trip() {
        for checksums in [false, true] {
            let bytes = format_statistics(&bodies(), checksums).unwrap();
            assert_eq!(parse_statistics(&bytes, checksums).unwrap(), bodies());
            // FORMATS.md 8.1: the first of four bodies is at 44 with checksums.
            let (at, first) = if checksums { (12, 44) } else { (8, 36) };
            assert_eq!(bytes[at..at + 4], [0, 0, 0, first]);
        }
    }

    #[test]
    fn every_flip_and_every_cut_is_an_error() {
        let bytes = format_statistics(&bodies(), true).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(parse_statistics(&damaged, true).is_err(), "bit {bit} of byte {at}");
            }
            assert!(parse_statistics(&bytes[..at], true).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn without_checksums_holes_overlaps_and_disorder_are_errors() {
        type E = StatisticsError;
        let whole = format_statistics(&bodies(), false).unwrap();
        let with = |at: usize, value: i32| {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            parse_statistics(&bytes, false).map(|_| ())
        };
        assert_eq!(with(0, 0), Err(E::Count(0)));
        assert_eq!(with(0, -1), Err(E::Count(-1)));
        assert_eq!(with(0, 17), Err(E::Count(17)));
        assert_eq!(with(12, 0), Err(E::Kind(0)));
        assert_eq!(with(4, -1), Err(E::Kind(-1)));
        assert_eq!(with(8, 37), Err(E::Position { kind: 0, position: 37 }));
        assert_eq!(with(8, -1), Err(E::Position { kind: 0, position: -1 }));
        assert_eq!(with(16, 35), Err(E::Position { kind: 1, position: 35 }));
        assert_eq!(with(16, 1000), Err(E::Position { kind: 1, position: 1000 }));
        assert_eq!(with(16, -5), Err(E::Position { kind: 1, position: -5 }));
    }

    #[test]
    fn the_ratio_follows_two_histograms_of_any_length() {
        for (first, second) in [(0_u32, 0_u32), (3, 0), (1, 118)] {
            let mut stats = Vec::new();
            for buckets in [first, second] {
                stats.extend(buckets.to_be_bytes());
                stats.resize(stats.len() + buckets as usize * 16, 0xbb);
            }
            stats.resize(stats.len() + 44, 0);
            let at = stats.len();
            stats.extend((-1.0_f64).to_be_bytes());
            assert_eq!(compression_ratio_at(&stats), Ok(at..at + 8));
            assert_eq!(at, 52 + 16 * (first + second) as usize);
            for end in 0..stats.len() {
                assert!(compression_ratio_at(&stats[..end]).is_err());
            }
        }
        assert!(compression_ratio_at(&[0xff; 200]).is_err());
        assert!(compression_ratio_at(&[0x7f; 200]).is_err());
    }
}
