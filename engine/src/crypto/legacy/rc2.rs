//! RC2 (RFC 2268), in vectors.

use aes::cipher::array::{ArraySize, AssocArraySize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Rounds;
use crate::memory::keep_resident;

/// A scheduled key.
pub(in crate::crypto) struct Rc2<const WIDE: usize, L = ByIndex> {
    /// Boxed, so that a move leaves no copy.
    table: Box<Zeroizing<Table>>,
    look_up: L,
}

/// The key words, and their bytes once more for look-ups that find one byte at a time.
pub(in crate::crypto) struct Table {
    pub(in crate::crypto) words: [u16; 64],
    pub(in crate::crypto) low: [u8; 64],
    pub(in crate::crypto) high: [u8; 64],
}

impl Default for Table {
    fn default() -> Self {
        Self { words: [0; 64], low: [0; 64], high: [0; 64] }
    }
}

impl Table {
    /// Takes the words from an expanded key.
    pub(in crate::crypto) fn fill(&mut self, bytes: &[u8; 128]) {
        let places = self.words.iter_mut().zip(&mut self.low).zip(&mut self.high);
        for (((word, low), high), bytes) in places.zip(bytes.as_chunks().0) {
            *word = u16::from_le_bytes(*bytes);
            [*low, *high] = *bytes;
        }
    }
}

impl Zeroize for Table {
    fn zeroize(&mut self) {
        self.words.zeroize();
        self.low.zeroize();
        self.high.zeroize();
    }
}

/// How to look up the key words that a mashing round names.
pub(in crate::crypto) trait LookUp {
    /// Finds for each number the word of the table that its lower six bits name.
    fn look_up<const W: usize>(&self, table: &Table, numbers: &[u16; W]) -> [u16; W];
}

/// One number after the other.
pub(in crate::crypto) struct ByIndex;

impl LookUp for ByIndex {
    #[inline(always)]
    fn look_up<const W: usize>(&self, table: &Table, numbers: &[u16; W]) -> [u16; W] {
        let mut named = [0; W];
        for (named, number) in named.iter_mut().zip(numbers) {
            #[expect(clippy::indexing_slicing, reason = "a number of six bits is below 64")]
            let word = table.words[usize::from(*number & 63)];
            *named = word;
        }
        named
    }
}

impl<const WIDE: usize, L: LookUp> Rc2<WIDE, L> {
    /// Expands a key of 1 to 128 bytes, all bits of it effective (RFC 2268 2).
    pub(in crate::crypto) fn new(key: &[u8], look_up: L) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 128]);
        for (byte, key) in bytes.iter_mut().zip(key) {
            *byte = *key;
        }
        let at = |bytes: &[u8; 128], place: usize| bytes.get(place).copied().unwrap_or_default();
        for place in key.len()..bytes.len() {
            let far = at(&bytes, place.saturating_sub(key.len()));
            let near = at(&bytes, place.saturating_sub(1));
            if let Some(byte) = bytes.get_mut(place) {
                *byte = shuffled(near.wrapping_add(far));
            }
        }
        let start = bytes.len().saturating_sub(key.len());
        if let Some(byte) = bytes.get_mut(start) {
            *byte = shuffled(*byte);
        }
        for place in (0..start).rev() {
            let (near, far) = (at(&bytes, place + 1), at(&bytes, place + key.len()));
            if let Some(byte) = bytes.get_mut(place) {
                *byte = shuffled(near ^ far);
            }
        }
        let mut table = Box::new(Zeroizing::new(Table::default()));
        keep_resident(&*table);
        table.fill(&bytes);
        Self { table, look_up }
    }

    /// What a mashing round adds to each word: the key word that another word names.
    #[inline(always)]
    fn named<const W: usize>(&self, words: &[u16; W]) -> [u16; W] {
        self.look_up.look_up(&self.table, words)
    }
}

/// A byte through the table of RFC 2268 2.
fn shuffled(byte: u8) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    let byte = PITABLE[usize::from(byte)];
    byte
}

