//! Whether the bytes of a body of Statistics.db can be a body of their kind (FORMATS.md 7.1, 8.2,
//! 8.3).
//!
//! A version that encrypts bodies may still have them in clear, and a wrong key passes the padding
//! check once in 256 times. The structure of a body in clear reveals both. Only lengths and counts
//! are checked, and that they end exactly at the end of the body. Names are not checked: a type
//! unknown to this program is still a type.

use super::statistics::{BodyKind, compression_ratio_at};
use crate::wire::Reader;

/// Whether `bytes` can be a body of this kind in clear; `None` for unknown kinds.
///
/// Random bytes pass as COMPACTION once in 2^32 times, and as the others less than once in 10^12
/// times. The key header of a KMIP provider never passes.
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
    (!name.is_empty()).then_some(())
}

/// A length and so many bytes.
fn is_compaction(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let length = reader.length("length of the estimate", 0..=bytes.len()).ok()?.ok()?;
    reader.take(length, "estimate").ok()?;
    reader.finish().ok()
}

/// Three minima; the type of the partition key; those of the clustering; names and types of static
/// and of other columns: nothing else. Its end distinguishes it from a ciphertext, where a few
/// zeros would otherwise suffice.
fn is_header(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    for minimum in ["minimal timestamp", "minimal deletion time", "minimal TTL"] {
        reader.uvint(minimum).ok()?;
    }
    type_name(&mut reader)?;
    for _ in 0..reader.uvint("count of clustering columns").ok()? {
        type_name(&mut reader)?;
    }
    for columns in ["count of static columns", "count of columns"] {
        for _ in 0..reader.uvint(columns).ok()? {
            // Any bytes, and none in old compact tables.
            reader.sized("name of a column").ok()?;
            type_name(&mut reader)?;
        }
    }
    reader.finish().ok()
}

/// Any type name: with blanks (`VectorType(FloatType , 3)`), with kilobytes of fields, or of a
/// custom class.
fn type_name(reader: &mut Reader<'_>) -> Option<()> {
    let name = std::str::from_utf8(reader.sized("type").ok()?).ok()?;
    (!name.is_empty()).then_some(())
}

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

    fn vint(value: usize) -> Vec<u8> {
        match value {
            0..0x80 => vec![u8::try_from(value).unwrap()],
            _ => [0xf0_u8].into_iter().chain(u32::try_from(value).unwrap().to_be_bytes()).collect(),
        }
    }

    fn put(body: &mut Vec<u8>, bytes: &[u8]) {
        body.extend(vint(bytes.len()));
        body.extend(bytes);
    }

    /// A table with columns of these names and types; its first types are also those of the keys.
    fn header_of(columns: &[(&[u8], &str)]) -> Vec<u8> {
        // 2^63 in nine bytes, 300 in two, 5 in one.
        let mut body = vec![0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x2c, 5];
        put(&mut body, columns[0].1.as_bytes());
        body.extend(vint(columns.len()));
        columns.iter().for_each(|(_, of)| put(&mut body, of.as_bytes()));
        for _static_and_others in 0..2 {
            body.extend(vint(columns.len()));
            for (name, of) in columns {
                put(&mut body, name);
                put(&mut body, of.as_bytes());
            }
        }
        body
    }

    fn header() -> Vec<u8> {
        header_of(&[(b"v", "a.b.Type")])
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
    fn any_type_name_is_a_type() {
        const MARSHAL: &str = "org.apache.cassandra.db.marshal.";
        let udt = format!("{MARSHAL}UserType(ks,{}", "6162:org.example.T,".repeat(9000));
        for of in [
            "org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 3)",
            "org.apache.cassandra.db.marshal.ReversedType(org.apache.cassandra.db.marshal.UUIDType)",
            "org.apache.cassandra.db.marshal.FrozenType(org.apache.cassandra.db.marshal.MapType(a,b))",
            "org.apache.cassandra.db.marshal.DynamicCompositeType(a=>T,b=>U)",
            "org.apache.cassandra.db.marshal.UserType(ks,6e,61:T,:U)",
            "T",
            "'a type' of\tsomebody\u{0}",
            "org.example.\u{c4}hnlichkeit\u{1f600}",
            udt.as_str(),
        ] {
            let columns: [(&[u8], &str); 3] = [(b"", of), (&[0xff, 0, 0x80], of), (b"name", of)];
            let body = header_of(&columns);
            assert_eq!(is_body_in_clear(BodyKind::HEADER, &body), Some(true), "{of:.90}");
            let cut = &body[..body.len() - 1];
            assert_eq!(is_body_in_clear(BodyKind::HEADER, cut), Some(false));
        }
        let mut no_columns = header_of(&[(b"", "T")]);
        no_columns.truncate(14);
        no_columns.extend([0, 0, 0]);
        assert_eq!(is_body_in_clear(BodyKind::HEADER, &no_columns), Some(true));
        let mut unnamed = validation();
        unnamed.splice(..45, [0, 1, b'P']);
        assert_eq!(is_body_in_clear(BodyKind::VALIDATION, &unnamed), Some(true));
    }

    /// The minimum: of each body only the byte count is right, and everything that a ciphertext
    /// could have by accident.
    #[test]
    fn noise_is_never_taken_for_a_body() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut noise = |length: usize| -> Vec<u8> {
            let byte = |_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_be_bytes()[0]
            };
            (0..length).map(byte).collect()
        };
        for blocks in 1..200 {
            for _ in 0..20 {
                let body = noise(16 * blocks);
                for kind in 0..4 {
                    assert_eq!(is_body_in_clear(BodyKind(kind), &body), Some(false), "{body:?}");
                }
                // A key type of one letter, and no column at all, but the body does not end there.
                let lucky = [&[0, 0, 0, 1, b'T', 0, 0, 0][..], &body].concat();
                assert_eq!(is_body_in_clear(BodyKind::HEADER, &lucky), Some(false));
            }
        }
    }

    #[test]
    fn the_end_of_a_body_is_known() {
        let longer = |mut body: Vec<u8>| {
            body.push(0);
            body
        };
        assert_eq!(is_body_in_clear(BodyKind::VALIDATION, &longer(validation())), Some(false));
        assert_eq!(is_body_in_clear(BodyKind::HEADER, &longer(header())), Some(false));
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
