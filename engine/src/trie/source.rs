//! Reads pages of an index, in clear or encrypted, and streams of bytes over them.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use zeroize::Zeroizing;

use super::error::TrieError;
use crate::codec::{Opened, PageOpener};
use crate::io::Source;
use crate::keys::KeyId;
use crate::sstable::PAGE;
use crate::wire::Reader;
use crate::{Error, Result};

/// How the pages of an index are stored.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Stored<'a> {
    /// In clear; of each page so many bytes are used, 4096 in every database's own file.
    Clear {
        /// U.
        usable: usize,
    },
    /// Encrypted.
    Encrypted(&'a PageOpener),
}

impl Stored<'_> {
    /// An index as every product writes it in clear.
    pub const CLEAR: Self = Self::Clear { usable: PAGE };

    /// U: the usable bytes of a page.
    #[must_use]
    pub const fn usable(&self) -> usize {
        match self {
            Self::Clear { usable } => *usable,
            Self::Encrypted(opener) => opener.geometry().usable(),
        }
    }
}

/// An index file whose pages are opened on demand. A few of them are kept: depth first, each is then
/// opened about once (FORMATS.md 7.8).
#[derive(Debug)]
pub(super) struct PageSource<'a> {
    file: &'a Source,
    stored: Stored<'a>,
    usable: u64,
    kept: [Kept; KEPT],
    /// The place of the page that was used last.
    recent: usize,
    clock: u64,
    scratch: Vec<u8>,
    /// Pages under a key that their headers do not name.
    mislabelled: BTreeMap<KeyId, u64>,
}

#[derive(Debug, Default)]
struct Kept {
    number: Option<u64>,
    used: u64,
    page: Rc<Page>,
}

#[derive(Default, Clone)]
struct Page {
    plain: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Page {
    fn content(&self) -> &[u8] {
        self.plain.get(..self.length).unwrap_or_default()
    }
}

/// Without keys.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("length", &self.length).finish_non_exhaustive()
    }
}

/// A place in a page, which stays as it is while others are opened.
#[derive(Debug)]
pub(super) struct Held {
    page: Rc<Page>,
    offset: usize,
}

impl Held {
    /// The bytes to the end of the page.
    pub(super) fn bytes(&self) -> &[u8] {
        self.page.content().get(self.offset..).unwrap_or_default()
    }
}

impl<'a> PageSource<'a> {
    pub(super) fn new(file: &'a Source, stored: Stored<'a>) -> Self {
        Self {
            file,
            stored,
            usable: as_u64(stored.usable()),
            kept: Default::default(),
            recent: 0,
            clock: 0,
            scratch: Vec::new(),
            mislabelled: BTreeMap::new(),
        }
    }

