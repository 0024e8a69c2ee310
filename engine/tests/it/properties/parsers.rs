//! Parsers of foreign bytes: they never panic, and they undo their printers.

use std::fs;

use proptest::prelude::*;
use rekey_engine::io::Access;
use rekey_engine::keys::{HeaderKind, KmipKeyFile};
use rekey_engine::options::{ChunkLength, EncryptorOptions, OptionMap};
use rekey_engine::sstable::{
    ChunkTable, Component, CompressionHeader, Descriptor, Format, SSTableId, Version, format_toc,
    parse_digest, parse_file_name, parse_toc,
};
use rekey_engine::txn::{LogFileName, LogRecord, PathForm};
use rekey_engine::wire::{decode_utf, encode_utf};

use super::config;

fn versions() -> impl Strategy<Value = &'static Version> {
    prop_oneof![
        Just(Version::find("me", Format::Big).unwrap()),
        Just(Version::find("oa", Format::Big).unwrap()),
        Just(Version::find("da", Format::Bti).unwrap()),
    ]
}

/// Text with the characters that the grammars care about.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,80}",
        "[-_.:,/\\[\\]a-zA-Z0-9 ]{0,80}",
        "(ADD|REMOVE|COMMIT|ABORT):\\[[-/a-z0-9,]{0,40}\\]\\[[0-9]{0,11}\\]",
        "(file://)?/[-/%a-f0-9]{0,40}-?",
        "[a-z]{0,3}-[0-9a-z_]{0,28}-(big|bti)(-[A-Za-z.+]{0,12})?",
        "([a-z]{1,3}-)?[a-z]{2}_txn_[a-z]{0,8}_[0-9a-f-]{0,36}\\.log",
        "\\{('[a-z_']{0,12}' ?: ?('[^{}]{0,12}'|[0-9.eE+-]{0,6}|true),? ?){0,4}\\}",
    ]
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn texts(text in noise(), version in versions()) {
        for component in parse_toc(&text) {
            prop_assert_eq!(Component::parse(component.name()), component);
        }
        let _number = parse_digest(text.as_bytes());
        if let Ok(record) = LogRecord::parse(&text) {
            prop_assert_eq!(LogRecord::parse(&record.to_string()), Ok(record));
        }
        let _name = LogFileName::parse(&text);
        if let Some((_, directory, sstable)) = PathForm::read(&text) {
            prop_assert!(!sstable.contains('/'), "{directory} {sstable}");
        }
        if let Some((descriptor, component)) = parse_file_name(&text) {
            prop_assert_eq!(descriptor.file_name(&component), text.clone());
            prop_assert!(!component.name().contains(['-', '/']) || text.contains('/'));
        }
        if let Some(descriptor) = Descriptor::parse(&text) {
            prop_assert_eq!(descriptor.to_string(), text.clone());
        }
        if let Some(id) = SSTableId::parse(&text) {
            prop_assert_eq!(SSTableId::parse(&id.to_string()), Some(id));
        }
        if let Ok(options) = OptionMap::parse_cql(&text) {
            prop_assert_eq!(OptionMap::parse_cql(&options.to_cql()).unwrap(), options.clone());
            let _typed = EncryptorOptions::from_options(&options);
        }
        let _header = CompressionHeader::parse(text.as_bytes(), version);
        let _chunk = HeaderKind::Kmip.parse(text.as_bytes());
    }

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), version in versions()) {
        if let Ok((header, length)) = CompressionHeader::parse(&bytes, version) {
            prop_assert!(length <= bytes.len());
            prop_assert_eq!(header.encode(version).unwrap(), &bytes[..length]);
        }
        let _number = parse_digest(&bytes);
        if let Ok(text) = decode_utf(&bytes) {
            prop_assert_eq!(decode_utf(&encode_utf(&text)), Ok(text));
        }
    }

    /// A head that is whole but for its numbers: counts and lengths of any size.
    #[test]
    fn heads_with_any_numbers(
        count in prop_oneof![0..4_i32, any::<i32>()],
        texts in prop::collection::vec("[a-z]{0,6}", 0..6),
        numbers in prop::collection::vec(prop_oneof![Just(0), Just(4096), Just(-1), any::<i32>()], 5),
        offsets in prop::collection::vec(any::<i64>(), 0..6),
        data_length in any::<u64>(),
        version in versions(),
    ) {
        let mut bytes = b"\x00\x09Encryptor".to_vec();
        bytes.extend(count.to_be_bytes());
        for text in texts {
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.bytes());
        }
        bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend(offsets.iter().flat_map(|offset| offset.to_be_bytes()));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oa-1-big-CompressionInfo.db");
        fs::write(&path, bytes).unwrap();
        if let Ok(table) = ChunkTable::open(&path, version, Access::Positional, data_length) {
            let mut slots = Vec::new();
            let count = table.header().chunk_count;
            if table.slots(0..count, &mut slots).is_ok() {
                // What is believed lies in the file, in order and without a gap.
                let mut at = 0;
                for slot in slots {
                    prop_assert_eq!(slot.offset, at);
                    at += u64::try_from(slot.stored).unwrap() + 4;
                }
                prop_assert_eq!(at, data_length);
            }
            let _beyond = table.slots(count..count + 9, &mut Vec::new());
        }
    }

    #[test]
    fn headers_read_back(
        options in prop::collection::btree_map("(?s).{0,12}", "(?s).{0,20}", 0..5),
        class in "(?s).{0,20}",
        shift in 0..=24_u32,
        chunks in 1..1000_u64,
        short in any::<u64>(),
        version in versions(),
    ) {
        let chunk_length = ChunkLength::try_from(1 << shift).unwrap();
        let bytes = u64::from(chunk_length.bytes());
        let header = CompressionHeader {
            class,
            options: OptionMap::from_pairs(options).unwrap(),
            chunk_length,
            max_compressed_length: 0x7fff_ffff,
            data_length: chunks * bytes - short % bytes,
            chunk_count: chunks,
        };
        let encoded = header.encode(version).unwrap();
        let (read, length) = CompressionHeader::parse(&encoded, version).unwrap();
        prop_assert_eq!((&read, length), (&header, encoded.len()));
        let total: u64 = (0..chunks).map(|i| u64::try_from(header.plain_length(i)).unwrap()).sum();
        prop_assert_eq!(total, header.data_length);
        for end in 0..encoded.len() {
            prop_assert!(CompressionHeader::parse(&encoded[..end], version).is_err());
        }
    }

    #[test]
    fn tables_of_contents_read_back(names in prop::collection::vec("[A-Za-z0-9+_.]{1,20}", 0..9)) {
        let components: Vec<_> = names.iter().map(|name| Component::parse(name)).collect();
        prop_assert_eq!(parse_toc(&format_toc(&components)), components);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn files_of_kmip_keys(bytes in prop::collection::vec(any::<u8>(), 0..200), text in noise()) {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        for content in [bytes, text.into_bytes()] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let _keys = KmipKeyFile::open(&path);
        }
    }
}
