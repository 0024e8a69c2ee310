//! Electronic codebook (NIST SP 800-38A 6.1).

use aes::cipher::array::Array;

use super::{BlockCipher, decrypt};
use crate::crypto::Lane;
use crate::crypto::cipher::Cipher;

/// Every block by itself.
pub(super) struct Ecb<C, const N: usize>(pub(super) C);

impl<C: BlockCipher<N>, const N: usize> Cipher for Ecb<C, N> {
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        for lane in lanes {
            let (_, blocks, _whole) = lane.parts();
            self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        }
    }

    fn open(&self, _: &[u8; 16], data: &mut [u8]) {
        let (blocks, _whole) = data.as_chunks_mut();
        self.0.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }

    fn open_into(&self, _: &[u8; 16], source: &[u8], target: &mut [u8]) {
        let ((source, _whole), (target, _)) = (source.as_chunks(), target.as_chunks_mut());
        decrypt(&self.0, source, target);
    }

    fn width(&self) -> usize {
        1
    }
}
