//! Packs a trie into pages, as the database's own writer does (FORMATS.md 7.8).
//!
//! Nodes are written bottom-up, and kept in memory until a branch would outgrow a page: then the
//! branches of its children are written, each in one page whole, the largest that fits first. Events
//! of a walk come in; what is kept are the unfinished branches.
//!
//! ```text
//! S, size     bytes of a node that is not written, payload included
//! B, below    bytes of all its descendants that are not written
//! far         a child of it is written
//! deep        a descendant that is not written is far
//! ```
//!
//! Sizes depend on distances, and so on where a node will be. All of it is iterative: a branch may be
//! as deep as a key is long.

mod branches;
mod layout;

use branches::{Branches, Index};
use layout::Layout;

use super::sink::PageSink;
use crate::{Error, ErrorKind, Result};

/// Packs tries, one after the other; keeps its memory.
#[derive(Debug)]
pub(super) struct Packer {
    branches: Branches,
    layout: Layout,
    /// From the root to the node at hand.
    path: Vec<Index>,
    /// Nodes in memory from which on branches are written before their parents are complete. No
    /// database's own file comes near it.
    limit: usize,
    /// How much it rises when that was done.
    step: usize,
}

impl Packer {
    pub(super) fn new() -> Self {
        Self {
            branches: Branches::new(),
            layout: Layout::default(),
            path: Vec::new(),
            limit: MANY_KEPT,
            step: MANY_KEPT,
        }
    }

    /// On to a new child, after its siblings.
    pub(super) fn down(&mut self, character: u8) {
        let parent = self.at();
        let child = self.branches.add(parent, character);
        self.path.push(child);
    }

    /// Gives the node at hand a payload.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it is longer than any.
    pub(super) fn payload(&mut self, bits: u8, payload: &[u8]) -> Result<()> {
        let node = self.at();
        self.branches.set_payload(node, bits, payload)
    }

    /// A new child with a payload and without children.
    ///
    /// # Errors
    /// As [`Self::payload`] and [`Self::up`].
    pub(super) fn leaf(
        &mut self,
        character: u8,
        bits: u8,
        payload: &[u8],
        out: &mut PageSink<'_>,
    ) -> Result<()> {
        let parent = self.at();
        self.branches.add_leaf(parent, character, bits, payload)?;
        self.relieve_if_many(out)
    }

    /// Back to the parent: the node at hand gets no more children.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn up(&mut self, out: &mut PageSink<'_>) -> Result<()> {
        let Some(node) = self.path.pop() else { return Err(unbalanced()) };
        self.layout.complete(&mut self.branches, node, out)?;
        self.relieve_if_many(out)
    }

    fn relieve_if_many(&mut self, out: &mut PageSink<'_>) -> Result<()> {
        if self.branches.len() > self.limit { self.relieve(out) } else { Ok(()) }
    }

    /// Writes all branches that are complete. Only the children on the path remain, at most 255 of
    /// each node: the limit rises by as much again, or this would be done at each step.
    fn relieve(&mut self, out: &mut PageSink<'_>) -> Result<()> {
        for node in &self.path {
            self.layout.lay_out(&mut self.branches, *node, out)?;
        }
        let kept = self.branches.len();
        if kept > self.step.saturating_mul(FULL) {
            return Err(Error::unsupported(
                "a path of its trie branches more often than any index of a database does",
            )
            .hint("use a node-side upgrade for this table"));
        }
        self.limit = kept.saturating_add(self.step);
        Ok(())
    }

    /// Writes what is left, and returns the address of the root. The next trie may begin.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] below the root, and what writing meets.
    pub(super) fn finish(&mut self, out: &mut PageSink<'_>) -> Result<u64> {
        let root = self.at();
        if self.path.len() != 1 {
            return Err(unbalanced());
        }
        self.path.clear();
        let address = self.layout.finish(&mut self.branches, root, out)?;
        self.branches.clear();
        self.limit = self.step;
        Ok(address)
    }

    /// The node at hand; the root is made when it is first needed.
    fn at(&mut self) -> Index {
        if let Some(node) = self.path.last() {
            return *node;
        }
        let root = self.branches.root();
        self.path.push(root);
        root
    }
}

fn unbalanced() -> Error {
    Error::new(ErrorKind::Internal, "the events of a trie do not fit together")
}

/// Nodes kept in memory: some 80 MiB. 400,000 partitions keep 67,000 at the most.
const MANY_KEPT: usize = 1 << 20;
/// Times as many that are refused.
const FULL: usize = 4;

#[cfg(test)]
mod tests;
