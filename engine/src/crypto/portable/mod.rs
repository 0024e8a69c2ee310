//! The modes of operation, in safe code, over any cipher with the traits of the RustCrypto crates:
//! that of AES itself, and this crate's own for the [older ones](super::legacy).
//!
//! Encryption takes one block of every lane through the cipher's widest call, step by step; the
//! modes differ only in the cipher's input and in the use of its output ([`Chaining`]). Decryption
//! works in tiles. Modes that can, decrypt all blocks of a tile at once and combine them with the
//! ciphertext in a second pass: for AES in CBC mode that is half as fast again as the `cbc` crate's
//! single pass.

mod cbc;
mod cfb;
mod ecb;
mod lanes;
mod ofb;
mod pcbc;

use std::marker::PhantomData;

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser};
use zeroize::ZeroizeOnDrop;

use super::cipher::Cipher;
use super::{Lane, Mode, leading};

/// A block cipher, with blocks of `N` bytes, which wipes its round keys.
pub(super) trait BlockCipher<const N: usize>:
    BlockCipherEncrypt
    + BlockCipherDecrypt
    + BlockSizeUser<BlockSize: ArraySize<ArrayType<u8> = [u8; N]>>
    + Send
    + Sync
    + ZeroizeOnDrop
    + 'static
{
}

impl<C, const N: usize> BlockCipher<N> for C where
    C: BlockCipherEncrypt
        + BlockCipherDecrypt
        + BlockSizeUser<BlockSize: ArraySize<ArrayType<u8> = [u8; N]>>
        + Send
        + Sync
        + ZeroizeOnDrop
        + 'static
{
}

/// Runs a block cipher in a mode.
pub(super) fn over<C: BlockCipher<N>, const N: usize>(cipher: C, mode: Mode) -> Box<dyn Cipher> {
    match mode {
        Mode::Cbc => Box::new(Chained::<C, cbc::Cbc, N>::new(cipher)),
        Mode::Cfb => Box::new(Chained::<C, cfb::Cfb, N>::new(cipher)),
        Mode::Ecb => Box::new(ecb::Ecb(cipher)),
        Mode::Ofb => Box::new(Chained::<C, ofb::Ofb, N>::new(cipher)),
        Mode::Pcbc => Box::new(Chained::<C, pcbc::Pcbc, N>::new(cipher)),
    }
}

/// What a mode does around the block cipher. Each carries a value of one block from block to block,
/// initially the IV.
trait Chaining: Send + Sync + 'static {
    /// The cipher's input for a block of plaintext.
    fn before<const N: usize>(chain: &[u8; N], plain: &[u8; N]) -> [u8; N];

    /// Turns a block of plaintext into ciphertext with the cipher's output; returns the next chain
    /// value.
    fn after<const N: usize>(made: &[u8; N], block: &mut [u8; N]) -> [u8; N];

    /// Decrypts a tile and updates the chain. Both sides have the same number of blocks.
    fn open_tile<C: BlockCipher<N>, const N: usize>(
        cipher: &C,
        chain: &mut [u8; N],
        source: &[[u8; N]],
        target: &mut [[u8; N]],
    );
}

/// A block cipher in a mode that chains blocks.
struct Chained<C, M, const N: usize> {
    cipher: C,
    mode: PhantomData<M>,
}

impl<C, M, const N: usize> Chained<C, M, N> {
    const fn new(cipher: C) -> Self {
        Self { cipher, mode: PhantomData }
    }
}

impl<C: BlockCipher<N>, M: Chaining, const N: usize> Cipher for Chained<C, M, N> {
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        for tail in lanes::seal::<C, M, N>(&self.cipher, lanes) {
            xor_keystream(&self.cipher, &tail.chain, tail.bytes);
        }
    }

    fn open(&self, iv: &[u8; 16], data: &mut [u8]) {
        let mut chain = leading(iv);
        let mut tile = [[0; N]; TILE];
        let (blocks, rest) = data.as_chunks_mut::<N>();
        for target in blocks.chunks_mut(tile_of::<N>()) {
            for (copy, block) in tile.iter_mut().zip(target.iter()) {
                *copy = *block;
            }
            let source = tile.get(..target.len()).unwrap_or_default();
            M::open_tile(&self.cipher, &mut chain, source, target);
        }
        xor_keystream(&self.cipher, &chain, rest);
    }

    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]) {
        let mut chain = leading(iv);
        let (source, source_rest) = source.as_chunks::<N>();
        let (target, target_rest) = target.as_chunks_mut::<N>();
        for (source, target) in source.chunks(tile_of::<N>()).zip(target.chunks_mut(tile_of::<N>()))
        {
            M::open_tile(&self.cipher, &mut chain, source, target);
        }
        for (to, from) in target_rest.iter_mut().zip(source_rest) {
            *to = *from;
        }
        xor_keystream(&self.cipher, &chain, target_rest);
    }

    fn width(&self) -> usize {
        lanes::width(&self.cipher)
    }
}

/// Encrypts or decrypts the end of a text that is shorter than a block. Only CFB and OFB have such
/// texts, and both use the encrypted chain value as keystream.
fn xor_keystream<C: BlockCipher<N>, const N: usize>(cipher: &C, chain: &[u8; N], rest: &mut [u8]) {
    if rest.is_empty() {
        return;
    }
    let made = encrypt_block(cipher, chain);
    for (byte, key) in rest.iter_mut().zip(made) {
        *byte ^= key;
    }
}

fn encrypt_block<C: BlockCipher<N>, const N: usize>(cipher: &C, block: &[u8; N]) -> [u8; N] {
    let mut block = Array::from(*block);
    cipher.encrypt_block(&mut block);
    block.0
}

/// Decrypts block by block, for as many as both sides have.
fn decrypt<C: BlockCipher<N>, const N: usize>(
    cipher: &C,
    source: &[[u8; N]],
    target: &mut [[u8; N]],
) {
    let length = source.len().min(target.len());
    let source = source.get(..length).unwrap_or_default();
    let target = target.get_mut(..length).unwrap_or_default();
    let result = cipher.decrypt_blocks_b2b(
        Array::cast_slice_from_core(source),
        Array::cast_slice_from_core_mut(target),
    );
    debug_assert!(result.is_ok(), "the lengths are the same");
}

/// Combines two blocks by words: with bytes, the compiler makes the chain of CBC a fifth slower.
#[inline(always)]
fn xor<const N: usize>(a: &[u8; N], b: &[u8; N]) -> [u8; N] {
    const { assert!(N.is_multiple_of(8), "no word is left over") }
    let mut sum = *a;
    let ((words, _), (others, _)) = (sum.as_chunks_mut::<8>(), b.as_chunks::<8>());
    for (word, other) in words.iter_mut().zip(others) {
        *word = (u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other)).to_le_bytes();
    }
    sum
}

/// Most blocks in a tile of decryption.
const TILE: usize = 512;

/// Blocks in a tile of decryption: 4 KiB, so that both passes and a copy stay in the L1 cache, and
/// as many blocks of the older ciphers as DES takes at once.
const fn tile_of<const N: usize>() -> usize {
    const { assert!(4096 / N <= TILE, "no cipher has shorter blocks") }
    4096 / N
}
