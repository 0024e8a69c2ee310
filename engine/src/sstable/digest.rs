//! Digest.crc32: the CRC32 of the whole Data.db as a decimal number, no line end (FORMATS.md 3.3).

/// Reads the number; the database takes the first line.
#[must_use]
pub fn parse_digest(bytes: &[u8]) -> Option<u32> {
    std::str::from_utf8(bytes).ok()?.lines().next()?.trim().parse().ok()
}

/// Writes the number.
#[must_use]
pub fn format_digest(crc: u32) -> String {
    crc.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_round_trip_and_must_be_numbers() {
        assert_eq!(parse_digest(format_digest(u32::MAX).as_bytes()), Some(u32::MAX));
        assert_eq!(parse_digest(b"17\n"), Some(17));
        for bad in [&b""[..], b"-1", b"4294967296", b"0x17", b"\xff"] {
            assert_eq!(parse_digest(bad), None);
        }
    }
}
