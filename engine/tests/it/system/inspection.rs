//! What is told of a file without a key.

use std::path::PathBuf;

use rekey_engine::io::{Access, LocalStorage};
use rekey_engine::keys::{KeyId, KeyRef};
use rekey_engine::system::{Protection, SystemFile, SystemFileName, Why, inspect};
use rekey_engine::{ErrorKind, Result};

use super::super::kit::system::Scheme;
use super::{hints, segment};

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn inspect(&self, name: &str, bytes: &[u8]) -> Result<SystemFile> {
        let path = self.put(name, bytes);
        let parsed = SystemFileName::parse(name).unwrap();
        inspect(&path, parsed, Access::Positional, &LocalStorage)
    }
}

fn schemes() -> Vec<(Scheme, Vec<KeyRef>)> {
    let kmip = |id: &str| KeyRef::Kmip { group: "g".to_owned(), id: KeyId::new(id).unwrap() };
    let file = KeyRef::LocalFile {
        file: "/keys/old".to_owned(),
        transformation: "AES/CBC/PKCS5Padding".to_owned(),
        strength: 256,
    };
    vec![
        (Scheme::Clear, vec![]),
        (Scheme::Lz4, vec![]),
        (Scheme::local("/keys/old", vec![7; 32]), vec![file]),
        (Scheme::kmip("g", &[("a", vec![1; 16]), ("b", vec![2; 16])]), vec![kmip("a"), kmip("b")]),
        (Scheme::apache("k:1", vec![3; 16]), vec![KeyRef::Keystore { alias: "k:1".to_owned() }]),
    ]
}

#[test]
fn keys_are_counted_by_the_parts_that_name_them() {
    let dir = Dir::new();
    for (scheme, keys) in schemes() {
        let segment = segment(scheme.clone());
        let found = dir.inspect(&segment.name(), &segment.bytes()).unwrap();
        assert_eq!(found.keys.keys().cloned().collect::<Vec<_>>(), keys, "{scheme:?}");
        assert!(found.damage.is_none() && found.torn.is_none(), "{found:?}");
        assert_eq!(found.bytes, segment.bytes().len() as u64);
        let units: u64 = found.keys.values().map(|used| used.units).sum();
        assert_eq!(units, if keys.is_empty() { 0 } else { 4 });

        let hints = hints(scheme.clone());
        let found = dir.inspect(&hints.name(), &hints.bytes().0).unwrap();
        assert_eq!(found.keys.keys().cloned().collect::<Vec<_>>(), keys, "{scheme:?}");
        assert!(found.damage.is_none() && found.torn.is_none(), "{found:?}");
        let units: u64 = found.keys.values().map(|used| used.units).sum();
        assert_eq!(units, if keys.is_empty() { 0 } else { 3 });
        assert_eq!(found.protection.may_encrypt(), !keys.is_empty());
    }
}

/// A file of which each shorter one is torn where its last section or block begins.
#[test]
fn a_file_torn_at_any_byte_ends_at_the_part_that_is_not_whole() {
    let dir = Dir::new();
    for (scheme, _) in schemes().into_iter().skip(1) {
        let segment = segment(scheme.clone());
        let bytes = segment.bytes();
        let whole = segment.read(&bytes);
        for end in whole.header..bytes.len() {
            let expected = segment.read(&bytes[..end]);
            let found = dir.inspect(&segment.name(), &bytes[..end]).unwrap();
            assert!(found.damage.is_none(), "{scheme:?} at {end}: {found:?}");
            let at = found.torn.map_or(end as u64, |torn| torn.offset);
            assert_eq!(at, expected.tail.0 as u64, "{scheme:?} at {end}");
        }
        for end in 0..whole.header {
            let found = dir.inspect(&segment.name(), &bytes[..end]);
            // One or no byte of the header: only zeros.
            let is_blank = bytes[..end].iter().all(|byte| *byte == 0);
            assert_eq!(found.is_ok(), is_blank, "{end}");
        }
        let hints = hints(scheme.clone());
        let (bytes, _) = hints.bytes();
        for end in hints.read(&bytes).header..bytes.len() {
            let expected = hints.read(&bytes[..end]);
            let found = dir.inspect(&hints.name(), &bytes[..end]).unwrap();
            assert!(found.damage.is_none(), "{scheme:?} at {end}: {found:?}");
            let at = found.torn.map_or(end as u64, |torn| torn.offset);
            assert_eq!(at, expected.tail.0 as u64, "{scheme:?} at {end}");
        }
    }
}

