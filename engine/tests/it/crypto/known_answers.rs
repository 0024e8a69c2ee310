//! Vectors of testdata/crypto, each sealed and opened in every lane of a full load.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rekey_engine::crypto::{CipherKey, DecryptFailed, Kernel, Lane, Transformation, pad};

#[test]
fn the_examples_of_nist_sp_800_38a() {
    assert_eq!(run("nist-sp800-38a.txt"), 12);
}

#[test]
fn published_examples_of_the_older_ciphers() {
    assert_eq!(run("published.txt"), 7 + 12 + 3);
}

#[test]
fn messages_sealed_by_openssl() {
    assert_eq!(run("openssl.txt"), 6 * (6 + 3 + 6 * 2));
}

/// Runs every record of a file with every kernel, and returns how many there are.
fn run(file: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/crypto").join(file);
    let records = parse(&fs::read_to_string(path).unwrap());
    for record in &records {
        let transformation = Transformation::parse(record.text("cipher")).unwrap();
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
            let key = CipherKey::with_kernel(&transformation, &record.hex("key"), kernel).unwrap();
            match record.text("expect") {
                "ok" => record.seals_and_opens(&key),
                "decrypt" => record.does_not_open(&key),
                other => panic!("{}: expect = {other}", record.name),
            }
        }
    }
    records.len()
}

struct Record {
    name: String,
    fields: HashMap<String, String>,
}

impl Record {
    fn seals_and_opens(&self, key: &CipherKey) {
        let plain = match self.fields.get("pattern") {
            Some(length) => pattern(length.parse().unwrap()),
            None => self.hex("plain"),
        };
        let mut sealed = vec![0; key.transformation().ciphertext_length(plain.len())];
        sealed[..plain.len()].copy_from_slice(&plain);
        assert_eq!(pad(key.transformation(), &mut sealed, plain.len()), sealed.len());
        let iv = self.iv();

        // As many as the kernel has places, so that each is tried, then fewer.
        for lanes in [64, 21, 3, 1] {
            let mut buffers = vec![sealed.clone(); if plain.len() > 10_000 { 1 } else { lanes }];
            let mut lanes: Vec<_> =
                buffers.iter_mut().map(|buffer| Lane::new(iv, buffer)).collect();
            key.seal(&mut lanes).unwrap();
            for buffer in &buffers {
                self.is_sealed(key, buffer);
            }
        }
        key.seal(&mut [Lane::new(iv, &mut sealed)]).unwrap();
        let iv = &iv[..key.transformation().iv_length()];

        let mut target = vec![0; sealed.len()];
        assert_eq!(key.open_into(iv, &sealed, &mut target), Ok(plain.len()), "{}", self.name);
        assert!(target[..plain.len()] == plain, "{}", self.name);
        assert_eq!(key.open(iv, &mut sealed), Ok(plain.len()), "{}", self.name);
        assert!(sealed[..plain.len()] == plain, "{}", self.name);
    }

    fn is_sealed(&self, key: &CipherKey, buffer: &[u8]) {
        if let Some(blocks) = self.fields.get("plain").filter(|_| self.is_unpadded(key)) {
            // A publication without padding: the last block is unknown.
            assert_eq!(buffer[..blocks.len() / 2], self.hex("sealed"), "{}", self.name);
        } else if self.fields.contains_key("sealed") {
            let end = if self.fields.contains_key("end") { self.hex("end") } else { Vec::new() };
            assert!(buffer == [self.hex("sealed"), end].concat(), "{}", self.name);
        } else {
            let crc = crc32fast::hash(buffer);
            assert_eq!(format!("{crc:08x}"), self.text("sealed_crc32"), "{}", self.name);
            assert!(buffer.ends_with(&self.hex("sealed_tail")), "{}", self.name);
        }
    }

    /// Whether the ciphertext is as long as the plaintext though the cipher has a padding.
    fn is_unpadded(&self, key: &CipherKey) -> bool {
        let field = |name| self.fields.get(name).map(String::len);
        key.transformation().unit() > 1
            && !self.fields.contains_key("end")
            && field("sealed") == field("plain")
    }

    fn does_not_open(&self, key: &CipherKey) {
        let mut sealed = self.hex("sealed");
        let mut target = vec![0; sealed.len()];
        let across = key.open_into(&self.iv(), &sealed, &mut target);
        assert_eq!(across, Err(DecryptFailed), "{}", self.name);
        assert_eq!(key.open(&self.iv(), &mut sealed), Err(DecryptFailed), "{}", self.name);
    }

    fn iv(&self) -> [u8; 16] {
        match self.text("iv") {
            "" => [0; 16],
            _ => [self.hex("iv"), vec![0; 8]].concat()[..16].try_into().unwrap(),
        }
    }

    fn text(&self, field: &str) -> &str {
        match self.fields.get(field) {
            Some(value) => value,
            None => panic!("{}: no {field}", self.name),
        }
    }

    fn hex(&self, field: &str) -> Vec<u8> {
        let digits = self.text(field).as_bytes();
        assert!(digits.len().is_multiple_of(2), "{}: {field}", self.name);
        let digit = |digit: u8| char::from(digit).to_digit(16).unwrap();
        digits
            .as_chunks()
            .0
            .iter()
            .map(|[high, low]| u8::try_from(digit(*high) << 4 | digit(*low)).unwrap())
            .collect()
    }
}

/// Reads `[name]` lines, `field = value` lines and comments.
fn parse(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            records.push(Record { name: name.to_owned(), fields: HashMap::new() });
        } else {
            let (field, value) = line.split_once('=').unwrap();
            let fields = &mut records.last_mut().unwrap().fields;
            let before = fields.insert(field.trim().to_owned(), value.trim().to_owned());
            assert_eq!(before, None, "{line}");
        }
    }
    records
}

/// The plaintext that the file's header describes.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 31 + (i >> 8) * 7 + 5) % 256).unwrap()).collect()
}
