//! Recognises pages of encrypted indices (FORMATS.md 7.2), by content.
//!
//! Converged Core encrypts the indices and the metadata of its `da` SSTables with the options in
//! CompressionInfo.db. Apache does not, and the file names are the same.

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
}
