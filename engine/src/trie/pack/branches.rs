//! The nodes that are not written yet, and, of written ones whose parents are not, the addresses.

use zeroize::{DefaultIsZeroes, Zeroize as _, Zeroizing};

use crate::trie::node::Form;
use crate::{Error, ErrorKind, Result};

/// A node's place in the list.
pub(super) type Index = usize;

/// No node.
pub(super) const NONE: Index = Index::MAX;

/// The most bytes of a payload: offset and time of deletion of a row block.
const PAYLOAD: usize = 19;

/// What is known of a node.
#[derive(Clone, Copy)]
pub(super) struct Item {
    /// Of the child in its parent.
    pub(super) character: u8,
    pub(super) bits: u8,
    payload_length: u8,
    payload: [u8; PAYLOAD],
    pub(super) far: bool,
    pub(super) deep: bool,
    pub(super) state: State,
    /// S.
    pub(super) size: u32,
    /// B.
    pub(super) below: u32,
    pub(super) first: Index,
    last: Index,
    pub(super) next: Index,
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It may get more children.
    Open,
    /// It is complete.
    Kept,
    /// It is written, at an address.
    Written(u64),
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item").field("state", &self.state).finish_non_exhaustive()
    }
}

/// So that it can be wiped: characters are of keys.
impl Default for Item {
    fn default() -> Self {
        Self::new(0)
    }
}

impl DefaultIsZeroes for Item {}

impl Item {
    const fn new(character: u8) -> Self {
        Self {
            character,
            bits: 0,
            payload_length: 0,
            payload: [0; PAYLOAD],
            far: false,
            deep: false,
            state: State::Open,
            size: 0,
            below: 0,
            first: NONE,
            last: NONE,
            next: NONE,
        }
    }

    fn set_payload(&mut self, bits: u8, payload: &[u8]) -> Result<()> {
        self.bits = bits;
        self.payload_length = u8::try_from(payload.len()).map_err(|_over| lost())?;
        self.payload.get_mut(..payload.len()).ok_or_else(lost)?.copy_from_slice(payload);
        Ok(())
    }

    /// The bytes of the payload.
    pub(super) fn payload(&self) -> &[u8] {
        self.payload.get(..usize::from(self.payload_length)).unwrap_or_default()
    }

    /// B + S: the bytes of the branch.
    pub(super) const fn branch(&self) -> u32 {
        self.below.saturating_add(self.size)
    }
}

/// What the children of a node are together.
#[derive(Debug, Default)]
pub(super) struct Children {
    count: usize,
    /// Characters of the first and the last one.
    first: u8,
    last: u8,
    /// The least address of those that are written.
    pub(super) farthest: Option<u64>,
    /// B of the first that is not.
    first_below: Option<u32>,
    /// Bytes of the branches that are not written.
    pub(super) below: u32,
    /// Whether one of these is far or deep.
    pub(super) deep: bool,
}

/// All of them, in one list whose places are used again.
#[derive(Debug)]
pub(super) struct Branches {
    items: Vec<Item>,
    /// The first free place; the others follow as siblings do.
    free: Index,
    used: usize,
}

