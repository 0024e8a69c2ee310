//! A trie from its root on, depth first, as a sequence of events.
//!
//! Nothing in it is believed (FORMATS.md 7.9). A child lies before its parent, so no path is endless;
//! the nodes together take no more bytes than there are, so none is reached again and again; and the
//! depth is bounded. Memory grows with the depth alone.

use super::error::TrieError;
use super::node::{Node, Payloads};
use super::source::{PageSource, as_u64};
use crate::io::Source;
use crate::{Error, Result};

/// A step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// On to the child of a character.
    Down(u8),
    /// The payload of the node at hand, before its children; its bits, and its bytes.
    Payload(u8, &'a [u8]),
    /// To the child of a character, which has a payload and no children, and back. Most nodes are such.
    Leaf(u8, u8, &'a [u8]),
    /// Back to the parent.
    Up,
}

/// The part of a file that a trie may lie in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    /// The first address.
    pub(super) start: u64,
    /// The one after the last.
    pub(super) end: u64,
}

/// A place in a trie.
#[derive(Debug, Clone, Copy)]
struct Frame {
    address: u64,
    /// The next child's.
    slot: u16,
}

/// Where an event is.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    file: &'a Source,
    address: u64,
}

impl At<'_> {
    /// An error there.
    pub(super) fn wrong(self, error: TrieError) -> Error {
        Error::from(error).at(self.file.path()).offset(self.address)
    }
}

/// Walks tries; keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct Walk {
    payloads: Payloads,
    path: Vec<Frame>,
    /// Bytes that further nodes may take.
    budget: u64,
}

impl Walk {
    pub(super) const fn new(payloads: Payloads) -> Self {
        Self { payloads, path: Vec::new(), budget: 0 }
    }

    /// Walks the trie of a root. An error of `each` ends it.
    ///
    /// # Errors
    /// [`TrieError`] at the address of the node, and what reading and `each` meet.
    pub(super) fn run(
        &mut self,
        pages: &mut PageSource<'_>,
        root: u64,
        region: Region,
        mut each: impl FnMut(At<'_>, Event<'_>) -> Result<()>,
    ) -> Result<()> {
        let file = pages.file();
        self.path.clear();
        self.budget = region.end.saturating_sub(region.start);
        if self.enter(pages, (None, root), region, &mut each)? {
            self.path.push(Frame { address: root, slot: 0 });
        }
        'up: while let Some(Frame { address, mut slot }) = self.path.pop() {
            let at = At { file, address };
            // Held while its leaves, most of all nodes, are looked at in other pages.
            let held = pages.hold(address)?;
            let node = decode(held.bytes(), at, self.payloads)?;
            let within = Region { end: address, ..region };
            while usize::from(slot) < node.slots() {
                let child = node.slot(usize::from(slot)).filter(|(_, distance)| *distance > 0);
                slot = slot.saturating_add(1);
                let Some((character, distance)) = child else { continue };
                let child = address
                    .checked_sub(distance)
                    .filter(|child| *child >= region.start)
                    .ok_or_else(|| at.wrong(TrieError::OutOfTrie))?;
                if self.enter(pages, (Some(character), child), within, &mut each)? {
                    self.path.push(Frame { address, slot });
                    if self.path.len() >= DEEPEST {
                        return Err(At { file, address: child }.wrong(TrieError::TooDeep));
                    }
                    self.path.push(Frame { address: child, slot: 0 });
                    continue 'up;
                }
            }
            if !self.path.is_empty() {
                each(at, Event::Up)?;
            }
        }
        Ok(())
    }

    /// Goes to a node, the child of a character if it is not the root, and says whether it has children.
    fn enter(
        &mut self,
        pages: &mut PageSource<'_>,
        (character, address): (Option<u8>, u64),
        within: Region,
        each: &mut impl FnMut(At<'_>, Event<'_>) -> Result<()>,
    ) -> Result<bool> {
        let at = At { file: pages.file(), address };
        let node = decode(pages.from(address)?, at, self.payloads)?;
        let size = as_u64(node.size);
        node.check().map_err(|error| at.wrong(error))?;
        if address < within.start || address.saturating_add(size) > within.end {
            return Err(at.wrong(TrieError::Overlap));
        }
        self.budget =
            self.budget.checked_sub(size).ok_or_else(|| at.wrong(TrieError::TooManyNodes))?;
        let has_children = node.slots() > 0;
        match character {
            Some(character) if has_children => each(at, Event::Down(character))?,
            Some(character) => {
                each(at, Event::Leaf(character, node.bits, node.payload))?;
                return Ok(false);
            }
            None => {}
        }
        if node.bits > 0 {
            each(at, Event::Payload(node.bits, node.payload))?;
        }
        Ok(has_children)
    }
}

/// The payload at the end of a path, if the trie has one there: as a database looks a key up.
///
/// # Errors
/// As [`Walk::run`].
pub(super) fn find(
    pages: &mut PageSource<'_>,
    root: u64,
    path: &[u8],
    payloads: Payloads,
) -> Result<Option<(u8, Vec<u8>)>> {
    let file = pages.file();
    let mut at = At { file, address: root };
    for character in path {
        let node = decode(pages.from(at.address)?, at, payloads)?;
        let Some(distance) = node.find(*character) else { return Ok(None) };
        at.address =
            at.address.checked_sub(distance).ok_or_else(|| at.wrong(TrieError::OutOfTrie))?;
    }
    let node = decode(pages.from(at.address)?, at, payloads)?;
    Ok((node.bits > 0).then(|| (node.bits, node.payload.to_vec())))
}

/// The node at the beginning of the rest of its page.
fn decode<'p>(bytes: &'p [u8], at: At<'_>, payloads: Payloads) -> Result<Node<'p>> {
    Node::decode(bytes, payloads).map_err(|error| at.wrong(error))
}

/// The most nodes below one another. A partition key of 65,535 bytes may take twice as many, a
/// clustering some times that.
const DEEPEST: usize = 1 << 20;
