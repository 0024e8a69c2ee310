use std::sync::Arc;

use super::*;
use crate::crypto::{CipherKey, Lane, Transformation};
use crate::keys::KeyHeader;

fn key(byte: u8) -> Arc<CipherKey> {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
    Arc::new(CipherKey::new(&cbc, &[byte; 32]).unwrap())
}

fn opener(byte: u8) -> ChunkOpener {
    ChunkOpener::with_key(key(byte))
}

fn sealer(byte: u8) -> ChunkSealer {
    ChunkSealer::new(&KeyHeader::None, key(byte), false)
}

fn body(kind: i32, plain: &[u8], encrypted: bool) -> Body {
    let plain = Zeroizing::new(plain.to_vec());
    Body { kind: BodyKind(kind), plain, encrypted, under: None }
}

/// Four valid bodies, and one of an unknown kind.
fn metadata(encrypted: [bool; 5]) -> Metadata {
    let mut validation = vec![0, 13];
    validation.extend(b"a.Partitioner\x3f\x84\x7a\xe1\x47\xae\x14\x7b");
    let header = b"\0\0\0\x08a.b.Type\0\0\0";
    let plains: [&[u8]; 5] = [&validation, &[0, 0, 0, 1, 9], &[0; 80], header, b"?"];
    let bodies = (0..).zip(plains).zip(encrypted);
    let bodies = bodies.map(|((kind, plain), encrypted)| body(kind, plain, encrypted)).collect();
    Metadata { checksums: true, bodies }
}

fn ivs() -> IvSource {
    IvSource::from_os().unwrap()
}

#[test]
fn any_mixture_of_clear_and_encrypted_bodies_round_trips() {
    for mixture in 0..32_u8 {
        let encrypted = [0, 1, 2, 3, 4].map(|body| mixture >> body & 1 == 1);
        // An unknown body is assumed to be stored like the others.
        if encrypted == [false, false, false, false, true]
            || encrypted[..4].contains(&true) != encrypted[4]
        {
            continue;
        }
        let metadata = metadata(encrypted);
        let bytes = metadata.seal(&sealer(1), &mut ivs()).unwrap();
        let opened = Metadata::open(&bytes, true, &opener(1)).unwrap();
        assert!(opened.same_content(&metadata), "{encrypted:?}");
        let found = encrypted_bodies(&bytes, true).unwrap();
        let expected: Vec<_> = (0..)
            .map(BodyKind)
            .zip(encrypted)
            .filter(|(_, is)| *is)
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), expected);
        if encrypted.contains(&true) {
            assert!(Metadata::open(&bytes, true, &opener(2)).is_err(), "a wrong key");
            assert_eq!(metadata.format_clear().unwrap_err().kind(), crate::ErrorKind::Internal);
        } else {
            assert_eq!(metadata.format_clear().unwrap(), bytes);
        }
    }
}

#[test]
fn any_difference_is_noticed() {
    let all = metadata([true; 5]);
    assert!(all.same_content(&metadata([true; 5])));
    assert!(!all.same_content(&metadata([true, true, true, true, false])));
    let mut other = metadata([true; 5]);
    other.bodies[4] = body(4, b"!", true);
    assert!(!all.same_content(&other));
    other.bodies.pop();
    assert!(!all.same_content(&other));
}

#[test]
fn the_ratio_is_patched_and_nothing_else() {
    let mut patched = metadata([true; 5]);
    patched.patch_compression_ratio(0.5).unwrap();
    let stats = patched.bodies[2].plain.to_vec();
    assert_eq!(stats[52..60], 0.5_f64.to_be_bytes());
    assert!(stats[..52].iter().chain(&stats[60..]).all(|byte| *byte == 0));

    let bytes = metadata([false; 5]).format_clear().unwrap();
    let mut clear = Metadata::parse_clear(&bytes, true).unwrap();
    clear.patch_compression_ratio(-1.0).unwrap();
    let again = Metadata::parse_clear(&clear.format_clear().unwrap(), true).unwrap();
    assert_eq!(again.bodies()[2].plain()[52..60], (-1.0_f64).to_be_bytes());

    patched.bodies.remove(2);
    assert_eq!(patched.patch_compression_ratio(1.0), Err(StatisticsError::NoStats));
}

#[test]
fn a_wrong_key_with_valid_padding_is_not_accepted() {
    // Sealed from something that is not a valid STATS body: right key, right padding.
    let mut metadata = metadata([true; 5]);
    metadata.bodies[2] = body(2, &[0xff; 100], true);
    let bytes = metadata.seal(&sealer(1), &mut ivs()).unwrap();
    assert!(matches!(
        Metadata::open(&bytes, true, &opener(1)),
        Err(MetadataError::Body { kind: 2, .. })
    ));
}

/// Once in 2^32 times a ciphertext begins with the length that follows. Copied as it is, the body
/// would be lost with the old key.
#[test]
fn an_encrypted_body_that_looks_as_if_in_clear_is_decrypted() {
    let metadata = metadata([true; 5]);
    let bytes = metadata.seal(&sealer(1), &mut ivs()).unwrap();
    let mut bodies = parse_statistics(&bytes, true).unwrap();
    // The IV is at the place of the length.
    let iv = [&28_u32.to_be_bytes()[..], &[0x5a; 12]].concat();
    let mut block = [&metadata.bodies[1].plain[..], &[11; 11]].concat();
    key(1).seal(&mut [Lane::new(iv[..].try_into().unwrap(), &mut block)]).unwrap();
    let stored = [iv, block].concat();
    assert_eq!(is_body_in_clear(BodyKind::COMPACTION, &stored), Some(true));
    bodies[1].1 = &stored;
    let bytes = format_statistics(&bodies, true).unwrap();
    let opened = Metadata::open(&bytes, true, &opener(1)).unwrap();
    assert!(opened.same_content(&metadata));
    assert!(Metadata::open(&bytes, true, &opener(2)).is_err());
}

#[test]
fn debug_shows_no_plaintext() {
    assert_eq!(
        format!("{:?}", body(4, b"secret", true)),
        "Body { kind: BodyKind(4), encrypted: true, .. }"
    );
}
