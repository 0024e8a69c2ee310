//! CompressionInfo.db: its header, and the table of chunks that follows.

use rekey_engine::io::Access;
use rekey_engine::sstable::{CHUNK_CRC_LENGTH, ChunkTable, CompressionHeader, Format, Version};

use super::scratch::{contents, with_file};

/// `[version][length of Data.db, 4 bytes; 0 for the one that the table asks for] file`.
pub fn run(bytes: &[u8]) {
    let Some(([selector, length @ ..], file)) = bytes.split_first_chunk::<5>() else { return };
    let (letters, format) = VERSIONS[usize::from(*selector) % VERSIONS.len()];
    let version = Version::find(letters, format).expect("a version of the table");
    let Ok((header, head)) = CompressionHeader::parse(file, version) else { return };
    let encoded = header.encode(version).expect("what was read can be written");
    assert_eq!(encoded, &file[..head]);
    let last = header.chunk_count.saturating_sub(1);
    let last_at = usize::try_from(last).ok().and_then(|n| n.checked_mul(8)?.checked_add(head));
    let offset = last_at.and_then(|at| file.get(at..)?.first_chunk()).copied();
    let data_length = match u32::from_be_bytes(*length) {
        0 => u64::from_be_bytes(offset.unwrap_or_default()).saturating_add(100),
        length => u64::from(length),
    };
    with_file("nb-1-big-CompressionInfo.db", file, |path| {
        let Ok(table) = ChunkTable::open(path, version, Access::Positional, data_length) else {
            return;
        };
        let count = table.header().chunk_count;
        let mut slots = Vec::new();
        // An accepted table has all its offsets, so it is as short as the input.
        if table.slots(0..count, &mut slots).is_ok() {
            let (mut at, mut plain) = (0, 0);
            for slot in &slots {
                assert_eq!(slot.offset, at, "chunks follow each other");
                at += u64::try_from(slot.stored + CHUNK_CRC_LENGTH).expect("a length");
                plain += u64::try_from(slot.plain).expect("a length");
            }
            assert_eq!((at, plain), (data_length, header.data_length));
        }
        let _beyond = table.slots(count..count.saturating_add(9), &mut Vec::new());
        let _beyond = table.slots(count.saturating_add(5)..u64::MAX, &mut Vec::new());
    });
}

const VERSIONS: [(&str, Format); 4] =
    [("me", Format::Big), ("nb", Format::Big), ("oa", Format::Big), ("da", Format::Bti)];

/// Real files.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let sets =
        [(1, "nb-aes-cbc-128-16k"), (2, "oa-encrypting-lz4"), (2, "oa-zstd"), (3, "da-kmip-a")];
    sets.into_iter()
        .flat_map(|(version, set)| {
            contents(set, "CompressionInfo.db")
                .into_iter()
                .map(move |file| [&[version, 0, 0, 0, 0], &file[..]].concat())
        })
        .collect()
}
