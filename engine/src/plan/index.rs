//! Reads a piece of an encrypted Partitions.db (FORMATS.md 7.2, 7.3).

use zeroize::Zeroizing;

use super::beside::under_other_options;
use crate::codec::{Limits, PageError, PageOpener};
use crate::io::Source;
use crate::sstable::PAGE;
use crate::{Error, Result};

/// An encrypted Partitions.db whose pages are opened on demand.
pub(super) struct EncryptedIndex<'a> {
    file: &'a Source,
    opener: &'a PageOpener,
    pages: u64,
    /// The page at hand, and its number.
    plain: Zeroizing<Vec<u8>>,
    at: Option<u64>,
}

impl<'a> EncryptedIndex<'a> {
    pub(super) fn new(file: &'a Source, opener: &'a PageOpener) -> Self {
        let pages = file.length() / PAGE_BYTES;
        Self { file, opener, pages, plain: Zeroizing::default(), at: None }
    }

    /// The first partition key with its two-byte length. Checks on the way that the last page is
    /// filled to its usable bytes, which shows whether the site's limit for key ids is right.
    pub(super) fn first_key(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let last = self.pages.checked_sub(1).ok_or_else(|| self.damaged("it has no whole page"))?;
        let plain = self.page(last)?.len();
        let offset = last.saturating_mul(PAGE_BYTES);
        self.opener
            .geometry()
            .check_last(plain)
            .map_err(|error| refused(error).at(self.file.path()).offset(offset))?;
        let footer = self.plain.len().saturating_sub(24);
        let position = self.plain.get(footer..).and_then(|footer| footer.first_chunk::<8>());
        let position = position.map_or(u64::MAX, |position| u64::from_be_bytes(*position));
        let (mut page, mut from) = (position / PAGE_BYTES, position % PAGE_BYTES);
        let usable = u64::try_from(self.opener.geometry().usable()).unwrap_or(u64::MAX);
        if from >= usable {
            (page, from) = (page.saturating_add(1), 0);
        }
        let mut key = Zeroizing::new(Vec::new());
        let mut wanted = 2_usize;
        let mut from = usize::try_from(from).unwrap_or(usize::MAX);
        while key.len() < wanted {
            let missing = wanted.saturating_sub(key.len());
            let plain = self.page(page)?;
            let rest = plain.get(from..).unwrap_or_default();
            let taken = rest.get(..missing).unwrap_or(rest);
            if taken.is_empty() {
                return Err(self.damaged("its first key does not lie in it"));
            }
            key.extend_from_slice(taken);
            from = from.saturating_add(taken.len());
            if from >= self.opener.geometry().usable() {
                (page, from) = (page.saturating_add(1), 0);
            }
            if let Some(length) = key.first_chunk::<2>() {
                wanted = usize::from(u16::from_be_bytes(*length)).saturating_add(2);
            }
        }
        Ok(key)
    }

    fn page(&mut self, page: u64) -> Result<&[u8]> {
        if page >= self.pages {
            return Err(self.damaged("it points past its end"));
        }
        if self.at != Some(page) {
            self.at = None;
            let offset = page.saturating_mul(PAGE_BYTES);
            let mut scratch = Vec::new();
            let stored = self.file.slice(offset, PAGE, &mut scratch)?;
            self.plain.resize(PAGE, 0);
            let (length, _either) = self
                .opener
                .open(stored, &mut self.plain)
                .map_err(|error| refused(error).at(self.file.path()).offset(offset))?;
            self.plain.truncate(length);
            self.at = Some(page);
        }
        Ok(&self.plain)
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::corrupt(what).at(self.file.path()).hint(
            "compare the key with the one that the node used; if it is right, restore the index \
             from a backup, or scrub the SSTable on the node",
        )
    }
}

/// Data.db was read with these keys already, so what does not decrypt is under something else.
fn refused(error: PageError) -> Error {
    match error {
        PageError::Chunk(_) | PageError::LastPage { fits: Limits(None), .. } => {
            under_other_options(error.into())
        }
        _ => error.into(),
    }
}

const PAGE_BYTES: u64 = 4096;
