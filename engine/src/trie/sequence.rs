//! The sequence that an index is, as bytes: the same for every layout.
//!
//! ```text
//! 1 c      down          5 [h] p      partition in Data.db: hash byte, 8 bytes of position
//! 2        up            6 [h] entry  partition with an entry: key, position, blocks, deletion
//! 3 c      down, rows    4 b payload  of a row trie
//! 7        up, rows
//! ```

use zeroize::Zeroizing;

use super::index::{Step, Visit};
use super::walk::Event;
use crate::Result;
use crate::wire::Put as _;

/// Hands the sequence over in blocks, each with its number; all but the last have at least
/// [`BLOCK`] bytes, and the same sequence gives the same blocks.
pub(super) struct Sequence<F> {
    block: F,
    number: u64,
    bytes: Zeroizing<Vec<u8>>,
}

impl<F: FnMut(u64, &[u8]) -> Result<()>> Sequence<F> {
    pub(super) fn new(block: F) -> Self {
        Self { block, number: 0, bytes: Zeroizing::new(Vec::with_capacity(ROOM)) }
    }

    /// Hands over what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        (self.block)(self.number, &self.bytes)?;
        self.number = self.number.saturating_add(1);
        self.bytes.clear();
        Ok(())
    }

    fn flush_full(&mut self) -> Result<()> {
        match self.bytes.len() {
            BLOCK.. => self.flush(),
            _ => Ok(()),
        }
    }

    fn data(&mut self, hash: Option<u8>, position: u64) {
        self.hash(5, hash);
        self.bytes.put_u64(position);
    }

    fn hash(&mut self, mark: u8, hash: Option<u8>) {
        self.bytes.extend([mark, u8::from(hash.is_some()), hash.unwrap_or_default()]);
    }
}

impl<F: FnMut(u64, &[u8]) -> Result<()>> Visit for Sequence<F> {
    fn row(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Down(character) => self.bytes.extend([3, character]),
            Event::Up => self.bytes.push(7),
            Event::Payload(bits, payload) => {
                self.bytes.extend([4, bits]);
                self.bytes.extend_from_slice(payload);
            }
            Event::Leaf(character, bits, payload) => {
                self.bytes.extend([3, character, 4, bits]);
                self.bytes.extend_from_slice(payload);
                self.bytes.push(7);
            }
        }
        self.flush_full()
    }

    fn step(&mut self, step: Step<'_>) -> Result<()> {
        match step {
            Step::Down(character) => self.bytes.extend([1, character]),
            Step::Up => self.bytes.push(2),
            Step::Data(hash, position) => self.data(hash, position),
            Step::Leaf(character, hash, position) => {
                self.bytes.extend([1, character]);
                self.data(hash, position);
                self.bytes.push(2);
            }
            Step::Entry(hash, entry) => {
                self.hash(6, hash);
                entry.put_content(&mut self.bytes)?;
            }
        }
        self.flush_full()
    }
}

/// Bytes from which on a block is handed over.
const BLOCK: usize = 64 << 10;
/// A block, and the longest piece after it: an entry with its key.
const ROOM: usize = BLOCK + (66 << 10);
