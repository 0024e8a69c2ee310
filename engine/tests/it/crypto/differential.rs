//! Compares with the crates of the modes, in every shape that the kernels' loops can meet.

use proptest::prelude::*;
use rekey_engine::crypto::{Lane, pad};

use super::{Key, Random, keys};

#[test]
fn every_length_matches_the_reference() {
    for key in keys() {
        for plain in (0..=200).chain([255, 256, 511, 2047, 2048, 2049, 4095, 4096, 4097]) {
            check(&key, &[plain], 0);
        }
        for plain in [16_384, 65_535, 262_144].into_iter().filter(|_| key.is_fast()) {
            check(&key, &[plain], 0);
        }
    }
}

#[test]
fn every_number_of_lanes_matches_the_reference() {
    for key in keys() {
        let most = if key.is_fast() { 70 } else { 5 };
        for lanes in (1..=most).chain([128, 129, 200]) {
            check(&key, &vec![100; lanes], 0);
        }
        // Around the numbers at which the older ciphers switch implementations.
        for lanes in [31, 33, 39, 40, 63, 64, 65, 143, 144, 255, 256, 257, 511, 512, 513, 700] {
            check(&key, &vec![20; lanes], 0);
        }
    }
}

#[test]
fn ragged_lanes_match_the_reference() {
    let mut random = Random(1);
    for key in keys() {
        check(&key, &[], 0);
        for round in 0..if key.is_fast() { 100 } else { 10 } {
            let most = if round % 10 == 0 { 10_000 } else { 300 };
            let lanes: Vec<_> = (0..random.below(70)).map(|_| random.below(most)).collect();
            check(&key, &lanes, 0);
        }
    }
}

#[test]
fn every_alignment_matches_the_reference() {
    for key in keys() {
        for skew in 0..16 {
            check(&key, &[1000; 17], skew);
            check(&key, &[0, 16, 700, 0, 512, 64, 63, 65], skew);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sealed_messages_open(
        which in any::<prop::sample::Index>(),
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..40),
        skew in 0_usize..64,
    ) {
        let keys = keys();
        check_messages(which.get(&keys), &messages, skew);
    }
}

/// Checks messages of these lengths, see [`check_messages`].
fn check(key: &Key, lengths: &[usize], skew: usize) {
    let mut random = Random(lengths.len() as u64);
    let messages: Vec<_> = lengths.iter().map(|length| random.bytes(*length)).collect();
    check_messages(key, &messages, skew);
}

/// Seals messages side by side, compares with the reference, and opens them
/// again in place and across; every buffer starts `skew` bytes after an aligned one.
fn check_messages(key: &Key, plain: &[Vec<u8>], skew: usize) {
    let transformation = key.cipher.transformation();
    let lengths: Vec<_> = plain.iter().map(Vec::len).collect();
    let mut random = Random(!(plain.len() as u64));
    let ivs: Vec<[u8; 16]> = plain.iter().map(|_| random.block()).collect();

    let mut buffers: Vec<Vec<u8>> = plain
        .iter()
        .map(|plain| {
            let mut buffer = vec![0xee; skew];
            buffer.extend_from_slice(plain);
            buffer.resize(skew + transformation.ciphertext_length(plain.len()), 0);
            assert_eq!(pad(transformation, &mut buffer[skew..], plain.len()), buffer.len() - skew);
            buffer.extend_from_slice(&[0xee; 16]);
            buffer
        })
        .collect();
    let mut lanes: Vec<_> = buffers
        .iter_mut()
        .zip(&ivs)
        .map(|(buffer, iv)| {
            let end = buffer.len() - 16;
            Lane::new(*iv, &mut buffer[skew..end])
        })
        .collect();
    key.cipher.seal(&mut lanes).unwrap();

    for ((buffer, iv), plain) in buffers.iter_mut().zip(&ivs).zip(plain) {
        let end = buffer.len() - 16;
        assert!(buffer[..skew].iter().chain(&buffer[end..]).all(|byte| *byte == 0xee));
        let sealed = &mut buffer[skew..end];
        assert!(*sealed == key.reference().seal(iv, plain), "{key:?} {lengths:?}");
        let mut across = vec![0; skew + sealed.len()];
        let iv = key.iv(iv);
        let opened = key.cipher.open_into(iv, sealed, &mut across[skew..]);
        assert_eq!(opened, Ok(plain.len()), "{key:?} {lengths:?}");
        assert!(across[skew..][..plain.len()] == **plain, "{key:?} {lengths:?}");
        assert_eq!(key.cipher.open(iv, sealed), Ok(plain.len()), "{key:?} {lengths:?}");
        assert!(sealed[..plain.len()] == **plain, "{key:?} {lengths:?}");
    }
}
