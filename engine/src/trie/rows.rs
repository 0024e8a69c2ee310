//! What Rows.db has beside its nodes (FORMATS.md 7.4): an entry after each trie.
//!
//! ```text
//! key                 uint16 length, bytes          the position in Partitions.db points here
//! data position       uvint
//! root                vint: its address, counted from the end of the key
//! block count         uvint
//! partition deletion  12 bytes; from da on 1 byte, 80, for none: no other form begins so
//!
//! payload             sized int: offset of the block in the partition, [12 bytes: open deletion]
//! ```

use zeroize::Zeroizing;

use super::error::TrieError;
use super::partitions::put_key;
use super::sink::PageSink;
use super::source::PageSource;
use super::values::{put_vint, signed, sized_int};
use crate::Result;
use crate::wire::Put as _;

/// The entry of a partition.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The partition's key.
    pub(super) key: Zeroizing<Vec<u8>>,
    /// Where it is in Data.db's plaintext.
    pub(super) data_position: u64,
    /// The address of its trie's root.
    pub(super) root: u64,
    /// Index blocks.
    pub(super) blocks: u64,
    deletion: Deletion,
    /// Where the entry ends.
    pub(super) end: u64,
}

/// The bytes of a partition's deletion.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Deletion {
    bytes: [u8; 12],
    length: usize,
}

impl Deletion {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Entry {
    /// Reads the entry at a position into this one, whose memory is used again.
    ///
    /// # Errors
    /// [`TrieError`] with the place, and what reading meets.
    pub(super) fn read(&mut self, pages: &mut PageSource<'_>, position: u64) -> Result<()> {
        let mut at = position;
        pages.key(&mut at, &mut self.key)?;
        // Not over the hole, if that is where the key ends: the root counts from here.
        let base = at;
        self.data_position = pages.uvint(&mut at, "entry")?;
        let root = signed(pages.uvint(&mut at, "entry")?);
        self.root = base
            .checked_add_signed(root)
            .filter(|root| *root < position)
            .ok_or_else(|| pages.place(position, TrieError::RowRoot))?;
        self.blocks = pages.uvint(&mut at, "entry")?;
        let Deletion { bytes, length } = &mut self.deletion;
        let (first, rest) = bytes.split_at_mut(1);
        pages.read(&mut at, first, "entry")?;
        *length = match first.first() {
            Some(0x80) => 1,
            // Neither seconds since 1970 nor a timestamp is negative.
            Some(0x81..) => return Err(pages.place(position, TrieError::Deletion)),
            _ => {
                pages.read(&mut at, rest, "entry")?;
                12
            }
        };
        self.end = at;
        Ok(())
    }

    /// Writes the entry of a trie that was written, and returns its position.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn write(
        &self,
        root: u64,
        out: &mut PageSink<'_>,
        bytes: &mut Zeroizing<Vec<u8>>,
    ) -> Result<u64> {
        bytes.clear();
        if bytes.capacity() < self.key.len().saturating_add(2) {
            **bytes = Vec::with_capacity(usize::from(u16::MAX).saturating_add(2));
        }
        put_key(bytes, &self.key)?;
        out.keep_whole(bytes.len(), TAIL)?;
        let position = out.next();
        out.put(bytes)?;
        let base = out.position();
        bytes.clear();
        bytes.put_uvint(self.data_position);
        put_vint(bytes, root.cast_signed().wrapping_sub(base.cast_signed()));
        bytes.put_uvint(self.blocks);
        bytes.extend_from_slice(self.deletion.as_slice());
        out.put(bytes)?;
        Ok(position)
    }

    /// Appends what does not depend on the layout: what was read and what is written are compared by
    /// it.
    pub(super) fn put_content(&self, out: &mut Vec<u8>) -> Result<()> {
        put_key(out, &self.key)?;
        out.put_u64(self.data_position);
        out.put_u64(self.blocks);
        out.extend_from_slice(self.deletion.as_slice());
        Ok(())
    }
}

/// The offset of a block in its partition, from a payload in a row trie.
///
/// # Errors
/// [`TrieError::NoPosition`].
pub(super) fn block_offset(bits: u8, payload: &[u8]) -> Result<u64, TrieError> {
    let length = usize::from(bits & 7);
    let offset = payload.get(..length).filter(|offset| !offset.is_empty());
    offset.and_then(|offset| u64::try_from(sized_int(offset)).ok()).ok_or(TrieError::NoPosition)
}

/// The most bytes of an entry after its key: three integers of 9, and 12.
const TAIL: usize = 39;
