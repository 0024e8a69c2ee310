//! A node of a trie (FORMATS.md 7.7): all sixteen types, decoded and encoded.
//!
//! ```text
//! first byte: type in the high four bits; payload bits in the low ones, or a part of the distance
//!  0  PAYLOAD_ONLY           -
//!  1  SINGLE_NOPAYLOAD_4     character; the distance in the first byte
//!  2  SINGLE_8               character, distance
//!  3  SINGLE_NOPAYLOAD_12    low 8 bits of the distance, character; the high 4 in the first byte
//!  4  SINGLE_16              character, distance
//!  5  SPARSE_8  6 _12  7 _16  8 _24  9 _40      count, characters, distances
//! 10  DENSE_12  11 _16  12 _24  13 _32  14 _40  15 LONG_DENSE
//!                            first character, span - 1, distances; 0 is no child
//! ```
//!
//! A distance is subtracted from the node's address and gives the child's. Packed 12-bit distances
//! have their high bits first, two of them in three bytes.

use super::error::TrieError;
use crate::wire::Reader;

/// The most bytes of a node without its payload: `LONG_DENSE` with 256 children.
pub(super) const LARGEST_NODE: usize = 2051;

/// The most bytes of a node with any payload, and so the least usable bytes of a page that an index
/// can be laid out for.
pub const LEAST_USABLE: usize = LARGEST_NODE + 19;

/// How long a payload is by its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payloads {
    /// In Partitions.db: 1 to 7 are a position's bytes, 8 to 15 a hash byte and bits - 7 more.
    Partitions,
    /// In Rows.db: the low three bits are an offset's bytes, 8 a time of deletion after them.
    Rows,
}

impl Payloads {
    /// Bytes of a payload.
    pub(super) const fn length(self, bits: u8) -> usize {
        let bits = bits as usize;
        match self {
            Self::Partitions if bits < 8 => bits,
            Self::Partitions => bits.saturating_sub(6),
            Self::Rows if bits < 8 => bits,
            Self::Rows => (bits & 7).saturating_add(12),
        }
    }
}

/// The type of a node, and how wide its distances are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No child.
    Leaf,
    /// One child, and no payload.
    Bare(Width),
    /// One child.
    Single(Width),
    /// Children with their characters.
    Sparse(Width),
    /// A slot for each character from the first child's to the last one's.
    Dense(Width),
}

/// Bits of a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// 4, in the first byte.
    W4,
    W8,
    /// 12, packed.
    W12,
    W16,
    W24,
    W32,
    W40,
    W64,
}

use Width::{W4, W8, W12, W16, W24, W32, W40, W64};

impl Width {
    /// Bytes that this many distances take.
    const fn bytes(self, count: usize) -> usize {
        match self {
            W4 => 0,
            W8 => count,
            W12 => count.saturating_mul(3).div_ceil(2),
            W16 => count.saturating_mul(2),
            W24 => count.saturating_mul(3),
            W32 => count.saturating_mul(4),
            W40 => count.saturating_mul(5),
            W64 => count.saturating_mul(8),
        }
    }

    /// The narrowest of the ladder that holds a distance.
    const fn of(distance: u64) -> Self {
        match distance {
            0..0x10 => W4,
            0x10..0x100 => W8,
            0x100..0x1000 => W12,
            0x1000..0x1_0000 => W16,
            0x1_0000..0x100_0000 => W24,
            0x100_0000..0x1_0000_0000 => W32,
            0x1_0000_0000..0x100_0000_0000 => W40,
            _ => W64,
        }
    }

