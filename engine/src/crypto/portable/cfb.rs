//! Cipher feedback of whole blocks (NIST SP 800-38A 6.3 with s = b, Java's plain `CFB`):
//! `C[i] = P[i] ^ E(C[i-1])`.

use aes::cipher::array::Array;

use super::{BlockCipher, Chaining, xor};

pub(super) struct Cfb;

impl Chaining for Cfb {
    #[inline(always)]
    fn before<const N: usize>(chain: &[u8; N], _: &[u8; N]) -> [u8; N] {
        *chain
    }

    #[inline(always)]
    fn after<const N: usize>(made: &[u8; N], block: &mut [u8; N]) -> [u8; N] {
        *block = xor(block, made);
        *block
    }

    fn open_tile<C: BlockCipher<N>, const N: usize>(
        cipher: &C,
        chain: &mut [u8; N],
        source: &[[u8; N]],
        target: &mut [[u8; N]],
    ) {
        // The keystream of all blocks at once: each ciphertext, shifted by one block.
        for (block, previous) in target.iter_mut().zip([&*chain].into_iter().chain(source)) {
            *block = *previous;
        }
        cipher.encrypt_blocks(Array::cast_slice_from_core_mut(target));
        for (block, sealed) in target.iter_mut().zip(source) {
            *block = xor(block, sealed);
        }
        if let Some(last) = source.last() {
            *chain = *last;
        }
    }
}
