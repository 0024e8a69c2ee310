//! Deals lanes of any length out to a kernel that encrypts a fixed number of them side by side.
//!
//! The longest lanes start first, and a lane that ends hands its place to the next one, so that
//! the kernel runs full until the last few lanes. A kernel sees *runs*: up to `width` heads of
//! exactly the same length.

use std::mem;

use super::{Block, Lane};

/// What is left of the lanes of one call.
pub(super) struct Feed<'a> {
    /// Lanes that wait, the shortest first.
    queue: Vec<(Block, &'a mut [Block])>,
    /// Lanes that run, each with its head of the current run.
    heads: Vec<Head<'a>>,
    width: usize,
}

/// A lane's part in a run.
pub(super) struct Head<'a> {
    /// The last ciphertext block so far, or the IV. The kernel moves it on.
    pub(super) chain: Block,
    /// The blocks of this run.
    pub(super) blocks: &'a mut [Block],
    /// The blocks after this run.
    rest: &'a mut [Block],
}

impl<'a> Feed<'a> {
    /// Takes the lanes in, for a kernel of `width` lanes.
    pub(super) fn new(lanes: &'a mut [Lane<'_>], width: usize) -> Self {
        let mut queue: Vec<_> = lanes.iter_mut().map(Lane::parts).collect();
        queue.sort_unstable_by_key(|(_, blocks)| blocks.len());
        Self { queue, heads: Vec::with_capacity(width), width }
    }

    /// Deals the next run out: heads of one length, not 0, as many as there are lanes for.
    pub(super) fn next_run(&mut self) -> Option<&mut [Head<'a>]> {
        for head in &mut self.heads {
            head.blocks = mem::take(&mut head.rest);
        }
        self.heads.retain(|head| !head.blocks.is_empty());
        while self.heads.len() < self.width
            && let Some((chain, blocks)) = self.queue.pop()
        {
            if !blocks.is_empty() {
                self.heads.push(Head { chain, blocks, rest: &mut [] });
            }
        }
        let shortest = self.heads.iter().map(|head| head.blocks.len()).min()?;
        for head in &mut self.heads {
            (head.blocks, head.rest) = mem::take(&mut head.blocks).split_at_mut(shortest);
        }
        Some(&mut self.heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a feed to its end, with a kernel that counts in the blocks; returns the widths.
    fn run(lengths: &[usize], width: usize) -> Vec<usize> {
        let mut buffers: Vec<_> = lengths.iter().map(|length| vec![0; *length * 16]).collect();
        let mut lanes: Vec<_> =
            buffers.iter_mut().map(|buffer| Lane::new([0; 16], buffer).unwrap()).collect();
        let mut feed = Feed::new(&mut lanes, width);
        let mut widths = Vec::new();
        while let Some(heads) = feed.next_run() {
            let length = heads[0].blocks.len();
            assert!(length > 0 && heads.len() <= width);
            widths.extend(vec![heads.len(); length]);
            for head in heads {
                assert_eq!(head.blocks.len(), length);
                for block in head.blocks.iter_mut() {
                    let count = u128::from_le_bytes(head.chain) + 1;
                    assert_eq!(*block, [0; 16]);
                    *block = count.to_le_bytes();
                    head.chain = *block;
                }
            }
        }
        for buffer in &buffers {
            for (block, count) in buffer.as_chunks().0.iter().zip(1..) {
                assert_eq!(u128::from_le_bytes(*block), count);
            }
        }
        widths
    }

    #[test]
    fn every_block_comes_once_and_in_order() {
        for width in 1..=9 {
            run(&[], width);
            run(&[0, 0], width);
            for lanes in 1..=20 {
                run(&vec![3; lanes], width);
                run(&(0..lanes).map(|lane| lane * 7 % 5).collect::<Vec<_>>(), width);
            }
        }
    }

    #[test]
    fn a_lane_that_ends_gives_its_place_to_the_next() {
        assert_eq!(run(&[2, 1, 1], 2), [2, 2]);
        assert_eq!(run(&[1, 3, 2], 2), [2, 2, 2]);
    }

    #[test]
    fn the_longest_start_first() {
        assert_eq!(run(&[1, 1, 1, 1, 4], 2), [2, 2, 2, 2]);
    }
}
