//! DES on planes of bits: the same bit of many blocks in one word, the S-boxes as circuits.
//!
//! A permutation then costs nothing, since it only selects planes. An S-box costs some thirty
//! operations for 64 blocks, or for as many as the processor's vectors have bits: the compiler
//! vectorises the loops over `Q` words. No table is indexed by a secret.

use super::circuits::circuits;
use super::tables::{PLACES, SEEN};

/// A round key as masks: the bits for each S-box, all ones or all zeros.
pub(super) type Masks = [[u64; 6]; 8];

/// The planes of a half, in the order in which the S-boxes give their bits, before the permutation
/// P.
type Half<const Q: usize> = [[u64; Q]; 32];

circuits!(gate, u64, #[inline(always)]);

/// The bit of `TABLE` that three bits name, for all bits of the words.
#[inline(always)]
const fn gate<const TABLE: u8>(a: u64, b: u64, c: u64) -> u64 {
    (a & of_two(TABLE >> 4, b, c)) | (!a & of_two(TABLE & 15, b, c))
}

#[inline(always)]
const fn of_two(table: u8, b: u64, c: u64) -> u64 {
    match table {
        0 => 0,
        1 => !(b | c),
        2 => !b & c,
        3 => !b,
        4 => b & !c,
        5 => !c,
        6 => b ^ c,
        7 => !(b & c),
        8 => b & c,
        9 => !(b ^ c),
        10 => c,
        11 => !b | c,
        12 => b,
        13 => b | !c,
        14 => b | c,
        _ => !0,
    }
}

/// Runs several DES in a row over at most 64 times `Q` blocks.
#[inline(always)]
pub(super) fn run<'a, const Q: usize>(
    keys: impl Iterator<Item = impl Iterator<Item = &'a Masks>>,
    blocks: &mut [[u8; 8]],
) {
    let mut planes = [[0; Q]; 64];
    for (word, block) in planes.as_flattened_mut().iter_mut().zip(blocks.iter()) {
        *word = u64::from_be_bytes(*block);
    }
    transpose(&mut planes);
    let mut halves = [[0; Q]; 64];
    for (plane, place) in planes.iter().zip(PLACES) {
        if let Some(half) = halves.get_mut(place) {
            *half = *plane;
        }
    }
    if let [left, right] = halves.as_chunks_mut().0 {
        let (mut target, mut source) = (left, right);
        for keys in keys {
            for masks in keys {
                round(target, source, masks);
                (target, source) = (source, target);
            }
            // Between two DES, the halves are swapped without a round.
            (target, source) = (source, target);
        }
    }
    for (plane, place) in planes.iter_mut().zip(PLACES) {
        if let Some(half) = halves.get(place ^ 32) {
            *plane = *half;
        }
    }
    transpose(&mut planes);
    for (word, block) in planes.as_flattened().iter().zip(blocks) {
        *block = word.to_be_bytes();
    }
}

/// Adds the function f of one half to the other.
#[inline(always)]
fn round<const Q: usize>(target: &mut Half<Q>, source: &Half<Q>, masks: &Masks) {
    let [t1, t2, t3, t4, t5, t6, t7, t8] = target.as_chunks_mut::<4>().0 else { return };
    substitute::<Q, 0>(t1, source, masks, box_1);
    substitute::<Q, 1>(t2, source, masks, box_2);
    substitute::<Q, 2>(t3, source, masks, box_3);
    substitute::<Q, 3>(t4, source, masks, box_4);
    substitute::<Q, 4>(t5, source, masks, box_5);
    substitute::<Q, 5>(t6, source, masks, box_6);
    substitute::<Q, 6>(t7, source, masks, box_7);
    substitute::<Q, 7>(t8, source, masks, box_8);
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "constants, or below the length of every array")]
fn substitute<const Q: usize, const BOX: usize>(
    target: &mut [[u64; Q]; 4],
    source: &Half<Q>,
    masks: &Masks,
    circuit: impl Fn([u64; 6]) -> [u64; 4],
) {
    let [a, b, c, d, e, f] = SEEN[BOX].map(|plane| &source[plane]);
    let [ka, kb, kc, kd, ke, kf] = masks[BOX];
    let [w, x, y, z] = target;
    for q in 0..Q {
        let made = circuit([a[q] ^ ka, b[q] ^ kb, c[q] ^ kc, d[q] ^ kd, e[q] ^ ke, f[q] ^ kf]);
        w[q] ^= made[0];
        x[q] ^= made[1];
        y[q] ^= made[2];
        z[q] ^= made[3];
    }
}

/// Turns 64 words of 64 bits into 64 planes, or back: `Q` square matrices of bits, each word a
/// row, the highest bit in front.
#[inline(always)]
fn transpose<const Q: usize>(rows: &mut [[u64; Q]; 64]) {
    let mut mask = u64::MAX;
    for exponent in (0..6).rev() {
        let distance = 1_u32 << exponent;
        mask ^= mask << distance;
        for rows in rows.chunks_exact_mut(2 << exponent) {
            let (upper, lower) = rows.split_at_mut(1 << exponent);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                for (a, b) in upper.iter_mut().zip(lower) {
                    let difference = (*a ^ (*b >> distance)) & mask;
                    *a ^= difference;
                    *b ^= difference << distance;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::BOXES;
    use super::*;

    #[test]
    fn every_circuit_is_its_table() {
        let circuits = [box_1, box_2, box_3, box_4, box_5, box_6, box_7, box_8];
        for (circuit, table) in circuits.into_iter().zip(BOXES) {
            // All 64 inputs at once: input number n at bit n.
            let inputs = [5, 4, 3, 2, 1, 0]
                .map(|bit| (0..64).fold(0_u64, |word, n| word | (n >> bit & 1) << n));
            let made = circuit(inputs);
            for n in 0..64 {
                let value = made.iter().fold(0, |value, word| value << 1 | (word >> n & 1));
                let (row, column) = ((n >> 5) << 1 | (n & 1), n >> 1 & 15);
                assert_eq!(value, u64::from(table[row * 16 + column]));
            }
        }
    }

    #[test]
    fn every_gate_is_its_table() {
        let [a, b, c] = [0xf0, 0xcc, 0xaa];
        assert_eq!(gate::<0x1b>(a, b, c) & 0xff, 0x1b);
        assert_eq!(gate::<0xe8>(a, b, c) & 0xff, 0xe8);
        for table in 0..16 {
            assert_eq!(of_two(table, b, c) & 0xf, u64::from(table));
        }
    }

    #[test]
    fn transposing_moves_every_bit_across_the_diagonal() {
        for (row, column) in [(0, 0), (0, 63), (63, 0), (5, 40), (40, 5), (31, 32), (17, 18)] {
            let mut rows = [[0; 2]; 64];
            rows[row][1] = 1 << (63 - column);
            transpose(&mut rows);
            let mut expected = [[0; 2]; 64];
            expected[column][1] = 1 << (63 - row);
            assert_eq!(rows, expected);
        }
    }
}
