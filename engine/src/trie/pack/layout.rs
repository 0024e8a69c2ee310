//! The steps by which branches go to pages. The order and each comparison are the database's: the
//! same events give the same bytes.

use super::branches::{Branches, Encoding, Index, NONE, State, lost};
use crate::trie::sink::PageSink;
use crate::{Error, ErrorKind, Result};

/// Memory of the steps.
#[derive(Debug, Default)]
pub(super) struct Layout {
    encoding: Encoding,
    writing: Vec<(Index, Index)>,
    sizing: Vec<Sizing>,
}

/// A branch that is sized.
#[derive(Debug)]
struct Sizing {
    node: Index,
    /// Where it would begin.
    start: u64,
    /// Bytes of its children so far.
    below: u32,
    /// The next child.
    next: Index,
}

/// A node whose children are laid out.
#[derive(Debug)]
struct Frame {
    node: Index,
    /// Those that are not written, by the size of their branches, and then by character.
    order: Vec<(u32, u8, Index)>,
}

impl Layout {
    /// Completes a node: no more children come. It is kept if its branch is smaller than a page;
    /// otherwise its children are laid out.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn complete(
        &mut self,
        nodes: &mut Branches,
        node: Index,
        out: &mut PageSink<'_>,
    ) -> Result<()> {
        let sum = nodes.sum(node);
        let item = nodes.item_mut(node);
        (item.below, item.state) = (sum.below, State::Kept);
        (item.far, item.deep) = (sum.farthest.is_some(), sum.deep);
        let size = nodes.size_with(node, &sum, out.next());
        nodes.item_mut(node).size = size;
        if to_usize(nodes.item(node).branch()) < out.usable() {
            return Ok(());
        }
        self.lay_out(nodes, node, out)
    }

    /// Writes the complete children of a node, the largest that fits first.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn lay_out(
        &mut self,
        nodes: &mut Branches,
        node: Index,
        out: &mut PageSink<'_>,
    ) -> Result<()> {
        let mut frames = vec![Frame::of(nodes, node)];
        while let Some(frame) = frames.last_mut() {
            let Some(chosen) = frame.choose(out)? else {
                let done = frame.node;
                frames.pop();
                all_written(nodes, done, out.next());
                if let Some(outer) = frames.last_mut() {
                    outer.put(nodes, done);
                }
                continue;
            };
            let item = *nodes.item(chosen);
            if item.far || item.deep {
                self.size_anew(nodes, chosen, out.next());
                if to_usize(nodes.item(chosen).branch()) > out.left() {
                    // On an empty page it will never fit as a whole.
                    let is_hopeless = out.left() == out.usable();
                    match is_hopeless && nodes.item(chosen).below > 0 {
                        true => frames.push(Frame::of(nodes, chosen)),
                        false if is_hopeless => return Err(too_large()),
                        false => frame.put(nodes, chosen),
                    }
                    continue;
                }
            }
            self.write(nodes, chosen, out)?;
        }
        Ok(())
    }

    /// Sizes a branch for where it would begin.
    fn size_anew(&mut self, nodes: &mut Branches, branch: Index, start: u64) {
        let sizing = |nodes: &Branches, node, start| {
            let item = nodes.item(node);
            let next = if item.deep { item.first } else { NONE };
            Sizing { node, start, below: 0, next }
        };
        self.sizing.clear();
        self.sizing.push(sizing(nodes, branch, start));
        while let Some(top) = self.sizing.last_mut() {
            if top.next != NONE {
                let (child, at) = (top.next, top.start.saturating_add(u64::from(top.below)));
                let item = nodes.item(child);
                top.next = item.next;
                match item.state {
                    State::Written(_) => {}
                    State::Open | State::Kept if item.far || item.deep => {
                        self.sizing.push(sizing(nodes, child, at));
                    }
                    State::Open | State::Kept => {
                        top.below = top.below.saturating_add(item.branch());
                    }
                }
                continue;
            }
            let Sizing { node, start, below, .. } = *top;
            self.sizing.pop();
            let item = nodes.item_mut(node);
            if item.deep {
                item.below = below;
            }
            if item.far || item.deep {
                let at = start.saturating_add(u64::from(item.below));
                let size = nodes.size_at(node, at);
                nodes.item_mut(node).size = size;
            }
            if let Some(outer) = self.sizing.last_mut() {
                outer.below = outer.below.saturating_add(nodes.item(node).branch());
            }
        }
    }

    /// Writes a branch, children first. It fits the page.
    fn write(&mut self, nodes: &mut Branches, branch: Index, out: &mut PageSink<'_>) -> Result<()> {
        self.writing.clear();
        self.writing.push((branch, nodes.item(branch).first));
        while let Some((node, next)) = self.writing.last_mut() {
            let child = *next;
            if child != NONE {
                let item = nodes.item(child);
                *next = item.next;
                match (item.state, item.first) {
                    (State::Kept, NONE) => self.write_node(nodes, child, out)?,
                    (State::Kept, first) => self.writing.push((child, first)),
                    (State::Open | State::Written(_), _) => {}
                }
                continue;
            }
            let node = *node;
            self.writing.pop();
            self.write_node(nodes, node, out)?;
        }
        Ok(())
    }

    /// Writes a node whose children are written.
    fn write_node(
        &mut self,
        nodes: &mut Branches,
        node: Index,
        out: &mut PageSink<'_>,
    ) -> Result<()> {
        let address = out.next();
        nodes.encode(node, address, &mut self.encoding)?;
        out.put_whole(&self.encoding.bytes)?;
        nodes.drop_children(node);
        nodes.item_mut(node).state = State::Written(address);
        Ok(())
    }

    /// Completes and writes the root.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn finish(
        &mut self,
        nodes: &mut Branches,
        root: Index,
        out: &mut PageSink<'_>,
    ) -> Result<u64> {
        self.complete(nodes, root, out)?;
        let fits = |nodes: &Branches, room: usize| to_usize(nodes.item(root).branch()) <= room;
        self.size_anew(nodes, root, out.next());
        if !fits(nodes, out.left()) && fits(nodes, out.usable()) {
            out.close_page()?;
            self.size_anew(nodes, root, out.next());
        }
        if !fits(nodes, out.left()) {
            self.lay_out(nodes, root, out)?;
            if !fits(nodes, out.left()) {
                out.close_page()?;
                self.size_anew(nodes, root, out.next());
            }
        }
        self.write(nodes, root, out)?;
        match nodes.item(root).state {
            State::Written(address) => Ok(address),
            State::Open | State::Kept => Err(lost()),
        }
    }
}