#[test]
fn zeros_end_a_log_and_anything_else_is_damage() {
    let dir = Dir::new();
    let segment = segment(Scheme::local("k", vec![7; 16]));
    let bytes = segment.bytes();
    let zeros = [&bytes[..], &[0; 4096]].concat();
    let found = dir.inspect(&segment.name(), &zeros).unwrap();
    let torn = found.torn.unwrap();
    assert_eq!((torn.offset, torn.bytes, torn.why), (bytes.len() as u64, 4096, Why::Unwritten));

    let noise = [&bytes[..], b"not a marker"].concat();
    let damage = dir.inspect(&segment.name(), &noise).unwrap().damage.unwrap();
    assert_eq!(
        (damage.kind(), damage.byte_offset()),
        (ErrorKind::Corrupt, Some(bytes.len() as u64))
    );
    assert!(damage.path().is_some() && damage.hint_text().is_some());

    // The second marker: the first section is still counted.
    let mut flipped = bytes.clone();
    let second = usize::try_from(u32::from_be_bytes(
        bytes[segment.read(&bytes).header..][..4].try_into().unwrap(),
    ))
    .unwrap();
    flipped[second + 5] ^= 1;
    let found = dir.inspect(&segment.name(), &flipped).unwrap();
    assert_eq!(found.damage.unwrap().byte_offset(), Some(second as u64));
    assert_eq!(found.keys.values().map(|used| used.units).sum::<u64>(), 1);
}

#[test]
fn a_file_under_another_name_is_refused() {
    let dir = Dir::new();
    let segment = segment(Scheme::Lz4);
    let error = dir.inspect("CommitLog-7-17.log", &segment.bytes()).unwrap_err();
    assert!(error.to_string().contains("names another file"), "{error}");
    let hints = hints(Scheme::Lz4);
    let other = hints.name().replace("-2.hints", "-3.hints");
    assert!(dir.inspect(&other, &hints.bytes().0).is_err());
}

#[test]
fn what_has_no_header_is_not_guessed() {
    let dir = Dir::new();
    let found = dir.inspect("KeyCache-g.db", b"anything").unwrap();
    assert_eq!(found.protection, Protection::Untold);
    let found = dir.inspect("CommitLog-7-17_cdc.idx", b"17\n").unwrap();
    assert_eq!(found.protection, Protection::Clear);
    for blank in [&[][..], &[0; 100_000]] {
        let found = dir.inspect("CommitLog-7-17.log", blank).unwrap();
        assert_eq!((found.protection, found.keys.len()), (Protection::Clear, 0));
    }
}

#[test]
fn a_class_that_is_not_known_is_an_error() {
    let dir = Dir::new();
    let segment = segment(Scheme::Lz4);
    let bytes = segment.bytes();
    let json = String::from_utf8_lossy(&bytes[14..]).into_owned();
    assert!(json.contains("LZ4Compressor"));
    let other = super::super::kit::system::Segment {
        scheme: Scheme::Chain {
            parameters: vec![("key_provider", "com.example.Mine".to_owned())],
            keys: vec![super::super::kit::system::SchemeKey { id: None, bytes: vec![7; 16] }],
        },
        ..segment
    };
    let error = dir.inspect(&other.name(), &other.bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
