//! Two blocks to an instruction, for processors with VAES and without AVX-512 (Zen 3, Alder Lake).
//!
//! Eight vectors are in flight, as two rounds start per cycle there. That is half of the sixteen
//! registers: round keys come from memory. When opening, so does the ciphertext that a plaintext is
//! combined with.

use std::arch::x86_64::{
    __m256i, _mm_aesdec_si128, _mm_aesdeclast_si128, _mm_xor_si128, _mm256_aesdec_epi128,
    _mm256_aesdeclast_epi128, _mm256_aesenc_epi128, _mm256_aesenclast_epi128,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_set_epi64x, _mm256_setzero_si256, _mm256_xor_si256,
};
use std::cell::Cell;

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{InOut, InOutBuf};

use super::columns::{Quad, four, in_quads, spare};
use super::{halves, load, store};
use crate::crypto::feed::Feed;
use crate::crypto::{Block, Lane};

/// Lanes of a full run.
pub(in crate::crypto) const WIDTH: usize = 16;

/// Encrypts every lane in place.
#[target_feature(enable = "aes,vaes,avx2")]
pub(in crate::crypto) fn seal<const KEYS: usize>(keys: &[Block; KEYS], lanes: &mut [Lane<'_>]) {
    let keys = broadcast(keys);
    let mut spare = spare();
    let spare = Cell::from_mut(spare.as_mut_slice()).as_slice_of_cells();
    let mut feed = Feed::new(lanes, WIDTH);
    while let Some(heads) = feed.next_run() {
        in_quads(heads, spare, |chains, columns| seal_rows(&keys, chains, four(*columns)));
    }
}

/// The loop: a block of every lane in each iteration, two vectors for each four lanes.
#[inline]
#[target_feature(enable = "aes,vaes,avx2")]
fn seal_rows<'a, const KEYS: usize>(
    keys: &[__m256i; KEYS],
    chains: &mut [[Block; 4]; 4],
    rows: impl Iterator<Item = [Quad<'a>; 4]>,
) {
    let [first, middle @ .., last] = keys.as_slice() else { return };
    let mut states = [_mm256_setzero_si256(); 8];
    let (pairs, _) = chains.as_flattened().as_chunks::<2>();
    for (state, pair) in states.iter_mut().zip(pairs) {
        *state = load2(pair);
    }
    for row in rows {
        let (pairs, _) = row.as_flattened().as_chunks::<2>();
        for (state, [a, b]) in states.iter_mut().zip(pairs) {
            let plain = load2(&[a.get(), b.get()]);
            *state = _mm256_xor_si256(_mm256_xor_si256(*state, *first), plain);
        }
        for key in middle {
            for state in &mut states {
                *state = _mm256_aesenc_epi128(*state, *key);
            }
        }
        for (state, [a, b]) in states.iter_mut().zip(pairs) {
            *state = _mm256_aesenclast_epi128(*state, *last);
            let [sealed, other] = split(*state);
            a.set(sealed);
            b.set(other);
        }
    }
    let (pairs, _) = chains.as_flattened_mut().as_chunks_mut::<2>();
    for (state, pair) in states.iter().zip(pairs) {
        *pair = split(*state);
    }
}

/// Decrypts a message, in place or from one buffer into another.
#[target_feature(enable = "aes,vaes,avx2")]
pub(in crate::crypto) fn open<const KEYS: usize>(
    keys: &[Block; KEYS],
    iv: &Block,
    blocks: InOutBuf<'_, '_, Block>,
) {
    let wide = broadcast(keys);
    let mut previous = *iv;
    let (chunks, blocks) = blocks.into_chunks::<U16>();
    for chunk in chunks {
        previous = open_many(&wide, &previous, chunk);
    }
    for block in blocks {
        previous = open_one(keys, &previous, block);
    }
}

/// Decrypts sixteen blocks, and returns the last of their ciphertext; `previous` is the one before
/// them.
///
/// A separate function: if it is inlined, the round keys stay in registers between iterations of
/// the caller's loop, and for lack of registers the vectors go through the rounds one after the
/// other.
#[inline(never)]
#[target_feature(enable = "aes,vaes,avx2")]
fn open_many<const KEYS: usize>(
    keys: &[__m256i; KEYS],
    previous: &Block,
    mut blocks: InOut<'_, '_, Array<Block, U16>>,
) -> Block {
    let [first, middle @ .., last] = keys.as_slice() else { return *previous };
    let mut states = [_mm256_setzero_si256(); 8];
    let sealed: &[Block; 16] = blocks.get_in().as_ref();
    let end = *sealed.last().unwrap_or(previous);
    let (pairs, _) = sealed.as_chunks::<2>();
    for (state, pair) in states.iter_mut().zip(pairs) {
        *state = _mm256_xor_si256(load2(pair), *first);
    }
    for key in middle {
        for state in &mut states {
            *state = _mm256_aesdec_epi128(*state, *key);
        }
    }
    // From the end, so that in place no ciphertext is overwritten before it was combined.
    for (place, state) in states.iter().enumerate().rev() {
        let sealed: &[Block; 16] = blocks.get_in().as_ref();
        // Optional slices would keep the compiler from unrolling this, which halves the speed.
        #[expect(clippy::indexing_slicing, reason = "eight places of two blocks each")]
        let before = match place.checked_sub(1) {
            None => [*previous, sealed[0]],
            Some(before) => [sealed[2 * before + 1], sealed[2 * place]],
        };
        let plain = _mm256_aesdeclast_epi128(*state, *last);
        let (targets, _) = blocks.get_out().as_chunks_mut::<2>();
        if let Some(target) = targets.get_mut(place) {
            *target = split(_mm256_xor_si256(plain, load2(&before)));
        }
    }
    end
}

/// Decrypts a block, and returns its ciphertext; `previous` is the one before it.
#[inline]
#[target_feature(enable = "aes,vaes,avx2")]
fn open_one<const KEYS: usize>(
    keys: &[Block; KEYS],
    previous: &Block,
    mut block: InOut<'_, '_, Block>,
) -> Block {
    let [first, middle @ .., last] = keys.as_slice() else { return *previous };
    let sealed = *block.get_in();
    let mut state = _mm_xor_si128(load(&sealed), load(first));
    for key in middle {
        state = _mm_aesdec_si128(state, load(key));
    }
    let plain = _mm_aesdeclast_si128(state, load(last));
    *block.get_out() = store(_mm_xor_si128(plain, load(previous)));
    sealed
}

#[inline]
#[target_feature(enable = "aes,vaes,avx2")]
fn broadcast<const KEYS: usize>(keys: &[Block; KEYS]) -> [__m256i; KEYS] {
    let mut wide = [_mm256_setzero_si256(); KEYS];
    for (wide, key) in wide.iter_mut().zip(keys) {
        *wide = _mm256_broadcastsi128_si256(load(key));
    }
    wide
}

/// Makes a vector of two blocks.
#[inline]
#[target_feature(enable = "aes,vaes,avx2")]
fn load2([a, b]: &[Block; 2]) -> __m256i {
    let ([a, b], [c, d]) = (halves(a), halves(b));
    _mm256_set_epi64x(d, c, b, a)
}

#[inline]
#[target_feature(enable = "aes,vaes,avx2")]
fn split(x: __m256i) -> [Block; 2] {
    [store(_mm256_castsi256_si128(x)), store(_mm256_extracti128_si256::<1>(x))]
}
