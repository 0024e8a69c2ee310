//! Integers of the index files (FORMATS.md 7.3, 7.4).

use crate::wire::Put as _;

/// A two's complement integer of 1 to 8 bytes; none is 0.
pub(super) fn sized_int(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let start = if negative { -1_i64 } else { 0 };
    bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))
}

/// Appends an integer in the fewest bytes that hold it, one at least. Returns their number.
pub(super) fn put_sized_int(out: &mut Vec<u8>, value: i64) -> u8 {
    let magnitude = if value < 0 { !value } else { value };
    // With the bit of the sign.
    let bits = 65_u32.saturating_sub(magnitude.leading_zeros());
    let length = bits.div_ceil(8);
    let skipped = usize::try_from(8_u32.saturating_sub(length)).unwrap_or_default();
    out.extend(value.to_be_bytes().iter().skip(skipped));
    u8::try_from(length).unwrap_or_default()
}

/// A signed integer from the unsigned one that stands for it: 0, -1, 1, -2, ...
pub(super) const fn signed(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

/// Appends a signed integer.
pub(super) fn put_vint(out: &mut Vec<u8>, value: i64) {
    out.put_uvint((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    #[test]
    fn sized_integers_take_the_fewest_bytes() {
        for (value, bytes) in [
            (0, &[0][..]),
            (-1, &[0xff]),
            (127, &[0x7f]),
            (128, &[0, 0x80]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (i64::MAX, &i64::MAX.to_be_bytes()),
            (i64::MIN, &i64::MIN.to_be_bytes()),
        ] {
            let mut out = Vec::new();
            assert_eq!(usize::from(put_sized_int(&mut out, value)), bytes.len());
            assert_eq!(out, bytes);
            assert_eq!(sized_int(&out), value);
        }
        assert_eq!(sized_int(&[0, 0, 1]), 1);
    }

    #[test]
    fn signed_integers_round_trip() {
        for value in [0, -1, 1, -2, 63, -64, 64, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_vint(&mut out, value);
            assert_eq!(signed(Reader::new(&out).uvint("").unwrap()), value);
        }
        let mut out = Vec::new();
        put_vint(&mut out, -8);
        assert_eq!(out, [0x0f], "as in the example of FORMATS.md 7.7");
    }
}
