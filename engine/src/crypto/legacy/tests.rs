//! Compares with the published crates of these ciphers, block by block.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit as _};
use proptest::prelude::*;

use super::*;

/// The blocks of a counter, so that no two are equal.
fn blocks(count: usize) -> Vec<[u8; 8]> {
    (1..=count as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()).collect()
}

/// Encrypts and decrypts this many blocks at once, and each alone by the crate.
fn check<C>(cipher: &impl Rounds, reference: &C, count: usize)
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U8>,
{
    let (plain, mut made) = (blocks(count), blocks(count));
    let mut expected = plain.clone();
    cipher.encrypt(&mut made);
    expected.iter_mut().for_each(|block| reference.encrypt_block(block.into()));
    assert!(made == expected, "{count} blocks sealed");
    cipher.decrypt(&mut made);
    assert!(made == plain, "{count} blocks opened again");
    // Bytes that were never encrypted decrypt as well.
    cipher.decrypt(&mut made);
    let mut expected = plain;
    expected.iter_mut().for_each(|block| reference.decrypt_block(block.into()));
    assert!(made == expected, "{count} blocks opened");
}

/// Numbers of blocks on both sides of every switch between implementations.
fn counts() -> impl Iterator<Item = usize> {
    (0..=150).chain([160, 161, 255, 256, 257, 296, 297, 384, 385, 511, 512, 513, 552, 1024, 1100])
}

#[test]
fn any_number_of_blocks_matches_the_crates() {
    let key: [u8; 24] = std::array::from_fn(|i| 0x5b ^ u8::try_from(i * 11).unwrap());
    let three = *key.as_chunks().0.as_array().unwrap();
    let des = ::des::Des::new_from_slice(&key[..8]).unwrap();
    let triple = ::des::TdesEde3::new_from_slice(&key).unwrap();
    let blowfish: ::blowfish::Blowfish = ::blowfish::Blowfish::new_from_slice(&key).unwrap();
    let rc2 = ::rc2::Rc2::new_from_slice(&key[..16]).unwrap();
    let (des_4, des_8) = (Des::<4, 144>::new(three[0]), Des::<8, 40>::new(three[0]));
    let (triple_4, triple_8) = (TripleDes::<4, 56>::new(three), TripleDes::<8, 40>::new(three));
    let own_blowfish = Blowfish::new(&key);
    let (rc2_64, rc2_128) =
        (Rc2::<64>::new(&key[..16], ByIndex), Rc2::<128>::new(&key[..16], ByIndex));
    for count in counts() {
        check(&des_4, &des, count);
        check(&des_8, &des, count);
        check(&triple_4, &triple, count);
        check(&triple_8, &triple, count);
        check(&own_blowfish, &blowfish, count);
        check(&rc2_64, &rc2, count);
        check(&rc2_128, &rc2, count);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn keys_of_des_are_those_of_the_crate(key in any::<[[u8; 8]; 3]>(), count in 1_usize..200) {
        let one = ::des::Des::new_from_slice(&key[0]).unwrap();
        check(&Des::<4, 144>::new(key[0]), &one, count);
        let three = ::des::TdesEde3::new_from_slice(key.as_flattened()).unwrap();
        check(&TripleDes::<4, 144>::new(key), &three, count);
        check(&TripleDes::<8, 40>::new(key), &three, count);
    }

    #[test]
    fn keys_of_blowfish_are_those_of_the_crate(
        key in prop::collection::vec(any::<u8>(), 4..=56),
    ) {
        let reference: ::blowfish::Blowfish = ::blowfish::Blowfish::new_from_slice(&key).unwrap();
        check(&Blowfish::new(&key), &reference, 9);
    }

    #[test]
    fn keys_of_rc2_are_those_of_the_crate(key in prop::collection::vec(any::<u8>(), 1..=128)) {
        let reference = ::rc2::Rc2::new_with_eff_key_len(&key, key.len() * 8);
        check(&Rc2::<64>::new(&key, ByIndex), &reference, 65);
    }
}