impl Branches {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), free: NONE, used: 0 }
    }

    /// Nodes in memory.
    pub(super) const fn len(&self) -> usize {
        self.used
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        (self.free, self.used) = (NONE, 0);
    }

    /// Begins a trie.
    pub(super) fn root(&mut self) -> Index {
        self.clear();
        self.place(Item::new(0))
    }

    /// A new last child.
    pub(super) fn add(&mut self, parent: Index, character: u8) -> Index {
        self.link(parent, Item::new(character))
    }

    /// A new last child that is complete, and has a payload and no children.
    pub(super) fn add_leaf(
        &mut self,
        parent: Index,
        character: u8,
        bits: u8,
        payload: &[u8],
    ) -> Result<()> {
        let mut leaf = Item { state: State::Kept, ..Item::new(character) };
        leaf.set_payload(bits, payload)?;
        leaf.size = u32::from(leaf.payload_length).saturating_add(1);
        self.link(parent, leaf);
        Ok(())
    }

    fn link(&mut self, parent: Index, child: Item) -> Index {
        let child = self.place(child);
        match self.item(parent).last {
            NONE => self.item_mut(parent).first = child,
            last => self.item_mut(last).next = child,
        }
        self.item_mut(parent).last = child;
        child
    }

    fn place(&mut self, item: Item) -> Index {
        self.used = self.used.saturating_add(1);
        if self.free != NONE {
            let place = self.free;
            self.free = self.item(place).next;
            *self.item_mut(place) = item;
            return place;
        }
        if self.items.len() == self.items.capacity() {
            let room = self.items.len().saturating_mul(2).max(FIRST);
            let mut larger = Vec::with_capacity(room);
            larger.extend_from_slice(&self.items);
            self.items.as_mut_slice().zeroize();
            self.items = larger;
        }
        self.items.push(item);
        self.items.len().saturating_sub(1)
    }

    pub(super) fn set_payload(&mut self, node: Index, bits: u8, payload: &[u8]) -> Result<()> {
        self.item_mut(node).set_payload(bits, payload)
    }

    /// Frees a node's children: it is written, and they are.
    pub(super) fn drop_children(&mut self, node: Index) {
        let Item { first, last, .. } = *self.item(node);
        if first == NONE {
            return;
        }
        let dropped = self.children(node).count();
        self.used = self.used.saturating_sub(dropped);
        self.item_mut(last).next = self.free;
        self.free = first;
        let item = self.item_mut(node);
        (item.first, item.last) = (NONE, NONE);
    }

    /// The children, in order.
    pub(super) fn children(&self, node: Index) -> impl Iterator<Item = (Index, &Item)> {
        let mut next = self.item(node).first;
        std::iter::from_fn(move || {
            let own = self.items.get(next)?;
            let place = std::mem::replace(&mut next, own.next);
            Some((place, own))
        })
    }

    /// What the children of a node are together.
    pub(super) fn sum(&self, node: Index) -> Children {
        let mut sum = Children::default();
        for (_, child) in self.children(node) {
            if sum.count == 0 {
                sum.first = child.character;
            }
            sum.last = child.character;
            sum.count = sum.count.saturating_add(1);
            match child.state {
                State::Written(at) => {
                    sum.farthest = Some(sum.farthest.map_or(at, |far| far.min(at)));
                }
                State::Open | State::Kept => {
                    sum.first_below = sum.first_below.or(Some(child.below));
                    sum.below = sum.below.saturating_add(child.branch());
                    sum.deep |= child.far || child.deep;
                }
            }
        }
        sum
    }

    /// S of a node supposed at an address (FORMATS.md 7.8).
    pub(super) fn size_at(&self, node: Index, address: u64) -> u32 {
        self.size_with(node, &self.sum(node), address)
    }

    /// The same, where the sum of its children is known.
    pub(super) fn size_with(&self, node: Index, sum: &Children, address: u64) -> u32 {
        let item = self.item(node);
        let written = sum.farthest.map_or(0, |at| address.saturating_sub(at));
        let kept = sum.first_below.map_or(0, |below| item.below.saturating_sub(below));
        let span = usize::from(sum.last.saturating_sub(sum.first)).saturating_add(1);
        let form = Form::choose(sum.count, span, item.bits > 0, written.max(u64::from(kept)));
        let size = form.size().saturating_add(usize::from(item.payload_length));
        u32::try_from(size).unwrap_or(u32::MAX)
    }

    /// Appends the bytes of a node at an address, whose children are all written.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when one is not, or lies after it.
    pub(super) fn encode(&self, node: Index, address: u64, out: &mut Encoding) -> Result<()> {
        let Encoding { bytes, children } = out;
        bytes.clear();
        children.clear();
        let mut greatest = 0;
        for (_, child) in self.children(node) {
            let State::Written(at) = child.state else { return Err(lost()) };
            let distance = address.checked_sub(at).filter(|far| *far > 0).ok_or_else(lost)?;
            greatest = greatest.max(distance);
            children.push((child.character, distance));
        }
        let ends = children.first().zip(children.last());
        let span = ends.map_or(0, |(first, last)| last.0.saturating_sub(first.0));
        let span = usize::from(span).saturating_add(1);
        let item = self.item(node);
        let form = Form::choose(children.len(), span, item.bits > 0, greatest);
        form.encode(bytes, children, item.bits, item.payload());
        Ok(())
    }

    /// A node.
    #[expect(clippy::indexing_slicing, reason = "every Index is a place in the list")]
    pub(super) fn item(&self, node: Index) -> &Item {
        &self.items[node]
    }

    /// A node, to change it.
    #[expect(clippy::indexing_slicing, reason = "every Index is a place in the list")]
    pub(super) fn item_mut(&mut self, node: Index) -> &mut Item {
        &mut self.items[node]
    }
}

impl Drop for Branches {
    fn drop(&mut self) {
        self.items.as_mut_slice().zeroize();
    }
}

/// A node's bytes, and the children that they are made of.
#[derive(Default)]
pub(super) struct Encoding {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    children: Vec<(u8, u64)>,
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoding").finish_non_exhaustive()
    }
}

pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the nodes of a trie do not fit together")
}

/// Places to begin with.
const FIRST: usize = 1024;
