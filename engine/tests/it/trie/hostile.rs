//! Indices that no writer writes: each is refused with its place, or read as something harmless.

use rekey_engine::ErrorKind;

use super::{Files, WHOLE, belongs, relay_clear};

/// Three narrow partitions (FORMATS.md 7.7).
const PARTITIONS: [u8; 55] = [
    0x08, 0xe6, 0xff, // hash e6, Data.db 0
    0x08, 0x02, 0xe8, // hash 02, Data.db 23
    0x08, 0x05, 0xd1, // hash 05, Data.db 46
    0x50, 0x03, 0x47, 0x5a, 0x96, 0x09, 0x06, 0x03, // 47, 5a, 96
    0x18, 0x40, // 40; the root
    0x00, 0x04, 0x00, 0x00, 0x00, 0x01, // first key
    0x00, 0x04, 0x00, 0x00, 0x00, 0x07, // last key
    0, 0, 0, 0, 0, 0, 0, 0x13, 0, 0, 0, 0, 0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0x11,
];
const DATA: u64 = 69;

/// A partition of two blocks (FORMATS.md 7.7).
const ROWS: [u8; 32] = [
    0x03, 0x01, 0x00, 0x1c, // block 2 at 65564
    0x03, 0x01, 0x20, 0x4d, // end at 73805
    0x50, 0x02, 0x15, 0x58, 0x08, 0x04, // 15, 58
    0x16, 0x02, // 02
    0x12, 0x00, // 00
    0x12, 0x80, // 80
    0x21, 0x40, 0x02, 0x05, // 40; block 1 at 5; the root
    0x00, 0x02, 0x70, 0x30, // key
    0x00, 0x0f, 0x02, 0x80, // position, root, blocks, no deletion
];
const ROWS_DATA: u64 = 73_806;

fn narrow() -> Files {
    Files { partitions: PARTITIONS.to_vec(), rows: vec![] }
}

fn wide() -> Files {
    let mut partitions = vec![0x08, 0xfe, 0x18, 0, 2, b'p', b'0', 0, 2, b'p', b'0'];
    partitions.extend([3_u64, 1, 0].iter().flat_map(|long| long.to_be_bytes()));
    Files { partitions, rows: ROWS.to_vec() }
}

