//! The bytes of a new key, in the form that Java's key generators give them.

use std::io;

use zeroize::Zeroizing;

use super::LocalKey;
use crate::crypto::Algorithm;
use crate::error::{Error, ErrorKind, Result};

/// Makes a key from the operating system's random source.
pub(super) fn generate(key: &LocalKey<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = key.transformation.algorithm();
    let mut secret = Zeroizing::new(vec![0; key.length]);
    loop {
        getrandom::fill(&mut secret).map_err(|error| {
            Error::new(ErrorKind::Io, "the operating system gives no random bytes")
                .key(key.name)
                .caused_by(io::Error::from(error))
        })?;
        shape(&mut secret, algorithm, key.strength);
        if !is_weak(&secret, algorithm) {
            return Ok(secret);
        }
    }
}

/// Whether this is one of the sixteen weak and semi-weak keys of DES (SP 800-67, 3.4.2), which
/// Java's generator never gives. Those of the other ciphers it does not look at.
fn is_weak(secret: &[u8], algorithm: Algorithm) -> bool {
    algorithm == Algorithm::Des && des::weak_key_test(secret).is_err()
}

/// Gives random bytes the form of a key (KMIP.md 4): the DES family has a parity bit in each
/// byte, and of `DESede` with 112 bits the third key is the first. To the others every string of
/// bits is a key.
fn shape(secret: &mut [u8], algorithm: Algorithm, strength: u32) {
    if !matches!(algorithm, Algorithm::Des | Algorithm::DesEde) {
        return;
    }
    if (algorithm, strength) == (Algorithm::DesEde, 112)
        && let ([first, _, third], []) = secret.as_chunks_mut::<8>()
    {
        third.copy_from_slice(first);
    }
    for byte in secret {
        *byte ^= u8::from(byte.count_ones().is_multiple_of(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn des_keys_have_odd_parity_in_the_lowest_bit() {
        let mut secret: Vec<u8> = (0..=255).collect();
        shape(&mut secret, Algorithm::Des, 56);
        for (before, after) in (0..=255_u8).zip(secret) {
            assert_eq!(after.count_ones() % 2, 1);
            assert_eq!(after & 0xfe, before & 0xfe);
        }
    }

    #[test]
    fn weak_keys_of_des_are_known() {
        for weak in [0x0101_0101_0101_0101, 0xfefe_fefe_fefe_fefe, 0x01fe_01fe_01fe_01fe_u64] {
            assert!(is_weak(&weak.to_be_bytes(), Algorithm::Des), "{weak:x}");
            assert!(!is_weak(&weak.to_be_bytes(), Algorithm::Blowfish));
            let near = weak ^ 0x06;
            assert!(!is_weak(&near.to_be_bytes(), Algorithm::Des), "{near:x}");
        }
        assert!(!is_weak(&[1; 24], Algorithm::DesEde));
    }

    #[test]
    fn three_keys_are_two_for_112_bits() {
        let random: Vec<u8> = (100..124).collect();
        let mut two = random.clone();
        shape(&mut two, Algorithm::DesEde, 112);
        assert_eq!(two[..8], two[16..]);
        let mut three = random.clone();
        shape(&mut three, Algorithm::DesEde, 168);
        assert_eq!(two[..16], three[..16]);
        assert_ne!(three[..8], three[16..]);
        for (byte, before) in three.iter().zip(&random) {
            assert_eq!((byte.count_ones() % 2, byte & 0xfe), (1, before & 0xfe));
        }
    }

    #[test]
    fn other_keys_stay_as_random_as_they_are() {
        for algorithm in [Algorithm::Aes, Algorithm::Blowfish, Algorithm::Rc2] {
            let mut secret: Vec<u8> = (0..24).collect();
            shape(&mut secret, algorithm, 112);
            assert_eq!(secret, (0..24).collect::<Vec<u8>>());
        }
    }
}
