//! Propagating cipher block chaining: `C[i] = E(P[i] ^ P[i-1] ^ C[i-1])`, where `P[0] ^ C[0]` is the
//! IV.

use super::{BlockCipher, Chaining, decrypt, xor};

pub(super) struct Pcbc;

impl Chaining for Pcbc {
    #[inline(always)]
    fn before<const N: usize>(chain: &[u8; N], plain: &[u8; N]) -> [u8; N] {
        xor(chain, plain)
    }

    #[inline(always)]
    fn after<const N: usize>(made: &[u8; N], block: &mut [u8; N]) -> [u8; N] {
        let chain = xor(block, made);
        *block = *made;
        chain
    }

    fn open_tile<C: BlockCipher<N>, const N: usize>(
        cipher: &C,
        chain: &mut [u8; N],
        source: &[[u8; N]],
        target: &mut [[u8; N]],
    ) {
        decrypt(cipher, source, target);
        for (block, sealed) in target.iter_mut().zip(source) {
            *block = xor(block, chain);
            *chain = xor(block, sealed);
        }
    }
}