    fn get(self, bytes: &[u8], slot: usize) -> Option<u64> {
        match self {
            W4 => Some(0),
            W8 => big_endian::<1>(bytes, slot),
            W12 => match (slot & 1, bytes.get(self.bytes(slot & !1)..)?) {
                (0, [high, low, ..]) => Some(u64::from(*high) << 4 | u64::from(*low >> 4)),
                (1, [_, high, low, ..]) => Some(u64::from(*high & 0xf) << 8 | u64::from(*low)),
                _ => None,
            },
            W16 => big_endian::<2>(bytes, slot),
            W24 => big_endian::<3>(bytes, slot),
            W32 => big_endian::<4>(bytes, slot),
            W40 => big_endian::<5>(bytes, slot),
            W64 => big_endian::<8>(bytes, slot),
        }
    }
}

/// The integer of N bytes in a slot.
fn big_endian<const N: usize>(bytes: &[u8], slot: usize) -> Option<u64> {
    let own = bytes.get(slot.checked_mul(N)?..)?.first_chunk::<N>()?;
    Some(own.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

impl Kind {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Leaf,
            1 => Self::Bare(W4),
            2 => Self::Single(W8),
            3 => Self::Bare(W12),
            4 => Self::Single(W16),
            5 => Self::Sparse(W8),
            6 => Self::Sparse(W12),
            7 => Self::Sparse(W16),
            8 => Self::Sparse(W24),
            9 => Self::Sparse(W40),
            10 => Self::Dense(W12),
            11 => Self::Dense(W16),
            12 => Self::Dense(W24),
            13 => Self::Dense(W32),
            14 => Self::Dense(W40),
            _ => Self::Dense(W64),
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Leaf => 0,
            Self::Bare(W4) => 1,
            Self::Single(_) => {
                if matches!(self, Self::Single(W8)) {
                    2
                } else {
                    4
                }
            }
            Self::Bare(_) => 3,
            Self::Sparse(W8) => 5,
            Self::Sparse(W12) => 6,
            Self::Sparse(W16) => 7,
            Self::Sparse(W24) => 8,
            Self::Sparse(_) => 9,
            Self::Dense(W12) => 10,
            Self::Dense(W16) => 11,
            Self::Dense(W24) => 12,
            Self::Dense(W32) => 13,
            Self::Dense(W40) => 14,
            Self::Dense(_) => 15,
        }
    }
}

/// A node as it lies in its page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    kind: Kind,
    /// Its payload's bits; 0 for none.
    pub(super) bits: u8,
    /// The bits in the first byte that are no payload's.
    low: u8,
    characters: &'a [u8],
    distances: &'a [u8],
    slots: usize,
    /// Its payload.
    pub(super) payload: &'a [u8],
    /// Bytes of all of it.
    pub(super) size: usize,
}

impl<'a> Node<'a> {
    /// Decodes the node at the beginning of `bytes`, which end with its page.
    ///
    /// # Errors
    /// [`TrieError::NodeCut`] when it does not end before them.
    pub(super) fn decode(bytes: &'a [u8], payloads: Payloads) -> Result<Self, TrieError> {
        let cut = |_ends| TrieError::NodeCut;
        let mut reader = Reader::new(bytes);
        let first = reader.u8("type").map_err(cut)?;
        let (kind, low) = (Kind::of(first >> 4), first & 0xf);
        let mut node = Self {
            kind,
            bits: low,
            low: 0,
            characters: &[],
            distances: &[],
            slots: 1,
            payload: &[],
            size: 0,
        };
        let mut take = |n| reader.take(n, "node").map_err(cut);
        match kind {
            Kind::Leaf => node.slots = 0,
            Kind::Bare(width) => {
                (node.bits, node.low) = (0, low);
                if let W12 = width {
                    node.distances = take(1)?;
                }
                node.characters = take(1)?;
            }
            Kind::Single(width) => {
                node.characters = take(1)?;
                node.distances = take(width.bytes(1))?;
            }
            Kind::Sparse(width) => {
                node.slots = usize::from(take(1)?.first().copied().unwrap_or_default());
                node.characters = take(node.slots)?;
                node.distances = take(width.bytes(node.slots))?;
            }
            Kind::Dense(width) => {
                node.characters = take(2)?;
                let span = node.characters.last().copied().unwrap_or_default();
                node.slots = usize::from(span).saturating_add(1);
                node.distances = take(width.bytes(node.slots))?;
            }
        }
        node.payload = take(payloads.length(node.bits))?;
        node.size = reader.position();
        Ok(node)
    }

