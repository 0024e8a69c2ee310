//! The older ciphers, which all have blocks of 64 bits: DES, triple DES, Blowfish and RC2, with
//! several blocks on the way at once.
//!
//! A round of these ciphers waits for the round before, and a table look-up takes some cycles, so
//! a processor that encrypts one block idles most of the time; and a block is too long for it to
//! see the next one coming. Therefore each round does its step for `W` blocks before the next
//! round begins, be it by turns or in vectors. How many blocks pay differs: [`Rounds::Width`].
//!
//! The tables of DES, Blowfish and RC2 are indexed by secret values, as everywhere, the crates of
//! these ciphers included: who can watch the processor's cache learns of the key.

mod blowfish;
mod des;
mod pi;
mod rc2;

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
pub(super) use self::rc2::Rc2;

/// A scheduled key of a cipher with blocks of 64 bits.
pub(super) trait Rounds: ZeroizeOnDrop {
    /// How many blocks side by side are fastest.
    type Width: ArraySize;

    /// Encrypts `W` blocks.
    fn encrypt<const W: usize>(&self, blocks: &mut [[u8; 8]; W]);

    /// Decrypts `W` blocks.
    fn decrypt<const W: usize>(&self, blocks: &mut [[u8; 8]; W]);
}

/// A cipher as the modes of operation want it: with the traits of the crates.
pub(super) struct SideBySide<C>(pub(super) C);

type Block = Array<u8, U8>;

/// Applies `cipher` to `W` blocks, or to as many as there are.
#[inline(always)]
fn apply<const W: usize>(mut blocks: InOutBuf<'_, '_, Block>, cipher: impl Fn(&mut [[u8; 8]; W])) {
    let mut states = [[0; 8]; W];
    for (state, block) in states.iter_mut().zip(blocks.get_in()) {
        *state = block.0;
    }
    cipher(&mut states);
    for (block, state) in blocks.get_out().iter_mut().zip(states) {
        block.0 = state;
    }
}

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

impl<C: Rounds> BlockSizeUser for SideBySide<C> {
    type BlockSize = U8;
}

impl<C: Rounds> ParBlocksSizeUser for SideBySide<C> {
    type ParBlocksSize = C::Width;
}

impl<C: Rounds<Width: ArraySize<ArrayType<Block> = [Block; W]>>, const W: usize> BlockCipherEncrypt
    for SideBySide<C>
{
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Rounds<Width: ArraySize<ArrayType<Block> = [Block; W]>>, const W: usize> BlockCipherDecrypt
    for SideBySide<C>
{
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Rounds<Width: ArraySize<ArrayType<Block> = [Block; W]>>, const W: usize>
    BlockCipherEncBackend for SideBySide<C>
{
    #[inline]
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block>) {
        let mut states = [block.get_in().0];
        self.0.encrypt(&mut states);
        let [state] = states;
        block.get_out().0 = state;
    }

    #[inline]
    fn encrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        apply(blocks.into_buf(), |blocks| self.0.encrypt::<W>(blocks));
    }

    #[inline]
    fn encrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Block>) {
        match blocks.len() {
            1 => apply(blocks, |blocks| self.0.encrypt::<1>(blocks)),
            _ => apply(blocks, |blocks| self.0.encrypt::<W>(blocks)),
        }
    }
}

impl<C: Rounds<Width: ArraySize<ArrayType<Block> = [Block; W]>>, const W: usize>
    BlockCipherDecBackend for SideBySide<C>
{
    #[inline]
    fn decrypt_block(&self, mut block: InOut<'_, '_, Block>) {
        let mut states = [block.get_in().0];
        self.0.decrypt(&mut states);
        let [state] = states;
        block.get_out().0 = state;
    }

    #[inline]
    fn decrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        apply(blocks.into_buf(), |blocks| self.0.decrypt::<W>(blocks));
    }

    #[inline]
    fn decrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Block>) {
        match blocks.len() {
            1 => apply(blocks, |blocks| self.0.decrypt::<1>(blocks)),
            _ => apply(blocks, |blocks| self.0.decrypt::<W>(blocks)),
        }
    }
}

impl<C: Rounds> ZeroizeOnDrop for SideBySide<C> {}
