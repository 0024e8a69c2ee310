//! Four blocks to an instruction, with AVX-512.
//!
//! Sealing takes four vectors of lanes where one round starts per cycle (Zen 4), eight where two do
//! (Zen 5).

use std::arch::x86_64::{
    __m512i, _mm512_aesdec_epi128, _mm512_aesdeclast_epi128, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_alignr_epi64, _mm512_broadcast_i32x4, _mm512_castsi128_si512,
    _mm512_castsi512_si128, _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_set_epi64,
    _mm512_setzero_si512, _mm512_ternarylogic_epi64, _mm512_xor_si512,
};
use std::cell::Cell;

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::consts::{U4, U32};
use aes::cipher::{InOut, InOutBuf};

use super::columns::{Column, Quad, eight, four, in_quads, six, spare};
use super::{halves, load, store};
use crate::crypto::feed::{Feed, Head};
use crate::crypto::{BLOCK, Block, Lane};

/// Lanes of a full run.
pub(in crate::crypto) const WIDTH: usize = 32;

/// Encrypts every lane in place.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
pub(in crate::crypto) fn seal<const KEYS: usize>(keys: &[Block; KEYS], lanes: &mut [Lane<'_>]) {
    let keys = broadcast(keys);
    let mut spare = spare();
    let spare = Cell::from_mut(spare.as_mut_slice()).as_slice_of_cells();
    let mut feed = Feed::new(lanes, WIDTH);
    while let Some(heads) = feed.next_run() {
        // Four vectors take as long as one.
        if heads.len() <= 16 {
            seal_run::<_, 4>(&keys, heads, spare);
        } else if heads.len() <= 24 {
            seal_run::<_, 6>(&keys, heads, spare);
        } else {
            seal_run::<_, 8>(&keys, heads, spare);
        }
    }
}

/// Encrypts heads of one length, at most four for each of `QUADS` vectors.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn seal_run<const KEYS: usize, const QUADS: usize>(
    keys: &[__m512i; KEYS],
    heads: &mut [Head<'_, BLOCK>],
    spare: Column<'_>,
) {
    const { assert!(matches!(QUADS, 4 | 6 | 8), "the arms of the match below") }
    in_quads::<QUADS>(heads, spare, |chains, columns| match *columns.as_slice() {
        [a, b, c, d] => seal_rows(keys, chains, four([a, b, c, d])),
        [a, b, c, d, e, f] => seal_rows(keys, chains, six([a, b, c, d, e, f])),
        [a, b, c, d, e, f, g, h] => {
            seal_rows(keys, chains, eight([a, b, c, d, e, f, g, h]));
        }
        _ => {}
    });
}

/// The loop: a block of every lane in each iteration. `QUADS` and `WIDE` are equal, which only the
/// caller's pattern knows.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn seal_rows<'a, const KEYS: usize, const QUADS: usize, const WIDE: usize>(
    keys: &[__m512i; KEYS],
    chains: &mut [[Block; 4]; QUADS],
    rows: impl Iterator<Item = [Quad<'a>; WIDE]>,
) {
    let [first, middle @ .., last] = keys.as_slice() else { return };
    let mut states = [_mm512_setzero_si512(); QUADS];
    for (state, chain) in states.iter_mut().zip(&*chains) {
        *state = load4(chain);
    }
    for row in rows {
        for (state, quad) in states.iter_mut().zip(&row) {
            let plain = gather(quad.map(Cell::get));
            *state = _mm512_ternarylogic_epi64::<XOR3>(*state, plain, *first);
        }
        for key in middle {
            for state in &mut states {
                *state = _mm512_aesenc_epi128(*state, *key);
            }
        }
        for (state, quad) in states.iter_mut().zip(row) {
            *state = _mm512_aesenclast_epi128(*state, *last);
            for (cell, block) in quad.into_iter().zip(split(*state)) {
                cell.set(block);
            }
        }
    }
    for (state, chain) in states.iter().zip(chains) {
        *chain = split(*state);
    }
}

/// The exclusive or of all three operands.
const XOR3: i32 = 0x96;

/// Decrypts a message, in place or from one buffer into another.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
pub(in crate::crypto) fn open<const KEYS: usize>(
    keys: &[Block; KEYS],
    iv: &Block,
    blocks: InOutBuf<'_, '_, Block>,
) {
    let keys = broadcast(keys);
    let mut previous = _mm512_broadcast_i32x4(load(iv));
    let (chunks, blocks) = blocks.into_chunks::<U32>();
    for chunk in chunks {
        previous = open_quads::<_, 8, _>(&keys, previous, chunk);
    }
    let (chunks, mut blocks) = blocks.into_chunks::<U4>();
    for chunk in chunks {
        previous = open_quads::<_, 1, _>(&keys, previous, chunk);
    }
    if !blocks.is_empty() {
        let mut tail = Array::<Block, U4>::default();
        for (copy, block) in tail.iter_mut().zip(blocks.get_in()) {
            *copy = *block;
        }
        open_quads::<_, 1, _>(&keys, previous, InOut::from(&mut tail));
        for (block, copy) in blocks.get_out().iter_mut().zip(&tail) {
            *block = *copy;
        }
    }
}

/// Decrypts `QUADS` times four blocks, and returns the last four of their ciphertext; `previous`
/// are the four before them, of which the last counts.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn open_quads<const KEYS: usize, const QUADS: usize, N: ArraySize>(
    keys: &[__m512i; KEYS],
    mut previous: __m512i,
    mut blocks: InOut<'_, '_, Array<Block, N>>,
) -> __m512i {
    const { assert!(N::USIZE == QUADS * 4, "one vector for four blocks") }
    let [first, middle @ .., last] = keys.as_slice() else { return previous };
    let mut states = [_mm512_setzero_si512(); QUADS];
    let mut chains = [_mm512_setzero_si512(); QUADS];
    let (sources, _) = blocks.get_in().as_chunks::<4>();
    for ((state, chain), source) in states.iter_mut().zip(&mut chains).zip(sources) {
        let sealed = load4(source);
        *state = _mm512_xor_si512(sealed, *first);
        *chain = _mm512_alignr_epi64::<6>(sealed, previous);
        previous = sealed;
    }
    for key in middle {
        for state in &mut states {
            *state = _mm512_aesdec_epi128(*state, *key);
        }
    }
    let (targets, _) = blocks.get_out().as_chunks_mut::<4>();
    for ((state, chain), target) in states.iter().zip(&chains).zip(targets) {
        let plain = _mm512_aesdeclast_epi128(*state, *last);
        *target = split(_mm512_xor_si512(plain, *chain));
    }
    previous
}