/// A permutation of the bytes (RFC 2268 2).
#[rustfmt::skip]
static PITABLE: [u8; 256] = [
    0xd9, 0x78, 0xf9, 0xc4, 0x19, 0xdd, 0xb5, 0xed, 0x28, 0xe9, 0xfd, 0x79, 0x4a, 0xa0, 0xd8, 0x9d,
    0xc6, 0x7e, 0x37, 0x83, 0x2b, 0x76, 0x53, 0x8e, 0x62, 0x4c, 0x64, 0x88, 0x44, 0x8b, 0xfb, 0xa2,
    0x17, 0x9a, 0x59, 0xf5, 0x87, 0xb3, 0x4f, 0x13, 0x61, 0x45, 0x6d, 0x8d, 0x09, 0x81, 0x7d, 0x32,
    0xbd, 0x8f, 0x40, 0xeb, 0x86, 0xb7, 0x7b, 0x0b, 0xf0, 0x95, 0x21, 0x22, 0x5c, 0x6b, 0x4e, 0x82,
    0x54, 0xd6, 0x65, 0x93, 0xce, 0x60, 0xb2, 0x1c, 0x73, 0x56, 0xc0, 0x14, 0xa7, 0x8c, 0xf1, 0xdc,
    0x12, 0x75, 0xca, 0x1f, 0x3b, 0xbe, 0xe4, 0xd1, 0x42, 0x3d, 0xd4, 0x30, 0xa3, 0x3c, 0xb6, 0x26,
    0x6f, 0xbf, 0x0e, 0xda, 0x46, 0x69, 0x07, 0x57, 0x27, 0xf2, 0x1d, 0x9b, 0xbc, 0x94, 0x43, 0x03,
    0xf8, 0x11, 0xc7, 0xf6, 0x90, 0xef, 0x3e, 0xe7, 0x06, 0xc3, 0xd5, 0x2f, 0xc8, 0x66, 0x1e, 0xd7,
    0x08, 0xe8, 0xea, 0xde, 0x80, 0x52, 0xee, 0xf7, 0x84, 0xaa, 0x72, 0xac, 0x35, 0x4d, 0x6a, 0x2a,
    0x96, 0x1a, 0xd2, 0x71, 0x5a, 0x15, 0x49, 0x74, 0x4b, 0x9f, 0xd0, 0x5e, 0x04, 0x18, 0xa4, 0xec,
    0xc2, 0xe0, 0x41, 0x6e, 0x0f, 0x51, 0xcb, 0xcc, 0x24, 0x91, 0xaf, 0x50, 0xa1, 0xf4, 0x70, 0x39,
    0x99, 0x7c, 0x3a, 0x85, 0x23, 0xb8, 0xb4, 0x7a, 0xfc, 0x02, 0x36, 0x5b, 0x25, 0x55, 0x97, 0x31,
    0x2d, 0x5d, 0xfa, 0x98, 0xe3, 0x8a, 0x92, 0xae, 0x05, 0xdf, 0x29, 0x10, 0x67, 0x6c, 0xba, 0xc9,
    0xd3, 0x00, 0xe6, 0xcf, 0xe1, 0x9e, 0xa8, 0x2c, 0x63, 0x16, 0x01, 0x3f, 0x58, 0xe2, 0x89, 0xa9,
    0x0d, 0x38, 0x34, 0x1b, 0xab, 0x33, 0xff, 0xb0, 0xbb, 0x48, 0x0c, 0x5f, 0xb9, 0xb1, 0xcd, 0x2e,
    0xc5, 0xf3, 0xdb, 0x47, 0xe5, 0xa5, 0x9c, 0x77, 0x0a, 0xa6, 0x20, 0x68, 0xfe, 0x7f, 0xc1, 0xad,
];

/// One word of each of `W` blocks, for all four words of a block.
type Planes<const W: usize> = [[u16; W]; 4];

