//! What Partitions.db has beside its nodes (FORMATS.md 7.3).
//!
//! ```text
//! trie | first key | last key | zeros, if there are holes | footer
//! key      uint16 length, bytes
//! footer   int64 position of the first key, int64 number of keys, int64 address of the root
//! payload  [hash byte], position: of an entry in Rows.db, or the complement of one in Data.db
//! ```

use zeroize::Zeroizing;

use super::error::TrieError;
use super::sink::PageSink;
use super::source::PageSource;
use super::values::{put_sized_int, sized_int};
use crate::Result;
use crate::wire::{Put as _, Reader};

/// Bytes of a footer.
const FOOTER: u64 = 24;
const FOOTER_BYTES: usize = 24;

/// The end of a Partitions.db.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// Number of keys.
    pub(super) keys: u64,
    /// Address of the root.
    pub(super) root: u64,
    pub(super) first_key: Zeroizing<Vec<u8>>,
    pub(super) last_key: Zeroizing<Vec<u8>>,
}

impl Ending {
    /// Reads it.
    ///
    /// # Errors
    /// [`TrieError`] with the place, and what reading meets.
    pub(super) fn read(pages: &mut PageSource<'_>) -> Result<Self> {
        pages.check_last()?;
        let start = pages
            .end()
            .checked_sub(FOOTER)
            .ok_or_else(|| pages.place(0, TrieError::Outside("footer")))?;
        let (mut at, mut footer) = (start, [0; FOOTER_BYTES]);
        pages.read(&mut at, &mut footer, "footer")?;
        let mut reader = Reader::new(&footer);
        let mut long = || reader.u64("footer").unwrap_or(u64::MAX);
        let (mut position, keys, root) = (long(), long(), long());
        let wrong = || pages.place(start, TrieError::Footer);
        if position >= start || root >= start || keys > i64::MAX.cast_unsigned() {
            return Err(wrong());
        }
        let mut ending = Self { keys, root, ..Self::default() };
        pages.key(&mut position, &mut ending.first_key)?;
        pages.key(&mut position, &mut ending.last_key)?;
        if position > start {
            return Err(pages.place(start, TrieError::Footer));
        }
        Ok(ending)
    }

    /// Writes it; nothing can follow.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn write(&self, mut out: PageSink<'_>) -> Result<()> {
        let (first, last) = (self.first_key.len(), self.last_key.len());
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            first.saturating_add(last).saturating_add(FOOTER_BYTES),
        ));
        put_key(&mut bytes, &self.first_key)?;
        put_key(&mut bytes, &self.last_key)?;
        out.keep_whole(first.saturating_add(2), last.saturating_add(2))?;
        let position = out.next();
        out.put(&bytes)?;
        bytes.clear();
        bytes.put_u64(position);
        bytes.put_u64(self.keys);
        bytes.put_u64(self.root);
        out.put_last(&bytes)?;
        out.finish()
    }
}

/// Appends a key after its length.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] for one that is longer than any key.
pub(super) fn put_key(out: &mut Vec<u8>, key: &[u8]) -> Result<()> {
    let length = u16::try_from(key.len()).map_err(|_over| {
        crate::Error::new(crate::ErrorKind::Internal, "a key is longer than keys can be")
    })?;
    out.put_u16(length);
    out.extend_from_slice(key);
    Ok(())
}

/// The payload of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The low byte of the key's Bloom filter hash, if it is stored.
    pub(super) hash: Option<u8>,
    /// At least 0: of an entry in Rows.db; else the complement of one in Data.db.
    pub(super) position: i64,
}

impl Place {
    /// Decodes it by its bits.
    ///
    /// # Errors
    /// [`TrieError::NoPosition`].
    pub(super) fn decode(bits: u8, payload: &[u8]) -> Result<Self, TrieError> {
        let (hash, position) = match (bits >= 8, payload) {
            (true, [hash, position @ ..]) => (Some(*hash), position),
            (_, position) => (None, position),
        };
        match position.is_empty() {
            true => Err(TrieError::NoPosition),
            false => Ok(Self { hash, position: sized_int(position) }),
        }
    }

    /// Appends it, and returns its bits.
    pub(super) fn encode(self, out: &mut Vec<u8>) -> u8 {
        out.extend(self.hash);
        let length = put_sized_int(out, self.position);
        if self.hash.is_some() { length.saturating_add(7) } else { length }
    }
}