#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn broadcast<const KEYS: usize>(keys: &[Block; KEYS]) -> [__m512i; KEYS] {
    let mut wide = [_mm512_setzero_si512(); KEYS];
    for (wide, key) in wide.iter_mut().zip(keys) {
        *wide = _mm512_broadcast_i32x4(load(key));
    }
    wide
}

/// Makes a vector of four blocks from different places.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn gather([a, b, c, d]: [Block; 4]) -> __m512i {
    let x = _mm512_castsi128_si512(load(&a));
    let x = _mm512_inserti32x4::<1>(x, load(&b));
    let x = _mm512_inserti32x4::<2>(x, load(&c));
    _mm512_inserti32x4::<3>(x, load(&d))
}

/// Makes a vector of four consecutive blocks.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn load4([a, b, c, d]: &[Block; 4]) -> __m512i {
    let ([a, b], [c, d], [e, f], [g, h]) = (halves(a), halves(b), halves(c), halves(d));
    _mm512_set_epi64(h, g, f, e, d, c, b, a)
}

#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn split(x: __m512i) -> [Block; 4] {
    [
        store(_mm512_castsi512_si128(x)),
        store(_mm512_extracti32x4_epi32::<1>(x)),
        store(_mm512_extracti32x4_epi32::<2>(x)),
        store(_mm512_extracti32x4_epi32::<3>(x)),
    ]
}
