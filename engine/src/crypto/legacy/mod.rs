//! The older ciphers, which all have blocks of 64 bits: DES, triple DES, Blowfish and RC2, with
//! several blocks in flight at once.
//!
//! A round waits for the round before it, and a table look-up takes some cycles, so a processor
//! that encrypts one block is mostly idle. A block also takes too long for the processor to overlap
//! it with the next one. Therefore each round does its step for several blocks before the next
//! round begins: interleaved, in vectors, or on planes of bits. All of it is safe code over arrays
//! of words, which the compiler vectorises.
//!
//! Except for DES of many blocks at once, secret values are indices into tables, as in the
//! published crates of these ciphers: an attacker who can observe the processor's cache learns
//! about the key.

mod blowfish;
mod des;
mod pi;
mod rc2;

use std::slice::from_mut;

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::consts::U8;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut, InOutBuf, ParBlocks,
    ParBlocksSizeUser,
};
use zeroize::ZeroizeOnDrop;

pub(super) use self::blowfish::Blowfish;
pub(super) use self::des::{Des, TripleDes};
pub(super) use self::rc2::{ByIndex, Rc2};
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
pub(super) use self::rc2::{LookUp, Table};

/// A scheduled key of a cipher with blocks of 64 bits.
///
/// The kernels AVX2 and AVX-512 compile whatever an implementation inlines into these functions for
/// wider vectors. Closures do not count as inlined: with two callers the compiler makes a closure a
/// separate function, with the vectors of any processor.
pub(super) trait Rounds: ZeroizeOnDrop {
    /// How many blocks at once are fastest.
    type Width: ArraySize;

    /// Encrypts blocks, each by itself.
    fn encrypt(&self, blocks: &mut [[u8; 8]]);

    /// Decrypts blocks, each by itself.
    fn decrypt(&self, blocks: &mut [[u8; 8]]);
}

/// Adapts a cipher to the modes of operation: with the traits of the crates.
pub(super) struct SideBySide<C>(pub(super) C);

type Block = Array<u8, U8>;

impl<C: Rounds> BlockSizeUser for SideBySide<C> {
    type BlockSize = U8;
}

impl<C: Rounds> ParBlocksSizeUser for SideBySide<C> {
    type ParBlocksSize = C::Width;
}

impl<C: Rounds> BlockCipherEncrypt for SideBySide<C> {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Rounds> BlockCipherDecrypt for SideBySide<C> {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Rounds> BlockCipherEncBackend for SideBySide<C> {
    fn encrypt_block(&self, block: InOut<'_, '_, Block>) {
        self.0.encrypt(Array::cast_slice_to_core_mut(from_mut(block.into_out_with_copied_in())));
    }

    fn encrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.encrypt_tail_blocks(blocks.into_buf());
    }

    fn encrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Block>) {
        self.0.encrypt(Array::cast_slice_to_core_mut(blocks.into_out_with_copied_in()));
    }
}

impl<C: Rounds> BlockCipherDecBackend for SideBySide<C> {
    fn decrypt_block(&self, block: InOut<'_, '_, Block>) {
        self.0.decrypt(Array::cast_slice_to_core_mut(from_mut(block.into_out_with_copied_in())));
    }

    fn decrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.decrypt_tail_blocks(blocks.into_buf());
    }

    fn decrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Block>) {
        self.0.decrypt(Array::cast_slice_to_core_mut(blocks.into_out_with_copied_in()));
    }
}

impl<C: Rounds> ZeroizeOnDrop for SideBySide<C> {}

/// The left and the right half of a block.
#[inline(always)]
fn halves(block: [u8; 8]) -> [u32; 2] {
    let block = u64::from_be_bytes(block);
    [block >> 32, block & 0xffff_ffff].map(|half| {
        #[expect(clippy::cast_possible_truncation, reason = "no bit above is set")]
        let half = half as u32;
        half
    })
}

#[cfg(test)]
mod tests;
