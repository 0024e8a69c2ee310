//! The journal of a run, each frame with a right checksum.

use std::fs;
use std::path::PathBuf;

use rekey_engine::journal::{History, Pass, Record};

use super::scratch::testdata;

/// `[format][durable at once] ([length, 2 bytes] record)*`, and the same bytes as a file.
pub fn run(bytes: &[u8]) {
    let _foreign = History::read(bytes);
    let Some(([format, durable], mut rest)) = bytes.split_first_chunk::<2>() else { return };
    let mut file = b"SSTRKJNL\0".to_vec();
    file.push(*format);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (record, after) = after.split_at(length);
        rest = after;
        if let Ok(read) = Record::decode(record) {
            assert_eq!(Record::decode(&read.encode()).as_ref(), Ok(&read));
        }
        let before = if durable & 1 == 1 { file.len() } else { 0 };
        frame(&mut file, record, u64::try_from(before).unwrap_or_default());
    }
    let Ok(Some(mut history)) = History::read(&file) else { return };
    assert!(history.length <= u64::try_from(file.len()).unwrap_or_default());
    history.relocate(&[PathBuf::from("/elsewhere")]);
    let _number = (history.next_number(), history.is_at_rest(), history.resumable().count());
    for entry in history.sstables.values() {
        let _bytes = (entry.done(Pass::Write), entry.done(Pass::ReadBack));
        if let Some(staged) = &entry.staged {
            for done in [&entry.written, &entry.read_back] {
                let missing = done.missing(staged.ranges);
                assert!(missing.count() <= staged.ranges);
                let _first = (missing.nth(0), done.first_missing(), done.end());
            }
        }
    }
}

/// `[marker][length][durable before][time] payload [CRC32]`.
fn frame(file: &mut Vec<u8>, payload: &[u8], durable: u64) {
    let start = file.len();
    file.extend(MARKER);
    file.extend(u32::try_from(payload.len()).unwrap_or_default().to_be_bytes());
    file.extend(durable.to_be_bytes());
    file.extend(1_700_000_000_000_i64.to_be_bytes());
    file.extend(payload);
    let crc = crc32fast::hash(&file[start..]);
    file.extend(crc.to_be_bytes());
}

const MARKER: [u8; 4] = [0x9d, b'R', b'e', 0xc5];

/// Journals of each format.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    (1..=3).map(seed).collect()
}

fn seed(format: u8) -> Vec<u8> {
    let path = testdata().join(format!("journals/format-{format}"));
    let file = fs::read(path).expect("a committed journal");
    let (mut seed, mut rest) = (vec![format, 0], &file[10..]);
    while let Some((head, after)) = rest.split_first_chunk::<24>() {
        let length = usize::from(u16::from_be_bytes([head[6], head[7]]));
        seed.extend([head[6], head[7]]);
        seed.extend(&after[..length]);
        rest = &after[length + 4..];
    }
    seed
}
