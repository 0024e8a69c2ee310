//! Pages that are sealed side by side.

use zeroize::Zeroizing;

use super::PageSealer;
use crate::crypto::IvSource;
use crate::sstable::PAGE;
use crate::{Error, ErrorKind, Result};

/// Pages in clear that become one image.
#[derive(Default)]
pub struct PageBatch {
    image: Zeroizing<Vec<u8>>,
    lengths: Vec<usize>,
    offset: u64,
}

impl PageBatch {
    /// Adds a page by its plaintext.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it does not fit a page, or the batch is full.
    pub fn add(&mut self, sealer: &PageSealer, plain: &[u8]) -> Result<()> {
        if self.image.is_empty() {
            // Once, so that no plaintext remains in a freed buffer.
            self.image.resize(PAGES_AT_ONCE.saturating_mul(PAGE), 0);
        }
        let (pages, _) = self.image.as_chunks_mut::<PAGE>();
        pages
            .get_mut(self.lengths.len())
            .and_then(|page| page.get_mut(sealer.prefix_length()..))
            .and_then(|room| room.get_mut(..plain.len()))
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a page does not fit its place"))?
            .copy_from_slice(plain);
        self.lengths.push(plain.len());
        Ok(())
    }

    /// Whether it must be written before another page is added.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.lengths.len() >= PAGES_AT_ONCE
    }

    /// Seals its pages and hands them over with their place in the file.
    ///
    /// # Errors
    /// As [`PageSealer::seal`], and what `write` meets.
    pub fn flush(
        &mut self,
        sealer: &PageSealer,
        ivs: &mut IvSource,
        write: impl FnOnce(&[u8], u64) -> Result<()>,
    ) -> Result<()> {
        let filled = self.lengths.len().saturating_mul(PAGE);
        let image = self.image.get_mut(..filled).unwrap_or_default();
        sealer.seal(image, &self.lengths, ivs)?;
        write(image, self.offset)?;
        self.offset = self.offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        self.lengths.clear();
        Ok(())
    }
}

impl std::fmt::Debug for PageBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageBatch").field("lengths", &self.lengths).finish_non_exhaustive()
    }
}

/// Enough to fill the lanes of any kernel.
const PAGES_AT_ONCE: usize = 64;
