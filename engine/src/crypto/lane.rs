//! One of several messages that are encrypted in parallel.

use std::fmt;

use super::leading;
use crate::{Error, ErrorKind};

/// A message to encrypt in place: its IV, and its bytes, which [`pad`](super::pad) has padded if
/// the transformation has a padding.
pub struct Lane<'a> {
    iv: [u8; 16],
    data: &'a mut [u8],
}

impl<'a> Lane<'a> {
    /// Makes a lane from `data`. A cipher with shorter blocks uses the first bytes of `iv`; modes
    /// without an IV ignore it.
    pub const fn new(iv: [u8; 16], data: &'a mut [u8]) -> Self {
        Self { iv, data }
    }

    /// Bytes in the message.
    pub(super) const fn len(&self) -> usize {
        self.data.len()
    }

    /// The IV, the whole blocks, and the rest, which only a keystream can encrypt.
    pub(super) fn parts<const N: usize>(&mut self) -> ([u8; N], &mut [[u8; N]], &mut [u8]) {
        let (blocks, rest) = self.data.as_chunks_mut();
        (leading(&self.iv), blocks, rest)
    }
}

impl fmt::Debug for Lane<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

/// A message to encrypt is not a whole number of blocks: the caller forgot the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message to encrypt is not padded to whole blocks")]
pub struct PartialBlock;

impl From<PartialBlock> for Error {
    fn from(partial: PartialBlock) -> Self {
        Self::new(ErrorKind::Internal, partial.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_blocks_of_any_size_and_a_rest() {
        let iv = std::array::from_fn(|i| u8::try_from(i).unwrap());
        for length in 0..=64 {
            let mut data = vec![7; length];
            let mut lane = Lane::new(iv, &mut data);
            let (iv, blocks, rest) = lane.parts::<16>();
            assert_eq!((blocks.len(), rest.len(), iv[15]), (length / 16, length % 16, 15));
            let (iv, blocks, rest) = lane.parts::<8>();
            assert_eq!((blocks.len(), rest.len()), (length / 8, length % 8));
            assert_eq!(iv, [0, 1, 2, 3, 4, 5, 6, 7]);
        }
    }

    #[test]
    fn a_lane_does_not_print_its_plaintext() {
        let mut data = [0xab; 32];
        let lane = Lane::new([0xcd; 16], &mut data);
        assert_eq!(format!("{lane:?}"), "Lane { bytes: 32, .. }");
    }
}