#[inline(always)]
fn split<const W: usize>(blocks: &[[u8; 8]; W]) -> Planes<W> {
    let mut planes = [[0; W]; 4];
    let [a, b, c, d] = &mut planes;
    for ((((a, b), c), d), block) in a.iter_mut().zip(b).zip(c).zip(d).zip(blocks) {
        let [a0, a1, b0, b1, c0, c1, d0, d1] = *block;
        *a = u16::from_le_bytes([a0, a1]);
        *b = u16::from_le_bytes([b0, b1]);
        *c = u16::from_le_bytes([c0, c1]);
        *d = u16::from_le_bytes([d0, d1]);
    }
    planes
}

#[inline(always)]
fn join<const W: usize>([a, b, c, d]: &Planes<W>, blocks: &mut [[u8; 8]; W]) {
    for ((((a, b), c), d), block) in a.iter().zip(b).zip(c).zip(d).zip(blocks) {
        let ([a0, a1], [b0, b1]) = (a.to_le_bytes(), b.to_le_bytes());
        let ([c0, c1], [d0, d1]) = (c.to_le_bytes(), d.to_le_bytes());
        *block = [a0, a1, b0, b1, c0, c1, d0, d1];
    }
}

/// Mixes up a word (RFC 2268 3.1): `before` are the words before it, the nearest first.
#[inline(always)]
fn mix<const W: usize, const BITS: u32>(word: &mut [u16; W], before: [&[u16; W]; 3], key: u16) {
    let [one, two, three] = before;
    for (((word, one), two), three) in word.iter_mut().zip(one).zip(two).zip(three) {
        let sum = word.wrapping_add(key).wrapping_add(choose(*one, *two, *three));
        *word = sum.rotate_left(BITS);
    }
}

/// Undoes [`mix`] (RFC 2268 4.1).
#[inline(always)]
fn unmix<const W: usize, const BITS: u32>(word: &mut [u16; W], before: [&[u16; W]; 3], key: u16) {
    let [one, two, three] = before;
    for (((word, one), two), three) in word.iter_mut().zip(one).zip(two).zip(three) {
        let sum = word.rotate_right(BITS);
        *word = sum.wrapping_sub(key).wrapping_sub(choose(*one, *two, *three));
    }
}

/// The bits of `yes` where `by` has ones, otherwise those of `no`.
#[inline(always)]
const fn choose(by: u16, yes: u16, no: u16) -> u16 {
    no ^ (by & (yes ^ no))
}

#[inline(always)]
fn add<const W: usize>(words: &mut [u16; W], others: [u16; W]) {
    for (word, other) in words.iter_mut().zip(others) {
        *word = word.wrapping_add(other);
    }
}

#[inline(always)]
fn subtract<const W: usize>(words: &mut [u16; W], others: [u16; W]) {
    for (word, other) in words.iter_mut().zip(others) {
        *word = word.wrapping_sub(other);
    }
}

/// Whether a mashing round follows the mixing round with this number.
const fn mashes(round: usize) -> bool {
    matches!(round, 4 | 10)
}

impl<const WIDE: usize, L: LookUp> Rc2<WIDE, L> {
    #[inline(always)]
    fn encrypt_wide<const W: usize>(&self, blocks: &mut [[u8; 8]; W]) {
        let mut planes = split(blocks);
        let [a, b, c, d] = &mut planes;
        for (round, [key_a, key_b, key_c, key_d]) in
            self.table.words.as_chunks().0.iter().enumerate()
        {
            mix::<W, 1>(a, [d, c, b], *key_a);
            mix::<W, 2>(b, [a, d, c], *key_b);
            mix::<W, 3>(c, [b, a, d], *key_c);
            mix::<W, 5>(d, [c, b, a], *key_d);
            if mashes(round) {
                add(a, self.named(d));
                add(b, self.named(a));
                add(c, self.named(b));
                add(d, self.named(c));
            }
        }
        join(&planes, blocks);
    }