    /// Places for children; in a dense node some may be empty.
    pub(super) const fn slots(&self) -> usize {
        self.slots
    }

    /// The child in a place: its character and its distance, which is 0 if there is none.
    pub(super) fn slot(&self, slot: usize) -> Option<(u8, u64)> {
        let first = || self.characters.first().copied();
        match self.kind {
            Kind::Leaf => None,
            Kind::Bare(_) => {
                let rest = self.distances.first().map(|byte| u64::from(*byte));
                let low = u64::from(self.low);
                Some((first()?, rest.map_or(low, |rest| low << 8 | rest)))
            }
            Kind::Single(width) => Some((first()?, width.get(self.distances, 0)?)),
            Kind::Sparse(width) => {
                Some((*self.characters.get(slot)?, width.get(self.distances, slot)?))
            }
            Kind::Dense(width) => {
                let step = u8::try_from(slot).ok()?;
                Some((first()?.wrapping_add(step), width.get(self.distances, slot)?))
            }
        }
    }

    /// The distance of the child of a character.
    pub(super) fn find(&self, character: u8) -> Option<u64> {
        let slot = match self.kind {
            Kind::Leaf => return None,
            Kind::Bare(_) | Kind::Single(_) => {
                (self.characters.first() == Some(&character)).then_some(0)?
            }
            Kind::Sparse(_) => self.characters.binary_search(&character).ok()?,
            Kind::Dense(_) => usize::from(character.checked_sub(*self.characters.first()?)?),
        };
        self.slot(slot)
            .filter(|_| slot < self.slots)
            .map(|(_, distance)| distance)
            .filter(|d| *d > 0)
    }

    /// Checks what any reader relies on.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn check(&self) -> Result<(), TrieError> {
        let distance = |slot| self.slot(slot).map_or(0, |(_, distance)| distance);
        match self.kind {
            Kind::Leaf => {
                if self.bits == 0 {
                    return Err(TrieError::EmptyLeaf);
                }
            }
            Kind::Bare(_) | Kind::Single(_) => {
                if distance(0) == 0 {
                    return Err(TrieError::NoDistance);
                }
            }
            Kind::Sparse(_) => {
                if self.slots == 0 {
                    return Err(TrieError::EmptyLeaf);
                }
                if !self.characters.is_sorted_by(|one, next| one < next) {
                    return Err(TrieError::CharactersNotRising);
                }
                if (0..self.slots).any(|slot| distance(slot) == 0) {
                    return Err(TrieError::NoDistance);
                }
            }
            Kind::Dense(_) => {
                let last = self.slots.saturating_sub(1);
                let first = self.characters.first().copied().map_or(0, usize::from);
                if first.saturating_add(last) > usize::from(u8::MAX) {
                    return Err(TrieError::SpanTooWide);
                }
                if distance(0) == 0 || distance(last) == 0 {
                    return Err(TrieError::DenseEnds);
                }
            }
        }
        Ok(())
    }
}

/// The form of a node that is to be written: the writers' own choice, the smallest that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    kind: Kind,
    slots: usize,
}

impl Form {
    /// For so many children, whose characters span so many, the farthest at a distance.
    pub(super) fn choose(children: usize, span: usize, has_payload: bool, greatest: u64) -> Self {
        let width = Width::of(greatest);
        let (kind, slots) = match children {
            0 => (Kind::Leaf, 0),
            1 => (single(width, has_payload), 1),
            _ => {
                let sparse = Self { kind: sparse(width), slots: children };
                let dense = Self { kind: dense(width), slots: span };
                // 256 children do not fit the count of a sparse node.
                let is_sparse = children < 256
                    && matches!(sparse.kind, Kind::Sparse(_))
                    && sparse.size() < dense.size();
                return if is_sparse { sparse } else { dense };
            }
        };
        Self { kind, slots }
    }