impl Frame {
    fn of(nodes: &Branches, node: Index) -> Self {
        let kept = nodes.children(node).filter(|(_, child)| child.state == State::Kept);
        let mut order: Vec<_> =
            kept.map(|(place, child)| (child.branch(), child.character, place)).collect();
        order.sort_unstable();
        Self { node, order }
    }

    /// The last that fits; if none does, the last of all, on a new page.
    fn choose(&mut self, out: &mut PageSink<'_>) -> Result<Option<Index>> {
        if self.order.is_empty() {
            return Ok(None);
        }
        let left = out.left();
        let fitting = self.order.partition_point(|(branch, ..)| to_usize(*branch) <= left);
        let place = match fitting.checked_sub(1) {
            Some(last) => last,
            None => {
                out.close_page()?;
                self.order.len().saturating_sub(1)
            }
        };
        Ok(Some(self.order.remove(place).2))
    }

    fn put(&mut self, nodes: &Branches, node: Index) {
        let item = nodes.item(node);
        let entry = (item.branch(), item.character, node);
        let place = self.order.partition_point(|other| *other < entry);
        self.order.insert(place, entry);
    }
}

/// What holds of a node when its children are written.
fn all_written(nodes: &mut Branches, node: Index, address: u64) {
    let item = nodes.item_mut(node);
    (item.below, item.far, item.deep) = (0, true, false);
    let size = nodes.size_at(node, address);
    nodes.item_mut(node).size = size;
}

fn to_usize(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn too_large() -> Error {
    Error::new(ErrorKind::Internal, "a node is larger than a page")
}
