//! Blowfish (B. Schneier, "Description of a New Variable-Length Key, 64-Bit Block Cipher", 1993).

use aes::cipher::consts::U8;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Rounds, halves, pi};
use crate::memory::keep_resident;

/// A scheduled key. Boxed, so that a move leaves no copy of it.
pub(in crate::crypto) struct Blowfish(Box<Zeroizing<State>>);

/// The boxes, derived from the digits of pi and a key.
struct State {
    /// A word for each of the 16 rounds, and two for after them.
    words: [u32; 18],
    boxes: [[u32; 256]; 4],
}

impl Blowfish {
    /// Schedules a key of 4 to 56 bytes: the cipher encrypts its own state, 521 times.
    pub(in crate::crypto) fn new(key: &[u8]) -> Self {
        let state = State { words: [0; 18], boxes: [[0; 256]; 4] };
        let mut state = Box::new(Zeroizing::new(state));
        keep_resident(&*state);
        let State { words, boxes } = &mut **state;
        let places = words.iter_mut().chain(boxes.as_flattened_mut());
        for (place, digits) in places.zip(&pi::FRACTION) {
            *place = *digits;
        }
        let mut bytes = key.iter().copied().cycle();
        for word in words {
            let key = [(); 4].map(|()| bytes.next().unwrap_or_default());
            *word ^= u32::from_be_bytes(key);
        }

        let mut text = [[0; 8]];
        for pair in 0..9 {
            state.encrypt(&mut text);
            put(&mut state.words, pair, text);
        }
        for number in 0..4 {
            for pair in 0..128 {
                state.encrypt(&mut text);
                if let Some(words) = state.boxes.get_mut(number) {
                    put(words, pair, text);
                }
            }
        }
        Self(state)
    }
}

/// Puts the two words of a block at a pair of places.
fn put(words: &mut [u32], pair: usize, [block]: [[u8; 8]; 1]) {
    if let Some(pair) = words.as_chunks_mut::<2>().0.get_mut(pair) {
        *pair = halves(block);
    }
}

impl State {
    #[inline]
    fn encrypt<const W: usize>(&self, blocks: &mut [[u8; 8]; W]) {
        let (pairs, _) = self.words.as_chunks();
        if let [rounds @ .., last] = pairs {
            self.run(rounds.iter().copied(), *last, blocks);
        }
    }

    /// The same with the words in reverse.
    #[inline]
    fn decrypt<const W: usize>(&self, blocks: &mut [[u8; 8]; W]) {
        let (pairs, _) = self.words.as_chunks();
        if let [[b, a], rounds @ ..] = pairs {
            self.run(rounds.iter().rev().map(|[b, a]| [*a, *b]), [*a, *b], blocks);
        }
    }

    #[inline(always)]
    fn run<const W: usize>(
        &self,
        rounds: impl Iterator<Item = [u32; 2]>,
        last: [u32; 2],
        blocks: &mut [[u8; 8]; W],
    ) {
        let mut states = blocks.map(halves);
        for [a, b] in rounds {
            for [left, right] in &mut states {
                *left ^= a;
                *right ^= self.mix(*left);
            }
            for [left, right] in &mut states {
                *right ^= b;
                *left ^= self.mix(*right);
            }
        }
        let [a, b] = last;
        for (block, [left, right]) in blocks.iter_mut().zip(states) {
            *block = (u64::from(right ^ b) << 32 | u64::from(left ^ a)).to_be_bytes();
        }
    }

    /// The function F.
    #[inline(always)]
    fn mix(&self, half: u32) -> u32 {
        // From the low end: from the other end the compiler swaps the bytes first.
        let [d, c, b, a] = half.to_le_bytes().map(usize::from);
        let [box_a, box_b, box_c, box_d] = &self.boxes;
        #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
        let mixed = (box_a[a].wrapping_add(box_b[b]) ^ box_c[c]).wrapping_add(box_d[d]);
        mixed
    }
}

impl Rounds for Blowfish {
    type Width = U8;

    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        let (eights, rest) = blocks.as_chunks_mut::<8>();
        eights.iter_mut().for_each(|blocks| self.0.encrypt(blocks));
        let (fours, rest) = rest.as_chunks_mut::<4>();
        fours.iter_mut().for_each(|blocks| self.0.encrypt(blocks));
        rest.as_chunks_mut::<1>().0.iter_mut().for_each(|block| self.0.encrypt(block));
    }

    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        let (eights, rest) = blocks.as_chunks_mut::<8>();
        eights.iter_mut().for_each(|blocks| self.0.decrypt(blocks));
        let (fours, rest) = rest.as_chunks_mut::<4>();
        fours.iter_mut().for_each(|blocks| self.0.decrypt(blocks));
        rest.as_chunks_mut::<1>().0.iter_mut().for_each(|block| self.0.decrypt(block));
    }
}

impl ZeroizeOnDrop for Blowfish {}

impl Zeroize for State {
    fn zeroize(&mut self) {
        self.words.zeroize();
        self.boxes.zeroize();
    }
}