    pub(super) const fn file(&self) -> &'a Source {
        self.file
    }

    /// Bytes of the file.
    pub(super) const fn length(&self) -> u64 {
        self.file.length()
    }

    /// Where what can be addressed ends: an encrypted file ends with a hole.
    pub(super) const fn end(&self) -> u64 {
        match self.stored {
            Stored::Clear { .. } => self.file.length(),
            Stored::Encrypted(_) => {
                self.file.length().saturating_sub(PAGE_BYTES.saturating_sub(self.usable))
            }
        }
    }

    /// Checks that an encrypted file ends with a page that is filled: only Partitions.db is bound to.
    ///
    /// # Errors
    /// [`crate::codec::PageError::LastPage`], with the limit of key ids that would fit.
    pub(super) fn check_last(&mut self) -> Result<()> {
        let Stored::Encrypted(opener) = self.stored else { return Ok(()) };
        let last = (self.length() / PAGE_BYTES).saturating_sub(1);
        let filled = self.page(last)?.len();
        let at = last.saturating_mul(PAGE_BYTES);
        opener.geometry().check_last(filled).map_err(|error| self.place(at, error))
    }

    /// The keys under which pages were found whose headers name another one, and how often such a
    /// page was opened.
    pub(super) fn mislabelled(&self) -> impl Iterator<Item = (&KeyId, u64)> {
        self.mislabelled.iter().map(|(id, pages)| (id, *pages))
    }

    /// The bytes from an address to the end of its page.
    ///
    /// # Errors
    /// [`TrieError::NodeCut`], and what opening the page meets.
    pub(super) fn from(&mut self, address: u64) -> Result<&[u8]> {
        let offset = self.find(address)?;
        Ok(self.recent().get(offset..).unwrap_or_default())
    }

    /// The same, to be kept while other pages are opened.
    ///
    /// # Errors
    /// As [`Self::from`].
    pub(super) fn hold(&mut self, address: u64) -> Result<Held> {
        let offset = self.find(address)?;
        let page = self.kept.get(self.recent).map(|kept| Rc::clone(&kept.page));
        Ok(Held { page: page.unwrap_or_default(), offset })
    }

    /// Opens the page of an address, and returns the offset in it.
    fn find(&mut self, address: u64) -> Result<usize> {
        let offset = usize::try_from(address % PAGE_BYTES).unwrap_or(usize::MAX);
        if offset >= self.page(address / PAGE_BYTES)?.len() {
            return Err(self.place(address, TrieError::NodeCut));
        }
        Ok(offset)
    }

    /// Fills `out` from a position, which is then after them: at the end of a page that may be the
    /// beginning of its hole, which is the base of an entry (FORMATS.md 7.4).
    ///
    /// # Errors
    /// [`TrieError::Outside`], and what opening a page meets.
    pub(super) fn read(&mut self, at: &mut u64, out: &mut [u8], what: &'static str) -> Result<()> {
        let mut rest = out;
        while !rest.is_empty() {
            *at = self.over_hole(*at);
            let from = *at;
            let offset = usize::try_from(from % PAGE_BYTES).unwrap_or(usize::MAX);
            if from >= self.length() {
                return Err(self.place(from, TrieError::Outside(what)));
            }
            let page = self.page(from / PAGE_BYTES)?.get(offset..).unwrap_or_default();
            let taken = page.len().min(rest.len());
            let (own, after) = rest.split_at_mut(taken);
            own.copy_from_slice(page.get(..taken).unwrap_or_default());
            if taken == 0 {
                return Err(self.place(from, TrieError::Outside(what)));
            }
            rest = after;
            *at = from.saturating_add(as_u64(taken));
        }
        Ok(())
    }

    /// A key: its length in two bytes, then its bytes, which replace what `key` had.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn key(&mut self, at: &mut u64, key: &mut Zeroizing<Vec<u8>>) -> Result<()> {
        let mut length = [0; 2];
        self.read(at, &mut length, "key")?;
        let length = usize::from(u16::from_be_bytes(length));
        if key.capacity() < length {
            // So that no key remains in a freed buffer.
            *key = Zeroizing::new(Vec::with_capacity(usize::from(u16::MAX)));
        }
        key.resize(length, 0);
        self.read(at, key, "key")
    }

    /// An integer of 1 to 9 bytes.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn uvint(&mut self, at: &mut u64, what: &'static str) -> Result<u64> {
        let start = *at;
        let mut bytes = [0; 9];
        let (first, rest) = bytes.split_at_mut(1);
        self.read(at, first, what)?;
        let more = first.first().map_or(0, |first| first.leading_ones());
        let more = usize::try_from(more).unwrap_or_default();
        self.read(at, rest.get_mut(..more).unwrap_or_default(), what)?;
        let value = Reader::new(&bytes).uvint(what);
        value.map_err(|_within| self.place(start, TrieError::Outside(what)))
    }

    /// Turns the beginning of a hole into the start of the next page.
    pub(super) const fn over_hole(&self, address: u64) -> u64 {
        if address % PAGE_BYTES < self.usable {
            return address;
        }
        (address / PAGE_BYTES).saturating_add(1).saturating_mul(PAGE_BYTES)
    }

    /// An error at an address of this file.
    pub(super) fn place(&self, address: u64, error: impl Into<Error>) -> Error {
        error.into().at(self.file.path()).offset(address)
    }

    fn recent(&self) -> &[u8] {
        self.kept.get(self.recent).map(|kept| kept.page.content()).unwrap_or_default()
    }

    /// The content of a page.
    fn page(&mut self, number: u64) -> Result<&[u8]> {
        let is_recent = self.kept.get(self.recent).is_some_and(|kept| kept.number == Some(number));
        if !is_recent {
            self.clock = self.clock.saturating_add(1);
            let found = self.kept.iter().position(|kept| kept.number == Some(number));
            self.recent = match found {
                Some(place) => place,
                None => self.open(number)?,
            };
            if let Some(kept) = self.kept.get_mut(self.recent) {
                kept.used = self.clock;
            }
        }
        Ok(self.recent())
    }

    /// Opens a page in the place of the one that was not used for longest.
    fn open(&mut self, number: u64) -> Result<usize> {
        let places = self.kept.iter_mut().enumerate();
        let Some((place, kept)) = places.min_by_key(|(_, kept)| kept.used) else { return Ok(0) };
        kept.number = None;
        let offset = number.saturating_mul(PAGE_BYTES);
        let left = self.file.length().saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
        if length == 0 {
            let error = Error::from(TrieError::NodeCut);
            return Err(error.at(self.file.path()).offset(offset));
        }
        let page = Rc::make_mut(&mut kept.page);
        page.plain.resize(PAGE, 0);
        let stored = self.file.slice(offset, length, &mut self.scratch)?;
        match self.stored {
            Stored::Clear { usable } => {
                let usable = usable.min(stored.len());
                page.length = usable;
                let (own, _) = page.plain.split_at_mut(usable);
                own.copy_from_slice(stored.get(..usable).unwrap_or_default());
            }
            Stored::Encrypted(opener) => {
                let (length, opened) = opener
                    .open(stored, &mut page.plain)
                    .map_err(|error| Error::from(error).at(self.file.path()).offset(offset))?;
                if let Opened::Under(id) = opened {
                    let pages = self.mislabelled.entry(id.clone()).or_default();
                    *pages = pages.saturating_add(1);
                }
                page.length = length;
            }
        }
        kept.number = Some(number);
        Ok(place)
    }
}

/// Bytes of a page, as a difference of addresses.
pub(super) const PAGE_BYTES: u64 = 4096;

/// Pages that are kept.
const KEPT: usize = 8;

pub(super) fn as_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