    /// Bytes of the node without its payload.
    pub(super) const fn size(self) -> usize {
        match self.kind {
            Kind::Leaf => 1,
            Kind::Bare(W4) => 2,
            Kind::Bare(_) => 3,
            Kind::Single(width) => width.bytes(1).saturating_add(2),
            Kind::Sparse(width) => {
                width.bytes(self.slots).saturating_add(self.slots).saturating_add(2)
            }
            Kind::Dense(width) => width.bytes(self.slots).saturating_add(3),
        }
    }

    /// Appends a node: `children` are the characters, rising, with their distances.
    pub(super) fn encode(
        self,
        out: &mut Vec<u8>,
        children: &[(u8, u64)],
        bits: u8,
        payload: &[u8],
    ) {
        let head = |low: u8| self.kind.number() << 4 | low & 0xf;
        let one = children.first().copied().unwrap_or_default();
        let low_byte = |value: u64| value.to_be_bytes().last().copied().unwrap_or_default();
        match self.kind {
            Kind::Leaf => out.push(head(bits)),
            Kind::Bare(W4) => out.extend([head(low_byte(one.1)), one.0]),
            Kind::Bare(_) => out.extend([head(low_byte(one.1 >> 8)), low_byte(one.1), one.0]),
            Kind::Single(width) => {
                out.extend([head(bits), one.0]);
                put_distances(out, width, std::iter::once(one.1));
            }
            Kind::Sparse(width) => {
                out.extend([head(bits), low_byte(as_u64(children.len()))]);
                out.extend(children.iter().map(|(character, _)| *character));
                put_distances(out, width, children.iter().map(|(_, distance)| *distance));
            }
            Kind::Dense(width) => {
                let span = low_byte(as_u64(self.slots.saturating_sub(1)));
                out.extend([head(bits), one.0, span]);
                let mut rest = children.iter().peekable();
                let slots = (0..self.slots).map(|slot| {
                    let character = usize::from(one.0).saturating_add(slot);
                    rest.next_if(|(own, _)| usize::from(*own) == character)
                        .map_or(0, |(_, distance)| *distance)
                });
                put_distances(out, width, slots);
            }
        }
        out.extend_from_slice(payload);
    }
}

fn put_distances(out: &mut Vec<u8>, width: Width, distances: impl Iterator<Item = u64>) {
    if let W12 = width {
        let mut before = None;
        for distance in distances {
            let [.., high, low] = distance.to_be_bytes();
            match before.take() {
                None => before = Some((high << 4 | low >> 4, low << 4)),
                Some((whole, half)) => out.extend([whole, half | high & 0xf, low]),
            }
        }
        out.extend(before.into_iter().flat_map(|(whole, half)| [whole, half]));
        return;
    }
    let skipped = 8_usize.saturating_sub(width.bytes(1));
    for distance in distances {
        out.extend(distance.to_be_bytes().iter().skip(skipped));
    }
}

const fn single(width: Width, has_payload: bool) -> Kind {
    match (width, has_payload) {
        (W4, false) => Kind::Bare(W4),
        (W12, false) => Kind::Bare(W12),
        (W4 | W8, _) => Kind::Single(W8),
        (W12 | W16, _) => Kind::Single(W16),
        _ => Kind::Dense(width),
    }
}

const fn sparse(width: Width) -> Kind {
    match width {
        W4 | W8 => Kind::Sparse(W8),
        W12 | W16 | W24 | W40 => Kind::Sparse(width),
        W32 => Kind::Sparse(W40),
        W64 => Kind::Dense(W64),
    }
}

const fn dense(width: Width) -> Kind {
    match width {
        W4 | W8 | W12 => Kind::Dense(W12),
        _ => Kind::Dense(width),
    }
}

fn as_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
