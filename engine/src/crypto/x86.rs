//! The way into the VAES kernel: AES in CBC mode on x86-64 processors with AVX-512.
//!
//! # Why there is `unsafe` here
//!
//! This is one of the engine's two rooms that may hold any, and all of it is in the three blocks
//! below. The kernel itself ([`vaes`]) has none: inside a function with `#[target_feature]` the
//! intrinsics that touch no memory are safe, and blocks come and go as integers, from which the
//! compiler makes whole vector loads and stores. What stays unsafe is to *enter* such a function
//! from one without its features: on a processor that lacks them it would be an illegal
//! instruction. Every entry is therefore a method of [`Cbc`], every [`Cbc`] holds a [`Token`],
//! and a token exists only where the processor has been asked. Nothing else upholds anything:
//! pointers, lengths and alignment do not appear.

use aes::cipher::InOutBuf;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::kernel::Cipher;
use super::{BLOCK, Block, Lane, vaes};

/// Proof that this processor, and the operating system, have what [`vaes`] is compiled for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token(());

impl Token {
    /// Asks the processor; the standard library remembers the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        available.then_some(Self(()))
    }
}

/// AES in CBC mode with `KEYS` round keys: 11, 13 or 15.
pub(super) struct Cbc<const KEYS: usize> {
    /// For encryption.
    forward: [Block; KEYS],
    /// For decryption.
    backward: [Block; KEYS],
    /// What makes the calls below sound.
    _token: Token,
}

impl<const KEYS: usize> Cbc<KEYS> {
    /// Schedules a key of `WORDS` times four bytes: 4, 6 or 8. Boxed from the start, so that no
    /// copy of the round keys is left behind by a move.
    pub(super) fn new<const WORDS: usize>(token: Token, key: &[[u8; 4]; WORDS]) -> Box<Self> {
        const { assert!(KEYS == WORDS + 7 && matches!(WORDS, 4 | 6 | 8), "FIPS 197 5") }
        let none = [[0; BLOCK]; KEYS];
        let mut cbc = Box::new(Self { forward: none, backward: none, _token: token });
        let Self { forward, backward, .. } = &mut *cbc;
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token, whose maker has asked for each of the features.
        unsafe {
            vaes::schedule(key, forward, backward);
        }
        cbc
    }

    fn open_blocks(&self, iv: &Block, blocks: InOutBuf<'_, '_, Block>) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            vaes::open(&self.backward, iv, blocks);
        }
    }
}

impl<const KEYS: usize> Cipher for Cbc<KEYS> {
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            vaes::seal(&self.forward, lanes);
        }
    }

    fn open(&self, iv: &[u8; 16], data: &mut [u8]) {
        let (blocks, _whole) = data.as_chunks_mut();
        self.open_blocks(iv, InOutBuf::from(blocks));
    }

    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]) {
        let ((source, _whole), (target, _)) = (source.as_chunks(), target.as_chunks_mut());
        match InOutBuf::new(source, target) {
            Ok(blocks) => self.open_blocks(iv, blocks),
            Err(_) => debug_assert!(false, "the caller has compared the lengths"),
        }
    }

    fn width(&self) -> usize {
        vaes::WIDTH
    }
}

impl<const KEYS: usize> Drop for Cbc<KEYS> {
    fn drop(&mut self) {
        self.forward.zeroize();
        self.backward.zeroize();
    }
}

impl<const KEYS: usize> ZeroizeOnDrop for Cbc<KEYS> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiped<T: ZeroizeOnDrop>(_: &T) {}

    /// The last round key of a schedule, and what the inverse cipher starts with.
    fn ends<const KEYS: usize, const WORDS: usize>(key: &[u8]) -> Option<[u128; 2]> {
        let (words, _) = key.as_chunks::<4>();
        let cbc = Cbc::<KEYS>::new::<WORDS>(Token::get()?, words.as_array().unwrap());
        wiped(&*cbc);
        assert_eq!(cbc.forward[0], key[..16]);
        assert_eq!(cbc.backward[KEYS - 1], key[..16]);
        Some([cbc.forward[KEYS - 1], cbc.backward[0]].map(u128::from_be_bytes))
    }

    #[test]
    fn schedules_are_those_of_fips_197_appendix_a() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        if let Some(ends) = ends::<11, 4>(&key) {
            assert_eq!(ends, [0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6; 2]);
        }
        let key = [
            &0x8e73_b0f7_da0e_6452_c810_f32b_8090_79e5_u128.to_be_bytes()[..],
            &0x62f8_ead2_522c_6b7b_u64.to_be_bytes(),
        ];
        if let Some(ends) = ends::<13, 6>(&key.concat()) {
            assert_eq!(ends, [0xe98b_a06f_448c_773c_8ecc_7204_0100_2202; 2]);
        }
        let key = [
            0x603d_eb10_15ca_71be_2b73_aef0_857d_7781_u128.to_be_bytes(),
            0x1f35_2c07_3b61_08d7_2d98_10a3_0914_dff4_u128.to_be_bytes(),
        ];
        if let Some(ends) = ends::<15, 8>(key.as_flattened()) {
            assert_eq!(ends, [0xfe48_90d1_e618_8d0b_046d_f344_706c_631e; 2]);
        }
    }
}
