//! The ways into the kernels for x86-64 processors with AVX-512: AES in CBC mode ([`vaes`]), and
//! the older ciphers ([`legacy`](super::legacy)) compiled for wider vectors.
//!
//! # Why there is `unsafe` here
//!
//! This is one of the engine's two rooms that may hold any, and all of it is in the six blocks
//! below. The kernels themselves have none: inside a function with `#[target_feature]` the
//! intrinsics that touch no memory are safe, and blocks come and go as integers, from which the
//! compiler makes whole vector loads and stores. What stays unsafe is to *enter* such a function
//! from one without its features: on a processor that lacks them it would be an illegal
//! instruction. Every entry is therefore a method of [`Cbc`], of [`Wide`] or of [`WideToken`];
//! the first two hold a token, and a token exists only where the processor has been asked. Nothing else upholds
//! anything: pointers, lengths and alignment do not appear.

use std::arch::x86_64::{
    __m512i, _mm_extract_epi16, _mm512_castsi512_si128, _mm512_extracti32x4_epi32,
    _mm512_permutex2var_epi16, _mm512_set_epi16,
};

use aes::cipher::InOutBuf;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::kernel::Cipher;
use super::legacy::{ByIndex, LookUp, Rounds};
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

/// Proof that this processor, and the operating system, have what the entries of [`Wide`] are
/// compiled for.
#[derive(Debug, Clone, Copy)]
pub(super) struct WideToken(());

impl WideToken {
    /// Asks the processor; the standard library remembers the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi2");
        available.then_some(Self(()))
    }
}

/// A cipher whose rounds, loops over words in arrays, are compiled once more for vectors of 512
/// bits.
pub(super) struct Wide<C> {
    cipher: C,
    /// What makes the calls below sound.
    _token: WideToken,
}

impl<C: Rounds> Wide<C> {
    pub(super) fn new(token: WideToken, cipher: C) -> Self {
        Self { cipher, _token: token }
    }
}

impl<C: Rounds> Rounds for Wide<C> {
    type Width = C::Width;

    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            encrypt_wide(&self.cipher, blocks);
        }
    }

    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            decrypt_wide(&self.cipher, blocks);
        }
    }
}

impl<C: Rounds> ZeroizeOnDrop for Wide<C> {}

/// What a cipher inlines into this function is compiled with its features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
fn encrypt_wide<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
    cipher.encrypt(blocks);
}

/// The other direction of [`encrypt_wide`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
fn decrypt_wide<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
    cipher.decrypt(blocks);
}

impl LookUp for WideToken {
    #[inline(always)]
    fn look_up<const W: usize>(&self, table: &[u16; 64], numbers: &[u16; W]) -> [u16; W] {
        let (vectors, []) = numbers.as_chunks::<32>() else {
            return ByIndex.look_up(table, numbers);
        };
        let mut found = [0; W];
        for (found, numbers) in found.as_chunks_mut().0.iter_mut().zip(vectors) {
            #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
            // SAFETY: the token `self`, whose maker has asked for each of the features.
            unsafe {
                *found = look_up(table, numbers);
            }
        }
        found
    }
}

/// Finds 32 words in a table that two vectors hold, with one instruction.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn look_up(table: &[u16; 64], numbers: &[u16; 32]) -> [u16; 32] {
    let [low, high] = table.as_chunks::<32>().0 else { return [0; 32] };
    words(_mm512_permutex2var_epi16(vector(low), vector(numbers), vector(high)))
}

/// Makes a vector of words in a row. Taken word by word, the compiler sees that it is one load.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[rustfmt::skip]
fn vector(words: &[u16; 32]) -> __m512i {
    let [
        a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7,
        c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7,
    ] = words.map(u16::cast_signed);
    _mm512_set_epi16(
        d7, d6, d5, d4, d3, d2, d1, d0, c7, c6, c5, c4, c3, c2, c1, c0,
        b7, b6, b5, b4, b3, b2, b1, b0, a7, a6, a5, a4, a3, a2, a1, a0,
    )
}

/// Takes a vector apart again, which becomes one store.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words(vector: __m512i) -> [u16; 32] {
    let quarters = [
        _mm512_castsi512_si128(vector),
        _mm512_extracti32x4_epi32::<1>(vector),
        _mm512_extracti32x4_epi32::<2>(vector),
        _mm512_extracti32x4_epi32::<3>(vector),
    ];
    let mut words = [0; 32];
    for (words, quarter) in words.as_chunks_mut().0.iter_mut().zip(quarters) {
        *words = [
            _mm_extract_epi16::<0>(quarter),
            _mm_extract_epi16::<1>(quarter),
            _mm_extract_epi16::<2>(quarter),
            _mm_extract_epi16::<3>(quarter),
            _mm_extract_epi16::<4>(quarter),
            _mm_extract_epi16::<5>(quarter),
            _mm_extract_epi16::<6>(quarter),
            _mm_extract_epi16::<7>(quarter),
        ]
        .map(|word| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a word, filled up with zeros"
            )]
            let word = word as u16;
            word
        });
    }
    words
}

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

    #[test]
    fn a_vector_of_numbers_finds_what_each_number_names() {
        let Some(token) = WideToken::get() else { return };
        let table = std::array::from_fn(|i| 0x8000 ^ u16::try_from(i * 1021).unwrap());
        // Every number of six bits, with other bits above it.
        let numbers: [u16; 64] = std::array::from_fn(|i| u16::try_from(i * 1021).unwrap());
        assert_eq!(token.look_up(&table, &numbers), ByIndex.look_up(&table, &numbers));
        assert_eq!(token.look_up(&table, &[65; 3]), [table[1]; 3]);
    }
}
