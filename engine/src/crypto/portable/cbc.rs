//! Cipher block chaining (NIST SP 800-38A 6.2): `C[i] = E(P[i] ^ C[i-1])`.

use super::{BlockCipher, Chaining, decrypt, xor};

pub(super) struct Cbc;

impl Chaining for Cbc {
    #[inline(always)]
    fn before<const N: usize>(chain: &[u8; N], plain: &[u8; N]) -> [u8; N] {
        xor(chain, plain)
    }

    #[inline(always)]
    fn after<const N: usize>(made: &[u8; N], block: &mut [u8; N]) -> [u8; N] {
        *block = *made;
        *made
    }

    fn open_tile<C: BlockCipher<N>, const N: usize>(
        cipher: &C,
        chain: &mut [u8; N],
        source: &[[u8; N]],
        target: &mut [[u8; N]],
    ) {
        decrypt(cipher, source, target);
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
