//! Statistics.db: the container of its bodies, and what tells a body in clear.

use rekey_engine::codec::{Metadata, encrypted_bodies};
use rekey_engine::sstable::{
    BodyKind, compression_ratio_at, format_statistics, is_body_in_clear, parse_statistics,
};

use super::scratch::contents;

/// `[whether with checksums] file`; the checksums are corrected.
pub fn run(bytes: &[u8]) {
    let Some((selector, file)) = bytes.split_first() else { return };
    let checksums = selector & 1 == 1;
    let mut file = file.to_vec();
    if checksums {
        correct(&mut file);
    }
    let Ok(bodies) = parse_statistics(&file, checksums) else { return };
    assert_eq!(format_statistics(&bodies, checksums).as_ref(), Ok(&file));
    for (kind, body) in &bodies {
        let _clear = is_body_in_clear(*kind, body);
        if let Ok(at) = compression_ratio_at(body) {
            assert_eq!(at.len(), 8);
            assert!(body.get(at).is_some());
        }
    }
    let _encrypted = encrypted_bodies(&file, checksums);
    let mut metadata = Metadata::parse_clear(&file, checksums).expect("it was read just now");
    assert_eq!(metadata.format_clear().ok().as_ref(), Some(&file));
    if metadata.patch_compression_ratio(0.5).is_ok() {
        let patched = metadata.format_clear().expect("bodies as long as before");
        let again = Metadata::parse_clear(&patched, checksums).expect("what was written");
        assert!(again.same_content(&metadata));
        let stats = again.bodies().iter().find(|body| body.kind() == BodyKind::STATS);
        let stats = stats.expect("it was patched").plain();
        let at = compression_ratio_at(stats).expect("it was patched there");
        assert_eq!(stats[at], 0.5_f64.to_be_bytes());
    }
}

/// Puts the right checksum wherever the container has one, as far as its positions make sense.
pub(crate) fn correct(file: &mut [u8]) {
    let int = |file: &[u8], at: usize| {
        let bytes = file.get(at..)?.first_chunk::<4>()?;
        usize::try_from(i32::from_be_bytes(*bytes)).ok()
    };
    let Some(count) = int(file, 0).filter(|count| *count <= 16) else { return };
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file[..4]);
    put(file, 4, crc.clone().finalize());
    let table = 8..8 + 8 * count;
    let Some(entries) = file.get(table.clone()) else { return };
    crc.update(entries);
    let mut ends: Vec<_> = (0..count).filter_map(|n| int(file, table.start + 8 * n + 4)).collect();
    put(file, table.end, crc.finalize());
    ends.push(file.len());
    for pair in ends.windows(2) {
        let Some(end) = pair[1].checked_sub(4).filter(|end| *end >= pair[0]) else { continue };
        if let Some(body) = file.get(pair[0]..end) {
            let crc = crc32fast::hash(body);
            put(file, end, crc);
        }
    }
}

/// Overwrites four bytes, if they are there.
pub(crate) fn put(file: &mut [u8], at: usize, value: u32) {
    if let Some(four) = file.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
        *four = value.to_be_bytes();
    }
}

/// Real files, in clear and encrypted.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    ["plain-oa", "plain-nb", "plain-da", "cc-kmip-cbc/rk"]
        .into_iter()
        .flat_map(|set| contents(set, "Statistics.db").into_iter().take(3))
        .map(|file| [&[1], &file[..]].concat())
        .collect()
}
