//! DES and triple DES (FIPS 46-3).
//!
//! Triple DES is 48 consecutive rounds: where one DES ends and the next begins, the final
//! permutation and the initial one undo each other. There are two implementations of the rounds: on
//! planes of bits for many blocks ([`bitslice`]), and with tables for a few, here. With tables, the
//! halves of a block are kept rotated to the right by three bits. Then the inputs of four of the
//! eight S-boxes are at the end of each byte, and after a rotation by another four bits those of
//! the other four.

mod bitslice;
mod circuits;
mod tables;

use aes::cipher::consts::U512;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use self::bitslice::Masks;
use self::tables::{CHOICE_1, CHOICE_2, SHIFTS, SP};
use super::{Rounds, halves};
use crate::memory::keep_resident;

/// What a round key adds to the even and to the odd S-boxes, six bits in each byte.
type RoundKey = [u32; 2];

/// Some scheduled keys in a row, 16 rounds for each. Boxed, so that a move leaves no copy of them.
struct Keys<const ROUNDS: usize> {
    rounds: Zeroizing<[RoundKey; ROUNDS]>,
    masks: Zeroizing<[Masks; ROUNDS]>,
}

impl<const ROUNDS: usize> Keys<ROUNDS> {
    fn new(schedule: impl FnOnce(&mut [RoundKey; ROUNDS])) -> Box<Self> {
        let mut keys = Box::new(Self {
            rounds: Zeroizing::new([[0; 2]; ROUNDS]),
            masks: Zeroizing::new([[[0; 6]; 8]; ROUNDS]),
        });
        keep_resident(&*keys);
        schedule(&mut keys.rounds);
        for (masks, round) in keys.masks.iter_mut().zip(keys.rounds.iter()) {
            let [[b, d, f, h], [a, c, e, g]] = round.map(u32::to_be_bytes);
            for (masks, six) in masks.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                for (mask, place) in masks.iter_mut().zip((0..6).rev()) {
                    *mask = 0_u64.wrapping_sub(u64::from(six >> place & 1));
                }
            }
        }
        keys
    }

    /// Encrypts, with `WORDS` words of 64 bits in each plane where that is faster.
    #[inline(always)]
    fn encrypt<const WORDS: usize, const ENOUGH: usize>(&self, blocks: &mut [[u8; 8]]) {
        let (many, rest) = blocks.split_at_mut(many(WORDS, ENOUGH, blocks.len()));
        for blocks in many.chunks_mut(64 * WORDS) {
            let keys = self.masks.as_chunks::<16>().0.iter();
            bitslice::run::<WORDS>(keys.map(|keys| keys.iter()), blocks);
        }
        self.encrypt_few(rest);
    }

    /// The other direction of [`Self::encrypt`].
    #[inline(always)]
    fn decrypt<const WORDS: usize, const ENOUGH: usize>(&self, blocks: &mut [[u8; 8]]) {
        let (many, rest) = blocks.split_at_mut(many(WORDS, ENOUGH, blocks.len()));
        for blocks in many.chunks_mut(64 * WORDS) {
            let keys = self.masks.as_chunks::<16>().0.iter().rev();
            bitslice::run::<WORDS>(keys.map(|keys| keys.iter().rev()), blocks);
        }
        self.decrypt_few(rest);
    }

    /// With tables. Not inlined: vectors wider than the portable ones only slow it down.
    #[inline(never)]
    fn encrypt_few(&self, blocks: &mut [[u8; 8]]) {
        few(blocks, || forward(self.rounds.as_slice()));
    }

    /// The other direction of [`Self::encrypt_few`].
    #[inline(never)]
    fn decrypt_few(&self, blocks: &mut [[u8; 8]]) {
        few(blocks, || backward(self.rounds.as_slice()));
    }
}

/// How many of the blocks go to the circuits: full batches, and a partial one unless it is so small
/// that tables are faster.
const fn many(words: usize, enough: usize, blocks: usize) -> usize {
    let rest = blocks % (64 * words);
    if rest < enough { blocks - rest } else { blocks }
}

/// A scheduled key of DES, with `WORDS` words of 64 bits in a plane; from `ENOUGH` blocks on the
/// circuits are faster than the tables, even with most of their lanes idle: 144 in vectors of 128
/// bits, 56 in those of 256, 40 in those of 512, measured on Zen 5.
pub(in crate::crypto) struct Des<const WORDS: usize, const ENOUGH: usize>(Box<Keys<16>>);

