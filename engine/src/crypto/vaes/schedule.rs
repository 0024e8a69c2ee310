//! Round keys, without tables, so that the time taken reveals nothing about the key.

use std::arch::x86_64::{
    _mm_aesimc_si128, _mm_aeskeygenassist_si128, _mm_cvtsi128_si32, _mm_set1_epi32,
};

use zeroize::Zeroizing;

use super::{load, store};
use crate::crypto::Block;

/// Expands a key (FIPS 197 5.2), and turns its round keys into those of the equivalent inverse
/// cipher (5.3.5).
#[target_feature(enable = "aes")]
pub(in crate::crypto) fn schedule<const WORDS: usize, const KEYS: usize>(
    key: &[[u8; 4]; WORDS],
    forward: &mut [Block; KEYS],
    backward: &mut [Block; KEYS],
) {
    let mut window = Zeroizing::new(key.map(u32::from_le_bytes));
    let mut constant = 1_u8;
    let (words, _) = forward.as_flattened_mut().as_chunks_mut::<4>();
    for words in words.chunks_mut(WORDS) {
        for (word, value) in words.iter_mut().zip(window.iter()) {
            *word = value.to_le_bytes();
        }
        let before = window.last().copied().unwrap_or_default();
        let mut before = substitute(before).rotate_right(8) ^ u32::from(constant);
        constant = (constant << 1) ^ if constant < 0x80 { 0 } else { 0x1b };
        for (place, word) in window.iter_mut().enumerate() {
            if WORDS > 6 && place == 4 {
                before = substitute(before);
            }
            *word ^= before;
            before = *word;
        }
    }

    *backward = *forward;
    backward.reverse();
    if let [_, middle @ .., _] = backward.as_mut_slice() {
        for key in middle {
            *key = store(_mm_aesimc_si128(load(key)));
        }
    }
}

/// Applies the S-box to each byte of a word.
#[inline]
#[target_feature(enable = "aes")]
fn substitute(word: u32) -> u32 {
    let words = _mm_aeskeygenassist_si128::<0>(_mm_set1_epi32(word.cast_signed()));
    _mm_cvtsi128_si32(words).cast_unsigned()
}
