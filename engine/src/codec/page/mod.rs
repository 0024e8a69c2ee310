//! Encrypted pages of Partitions.db and Rows.db (FORMATS.md 7.2).
//!
//! ```text
//! page of 4096 bytes
//!    0     L         as a chunk: [key header] [IV] [ciphertext]
//!    L     4088 - L  zeros
//! 4088     4         int32 L
//! 4092     4         int32 CRC32 of bytes 0..4092
//! ```
//!
//! The plaintext of a page has at most U bytes. Every pointer in the index counts pages of 4096
//! bytes whose last 4096 - U bytes are unusable. U is not stored: the database computes it from the
//! cipher and from the longest key header that its provider may write. So a page can be
//! re-encrypted in place only if U stays the same. With another U the whole index has to be laid
//! out again: `trie`.

mod batch;

pub use batch::PageBatch;

use zeroize::Zeroize as _;

use super::open::{ChunkError, ChunkOpener, Opened};
use super::seal::{ChunkSealer, mismatch};
use crate::crypto::{IvSource, Transformation};
use crate::keys::HeaderKind;
use crate::sstable::PAGE;
use crate::{Error, Result};

/// What is wrong with a page of an encrypted index, or with a plan for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Not a page of 4096 bytes: the file is truncated.
    #[error("the file ends inside a page, after {0} of its {PAGE} bytes")]
    Partial(usize),
    /// The CRC32 does not match.
    #[error("the page's CRC does not match its bytes")]
    Crc,
    /// The declared length leaves no room for the page's trailer.
    #[error("the page declares {0} encrypted bytes, not 1 to {CAPACITY}")]
    Length(i32),
    /// The bytes after the ciphertext are not zero.
    #[error("the page is not filled up with zeros")]
    Padding,
    /// Its encrypted bytes do not decrypt.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The plaintext is longer than a page's usable bytes.
    #[error(
        "the page has {plain} bytes in clear where its cipher and provider leave {usable}{fits}"
    )]
    PlainTooLong {
        /// Bytes of plaintext.
        plain: usize,
        /// Usable bytes of a page.
        usable: usize,
        /// The limits of key ids with which it would fit.
        fits: Limits,
    },
    /// The last page of Partitions.db is not filled to its usable bytes.
    #[error(
        "the last page has {plain} bytes in clear where its cipher and provider make {usable} of \
         it{fits}"
    )]
    LastPage {
        /// Bytes of plaintext.
        plain: usize,
        /// Usable bytes of a page.
        usable: usize,
        /// The limits of key ids with which it would fit.
        fits: Limits,
    },
    /// A key header is longer than the geometry allows.
    #[error("the key header has {header} bytes where the pages are laid out for {limit} at most")]
    Header {
        /// Bytes of the header.
        header: usize,
        /// Bytes that the geometry allows.
        limit: usize,
    },
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        let text = error.to_string();
        match error {
            PageError::Chunk(error) => error.into(),
            PageError::Header { .. } => {
                Self::invalid(text).hint("give the site's limit for key ids: --max-key-id-length")
            }
            PageError::LastPage { fits: Limits(Some(_)), .. }
            | PageError::PlainTooLong { fits: Limits(Some(_)), .. } => Self::invalid(text).hint(
                "give the value that the property \
                 com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength has on the nodes: \
                 --max-key-id-length; for SSTables from before it was changed, also the old one: \
                 --old-max-key-id-length",
            ),
            _ => Self::corrupt(text)
                .hint("scrub the SSTable on the node, or restore it from a backup"),
        }
    }
}

/// A range of limits of key ids that give the same usable bytes: from, to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits(pub Option<(usize, usize)>);

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some((from, to)) => {
                write!(f, "; it fits where key ids may have {from} to {to} bytes at most")
            }
            None => Ok(()),
        }
    }
}

/// How much of each page of an encrypted index can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageGeometry {
    transformation: Transformation,
    iv_length: usize,
    header: HeaderKind,
    header_limit: usize,
    usable: usize,
}

