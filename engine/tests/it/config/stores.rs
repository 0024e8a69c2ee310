//! Key stores around the simulator's certificates: PEM and JKS by hand, PKCS#12 by its crate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use sha1::{Digest as _, Sha1};

/// A client's certificate and PKCS#8 key.
pub(super) fn pem(certificate: &[u8], key: Option<&[u8]>) -> Vec<u8> {
    let block = |name: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
    };
    let mut text = key.map_or_else(String::new, |key| block("PRIVATE KEY", key));
    text.push_str(&block("CERTIFICATE", certificate));
    text.into_bytes()
}

pub(super) fn pkcs12(certificate: &[u8], key: Option<&[u8]>, password: &str) -> Vec<u8> {
    let certificate = Certificate::from_der(certificate).unwrap();
    let entry = match key {
        None => KeyStoreEntry::Certificate(certificate),
        Some(key) => KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(
            "node",
            PrivateKey::from_der(key).unwrap(),
            [certificate],
        )),
    };
    let mut store = KeyStore::new();
    store.add_entry("node", entry);
    store.writer(password).encryption_iterations(1000).mac_iterations(1000).write().unwrap()
}

/// KMIP.md 11.1 has the layout.
pub(super) fn jks(certificate: &[u8], key: Option<&[u8]>, password: &str) -> Vec<u8> {
    let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut out = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1].to_vec();
    out.extend([0, 0, 0, if key.is_some() { 1 } else { 2 }]);
    text(&mut out, "node");
    out.extend([0; 8]);
    if let Some(key) = key {
        bytes(&mut out, &protected(key, &password));
        out.extend([0, 0, 0, 1]);
    }
    text(&mut out, "X.509");
    bytes(&mut out, certificate);
    let digest = sha1(&[&password, b"Mighty Aphrodite", &out]);
    out.extend(digest);
    out
}

/// `EncryptedPrivateKeyInfo` of Sun's own algorithm.
fn protected(key: &[u8], password: &[u8]) -> Vec<u8> {
    let salt = [7; 20];
    let mut stream = salt;
    let mut octets = salt.to_vec();
    for piece in key.chunks(20) {
        stream = sha1(&[password, &stream]);
        octets.extend(piece.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
    }
    octets.extend(sha1(&[password, key]));
    let oid = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01, 0x05, 0x00];
    der(0x30, &[der(0x30, &oid), der(0x04, &octets)].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend(text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