    #[inline(always)]
    fn decrypt_wide<const W: usize>(&self, blocks: &mut [[u8; 8]; W]) {
        let mut planes = split(blocks);
        let [a, b, c, d] = &mut planes;
        let keys = self.table.words.as_chunks().0.iter().enumerate().rev();
        for (round, [key_a, key_b, key_c, key_d]) in keys {
            if mashes(round) {
                subtract(d, self.named(c));
                subtract(c, self.named(b));
                subtract(b, self.named(a));
                subtract(a, self.named(d));
            }
            unmix::<W, 5>(d, [c, b, a], *key_d);
            unmix::<W, 3>(c, [b, a, d], *key_c);
            unmix::<W, 2>(b, [a, d, c], *key_b);
            unmix::<W, 1>(a, [d, c, b], *key_a);
        }
        join(&planes, blocks);
    }
}

impl<S: ArraySize, const WIDE: usize, L: LookUp> Rounds for Rc2<WIDE, L>
where
    [[u8; 8]; WIDE]: AssocArraySize<Size = S>,
{
    type Width = S;

    #[inline(always)]
    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        let (chunks, rest) = blocks.as_chunks_mut::<WIDE>();
        chunks.iter_mut().for_each(|blocks| self.encrypt_wide(blocks));
        let (chunks, rest) = rest.as_chunks_mut::<64>();
        chunks.iter_mut().for_each(|blocks| self.encrypt_wide(blocks));
        let (chunks, rest) = rest.as_chunks_mut::<32>();
        chunks.iter_mut().for_each(|blocks| self.encrypt_wide(blocks));
        if rest.len() > ENOUGH {
            return padded::<32>(rest, |blocks| self.encrypt_wide(blocks));
        }
        let (chunks, rest) = rest.as_chunks_mut::<NARROW>();
        chunks.iter_mut().for_each(|blocks| self.encrypt_wide(blocks));
        if rest.len() > 2 {
            return padded::<NARROW>(rest, |blocks| self.encrypt_wide(blocks));
        }
        let (blocks, _) = rest.as_chunks_mut::<1>();
        blocks.iter_mut().for_each(|block| self.encrypt_wide(block));
    }

    #[inline(always)]
    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        let (chunks, rest) = blocks.as_chunks_mut::<WIDE>();
        chunks.iter_mut().for_each(|blocks| self.decrypt_wide(blocks));
        let (chunks, rest) = rest.as_chunks_mut::<64>();
        chunks.iter_mut().for_each(|blocks| self.decrypt_wide(blocks));
        let (chunks, rest) = rest.as_chunks_mut::<32>();
        chunks.iter_mut().for_each(|blocks| self.decrypt_wide(blocks));
        if rest.len() > ENOUGH {
            return padded::<32>(rest, |blocks| self.decrypt_wide(blocks));
        }
        let (chunks, rest) = rest.as_chunks_mut::<NARROW>();
        chunks.iter_mut().for_each(|blocks| self.decrypt_wide(blocks));
        if rest.len() > 2 {
            return padded::<NARROW>(rest, |blocks| self.decrypt_wide(blocks));
        }
        let (blocks, _) = rest.as_chunks_mut::<1>();
        blocks.iter_mut().for_each(|block| self.decrypt_wide(block));
    }
}

/// Above this many blocks, 32 places are faster, even with some of them idle: on Zen 5, with
/// vectors of 128 bits as with those of 512.
const ENOUGH: usize = 16;

/// Blocks at once when few are left: one vector of 128 bits.
const NARROW: usize = 8;

/// Applies `cipher` to fewer blocks than it takes.
#[inline(always)]
fn padded<const W: usize>(blocks: &mut [[u8; 8]], cipher: impl Fn(&mut [[u8; 8]; W])) {
    let mut copies = [[0; 8]; W];
    for (copy, block) in copies.iter_mut().zip(blocks.iter()) {
        *copy = *block;
    }
    cipher(&mut copies);
    for (block, copy) in blocks.iter_mut().zip(copies) {
        *block = copy;
    }
}

impl<const WIDE: usize, L> ZeroizeOnDrop for Rc2<WIDE, L> {}
