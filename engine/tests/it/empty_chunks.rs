//! Empty chunks after the last one, and checksums of nothing, as the database's own writers leave
//! them when they are told to flush and have nothing left.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rekey_engine::sstable::{CompressionHeader, Format, Version};
use rekey_engine::upgrade::Outcome;

use crate::directions::{Walk, target};
use crate::kit::oracle::key_file;
use crate::kit::synthetic;

/// Every form of chunks, all of 16 KiB where it is not said otherwise, with what Cassandra 5.0 stores for
/// a chunk of nothing; of a chain, what its compressor stores.
const FORMS: [(&str, &[u8]); 13] = [
    ("none", b""),
    ("LZ4Compressor", b"\0\0\0\0\0"),
    ("SnappyCompressor", b"\0"),
    ("DeflateCompressor", b""),
    ("ZstdCompressor", b"\x28\xb5\x2f\xfd\x24\0\x01\0\0\x99\xe9\xd8\x51"),
    ("AdaptiveCompressor", b"\x28\xb5\x2f\xfd\x24\0\x01\0\0\x99\xe9\xd8\x51"),
    ("NoopCompressor", b""),
    ("Encryptor", b""),
    // As long as the pieces of CRC.db.
    ("Encryptor 64", b""),
    ("EncryptingLZ4Compressor", b"\0\0\0\0\0"),
    ("EncryptingSnappyCompressor", b"\0"),
    ("EncryptingDeflateCompressor", b""),
    // By a writer that takes its plaintext from memory outside the heap.
    ("EncryptingDeflateCompressor", b"\x78\x9c\x03\0\0\0\0\x01"),
];

struct Table {
    walk: Walk,
    plain: Vec<u8>,
    keys: usize,
}

impl Table {
    /// Three chunks of 16 KiB, the last one short, and one of nothing already.
    fn new() -> Self {
        let plain: Vec<u8> = (0_u32..10_000).flat_map(|n| (n * n / 7).to_be_bytes()).collect();
        Self { walk: Walk::of_many_ranges(&plain, 1), plain, keys: 0 }
    }

    /// Rewrites it in a form, under a key of its own if it is encrypted; returns the key.
    fn become_(&mut self, form: &str) -> PathBuf {
        let (class, kib) = form.split_once(' ').unwrap_or((form, "16"));
        self.keys += 1;
        let key = self.walk.workspace.root.path().join(format!("empty-{}", self.keys));
        let map = match class {
            "none" => "{'enabled': false}".to_owned(),
            // Only a node writes this one.
            "AdaptiveCompressor" => "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 16}".into(),
            _ if !class.starts_with("Encrypt") => {
                format!("{{'class': '{class}', 'chunk_length_in_kb': {kib}}}")
            }
            _ => format!(
                "{{'class': '{class}', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
                 'secret_key_strength': 256, 'chunk_length_in_kb': {kib}, \
                 'key_provider': 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '{}'}}",
                key.display()
            ),
        };
        let report = self.walk.step(&target(&self.walk.workspace, &map));
        for line in &report.sstables {
            let is_done = matches!(line.outcome, Outcome::Rewritten { .. } | Outcome::Skipped(_));
            assert!(is_done, "{form}: {line:?}");
        }
        key
    }

    fn path(&self, component: &str) -> PathBuf {
        let files = self.walk.workspace.files();
        let name = files.iter().find(|name| name.ends_with(component));
        self.walk.workspace.table().join(name.unwrap_or_else(|| panic!("{component}: {files:?}")))
    }

    fn bytes(&self, component: &str) -> Vec<u8> {
        fs::read(self.path(component)).unwrap()
    }

    /// How many chunks, or checksums, there are.
    fn count(&self) -> usize {
        if self.walk.workspace.files().iter().any(|name| name.ends_with("CRC.db")) {
            return self.bytes("CRC.db").len() / 4 - 1;
        }
        usize::try_from(header(&self.bytes("CompressionInfo.db")).0.chunk_count).unwrap()
    }

    /// Appends chunks of nothing.
    fn flush(&self, times: usize, stored: &[u8], form: &str, key: &std::path::Path) {
        if form == "none" {
            let crcs = [self.bytes("CRC.db"), vec![0; 4 * times]].concat();
            return fs::write(self.path("CRC.db"), crcs).unwrap();
        }
        let (mut info, mut data) = (self.bytes("CompressionInfo.db"), self.bytes("Data.db"));
        for time in 0..times {
            let at = header(&info).1;
            let count = u32::from_be_bytes(info[at - 4..at].try_into().unwrap()) + 1;
            info[at - 4..at].copy_from_slice(&count.to_be_bytes());
            info.extend(data.len().to_be_bytes());
            let chunk = sealed(form, stored, key, u8::try_from(time).unwrap());
            data.extend(&chunk);
            data.extend(crc32fast::hash(&chunk).to_be_bytes());
        }
        if form == "AdaptiveCompressor" {
            let class = [&[0, 18], form.as_bytes()].concat();
            info.splice(..2 + "ZstdCompressor".len(), class);
        }
        fs::write(self.path("CompressionInfo.db"), info).unwrap();
        fs::write(self.path("Digest.crc32"), crc32fast::hash(&data).to_string()).unwrap();
        fs::write(self.path("Data.db"), data).unwrap();
    }

    /// Back in clear it is what it was, and CRC.db has the checksum of each piece, and of nothing.
    fn is_what_it_was(&mut self) {
        self.become_("none");
        assert!(self.walk.data() == BTreeSet::from([self.plain.clone()]), "another plaintext");
        let crcs = self.bytes("CRC.db");
        let (own, of_nothing) = crcs[4..].split_at(4);
        assert_eq!(own, crc32fast::hash(&self.plain).to_be_bytes());
        assert!(of_nothing.iter().all(|byte| *byte == 0), "{of_nothing:?}");
        self.walk.verify();
    }
}