impl PageGeometry {
    /// The geometry under a cipher and a provider; `longest_id` is the site's limit for key ids in
    /// bytes, [`DATABASE_KEY_ID_LIMIT`](crate::keys::DATABASE_KEY_ID_LIMIT) unless its nodes are
    /// configured otherwise.
    #[must_use]
    pub fn new(
        transformation: &Transformation,
        iv_length: usize,
        header: HeaderKind,
        longest_id: usize,
    ) -> Self {
        let header_limit = header.longest(longest_id);
        let usable = usable(|plain| {
            predicted(iv_length, header_limit, transformation.ciphertext_length(plain))
        });
        let transformation = transformation.clone();
        Self { transformation, iv_length, header, header_limit, usable }
    }

    /// U: the usable bytes of a page.
    #[must_use]
    pub const fn usable(&self) -> usize {
        self.usable
    }

    /// Checks the last page of Partitions.db. The database always fills it to its usable bytes, so
    /// it shows whether the site's limit for key ids is right.
    ///
    /// # Errors
    /// [`PageError::LastPage`].
    pub fn check_last(&self, plain: usize) -> Result<(), PageError> {
        if plain == self.usable {
            return Ok(());
        }
        Err(PageError::LastPage { plain, usable: self.usable, fits: self.limits_for(plain) })
    }

    /// The limits of key ids that give a page this many usable bytes.
    fn limits_for(&self, usable: usize) -> Limits {
        let HeaderKind::Kmip = self.header else { return Limits(None) };
        let fits = |limit: &usize| {
            Self::new(&self.transformation, self.iv_length, self.header, *limit).usable == usable
        };
        // Usable bytes fall as the limit rises, so the limits that fit are contiguous.
        let mut limits = (1..CAPACITY).filter(fits);
        Limits(limits.next().map(|from| (from, limits.next_back().unwrap_or(from))))
    }
}

