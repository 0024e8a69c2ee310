//! Encrypts lanes in parallel, inside the backend that a cipher has chosen.
//!
//! There the chain values stay in place, and the crate has already chosen its instructions at run
//! time.

use std::marker::PhantomData;

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::typenum::Unsigned as _;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockSizeUser, ParBlocks};

use super::{BlockCipher, Chaining};
use crate::crypto::feed::{Feed, Head, Tail};
use crate::crypto::{BLOCK, Lane};

/// Encrypts the whole blocks of every lane, and returns what is left of lanes that have more.
pub(super) fn seal<'a, C: BlockCipher<N>, M: Chaining, const N: usize>(
    cipher: &C,
    lanes: &'a mut [Lane<'_>],
) -> Vec<Tail<'a, N>> {
    let mut tails = Vec::new();
    cipher.encrypt_with_backend(SealLanes::<M, C::BlockSize, N> {
        lanes,
        tails: &mut tails,
        mode: PhantomData,
    });
    tails
}

struct SealLanes<'a, 'b, 'c, M, S, const N: usize> {
    lanes: &'a mut [Lane<'b>],
    tails: &'c mut Vec<Tail<'a, N>>,
    mode: PhantomData<(M, S)>,
}

impl<M, S: ArraySize, const N: usize> BlockSizeUser for SealLanes<'_, '_, '_, M, S, N> {
    type BlockSize = S;
}

impl<M, S, const N: usize> BlockCipherEncClosure for SealLanes<'_, '_, '_, M, S, N>
where
    M: Chaining,
    S: ArraySize<ArrayType<u8> = [u8; N]>,
{
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = S>>(self, backend: &B) {
        let width = B::ParBlocksSize::USIZE;
        let mut feed = Feed::new(self.lanes, width);
        let mut states = ParBlocks::<B>::default();
        while let Some(heads) = feed.next_run() {
            let used = heads.len();
            let wide = used >= enough_for_wide::<N>(width);
            seal_run::<M, _, S, N>(&mut states, heads, |states| {
                if wide {
                    backend.encrypt_par_blocks_inplace(states);
                } else if let Some(states) = states.get_mut(..used) {
                    backend.encrypt_tail_blocks_inplace(states);
                }
            });
        }
        *self.tails = feed.into_tails();
    }
}

/// Encrypts heads of one length, at most as many as there are states.
#[inline(always)]
fn seal_run<M, T, S, const N: usize>(
    states: &mut T,
    heads: &mut [Head<'_, N>],
    encrypt: impl Fn(&mut T),
) where
    M: Chaining,
    T: AsMut<[Array<u8, S>]>,
    S: ArraySize<ArrayType<u8> = [u8; N]>,
{
    for (state, head) in states.as_mut().iter_mut().zip(heads.iter()) {
        state.0 = head.chain;
    }
    let length = heads.first().map_or(0, |head| head.blocks.len());
    for step in 0..length {
        for (state, head) in states.as_mut().iter_mut().zip(heads.iter()) {
            if let Some(block) = head.blocks.get(step) {
                state.0 = M::before(&state.0, block);
            }
        }
        encrypt(states);
        for (state, head) in states.as_mut().iter_mut().zip(heads.iter_mut()) {
            if let Some(block) = head.blocks.get_mut(step) {
                state.0 = M::after(&state.0, block);
            }
        }
    }
    for (state, head) in states.as_mut().iter_mut().zip(heads.iter_mut()) {
        head.chain = state.0;
    }
}

/// Returns the number of lanes from which the widest call, whose cost does not depend on how many
/// of its states are used, is faster than one call for each lane.
const fn enough_for_wide<const N: usize>(width: usize) -> usize {
    if N < BLOCK {
        // The older ciphers choose the best way for any number of blocks themselves.
        return width;
    }
    match width {
        // In software a single block costs as much as a full call; with AES-NI they break even.
        ..=8 => width / 2,
        // A processor overlaps independent single calls by itself, the better the fewer there are
        // beyond a dozen. Measured on Zen 5 with the crate 30 and 64 blocks wide.
        9..=30 => width * 2 / 3,
        _ => 28,
    }
}

/// Returns how many lanes run in parallel on the chosen backend.
pub(super) fn width<C: BlockCipher<N>, const N: usize>(cipher: &C) -> usize {
    struct Ask<'a, S>(&'a mut usize, PhantomData<S>);

    impl<S: ArraySize> BlockSizeUser for Ask<'_, S> {
        type BlockSize = S;
    }

    impl<S: ArraySize> BlockCipherEncClosure for Ask<'_, S> {
        fn call<B: BlockCipherEncBackend<BlockSize = S>>(self, _: &B) {
            *self.0 = B::ParBlocksSize::USIZE;
        }
    }

    let mut width = 1;
    cipher.encrypt_with_backend(Ask::<C::BlockSize>(&mut width, PhantomData));
    width
}
