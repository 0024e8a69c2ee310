//! Keys that Java takes and the TLS library does not are refused by their own names, in every
//! format; what the library takes is not.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rekey_kmip::keystore::{Identity, KeyKind, KeyStoreError, load_identity};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::stores::{bytes, folder, secret};

/// The keys of `keys/` by name, form and kind, where they are refused.
const KEYS: &[(&str, Option<KeyKind>)] = &[
    ("rsa512.pk8", Some(KeyKind::Rsa { bits: 512 })),
    ("rsa1024.pk8", Some(KeyKind::Rsa { bits: 1024 })),
    ("rsa1024.pkcs1", Some(KeyKind::Rsa { bits: 1024 })),
    ("rsa2047.pk8", Some(KeyKind::Rsa { bits: 2047 })),
    ("rsa2048.pk8", None),
    ("rsa3primes.pk8", Some(KeyKind::RsaOfSeveralPrimes)),
    ("rsapss.pk8", Some(KeyKind::RsaPss)),
    ("dsa.pk8", Some(KeyKind::Dsa)),
    ("ed25519.pk8", None),
    ("ed448.pk8", Some(KeyKind::Ed448)),
    ("x25519.pk8", Some(KeyKind::Agreement)),
    ("x448.pk8", Some(KeyKind::Agreement)),
    ("P-192.pk8", Some(KeyKind::Curve { name: Some("P-192") })),
    ("P-224.pk8", Some(KeyKind::Curve { name: Some("P-224") })),
    ("P-256.pk8", None),
    ("explicit.pk8", None),
    ("P-384.pk8", None),
    ("P-521.pk8", None),
    ("secp256k1.pk8", Some(KeyKind::Curve { name: Some("secp256k1") })),
    ("secp256k1.sec1", Some(KeyKind::Curve { name: Some("secp256k1") })),
    ("brainpoolP256r1.pk8", Some(KeyKind::Curve { name: Some("brainpoolP256r1") })),
    ("secp160r1.pk8", Some(KeyKind::Curve { name: None })),
];

/// The key in PEM with an unrelated certificate: the two are not compared.
fn load(file: &str, key: &[u8]) -> Result<Identity, KeyStoreError> {
    let label = match file.rsplit_once('.') {
        Some((_, "pkcs1")) => "RSA PRIVATE KEY",
        Some((_, "sec1")) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let key = STANDARD.encode(key);
    let mut pem = format!("-----BEGIN {label}-----\n{key}\n-----END {label}-----\n").into_bytes();
    pem.extend(bytes("parts/ec.pem"));
    load_identity(&pem, None, None, None, None)
}

#[test]
fn a_key_the_tls_library_refuses_is_refused_by_name() {
    let count = fs::read_dir(folder().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| KEYS.iter().any(|(known, _)| known == file) || file.ends_with("pk8"))
        .count();
    assert_eq!(count, KEYS.len());
    for (file, refused) in KEYS {
        let der = bytes(&format!("keys/{file}"));
        let key: PrivateKeyDer<'_> = match file.rsplit_once('.') {
            Some((_, "pkcs1")) => PrivatePkcs1KeyDer::from(&*der).into(),
            Some((_, "sec1")) => PrivateSec1KeyDer::from(&*der).into(),
            _ => PrivatePkcs8KeyDer::from(&*der).into(),
        };
        assert_eq!(any_supported_type(&key).is_err(), refused.is_some(), "{file}");
        let expected = refused.map(KeyStoreError::KeyOfNoUse);
        assert_eq!(load(file, &der).err(), expected, "{file}");
    }
}

#[test]
fn every_format_refuses_alike_with_a_hint() {
    for file in ["rsa1024.p12", "rsa1024.jks", "rsa1024.jceks"] {
        let password = secret("changeit");
        let store = bytes(&format!("keys/{file}"));
        let error = load_identity(&store, None, Some(&password), None, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the client's key is an RSA key of 1024 bits, which this program's TLS library does \
             not take",
            "{file}"
        );
        assert!(error.hint().contains("2048 to 8192 bits, or EC on P-256"), "{}", error.hint());
    }
    let text = b"-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n";
    let error = load_identity(text, None, None, None, None).unwrap_err();
    assert_eq!(error, KeyStoreError::KeyOfNoUse(KeyKind::Dsa));
}

/// Hostile keys: each byte of each is changed, and each is cut everywhere.
#[test]
fn a_damaged_key_is_refused_or_left_to_the_tls_library() {
    for (file, _) in KEYS {
        let mut der = bytes(&format!("keys/{file}"));
        for end in 0..der.len() {
            assert!(load(file, &der[..end]).is_err(), "{file}, {end} bytes");
        }
        for i in 0..der.len().min(120) {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                der[i] ^= mask;
                drop(load(file, &der));
                der[i] ^= mask;
            }
        }
    }
}