/// The words of the error, and where.
fn refused(files: &Files, data: u64) -> (String, u64) {
    let error = relay_clear(files, WHOLE, WHOLE, belongs(data)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(error.hint_text().is_some() && error.path().is_some(), "{error:?}");
    (error.to_string(), error.byte_offset().unwrap())
}

/// What an index is refused with, if it is something else.
fn differs(files: &Files, data: u64, (at, words, place): (usize, &str, u64)) -> Option<String> {
    let found = relay_clear(files, WHOLE, WHOLE, belongs(data));
    let text = match &found {
        Ok(_) => "not refused".to_owned(),
        Err(error) => format!("{error} at {:?}", error.byte_offset()),
    };
    let is_it = found.is_err_and(|error| {
        error.kind() == ErrorKind::Corrupt
            && error.to_string().contains(words)
            && error.byte_offset() == Some(place)
    });
    (!is_it).then(|| format!("{at:x}: {text}"))
}

#[test]
fn the_examples_are_read_and_reproduced() {
    assert_eq!(relay_clear(&narrow(), WHOLE, WHOLE, belongs(DATA)).unwrap(), narrow());
    assert_eq!(relay_clear(&wide(), WHOLE, WHOLE, belongs(ROWS_DATA)).unwrap(), wide());
}

#[test]
fn what_is_wrong_in_partitions_is_named_with_its_place() {
    let rows: &[(usize, &[u8], &str, u64)] = &[
        (0x00, &[0x00], "a leaf of its trie has no payload", 0),
        (0x0b, &[0x5a], "the characters of a node of its trie do not rise", 9),
        (0x0e, &[0x00], "its own child", 9),
        (0x0e, &[0x0a], "points out of the file", 9),
        (0x10, &[0x02], "overlaps another one", 7),
        (0x0f, &[0x09], "positions in Data.db do not rise", 0),
        (0x11, &[0x10], "its own child", 0x11),
        (0x02, &[0xe8], "positions in Data.db do not rise", 3),
        (0x02, &[0x05], "its key is not within the file", 5),
        (0x02, &[0x00], "its positions in Rows.db do not rise", 0),
        (0x08, &[0x80], "points past the end of Data.db", 6),
        (0x09, &[0xa0, 0x47, 0x01, 0x00, 0x90, 0x00], "begins or ends with an empty place", 9),
        (0x09, &[0xa0, 0xff, 0x01, 0x00, 0x90, 0x06], "goes on after the last character", 9),
        (0x11, &[0x50, 0x00], "a leaf of its trie has no payload", 0x11),
        // The footer: where the keys are, how many, the root.
        (0x26, &[0x1f], "its footer is not that of an index", 0x1f),
        (0x1f, &[0xff], "its footer is not that of an index", 0x1f),
        (0x27, &[0x80], "its footer is not that of an index", 0x1f),
        (0x2e, &[0x04], "it has 3 keys, and its footer says 4", 0x11),
        (0x36, &[0x1f], "its footer is not that of an index", 0x1f),
        (0x36, &[0x00], "it has 1 keys, and its footer says 3", 0),
        (0x13, &[0x80], "its key is not within the file", 55),
        (0x19, &[0x00, 0x05], "its footer is not that of an index", 0x1f),
    ];
    let mut wrong = Vec::new();
    for (at, bytes, words, place) in rows {
        let mut files = narrow();
        files.partitions[*at..at + bytes.len()].copy_from_slice(bytes);
        wrong.extend(differs(&files, DATA, (*at, words, *place)));
    }
    assert_eq!(wrong, Vec::<String>::new());
    for length in 0..55 {
        let mut files = narrow();
        files.partitions.truncate(length);
        refused(&files, DATA);
    }
}

#[test]
fn what_is_wrong_in_rows_is_named_with_its_place() {
    let rows: &[(usize, &[u8], &str, u64)] = &[
        (0x03, &[0x05, 0x08], "overlaps another one", 4),
        (0x01, &[0x80], "a payload of its trie has no position", 0),
        (0x01, &[0x02], "the offsets of its blocks do not rise", 4),
        (0x0d, &[0x09], "points out of the file", 8),
        (0x17, &[0x06], "the rows of a partition do not end", 0),
        (0x1d, &[0x11], "is not within its page", 0x13),
        (0x1d, &[0x39], "the root of its row trie is not between", 0x18),
        (0x1d, &[0x06], "the root of its row trie is not between", 0x18),
        (0x1e, &[0x03], "its row trie has 2 blocks, and its entry says 3", 0x18),
        (0x1f, &[0x81], "time of deletion is none", 0x18),
        (0x1f, &[0x00], "its entry is not within the file", 0x20),
        (0x18, &[0x70], "its key is not within the file", 0x20),
    ];
    let mut wrong = Vec::new();
    for (at, bytes, words, place) in rows {
        let mut files = wide();
        files.rows[*at..at + bytes.len()].copy_from_slice(bytes);
        let data = if *at == 0x17 { ROWS_DATA + 1 } else { ROWS_DATA };
        wrong.extend(differs(&files, data, (*at, words, *place)));
    }
    assert_eq!(wrong, Vec::<String>::new());
    for length in 0..32 {
        let mut files = wide();
        files.rows.truncate(length);
        refused(&files, ROWS_DATA);
    }
}

/// What a damaged index says instead may be valid. It never does harm, and never costs more.
#[test]
fn no_flipped_bit_does_harm() {
    for (files, data) in [(narrow(), DATA), (wide(), ROWS_DATA)] {
        for at in 0..(files.partitions.len() + files.rows.len()) * 8 {
            let mut damaged = files.clone();
            let (byte, bit) = (at / 8, 1 << (at % 8));
            match byte.checked_sub(files.partitions.len()) {
                None => damaged.partitions[byte] ^= bit,
                Some(byte) => damaged.rows[byte] ^= bit,
            }
            match relay_clear(&damaged, WHOLE, WHOLE, belongs(data)) {
                Ok(again) => assert!(again != files, "bit {at} changes nothing"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "bit {at}: {error:?}"),
            }
        }
    }
}

/// A trie of one path, of so many nodes.
fn chain(nodes: usize) -> Files {
    let mut partitions = vec![0x08, 0xe6, 0xff];
    for node in 0..nodes {
        // Nodes of two bytes never cross a page, if they begin at an even place.
        let filling = usize::from(node == 0);
        partitions.resize(partitions.len() + filling, 0);
        partitions.extend([if node == 0 { 0x14 } else { 0x12 }, b'a']);
    }
    let root = partitions.len() as u64 - 2;
    let keys = partitions.len() as u64;
    partitions.extend([0, 1, b'a', 0, 1, b'a']);
    partitions.extend([keys, 1, root].iter().flat_map(|long| long.to_be_bytes()));
    Files { partitions, rows: vec![] }
}

#[test]
fn a_path_may_be_as_long_as_keys_and_no_longer() {
    for deep in [10, 131_080, 1 << 20] {
        let again = relay_clear(&chain(deep), WHOLE, WHOLE, belongs(5)).unwrap();
        assert!(again.partitions.len() >= deep * 2);
    }
    let (text, _) = refused(&chain((1 << 20) + 1), 5);
    assert!(text.contains("deeper than any key"), "{text}");
}
