//! Recognises components that are encrypted beside Data.db (FORMATS.md 7.2, 8.1), by content.
//!
//! Converged Core encrypts the indices and the metadata of its `da` SSTables under the options in
//! CompressionInfo.db, Apache does not, and the file names are the same.

use crate::wire::Reader;

/// Bytes of a page of an encrypted index.
pub const PAGE: usize = 4096;

/// Whether a page is one of an encrypted index: its last four bytes are the CRC32 of the others,
/// and the length before them fits.
#[must_use]
pub fn is_encrypted_page(page: &[u8]) -> bool {
    let Some((rest, crc)) = page.split_last_chunk::<4>() else { return false };
    let length = rest.split_last_chunk::<4>().map(|(_, length)| i32::from_be_bytes(*length));
    page.len() == PAGE
        && crc32fast::hash(rest) == u32::from_be_bytes(*crc)
        && length.is_some_and(|length| (1..=4088).contains(&length))
}

/// Whether a Statistics.db is in clear: its VALIDATION component starts with the name of the
/// partitioner. `None` when the file is not one at all.
#[must_use]
pub fn is_metadata_in_clear(statistics: &[u8]) -> Option<bool> {
    const VALIDATION: i32 = 0;
    let mut reader = Reader::new(statistics);
    let count = reader.i32("component count").ok().filter(|count| (1..=16).contains(count))?;
    let _crc = reader.i32("checksum").ok()?;
    for _ in 0..count {
        let kind = reader.i32("component type").ok()?;
        let position = usize::try_from(reader.i32("component position").ok()?).ok()?;
        if kind == VALIDATION {
            let name = Reader::new(statistics.get(position..)?).utf("partitioner");
            return Some(name.is_ok_and(|name| name.starts_with("org.apache.cassandra.dht")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_checksum() {
        let mut page = vec![0x5a; PAGE];
        page[4088..4092].copy_from_slice(&4064_i32.to_be_bytes());
        let crc = crc32fast::hash(&page[..4092]);
        page[4092..].copy_from_slice(&crc.to_be_bytes());
        assert!(is_encrypted_page(&page));
        page[17] ^= 1;
        assert!(!is_encrypted_page(&page));
        assert!(!is_encrypted_page(&page[..100]));
        assert!(!is_encrypted_page(&vec![0; PAGE]));
    }

    #[test]
    fn metadata_is_known_by_its_partitioner() {
        let mut statistics = vec![];
        for int in [1, 0x1234, 0, 20, 0x5678] {
            statistics.extend(i32::to_be_bytes(int));
        }
        let name = "org.apache.cassandra.dht.Murmur3Partitioner";
        statistics.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        statistics.extend(name.as_bytes());
        assert_eq!(is_metadata_in_clear(&statistics), Some(true));
        statistics[30] ^= 0x80;
        assert_eq!(is_metadata_in_clear(&statistics), Some(false));
        for end in 0..16 {
            assert_eq!(is_metadata_in_clear(&statistics[..end]), None, "{end}");
        }
    }
}
