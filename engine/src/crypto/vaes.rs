//! The VAES kernel: AES in CBC mode, four blocks to an instruction. All of it is safe code; only
//! [`x86`](super::x86) may call it, which knows the processor.
//!
//! An AES round takes a processor four cycles or so, and one or two of them start in each cycle.
//! So it is the number of independent blocks that fills the pipe: four vectors of four blocks
//! where one round starts per cycle (Zen 4), eight where two do (Zen 5). Sealing takes them from
//! as many lanes, with the chain values in registers for the length of a run; opening takes them
//! from one message, whose blocks do not wait for each other.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_aesimc_si128, _mm_aeskeygenassist_si128, _mm_cvtsi128_si32,
    _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi32, _mm_unpackhi_epi64, _mm512_aesdec_epi128,
    _mm512_aesdeclast_epi128, _mm512_aesenc_epi128, _mm512_aesenclast_epi128, _mm512_alignr_epi64,
    _mm512_broadcast_i32x4, _mm512_castsi128_si512, _mm512_castsi512_si128,
    _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_set_epi64, _mm512_setzero_si512,
    _mm512_ternarylogic_epi64, _mm512_xor_si512,
};
use std::cell::Cell;

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::consts::{U4, U32};
use aes::cipher::{InOut, InOutBuf};
use zeroize::Zeroizing;

use super::feed::{Feed, Head};
use super::{BLOCK, Block, Lane};

/// Lanes of a full run.
pub(super) const WIDTH: usize = 32;

/// Blocks that the places without a lane share. They are written to and never read for anything.
const SPARE: usize = 256;

/// A lane's blocks. Cells, because all places without a lane share one column.
type Column<'a> = &'a [Cell<Block>];

/// One block of each of four lanes, which fill a vector.
type Quad<'a> = [&'a Cell<Block>; 4];

/// Encrypts every lane in place.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
pub(super) fn seal<const KEYS: usize>(keys: &[Block; KEYS], lanes: &mut [Lane<'_>]) {
    let keys = broadcast(keys);
    let mut spare = [[0; BLOCK]; SPARE];
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
    let mut chains = [[[0; BLOCK]; 4]; QUADS];
    let mut rests: [[Column<'_>; 4]; QUADS] = [[&[]; 4]; QUADS];
    let used = heads.len();
    let full = used == rests.as_flattened().len();
    let places = chains.as_flattened_mut().iter_mut().zip(rests.as_flattened_mut());
    for (head, (chain, rest)) in heads.iter_mut().zip(places) {
        *chain = head.chain;
        *rest = Cell::from_mut(&mut *head.blocks).as_slice_of_cells();
    }
    let mut states = [_mm512_setzero_si512(); QUADS];
    for (state, chain) in states.iter_mut().zip(&chains) {
        *state = load4(chain);
    }

    let mut left = rests.as_flattened().first().map_or(0, |rest| rest.len());
    while left > 0 {
        let count = if full { left } else { left.min(SPARE) };
        left -= count;
        let mut columns = [[spare.get(..count).unwrap_or_default(); 4]; QUADS];
        let places = columns.as_flattened_mut().iter_mut().zip(rests.as_flattened_mut());
        for (column, rest) in places.take(used) {
            (*column, *rest) = rest.split_at(count);
        }
        // The zipped iterators have one counter and check no bounds.
        match *columns.as_slice() {
            [a, b, c, d] => seal_rows(keys, &mut states, four([a, b, c, d])),
            [a, b, c, d, e, f] => seal_rows(keys, &mut states, six([a, b, c, d, e, f])),
            [a, b, c, d, e, f, g, h] => {
                seal_rows(keys, &mut states, eight([a, b, c, d, e, f, g, h]));
            }
            _ => {}
        }
    }

    for (state, chain) in states.iter().zip(&mut chains) {
        *chain = split(*state);
    }
    for (head, chain) in heads.iter_mut().zip(chains.as_flattened()) {
        head.chain = *chain;
    }
}

/// The loop: a block of every lane at each turn. `QUADS` and `WIDE` are the same, which only the
/// caller's pattern knows.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn seal_rows<'a, const KEYS: usize, const QUADS: usize, const WIDE: usize>(
    keys: &[__m512i; KEYS],
    chains: &mut [__m512i; QUADS],
    rows: impl Iterator<Item = [Quad<'a>; WIDE]>,
) {
    let [first, middle @ .., last] = keys.as_slice() else { return };
    // A copy, which stays in registers.
    let mut states = *chains;
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
    *chains = states;
}

/// The exclusive or of all three operands.
const XOR3: i32 = 0x96;

#[inline(always)]
fn four<'a>([a, b, c, d]: [[Column<'a>; 4]; 4]) -> impl Iterator<Item = [Quad<'a>; 4]> {
    let row = quads(a).zip(quads(b)).zip(quads(c)).zip(quads(d));
    row.map(|(((a, b), c), d)| [a, b, c, d])
}

#[inline(always)]
fn six<'a>([a, b, c, d, e, f]: [[Column<'a>; 4]; 6]) -> impl Iterator<Item = [Quad<'a>; 6]> {
    let row = four([a, b, c, d]).zip(quads(e)).zip(quads(f));
    row.map(|(([a, b, c, d], e), f)| [a, b, c, d, e, f])
}

#[inline(always)]
fn eight<'a>(
    [a, b, c, d, e, f, g, h]: [[Column<'a>; 4]; 8],
) -> impl Iterator<Item = [Quad<'a>; 8]> {
    let row = six([a, b, c, d, e, f]).zip(quads(g)).zip(quads(h));
    row.map(|(([a, b, c, d, e, f], g), h)| [a, b, c, d, e, f, g, h])
}

#[inline(always)]
fn quads<'a>([a, b, c, d]: [Column<'a>; 4]) -> impl Iterator<Item = Quad<'a>> {
    a.iter().zip(b).zip(c).zip(d).map(|(((a, b), c), d)| [a, b, c, d])
}

/// Decrypts a message, in place or from one buffer into another.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
pub(super) fn open<const KEYS: usize>(
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

/// Expands a key (FIPS 197 5.2), and turns its round keys into those of the equivalent inverse
/// cipher (5.3.5). Without tables, so that its time tells nothing of the key.
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
pub(super) fn schedule<const WORDS: usize, const KEYS: usize>(
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
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn substitute(word: u32) -> u32 {
    let words = _mm_aeskeygenassist_si128::<0>(_mm_set1_epi32(word.cast_signed()));
    _mm_cvtsi128_si32(words).cast_unsigned()
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

/// Makes a vector of four blocks in a row.
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

#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn load(block: &Block) -> __m128i {
    let [low, high] = halves(block);
    _mm_set_epi64x(high, low)
}

#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512dq,avx512vl")]
fn store(x: __m128i) -> Block {
    let low = _mm_cvtsi128_si64(x).cast_unsigned();
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x)).cast_unsigned();
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

#[inline(always)]
fn halves(block: &Block) -> [i64; 2] {
    let block = u128::from_le_bytes(*block);
    [block, block >> 64].map(|half| {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
        let half = half as u64;
        half.cast_signed()
    })
}