/// The largest number of bytes whose predicted length fits a page; 0 if none does. The length never
/// falls as the number rises, so a binary search finds it: a verification computes thousands of
/// geometries for each SSTable.
fn usable(predicted: impl Fn(usize) -> usize) -> usize {
    let (mut fits, mut beyond) = (0, CAPACITY + 1);
    while beyond - fits > 1 {
        let middle = usize::midpoint(fits, beyond);
        if predicted(middle) <= CAPACITY {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    fits
}

const fn predicted(iv: usize, header: usize, ciphertext: usize) -> usize {
    iv.saturating_add(header).saturating_add(ciphertext)
}

/// The encrypted bytes of a page, after its CRC, length and padding were checked; nothing is
/// decrypted.
///
/// # Errors
/// [`PageError`].
pub fn page_content(page: &[u8]) -> Result<&[u8], PageError> {
    if page.len() != PAGE {
        return Err(PageError::Partial(page.len()));
    }
    let short = || PageError::Partial(page.len());
    let (rest, crc) = page.split_last_chunk::<4>().ok_or_else(short)?;
    if crc32fast::hash(rest) != u32::from_be_bytes(*crc) {
        return Err(PageError::Crc);
    }
    let (body, declared) = rest.split_last_chunk::<4>().ok_or_else(short)?;
    let declared = i32::from_be_bytes(*declared);
    let (content, filling) = usize::try_from(declared)
        .ok()
        .filter(|length| *length > 0)
        .and_then(|length| body.split_at_checked(length))
        .ok_or(PageError::Length(declared))?;
    if filling.iter().any(|byte| *byte != 0) {
        return Err(PageError::Padding);
    }
    Ok(content)
}

/// Opens pages with the keys of a [`ChunkOpener`].
#[derive(Debug)]
pub struct PageOpener {
    keys: ChunkOpener,
    geometry: PageGeometry,
}

impl PageOpener {
    /// Opens pages of a geometry with these keys only.
    #[must_use]
    pub const fn new(keys: ChunkOpener, geometry: PageGeometry) -> Self {
        Self { keys, geometry }
    }

    /// The geometry of the pages.
    #[must_use]
    pub const fn geometry(&self) -> &PageGeometry {
        &self.geometry
    }

    /// Decrypts a page to the first bytes of `out`, which has at least [`PAGE`] bytes, and returns
    /// their count, at most U.
    ///
    /// A page does not store the length of its plaintext, so only the padding reveals a wrong key,
    /// and one in 256 passes. Where the right key is known from Data.db this is enough. The
    /// exception, until the trie itself is read, is a page whose header names the wrong key of a
    /// group (KMIP.md 3.4).
    ///
    /// # Errors
    /// [`PageError`]; the content of `out` is then meaningless.
    pub fn open(&self, page: &[u8], out: &mut [u8]) -> Result<(usize, Opened<'_>), PageError> {
        let content = page_content(page)?;
        let (plain, opened) = self.keys.open_unmeasured(content, out, &|_| true)?;
        let usable = self.geometry.usable;
        if plain > usable {
            let fits = self.geometry.limits_for(plain);
            return Err(PageError::PlainTooLong { plain, usable, fits });
        }
        Ok((plain, opened))
    }
}

/// Seals pages under one key.
#[derive(Debug)]
pub struct PageSealer {
    sealer: ChunkSealer,
    geometry: PageGeometry,
}

impl PageSealer {
    /// Seals pages of a geometry.
    ///
    /// # Errors
    /// [`PageError::Header`] when the key's header is longer than the geometry allows: the database
    /// would lay its pages out differently.
    pub fn new(sealer: ChunkSealer, geometry: PageGeometry) -> Result<Self, PageError> {
        let header = sealer.header_length();
        if header > geometry.header_limit {
            return Err(PageError::Header { header, limit: geometry.header_limit });
        }
        Ok(Self { sealer, geometry })
    }

    /// The geometry of the pages.
    #[must_use]
    pub const fn geometry(&self) -> &PageGeometry {
        &self.geometry
    }

    /// Bytes of a page before its ciphertext; the plaintext is put after them.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        self.sealer.prefix_length()
    }

    /// Turns an image of whole pages, each with its plaintext after its prefix, into what is
    /// written to disk. The rest of each page is overwritten.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when image and lengths do not match, and
    /// [`PageError::PlainTooLong`] for more than U bytes.
    pub fn seal(
        &self,
        image: &mut [u8],
        plain_lengths: &[usize],
        ivs: &mut IvSource,
    ) -> Result<()> {
        let usable = self.geometry.usable;
        if let Some(&plain) = plain_lengths.iter().find(|plain| **plain > usable) {
            return Err(PageError::PlainTooLong { plain, usable, fits: Limits(None) }.into());
        }
        let (pages, rest) = image.as_chunks_mut::<PAGE>();
        if !rest.is_empty() || pages.len() != plain_lengths.len() {
            return Err(mismatch());
        }
        let mut lanes = Vec::with_capacity(pages.len());
        for (page, &plain) in pages.iter_mut().zip(plain_lengths) {
            let length = self.sealed_length(plain);
            let (content, end) = page.split_at_mut_checked(length).ok_or_else(mismatch)?;
            end.zeroize();
            let (_, tail) = end.split_last_chunk_mut::<8>().ok_or_else(mismatch)?;
            let declared = i32::try_from(length).map_err(|_over| mismatch())?;
            let [a, b, c, d] = declared.to_be_bytes();
            *tail = [a, b, c, d, 0, 0, 0, 0];
            lanes.push(self.sealer.prepare(content, plain, ivs)?);
        }
        self.sealer.encrypt(&mut lanes)?;
        drop(lanes);
        for page in pages {
            let (rest, crc) = page.split_last_chunk_mut::<4>().ok_or_else(mismatch)?;
            *crc = crc32fast::hash(rest).to_be_bytes();
        }
        Ok(())
    }

    fn sealed_length(&self, plain: usize) -> usize {
        self.prefix_length().saturating_add(self.sealer.ciphertext_length(plain))
    }
}

/// Bytes of a page before its length and its CRC.
const CAPACITY: usize = PAGE - 8;

#[cfg(test)]
mod tests;
