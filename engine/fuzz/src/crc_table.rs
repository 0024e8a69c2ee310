//! CRC.db, which an SSTable without compression has instead of CompressionInfo.db.

use rekey_engine::io::Access;
use rekey_engine::sstable::CrcTable;

use super::scratch::{contents, with_file};

/// `[length of Data.db, 8 bytes] file`.
pub fn run(bytes: &[u8]) {
    let Some((length, file)) = bytes.split_first_chunk() else { return };
    let data_length = u64::from_be_bytes(*length);
    with_file("nb-1-big-CRC.db", file, |path| {
        let Ok(table) = CrcTable::open(path, Access::Positional, data_length) else { return };
        let (mut slots, mut crcs) = (Vec::new(), Vec::new());
        // An accepted table has all its checksums, so it is as short as the input.
        if table.slots(0..table.chunk_count(), &mut slots, &mut crcs).is_ok() {
            assert_eq!(slots.len(), crcs.len());
            let sum: usize = slots.iter().map(|slot| slot.plain).sum();
            assert_eq!(u64::try_from(sum).ok(), Some(data_length));
        }
        let count = table.chunk_count();
        let _beyond = table.slots(count.saturating_add(5)..u64::MAX, &mut slots, &mut crcs);
    });
}

/// Real files.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let (tables, data) = (contents("plain-oa", "CRC.db"), contents("plain-oa", "Data.db"));
    let pairs = tables.into_iter().zip(data);
    pairs
        .map(|(table, data)| {
            let length = u64::try_from(data.len()).unwrap_or_default();
            [&length.to_be_bytes(), &table[..]].concat()
        })
        .collect()
}
