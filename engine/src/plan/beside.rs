//! What is encrypted beside Data.db, and under which keys (FORMATS.md 7.1). Nothing is decrypted.
//!
//! Converged Core and DSE encrypt indices and metadata under the options in CompressionInfo.db;
//! Apache does not, and its `da` has the same name. So the files themselves say which they are.

use std::collections::BTreeMap;

use crate::codec::{PageGeometry, encrypted_bodies, page_content};
use crate::io::{Access, Source, Storage};
use crate::keys::{HeaderKind, KeyId};
use crate::options::EncryptorOptions;
use crate::sstable::{Component, PAGE, STATISTICS_LIMIT, Version, is_encrypted_page};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

/// What is encrypted beside Data.db.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The components.
    pub(super) components: Vec<Component>,
    /// Pages and metadata bodies under each key that their headers name.
    pub(super) pieces: BTreeMap<Option<KeyId>, u64>,
}

/// Looks at the indices and the metadata of an SSTable whose Data.db is encrypted with `options`.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] when they are neither in clear nor encrypted as they should be,
/// and [`crate::ErrorKind::Io`].
pub(super) fn look_beside(
    storage: &dyn Storage,
    access: Access<'_>,
    sstable: &LiveSSTable,
    version: &Version,
    options: &EncryptorOptions,
) -> Result<Beside> {
    let mut beside = Beside::default();
    let header = HeaderKind::from(options.provider());
    if version.may_encrypt_indices {
        beside.look_at_indices(access, sstable, header)?;
    }
    if version.may_encrypt_metadata {
        let path = sstable.path(&Component::Statistics);
        let bytes = storage.read(&path, STATISTICS_LIMIT)?;
        let bodies = encrypted_bodies(&bytes, version.has_metadata_checksums)
            .map_err(|error| Error::from(error).at(&path))?;
        for (_, body) in &bodies {
            beside.count(header, body).map_err(|error| error.at(&path))?;
        }
        if !bodies.is_empty() {
            beside.components.push(Component::Statistics);
        }
    }
    Ok(beside)
}

/// The geometry of index pages under some options; `longest_id` is the site's limit for key ids.
#[must_use]
pub(crate) fn page_geometry(options: &EncryptorOptions, longest_id: usize) -> PageGeometry {
    let header = HeaderKind::from(options.provider());
    PageGeometry::new(options.transformation(), options.iv_length(), header, longest_id)
}

impl Beside {
    /// Partitions.db decides, and Rows.db must be as it is: both have one writer.
    fn look_at_indices(
        &mut self,
        access: Access<'_>,
        sstable: &LiveSSTable,
        header: HeaderKind,
    ) -> Result<()> {
        let open = |component| Source::open(&sstable.path(&component), access);
        let (partitions, rows) = (open(Component::Partitions)?, open(Component::Rows)?);
        let encrypted = has_encrypted_page(&partitions)?;
        if !encrypted && !has_footer(&partitions)? {
            return Err(damaged("it is neither an index in clear nor an encrypted one")
                .at(partitions.path()));
        }
        if !encrypted && has_encrypted_page(&rows)? {
            return Err(damaged("it is encrypted, but Partitions.db is not").at(rows.path()));
        }
        if encrypted {
            for (component, file) in
                [(Component::Partitions, &partitions), (Component::Rows, &rows)]
            {
                self.count_pages(file, header)?;
                if file.length() > 0 {
                    self.components.push(component);
                }
            }
        }
        Ok(())
    }

    fn count_pages(&mut self, file: &Source, header: HeaderKind) -> Result<()> {
        let mut scratch = Vec::new();
        let mut offset = 0_u64;
        while offset < file.length() {
            let length = usize::try_from(file.length().saturating_sub(offset)).unwrap_or(WINDOW);
            let window = file.slice(offset, length.min(WINDOW), &mut scratch)?;
            for page in window.chunks(PAGE) {
                let place = |error: Error| error.at(file.path()).offset(offset);
                let content = page_content(page).map_err(|error| place(error.into()))?;
                self.count(header, content).map_err(under_other_options).map_err(place)?;
                offset = offset.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
            }
        }
        Ok(())
    }

    fn count(&mut self, header: HeaderKind, stored: &[u8]) -> Result<()> {
        let id = header.parse(stored)?.to_key_id();
        let pieces = self.pieces.entry(id).or_default();
        *pieces = pieces.saturating_add(1);
        Ok(())
    }
}

/// The error of an index page that is sound and not under the options that its Data.db is under.
pub(super) fn under_other_options(cause: Error) -> Error {
    let what = "it is not under the options in CompressionInfo.db, or not under a key of Data.db: some \
                releases wrote indices by what the schema said at that time";
    Error::new(cause.kind(), what)
        .wrapping(cause)
        .hint("have the node rewrite the SSTable if it can read it, or restore it from a backup")
}

/// Whether the first or the last page is one of an encrypted index: one of them may be damaged.
fn has_encrypted_page(file: &Source) -> Result<bool> {
    let mut scratch = Vec::new();
    let whole = file.length() / PAGE_BYTES;
    for page in [0, whole.saturating_sub(1)] {
        if page < whole
            && is_encrypted_page(file.slice(page.saturating_mul(PAGE_BYTES), PAGE, &mut scratch)?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the last bytes of a Partitions.db in clear are what they have to be: position of the
/// first key, number of keys, root of the trie (FORMATS.md 7.3), all before them.
fn has_footer(file: &Source) -> Result<bool> {
    let mut scratch = Vec::new();
    let Some(at) = file.length().checked_sub(FOOTER) else { return Ok(false) };
    let footer = file.slice(at, 24, &mut scratch)?;
    let mut longs = footer.as_chunks::<8>().0.iter().map(|long| u64::from_be_bytes(*long));
    let (first_key, keys, root) = (longs.next(), longs.next(), longs.next());
    Ok(first_key.is_some_and(|position| position < at)
        && keys.is_some_and(|keys| i64::try_from(keys).is_ok_and(|keys| keys > 0))
        && root.is_some_and(|root| root < at))
}

fn damaged(what: &'static str) -> Error {
    Error::corrupt(what).hint("restore the file from a backup, or scrub the SSTable on the node")
}

const PAGE_BYTES: u64 = 4096;
const FOOTER: u64 = 24;
/// Bytes looked at in one go: whole pages.
const WINDOW: usize = 256 * PAGE;
