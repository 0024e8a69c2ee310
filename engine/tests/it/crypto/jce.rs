//! Messages sealed by Java's own ciphers: every algorithm, key length, mode and padding.

use std::fs;
use std::path::Path;

use rekey_engine::crypto::{Algorithm, CipherKey, Kernel, Lane, Transformation, pad};

/// Lengths of the messages of each checksum, as in the file's header.
const LENGTHS: [usize; 24] = [
    0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 4095, 4096,
    4097,
];

/// Length of the message that the file shows.
const SHOWN: usize = 17;

struct Section {
    strength: u32,
    key: Vec<u8>,
    iv: [u8; 16],
    /// Transformation, the message shown, and the checksum.
    vectors: Vec<(Transformation, String, String)>,
}

#[test]
fn every_message_of_java_is_reproduced() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/crypto/jce.txt");
    let text = fs::read_to_string(path).unwrap();
    let lengths = LENGTHS.map(|length| length.to_string()).join(" ");
    assert!(text.contains(&format!("one after the other: {lengths}\n")));
    let sections: Vec<_> = text.split("\n[").skip(1).map(section).collect();
    // AES, DES, DESede, Blowfish, RC2, each in eight transformations.
    assert_eq!(sections.len(), 3 + 1 + 2 + 53 + 12);
    for section in &sections {
        assert_eq!(section.vectors.len(), 8);
        for (transformation, shown, checksum) in &section.vectors {
            assert_eq!(transformation.key_length(section.strength), Ok(section.key.len()));
            for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
                let key = CipherKey::with_kernel(transformation, &section.key, kernel).unwrap();
                let sealed = seal(&key, section.iv);
                let place = LENGTHS.iter().position(|length| *length == SHOWN).unwrap();
                assert_eq!(hex(&sealed[place]), *shown, "{key:?}, {} bits", section.strength);
                let crc = crc32fast::hash(&sealed.concat());
                assert_eq!(format!("{crc:08x}"), *checksum, "{key:?}, {} bits", section.strength);
                opens(&key, section.iv, &sealed);
            }
        }
    }
}

/// Seals a message of every length, all side by side.
fn seal(key: &CipherKey, iv: [u8; 16]) -> Vec<Vec<u8>> {
    let mut sealed: Vec<_> = LENGTHS
        .iter()
        .map(|length| {
            let mut buffer = message(*length);
            buffer.resize(key.transformation().ciphertext_length(*length), 0);
            assert_eq!(pad(key.transformation(), &mut buffer, *length), buffer.len());
            buffer
        })
        .collect();
    let mut lanes: Vec<_> = sealed.iter_mut().map(|buffer| Lane::new(iv, buffer)).collect();
    key.seal(&mut lanes).unwrap();
    sealed
}

fn opens(key: &CipherKey, iv: [u8; 16], sealed: &[Vec<u8>]) {
    let iv = &iv[..key.transformation().iv_length()];
    for (sealed, length) in sealed.iter().zip(LENGTHS) {
        let (mut place, mut across) = (sealed.clone(), vec![0; sealed.len()]);
        assert_eq!(key.open(iv, &mut place), Ok(length));
        assert_eq!(key.open_into(iv, sealed, &mut across), Ok(length));
        assert!(place[..length] == message(length) && across[..length] == message(length));
    }
}

fn section(text: &str) -> Section {
    let mut lines = text.lines();
    let (name, strength) =
        lines.next().unwrap().strip_suffix(']').unwrap().split_once(' ').unwrap();
    let key = bytes(lines.next().unwrap().strip_prefix("key = ").unwrap());
    let mut iv = bytes(lines.next().unwrap().strip_prefix("iv = ").unwrap());
    iv.resize(16, 0xee);
    let vectors = lines.filter(|line| !line.is_empty()).map(|line| {
        let (cipher, rest) = line.split_once(" = ").unwrap();
        let (shown, checksum) = rest.split_once(' ').unwrap();
        let transformation = Transformation::parse(cipher).unwrap();
        assert_eq!(transformation.algorithm().name(), name);
        (transformation, shown.to_owned(), checksum.to_owned())
    });
    Section {
        strength: strength.parse().unwrap(),
        key,
        iv: iv.try_into().unwrap(),
        vectors: vectors.collect(),
    }
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 31 + (i >> 8) * 7 + 5) % 256).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn parity_bits_of_des_keys_are_ignored() {
    for (algorithm, length) in [(Algorithm::Des, 8), (Algorithm::DesEde, 24)] {
        let transformation = Transformation::parse(algorithm.name()).unwrap();
        let sealed = |key: &[u8]| {
            let mut data = [0x5a; 32];
            let key = CipherKey::new(&transformation, key).unwrap();
            key.seal(&mut [Lane::new([0; 16], &mut data)]).unwrap();
            data
        };
        let key: Vec<u8> = (0..length).collect();
        let flipped: Vec<u8> = key.iter().map(|byte| byte ^ 1).collect();
        assert_eq!(sealed(&key), sealed(&flipped));
        // Weak keys are accepted, too: all zeros is one, and three equal keys are one.
        assert_ne!(sealed(&vec![0; key.len()]), [0x5a; 32]);
    }
}
