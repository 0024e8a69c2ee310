//! One message among those that are encrypted side by side.

use std::fmt;

use super::{BLOCK, Block};
use crate::{Error, ErrorKind};

/// A message to encrypt in place: its IV, and its whole, padded blocks.
///
/// That the blocks are whole is checked when the lane is made, so sealing cannot meet a rest that
/// it would have to leave in the clear.
pub struct Lane<'a> {
    iv: Block,
    blocks: &'a mut [Block],
}

impl<'a> Lane<'a> {
    /// Makes a lane of `data`, which [`pad`](super::pad) has filled up to whole blocks. The modes
    /// without an IV ignore `iv`.
    ///
    /// # Errors
    /// [`PartialBlock`] when `data` is not a whole number of blocks; it is left as it was.
    pub fn new(iv: [u8; 16], data: &'a mut [u8]) -> Result<Self, PartialBlock> {
        let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
        if rest.is_empty() { Ok(Self { iv, blocks }) } else { Err(PartialBlock) }
    }

    /// Blocks in the message.
    pub(super) const fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The IV, and the blocks for as long as the lane is borrowed.
    pub(super) const fn parts(&mut self) -> (Block, &mut [Block]) {
        (self.iv, &mut *self.blocks)
    }
}

impl fmt::Debug for Lane<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("blocks", &self.len()).finish_non_exhaustive()
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
    fn only_whole_blocks_make_a_lane() {
        for length in 0..=64 {
            let mut data = vec![7; length];
            assert_eq!(Lane::new([0; 16], &mut data).is_ok(), length % 16 == 0, "{length}");
            assert_eq!(data, vec![7; length]);
        }
    }

    #[test]
    fn a_lane_does_not_print_its_plaintext() {
        let mut data = [0xab; 32];
        let lane = Lane::new([0xcd; 16], &mut data).unwrap();
        assert_eq!(format!("{lane:?}"), "Lane { blocks: 2, .. }");
    }
}
