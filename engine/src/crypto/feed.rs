//! Distributes lanes of any length to a kernel that encrypts a fixed number of them in parallel.
//!
//! The longest lanes start first, and a lane that ends gives its place to the next one, so that the
//! kernel is full until the last few lanes. A kernel sees *runs*: up to `width` heads of exactly
//! the same length.

use std::mem;

use super::Lane;

/// The remaining work of one call.
pub(super) struct Feed<'a, const N: usize> {
    /// Waiting lanes, the shortest first.
    queue: Vec<Head<'a, N>>,
    /// Running lanes, each with its head of the current run.
    heads: Vec<Head<'a, N>>,
    /// Lanes whose whole blocks are done and that have a partial one.
    tails: Vec<Tail<'a, N>>,
    width: usize,
}

/// A lane's part in a run.
pub(super) struct Head<'a, const N: usize> {
    /// What the mode carries from one block to the next; the IV at first. The kernel updates it.
    pub(super) chain: [u8; N],
    /// The blocks of this run.
    pub(super) blocks: &'a mut [[u8; N]],
    /// The blocks after this run.
    rest: &'a mut [[u8; N]],
    /// The bytes after the last whole block.
    tail: &'a mut [u8],
}

/// The end of a lane that is not a whole block, not empty.
pub(super) struct Tail<'a, const N: usize> {
    /// What the mode carries on from the block before.
    pub(super) chain: [u8; N],
    /// Its bytes.
    pub(super) bytes: &'a mut [u8],
}

impl<'a, const N: usize> Feed<'a, N> {
    /// Accepts the lanes, for a kernel of `width` lanes.
    pub(super) fn new(lanes: &'a mut [Lane<'_>], width: usize) -> Self {
        let mut queue: Vec<_> = lanes.iter_mut().map(Head::of).collect();
        queue.sort_unstable_by_key(|head| head.rest.len());
        Self { queue, heads: Vec::with_capacity(width), tails: Vec::new(), width }
    }

    /// Gives the next run: heads of one length, not 0, as many as there are lanes for.
    pub(super) fn next_run(&mut self) -> Option<&mut [Head<'a, N>]> {
        let Self { queue, heads, tails, width } = self;
        for head in heads.iter_mut() {
            head.blocks = mem::take(&mut head.rest);
        }
        tails.extend(heads.extract_if(.., |head| head.blocks.is_empty()).filter_map(Head::end));
        while heads.len() < *width
            && let Some(mut head) = queue.pop()
        {
            head.blocks = mem::take(&mut head.rest);
            if head.blocks.is_empty() {
                tails.extend(head.end());
            } else {
                heads.push(head);
            }
        }
        let shortest = heads.iter().map(|head| head.blocks.len()).min()?;
        for head in heads.iter_mut() {
            (head.blocks, head.rest) = mem::take(&mut head.blocks).split_at_mut(shortest);
        }
        Some(heads)
    }

    /// The ends of the lanes that are not whole blocks, once there is no other run.
    pub(super) fn into_tails(self) -> Vec<Tail<'a, N>> {
        debug_assert!(self.queue.is_empty() && self.heads.is_empty(), "blocks are left");
        self.tails
    }
}

impl<'a, const N: usize> Head<'a, N> {
    fn of(lane: &'a mut Lane<'_>) -> Self {
        let (chain, rest, tail) = lane.parts();
        Self { chain, blocks: &mut [], rest, tail }
    }

    fn end(self) -> Option<Tail<'a, N>> {
        (!self.tail.is_empty()).then_some(Tail { chain: self.chain, bytes: self.tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a feed to its end with a kernel that counts in the blocks; returns the widths.
    fn run(lengths: &[usize], width: usize) -> Vec<usize> {
        let mut buffers: Vec<_> = lengths.iter().map(|length| vec![0; *length * 16]).collect();
        let mut lanes: Vec<_> =
            buffers.iter_mut().map(|buffer| Lane::new([0; 16], buffer)).collect();
        let mut feed = Feed::<16>::new(&mut lanes, width);
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
        assert!(feed.into_tails().is_empty());
        for buffer in &buffers {
            for (block, count) in buffer.as_chunks().0.iter().zip(1..) {
                assert_eq!(u128::from_le_bytes(*block), count);
            }
        }
        widths
    }

    #[test]
    fn every_block_is_processed_once_and_in_order() {
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

    #[test]
    fn a_tail_comes_with_the_chain_of_its_own_lane() {
        for width in 1..=5 {
            let lengths = [0, 3, 8, 9, 17, 24, 31, 7, 32, 33];
            let mut buffers: Vec<_> = lengths
                .iter()
                .map(|length| vec![u8::try_from(*length).unwrap(); *length])
                .collect();
            let mut lanes: Vec<_> =
                buffers.iter_mut().map(|buffer| Lane::new([0; 16], buffer)).collect();
            let mut feed = Feed::<8>::new(&mut lanes, width);
            while let Some(heads) = feed.next_run() {
                for head in heads {
                    for block in head.blocks.iter() {
                        head.chain[0] += 1;
                        head.chain[1] = block[0];
                    }
                }
            }
            let mut seen: Vec<_> = feed.into_tails().into_iter().collect();
            seen.sort_by_key(|tail| tail.bytes[0]);
            let seen: Vec<_> = seen
                .iter()
                .map(|tail| (tail.bytes[0], tail.bytes.len(), tail.chain[0], tail.chain[1]))
                .collect();
            assert_eq!(
                seen,
                [
                    (3, 3, 0, 0),
                    (7, 7, 0, 0),
                    (9, 1, 1, 9),
                    (17, 1, 2, 17),
                    (31, 7, 3, 31),
                    (33, 1, 4, 33)
                ]
            );
        }
    }
}
