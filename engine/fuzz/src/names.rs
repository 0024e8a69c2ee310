//! Names of files and directories, and the small text files beside an SSTable.

use std::path::Path;

use rekey_engine::crypto::Transformation;
use rekey_engine::options::CompressorClass;
use rekey_engine::sstable::{
    Component, Descriptor, SSTableId, TableDir, format_digest, format_toc, parse_digest,
    parse_file_name, parse_toc,
};
use rekey_engine::txn::{LogFileName, PathForm};

/// Any text as each of them.
pub fn run(bytes: &[u8]) {
    if let Some(crc) = parse_digest(bytes) {
        assert_eq!(parse_digest(format_digest(crc).as_bytes()), Some(crc));
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    let components = parse_toc(text);
    assert_eq!(parse_toc(&format_toc(&components)), components);
    for component in components {
        assert_eq!(Component::parse(component.name()), component);
    }
    if let Some((descriptor, component)) = parse_file_name(text) {
        assert_eq!(descriptor.file_name(&component), text);
    }
    if let Some(descriptor) = Descriptor::parse(text) {
        assert_eq!(descriptor.to_string(), text);
        let _row = descriptor.version();
    }
    if let Some(id) = SSTableId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(name) = LogFileName::parse(text) {
        assert_eq!(name.as_str(), text);
    }
    if let Some((_, directory, sstable)) = PathForm::read(text) {
        assert!(!sstable.contains('/'), "{directory} {sstable}");
    }
    let table = TableDir::new(Path::new("/data"), "ks", text);
    let _identity = (table.identity(), table.index(text).identity());
    if let Ok(transformation) = Transformation::parse(text) {
        assert_eq!(Transformation::parse(transformation.text()).as_ref(), Ok(&transformation));
    }
    let class = CompressorClass::parse(text);
    let _what = (class.encrypts(), class.may_encrypt());
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "nb-1-big-Data.db",
        "da-3gm8_0t1d_01zr42s6tfz6mplgh7-bti-SAI+ba+ColumnIndex.db",
        "c-01hzy3n6vz3b4c5d6e7f8g9h0j-bti-Partitions.db",
        "oa-02-big",
        "ks-t-ka-7-Statistics.db",
        "Data.db\nTOC.txt\nCompressionInfo.db\nDigest.crc32\n",
        "4294967295",
        "nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log",
        "ma-big_txn_flush_x_.log",
        "/d/ks/t-1/nb-1-big-",
        "file:///d/ks/t-1/nb-1-big-",
        "t-5ab1e000000011f0800000000000000a",
        ".index-1",
        "AES/CBC/PKCS5Padding",
        "org.apache.cassandra.io.compress.EncryptingLZ4Compressor",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}
