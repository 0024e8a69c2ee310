//! Output feedback of whole blocks (NIST SP 800-38A 6.4, Java's plain `OFB`): `O[i] = E(O[i-1])`,
//! `C[i] = P[i] ^ O[i]`. Serial in both directions.

use super::{BlockCipher, Chaining, encrypt_block, xor};

pub(super) struct Ofb;

impl Chaining for Ofb {
    #[inline(always)]
    fn before<const N: usize>(chain: &[u8; N], _: &[u8; N]) -> [u8; N] {
        *chain
    }

    #[inline(always)]
    fn after<const N: usize>(made: &[u8; N], block: &mut [u8; N]) -> [u8; N] {
        *block = xor(block, made);
        *made
    }

    fn open_tile<C: BlockCipher<N>, const N: usize>(
        cipher: &C,
        chain: &mut [u8; N],
        source: &[[u8; N]],
        target: &mut [[u8; N]],
    ) {
        for (block, sealed) in target.iter_mut().zip(source) {
            *chain = encrypt_block(cipher, chain);
            *block = xor(sealed, chain);
        }
    }
}