impl<const WORDS: usize, const ENOUGH: usize> Des<WORDS, ENOUGH> {
    /// Schedules a key. Its parity bits are ignored.
    pub(in crate::crypto) fn new(key: [u8; 8]) -> Self {
        Self(Keys::new(|rounds| schedule(key, rounds.iter_mut())))
    }
}

/// Three scheduled keys, of which the second one decrypts.
pub(in crate::crypto) struct TripleDes<const WORDS: usize, const ENOUGH: usize>(Box<Keys<48>>);

impl<const WORDS: usize, const ENOUGH: usize> TripleDes<WORDS, ENOUGH> {
    /// Schedules the keys. Their parity bits are ignored, and the keys may be equal.
    pub(in crate::crypto) fn new([a, b, c]: [[u8; 8]; 3]) -> Self {
        Self(Keys::new(|rounds| {
            if let [first, second, third] = rounds.as_chunks_mut::<16>().0 {
                schedule(a, first.iter_mut());
                schedule(b, second.iter_mut().rev());
                schedule(c, third.iter_mut());
            }
        }))
    }
}

/// Makes the round keys (FIPS 46-3, appendix 1).
fn schedule<'a>(key: [u8; 8], rounds: impl Iterator<Item = &'a mut RoundKey>) {
    const HALF: u64 = (1 << 28) - 1;
    let chosen = permuted(&CHOICE_1, 64, u64::from_be_bytes(key));
    let (mut c, mut d) = (chosen >> 28, chosen & HALF);
    for (round, shift) in rounds.zip(SHIFTS) {
        [c, d] = [c, d].map(|half| (half << shift | half >> (28 - shift)) & HALF);
        let bits = permuted(&CHOICE_2, 56, c << 28 | d);
        // Six bits for each S-box, the first one in front.
        let six = |number: u32| {
            #[expect(clippy::cast_possible_truncation, reason = "six bits are wanted")]
            let six = (bits >> (48 - 6 * number)) as u8 & 0x3f;
            six
        };
        *round = [[2, 4, 6, 8], [1, 3, 5, 7]].map(|boxes| u32::from_be_bytes(boxes.map(six)));
    }
}

/// Picks bits of a value of `width` bits by their numbers, of which the first one is 1 and names
/// the highest bit.
fn permuted(table: &[u8], width: u8, value: u64) -> u64 {
    table.iter().fold(0, |made, bit| made << 1 | (value >> (width - bit) & 1))
}

/// Two rounds at a time, one DES after the other.
fn forward<K>(keys: &[K]) -> impl Iterator<Item = impl Iterator<Item = [&K; 2]>> {
    keys.as_chunks::<16>().0.iter().map(|keys| keys.as_chunks().0.iter().map(|[a, b]| [a, b]))
}

/// The same in reverse.
fn backward<K>(keys: &[K]) -> impl Iterator<Item = impl Iterator<Item = [&K; 2]>> {
    let desses = keys.as_chunks::<16>().0.iter().rev();
    desses.map(|keys| keys.as_chunks().0.iter().rev().map(|[a, b]| [b, a]))
}

/// Runs the rounds of `keys` on blocks, three at a time.
#[inline(always)]
fn few<'a, D: Iterator<Item = [&'a RoundKey; 2]>, K: Iterator<Item = D>>(
    blocks: &mut [[u8; 8]],
    keys: impl Fn() -> K,
) {
    let (threes, rest) = blocks.as_chunks_mut::<3>();
    threes.iter_mut().for_each(|blocks| run(keys(), blocks));
    let (twos, rest) = rest.as_chunks_mut::<2>();
    twos.iter_mut().for_each(|blocks| run(keys(), blocks));
    let (ones, _) = rest.as_chunks_mut::<1>();
    ones.iter_mut().for_each(|block| run(keys(), block));
}

