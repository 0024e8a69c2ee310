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
