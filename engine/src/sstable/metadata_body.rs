//! Whether the bytes of a body of Statistics.db can be what they are for (FORMATS.md 7.1, 8.2, 8.3).
//!
//! A version may encrypt them and still have them in clear, and a wrong key passes the padding check
//! once in 256 times: both are told by the beginning of what a body of its kind has in clear.

use super::statistics::{BodyKind, compression_ratio_at};
use crate::wire::Reader;

/// Whether `bytes` can be a body of this kind in clear; `None` for kinds that nothing is known of.
///
/// Random bytes pass as COMPACTION once in 2^32 times, and as the others once in millions of times.
/// The key header of a KMIP provider never passes.
#[must_use]
pub fn is_body_in_clear(kind: BodyKind, bytes: &[u8]) -> Option<bool> {
    match kind {
        BodyKind::VALIDATION => Some(is_validation(bytes).is_some()),
        BodyKind::COMPACTION => Some(is_compaction(bytes).is_some()),
        BodyKind::STATS => Some(compression_ratio_at(bytes).is_ok()),
        BodyKind::HEADER => Some(is_header(bytes).is_some()),
        _ => None,
    }
}

/// The class of the partitioner, and a float64: nothing else.
fn is_validation(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let name = reader.utf("partitioner").ok()?;
    reader.take(8, "chance of the bloom filter").ok()?;
    reader.finish().ok()?;
    is_class_name(name.as_bytes()).then_some(())
}

/// A length and so many bytes.
fn is_compaction(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let length = usize::try_from(reader.i32("length of the estimate").ok()?).ok()?;
    reader.take(length, "estimate").ok()?;
    reader.finish().ok()
}

/// Three minima; the type of the partition key; those of the clustering; names and types of static
/// and of other columns. Read to its end, since a key header of 2 KiB or more starts like one.
fn is_header(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    for minimum in ["minimal timestamp", "minimal deletion time", "minimal TTL"] {
        unsigned_vint(&mut reader, minimum)?;
    }
    class(&mut reader)?;
    for _ in 0..unsigned_vint(&mut reader, "count of clustering columns")? {
        class(&mut reader)?;
    }
    for columns in ["count of static columns", "count of columns"] {
        for _ in 0..unsigned_vint(&mut reader, columns)? {
            sized(&mut reader, "name of a column")?;
            class(&mut reader)?;
        }
    }
    Some(())
}

fn class(reader: &mut Reader<'_>) -> Option<()> {
    sized(reader, "type").is_some_and(is_class_name).then_some(())
}

fn sized<'a>(reader: &mut Reader<'a>, what: &'static str) -> Option<&'a [u8]> {
    let length = usize::try_from(unsigned_vint(reader, what)?).ok()?;
    reader.take(length, what).ok()
}

fn is_class_name(name: &[u8]) -> bool {
    name.len() >= SHORTEST_CLASS && name.iter().all(u8::is_ascii_graphic)
}

/// An integer of 1 to 9 bytes: the leading 1 bits of the first count the others.
fn unsigned_vint(reader: &mut Reader<'_>, what: &'static str) -> Option<u64> {
    let [first] = reader.take_array(what).ok()?;
    let extra = first.leading_ones();
    let mask = u8::MAX.checked_shr(extra.saturating_add(1)).unwrap_or_default();
    let rest = reader.take(usize::try_from(extra).ok()?, what).ok()?;
    Some(rest.iter().fold(u64::from(first & mask), |value, byte| value << 8 | u64::from(*byte)))
}

/// A class has a package in front of it.
const SHORTEST_CLASS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn validation() -> Vec<u8> {
        let name = b"org.apache.cassandra.dht.Murmur3Partitioner";
        let mut body = vec![0, 43];
        body.extend(name);
        body.extend(0.01_f64.to_be_bytes());
        body
    }

    fn header() -> Vec<u8> {
        // 2^63 in nine bytes, 300 in two, 5 in one.
        let mut body = vec![0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x2c, 5, 8];
        // One clustering column, no static one, one other.
        body.extend(b"a.b.Type\x01\x0aa.b.Revers\x00\x01\x01v\x08a.b.Blob");
        body
    }

    fn stats() -> Vec<u8> {
        vec![0; 60]
    }

    #[test]
    fn each_kind_is_known_and_none_is_another() {
        let bodies = [validation(), vec![0, 0, 0, 2, 9, 9], stats(), header()];
        for (kind, body) in (0..).map(BodyKind).zip(&bodies) {
            assert_eq!(is_body_in_clear(kind, body), Some(true), "{kind:?}");
            assert_eq!(is_body_in_clear(kind, &[]), Some(false));
            for (other, foreign) in (0..).map(BodyKind).zip(&bodies) {
                assert_eq!(is_body_in_clear(kind, foreign), Some(kind == other));
            }
        }
        assert_eq!(is_body_in_clear(BodyKind(4), &stats()), None);
    }

    #[test]
    fn the_ends_of_validation_and_compaction_are_known() {
        let longer = |mut body: Vec<u8>| {
            body.push(0);
            body
        };
        assert_eq!(is_body_in_clear(BodyKind::VALIDATION, &longer(validation())), Some(false));
        let compaction = vec![0, 0, 0, 1, 9, 9];
        assert_eq!(is_body_in_clear(BodyKind::COMPACTION, &compaction), Some(false));
    }

    #[test]
    fn a_key_header_of_any_length_is_not_taken_for_a_body() {
        for length in 1_u32..=4096 {
            let mut encrypted = vec![0];
            encrypted.extend(length.to_be_bytes());
            encrypted.resize(5 + length as usize, b'k');
            encrypted.extend([0x5a; 4096]);
            for kind in 0..4 {
                assert_eq!(is_body_in_clear(BodyKind(kind), &encrypted), Some(false), "{length}");
            }
        }
    }
}