/// Runs one DES after the other.
#[inline(always)]
fn run<'a, const W: usize>(
    keys: impl Iterator<Item = impl Iterator<Item = [&'a RoundKey; 2]>>,
    blocks: &mut [[u8; 8]; W],
) {
    let mut states =
        blocks.map(|block| initial_permutation(block).map(|half| half.rotate_right(3)));
    for keys in keys {
        for [one, two] in keys {
            for [left, right] in &mut states {
                *left ^= substituted(*right, *one);
            }
            for [left, right] in &mut states {
                *right ^= substituted(*left, *two);
            }
        }
        for halves in &mut states {
            halves.reverse();
        }
    }
    for (block, halves) in blocks.iter_mut().zip(states) {
        *block = final_permutation(halves.map(|half| half.rotate_left(3)));
    }
}

/// The function f of a round.
#[inline(always)]
fn substituted(half: u32, [even, odd]: RoundKey) -> u32 {
    // From the low end: from the other end the compiler swaps the bytes first.
    let [h, f, d, b] = (half.rotate_left(4) ^ even).to_le_bytes().map(usize::from);
    let [g, e, c, a] = (half ^ odd).to_le_bytes().map(usize::from);
    let [sp1, sp2, sp3, sp4, sp5, sp6, sp7, sp8] = &SP;
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    let sum = sp1[a] ^ sp2[b] ^ sp3[c] ^ sp4[d] ^ sp5[e] ^ sp6[f] ^ sp7[g] ^ sp8[h];
    sum
}

/// The permutation IP, which gives the two halves that the rounds begin with. Its table moves
/// bits by powers of two, so a few exchanges of groups of bits do it.
#[inline(always)]
fn initial_permutation(block: [u8; 8]) -> [u32; 2] {
    let [mut left, mut right] = halves(block);
    exchange::<4>(&mut left, &mut right, 0x0f0f_0f0f);
    exchange::<16>(&mut left, &mut right, 0x0000_ffff);
    exchange::<2>(&mut right, &mut left, 0x3333_3333);
    exchange::<8>(&mut right, &mut left, 0x00ff_00ff);
    exchange::<1>(&mut left, &mut right, 0x5555_5555);
    [left, right]
}

/// The inverse of [`initial_permutation`].
#[inline(always)]
fn final_permutation([mut left, mut right]: [u32; 2]) -> [u8; 8] {
    exchange::<1>(&mut left, &mut right, 0x5555_5555);
    exchange::<8>(&mut right, &mut left, 0x00ff_00ff);
    exchange::<2>(&mut right, &mut left, 0x3333_3333);
    exchange::<16>(&mut left, &mut right, 0x0000_ffff);
    exchange::<4>(&mut left, &mut right, 0x0f0f_0f0f);
    (u64::from(left) << 32 | u64::from(right)).to_be_bytes()
}

/// Exchanges bits of `a`, those `BITS` above the mask, for the bits of `b` under it.
#[inline(always)]
const fn exchange<const BITS: u32>(a: &mut u32, b: &mut u32, mask: u32) {
    let difference = (*a >> BITS ^ *b) & mask;
    *b ^= difference;
    *a ^= difference << BITS;
}

impl<const WORDS: usize, const ENOUGH: usize> Rounds for Des<WORDS, ENOUGH> {
    type Width = U512;

    #[inline(always)]
    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        self.0.encrypt::<WORDS, ENOUGH>(blocks);
    }

    #[inline(always)]
    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        self.0.decrypt::<WORDS, ENOUGH>(blocks);
    }
}

impl<const WORDS: usize, const ENOUGH: usize> Rounds for TripleDes<WORDS, ENOUGH> {
    type Width = U512;

    #[inline(always)]
    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        self.0.encrypt::<WORDS, ENOUGH>(blocks);
    }

    #[inline(always)]
    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        self.0.decrypt::<WORDS, ENOUGH>(blocks);
    }
}

impl<const WORDS: usize, const ENOUGH: usize> ZeroizeOnDrop for Des<WORDS, ENOUGH> {}

impl<const WORDS: usize, const ENOUGH: usize> ZeroizeOnDrop for TripleDes<WORDS, ENOUGH> {}

#[cfg(test)]
mod tests {
    use super::tables::INITIAL;
    use super::*;

    #[test]
    fn the_exchanges_are_the_initial_permutation() {
        for bit in 0..64 {
            let block = 1_u64 << bit;
            let [left, right] = initial_permutation(block.to_be_bytes());
            let expected = permuted(&INITIAL, 64, block);
            assert_eq!(u64::from(left) << 32 | u64::from(right), expected);
            assert_eq!(final_permutation([left, right]), block.to_be_bytes());
        }
    }
}