fn header(info: &[u8]) -> (CompressionHeader, usize) {
    CompressionHeader::parse(info, Version::find("oa", Format::Big).unwrap()).unwrap()
}

/// What a writer of this form stores of `payload`, which is an empty plaintext.
fn sealed(form: &str, payload: &[u8], key: &std::path::Path, seed: u8) -> Vec<u8> {
    if !form.starts_with("Encrypt") {
        return payload.to_vec();
    }
    let iv = [seed; 16];
    let seal = |plain: &[u8]| [&iv[..], &synthetic::cbc(&key_file(key), &iv, plain)].concat();
    if form.starts_with("Encryptor") {
        return seal(payload);
    }
    let plain = [&[0; 4], payload].concat();
    [&u32::try_from(plain.len()).unwrap().to_be_bytes()[..], &seal(&plain)].concat()
}

/// One to three of them, in every form, on every kind of route: payloads kept under another key or
/// in clear, recompressed, decrypted.
#[test]
fn empty_chunks_are_chunks_in_every_form_and_on_every_route() {
    for (number, (form, payload)) in FORMS.iter().enumerate() {
        let compressor = form.trim_start_matches("Encrypting");
        let routes = match *form {
            "none" => vec!["Encryptor 64", "EncryptingLZ4Compressor", "SnappyCompressor"],
            "Encryptor" => vec!["Encryptor", "EncryptingDeflateCompressor", "NoopCompressor"],
            "Encryptor 64" => vec!["none", "Encryptor 64"],
            "NoopCompressor" => vec!["Encryptor"],
            "ZstdCompressor" | "AdaptiveCompressor" => vec!["Encryptor", "LZ4Compressor"],
            _ if compressor == *form => vec!["chain", "EncryptingSnappyCompressor"],
            _ => vec![*form, compressor, "Encryptor"],
        };
        for route in routes {
            let chain = format!("Encrypting{compressor}");
            let to = if route == "chain" { &chain } else { route };
            let mut table = Table::new();
            let key = table.become_(form);
            let (before, times) = (table.count(), 1 + number % 3);
            table.flush(times, payload, form, &key);
            table.walk.verify();
            assert_eq!(table.count(), before + times);
            table.become_(to);
            let keeps = to == *form
                || to.trim_start_matches("Encrypting") == compressor
                || matches!((*form, to), ("none", "Encryptor 64") | ("Encryptor 64", "none"));
            let full = table.plain.len().div_ceil(if to.ends_with("64") || to == "none" {
                64 << 10
            } else {
                16 << 10
            });
            let kept = if keeps { before + times } else { full };
            assert_eq!(table.count(), kept, "{form} to {to}");
            table.walk.verify();
            table.is_what_it_was();
        }
    }
}

/// A wrong length looks like empty chunks, too.
#[test]
fn false_empty_chunks_are_noticed() {
    let mut table = Table::new();
    table.become_("none");
    for tail in [&[0, 0, 0, 1][..], &[0; 16], &[0; 3]] {
        let whole = table.bytes("CRC.db");
        fs::write(table.path("CRC.db"), [&whole, tail].concat()).unwrap();
        assert_eq!(table.walk.failures(), 1, "{tail:?}");
        fs::write(table.path("CRC.db"), whole).unwrap();
    }
    for (form, payload) in FORMS.iter().filter(|(form, _)| *form != "none") {
        let mut table = Table::new();
        let key = table.become_(form);
        let full = if form.ends_with("64") { 1 } else { 3 };
        table.flush(full + 4 - table.count(), payload, form, &key);
        assert_eq!(table.walk.failures(), 1, "{form}: too many");
        let mut table = Table::new();
        let key = table.become_(form);
        table.flush(1, b"x", form, &key);
        assert_eq!(table.walk.failures(), 1, "{form}: of something");
    }
}
