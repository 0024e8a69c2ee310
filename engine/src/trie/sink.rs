//! Writes pages of an index, in clear or encrypted, one after the other.

use zeroize::{Zeroize as _, Zeroizing};

use super::node::LEAST_USABLE;
use super::source::{PAGE_BYTES, as_u64};
use crate::codec::{PageBatch, PageSealer};
use crate::crypto::IvSource;
use crate::io::OutputFile;
use crate::sstable::PAGE;
use crate::{Error, ErrorKind, Result};

/// How the pages of a new index are stored.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Storing<'a> {
    /// In clear. Of each page so many bytes are used, 4096 in every file for a database; less leaves
    /// the holes of an encrypted one, which shows a database that reads none how they lie.
    Clear {
        /// U.
        usable: usize,
    },
    /// Encrypted.
    Encrypted(&'a PageSealer),
}

impl Storing<'_> {
    /// An index as every product writes it in clear.
    pub const CLEAR: Self = Self::Clear { usable: PAGE };

    /// U: the usable bytes of a page.
    #[must_use]
    pub const fn usable(&self) -> usize {
        match self {
            Self::Clear { usable } => *usable,
            Self::Encrypted(sealer) => sealer.geometry().usable(),
        }
    }
}

/// An index file that is written. A page that is full is closed as soon as more follows, so that no
/// position but [`Self::position`] is ever in a hole.
pub(super) struct PageSink<'a> {
    file: &'a dyn OutputFile,
    storing: Storing<'a>,
    ivs: IvSource,
    usable: usize,
    /// The number of the page at hand, and its content.
    number: u64,
    content: Zeroizing<Vec<u8>>,
    /// Whole pages in clear that wait to be written, and where.
    clear: Zeroizing<Vec<u8>>,
    written: u64,
    sealed: PageBatch,
}

impl<'a> PageSink<'a> {
    /// Begins an empty file.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] for pages that do not hold every node, and [`ErrorKind::Io`] when the
    /// system gives no random bytes.
    pub(super) fn new(file: &'a dyn OutputFile, storing: Storing<'a>) -> Result<Self> {
        let usable = storing.usable();
        if !(LEAST_USABLE..=PAGE).contains(&usable) {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("pages of {usable} usable bytes do not hold every node"),
            ));
        }
        Ok(Self {
            file,
            storing,
            ivs: IvSource::from_os()?,
            usable,
            number: 0,
            content: Zeroizing::new(Vec::with_capacity(PAGE)),
            clear: Zeroizing::new(Vec::with_capacity(CLEAR_AT_ONCE)),
            written: 0,
            sealed: PageBatch::default(),
        })
    }

    /// U.
    pub(super) const fn usable(&self) -> usize {
        self.usable
    }

    /// Whether there are holes between the pages.
    pub(super) const fn has_holes(&self) -> bool {
        self.usable < PAGE
    }

    /// After the last byte: after a full page, where its hole begins.
    pub(super) fn position(&self) -> u64 {
        self.number.saturating_mul(PAGE_BYTES).saturating_add(as_u64(self.content.len()))
    }

    /// Where the next byte will be.
    pub(super) fn next(&self) -> u64 {
        if self.content.len() < self.usable {
            return self.position();
        }
        self.number.saturating_add(1).saturating_mul(PAGE_BYTES)
    }

    /// Bytes that the page of the next byte has left.
    pub(super) fn left(&self) -> usize {
        match self.usable.saturating_sub(self.content.len()) {
            0 => self.usable,
            left => left,
        }
    }

    /// Closes the page, unless nothing is in it.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn close_page(&mut self) -> Result<()> {
        if self.content.is_empty() { Ok(()) } else { self.put_page(PAGE) }
    }

    /// Appends bytes that lie in one page.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when they do not fit, and what writing meets.
    pub(super) fn put_whole(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.left() {
            return Err(Error::new(ErrorKind::Internal, "a node does not fit its page"));
        }
        self.put(bytes)
    }

    /// Appends bytes; what does not fit the page goes on in the next one.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.content.len() >= self.usable {
                self.put_page(PAGE)?;
            }
            let room = self.usable.saturating_sub(self.content.len());
            let (now, after) = rest.split_at(room.min(rest.len()));
            self.content.extend_from_slice(now);
            rest = after;
        }
        Ok(())
    }

    /// Closes the page if a key, or the bytes after it, would cross its end and need not: older
    /// readers go wrong where they skip a key that crosses a hole (FORMATS.md 7.8).
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn keep_whole(&mut self, key: usize, after: usize) -> Result<()> {
        let both = key.saturating_add(after);
        let wanted = if both <= self.usable { both } else { key };
        let crosses = wanted > self.left() && wanted <= self.usable;
        if self.has_holes() && crosses { self.close_page() } else { Ok(()) }
    }

    /// Ends the file with bytes that a reader finds at its end: where there are holes, at the end of
    /// the last page's usable bytes.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn put_last(&mut self, bytes: &[u8]) -> Result<()> {
        if self.has_holes() {
            if bytes.len() > self.left() {
                self.close_page()?;
            }
            let filling = self.left().saturating_sub(bytes.len());
            self.put([0; PAGE].get(..filling).unwrap_or_default())?;
        }
        self.put(bytes)
    }

    /// Writes what is left. An encrypted file has one page at least.
    ///
    /// # Errors
    /// What writing meets.
    pub(super) fn finish(mut self) -> Result<()> {
        let is_bare = self.number == 0 && matches!(self.storing, Storing::Encrypted(_));
        if is_bare || !self.content.is_empty() {
            self.put_page(self.content.len())?;
        }
        self.flush()
    }

    /// Hands the page over; in clear so many bytes of it.
    fn put_page(&mut self, length: usize) -> Result<()> {
        match self.storing {
            Storing::Clear { .. } => {
                let filling = length.saturating_sub(self.content.len());
                self.clear.extend_from_slice(&self.content);
                self.clear.extend(std::iter::repeat_n(0, filling));
            }
            Storing::Encrypted(sealer) => self.sealed.add(sealer, &self.content)?,
        }
        self.content.zeroize();
        self.number = self.number.saturating_add(1);
        match self.sealed.is_full() || self.clear.len() >= CLEAR_AT_ONCE {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self.storing {
            Storing::Clear { .. } => {
                self.file.write_at(&self.clear, self.written)?;
                self.written = self.written.saturating_add(as_u64(self.clear.len()));
                self.clear.clear();
                Ok(())
            }
            Storing::Encrypted(sealer) => {
                let file = self.file;
                self.sealed.flush(sealer, &mut self.ivs, |bytes, at| file.write_at(bytes, at))
            }
        }
    }
}

impl std::fmt::Debug for PageSink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageSink")
            .field("usable", &self.usable)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Bytes in clear that are written at once.
const CLEAR_AT_ONCE: usize = 64 * PAGE;
