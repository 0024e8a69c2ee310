//! The modes of operation over the `aes` crate, in safe code.
//!
//! CBC encryption takes one block of every lane through the crate's widest call, step by step:
//! inside [`encrypt_with_backend`](BlockCipherEncrypt::encrypt_with_backend), where the chain
//! values stay in place and the crate's own run-time choice of instructions is already made. CBC
//! decryption has no chain: whole tiles are decrypted first and combined with the ciphertext in a
//! second pass, which is half as fast again as the `cbc` crate's single one.

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::typenum::Unsigned as _;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockSizeUser, ParBlocks,
};

use super::feed::{Feed, Head};
use super::kernel::Cipher;
use super::{BLOCK, Block, Lane};

/// Cipher block chaining (NIST SP 800-38A 6.2).
pub(super) struct Cbc<C>(pub(super) C);

impl<C> Cipher for Cbc<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + Send + Sync,
{
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        self.0.encrypt_with_backend(SealLanes { lanes });
    }

    fn open(&self, iv: &Block, data: &mut [Block]) {
        let mut chain = *iv;
        let mut tile = [[0; BLOCK]; TILE];
        for target in data.chunks_mut(TILE) {
            for (copy, block) in tile.iter_mut().zip(target.iter()) {
                *copy = *block;
            }
            let source = tile.get(..target.len()).unwrap_or_default();
            self.open_tile(&mut chain, source, target);
        }
    }

    fn open_into(&self, iv: &Block, source: &[Block], target: &mut [Block]) {
        let mut chain = *iv;
        for (source, target) in source.chunks(TILE).zip(target.chunks_mut(TILE)) {
            self.open_tile(&mut chain, source, target);
        }
    }

    fn width(&self) -> usize {
        backend_width(&self.0)
    }
}

impl<C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>> Cbc<C> {
    fn open_tile(&self, chain: &mut Block, source: &[Block], target: &mut [Block]) {
        decrypt(&self.0, source, target);
        if let Some((first, others)) = target.split_first_mut() {
            *first = xor(first, chain);
            for (block, previous) in others.iter_mut().zip(source) {
                *block = xor(block, previous);
            }
        }
        if let Some(last) = source.last() {
            *chain = *last;
        }
    }
}

/// Electronic codebook (NIST SP 800-38A 6.1).
pub(super) struct Ecb<C>(pub(super) C);

impl<C> Cipher for Ecb<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + Send + Sync,
{
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        for lane in lanes {
            let (_, blocks) = lane.parts();
            self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        }
    }

    fn open(&self, _: &Block, data: &mut [Block]) {
        self.0.decrypt_blocks(Array::cast_slice_from_core_mut(data));
    }

    fn open_into(&self, _: &Block, source: &[Block], target: &mut [Block]) {
        decrypt(&self.0, source, target);
    }

    fn width(&self) -> usize {
        1
    }
}

/// Decrypts block by block, for as many as both sides have.
fn decrypt<C>(cipher: &C, source: &[Block], target: &mut [Block])
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let length = source.len().min(target.len());
    let source = source.get(..length).unwrap_or_default();
    let target = target.get_mut(..length).unwrap_or_default();
    let result = cipher.decrypt_blocks_b2b(
        Array::cast_slice_from_core(source),
        Array::cast_slice_from_core_mut(target),
    );
    debug_assert!(result.is_ok(), "the lengths are the same");
}

/// Encrypts lanes by CBC inside the backend that the `aes` crate has chosen.
struct SealLanes<'a, 'b> {
    lanes: &'a mut [Lane<'b>],
}

impl BlockSizeUser for SealLanes<'_, '_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for SealLanes<'_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut states = ParBlocks::<B>::default();
        let mut feed = Feed::new(self.lanes, states.len());
        while let Some(heads) = feed.next_run() {
            seal_run(backend, &mut states, heads);
        }
    }
}

/// Encrypts heads of one length, at most as many as there are states.
#[inline(always)]
fn seal_run<B>(backend: &B, states: &mut ParBlocks<B>, heads: &mut [Head<'_>])
where
    B: BlockCipherEncBackend<BlockSize = U16>,
{
    for (state, head) in states.iter_mut().zip(heads.iter()) {
        state.0 = head.chain;
    }
    let wide = heads.len() >= enough_for_wide(states.len());
    let length = heads.first().map_or(0, |head| head.blocks.len());
    for step in 0..length {
        for (state, head) in states.iter_mut().zip(heads.iter()) {
            if let Some(block) = head.blocks.get(step) {
                state.0 = xor(&state.0, block);
            }
        }
        if wide {
            backend.encrypt_par_blocks_inplace(states);
        } else if let Some(states) = states.get_mut(..heads.len()) {
            backend.encrypt_tail_blocks_inplace(states);
        }
        for (state, head) in states.iter().zip(heads.iter_mut()) {
            if let Some(block) = head.blocks.get_mut(step) {
                *block = state.0;
            }
        }
    }
    for (state, head) in states.iter().zip(heads.iter_mut()) {
        head.chain = state.0;
    }
}

/// Returns from how many lanes on the widest call, which costs the same however many of its states
/// count, beats one call for each of them.
const fn enough_for_wide(width: usize) -> usize {
    match width {
        // In software a single block costs as much as a full call; with AES-NI both are even.
        ..=8 => width / 2,
        // A processor overlaps independent single calls by itself, the better the fewer they are
        // beyond a dozen. Measured on Zen 5 with the crate 30 and 64 blocks wide.
        9..=30 => width * 2 / 3,
        _ => 28,
    }
}

/// Returns how many blocks the chosen backend encrypts in one call.
fn backend_width<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C) -> usize {
    struct Ask<'a>(&'a mut usize);

    impl BlockSizeUser for Ask<'_> {
        type BlockSize = U16;
    }

    impl BlockCipherEncClosure for Ask<'_> {
        fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, _: &B) {
            *self.0 = B::ParBlocksSize::USIZE;
        }
    }

    let mut width = 1;
    cipher.encrypt_with_backend(Ask(&mut width));
    width
}

#[inline(always)]
fn xor(a: &Block, b: &Block) -> Block {
    (u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b)).to_le_bytes()
}

/// Blocks in a tile of decryption: 4 KiB, so that both passes and a copy stay in the L1 cache.
const TILE: usize = 256;
