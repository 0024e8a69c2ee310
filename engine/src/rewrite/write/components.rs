//! Components beside Data.db: linked, since they never change, or, where they are encrypted,
//! re-encrypted and read back.
//!
//! ```text
//! Partitions.db, Rows.db   page by page in their places, where the geometry is the same, says the
//!                          plan; others are laid out anew, by `lay_out.rs`
//! Statistics.db            body by body; positions and checksums follow
//! ```
//!
//! As with Data.db, what was staged is read from the disk with the new key and no other, and its
//! plaintext compared with the one that went in.

use std::collections::BTreeMap;
use std::path::Path;

use zeroize::Zeroizing;

use crate::codec::{
    ChunkOpener, Limits, Metadata, Opened, PageBatch, PageError, PageOpener, PageSealer,
};
use crate::crypto::IvSource;
use crate::io::{Access, Source, Storage};
use crate::keys::{KeyId, KeyRing};
use crate::plan::{Facts, MetadataFate, opener, page_geometry, target_encryptor};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::sstable::RewriteJob;
use crate::sstable::{Component, PAGE, STATISTICS_LIMIT};
use crate::{Error, ErrorKind, Result};

/// Stages the successor of a component, durably, and reads it back. Returns what was unusual about
/// the old one.
///
/// `ratio` is the new compression ratio, if the compressor is another one.
pub(in crate::rewrite) fn carry_over(
    job: &RewriteJob<'_>,
    facts: &Facts,
    component: &Component,
    to: &Path,
    ratio: Option<f64>,
) -> Result<Vec<Error>> {
    let from = facts.sstable.path(component);
    if *component == Component::Statistics {
        return carry_over_metadata(job, facts, &from, to, ratio);
    }
    if !facts.encrypted_components.contains(component) {
        return job.storage.link_or_copy(&from, to).map(|()| vec![]);
    }
    match Encrypted::of(component, &from)? {
        Encrypted::Metadata => carry_over_metadata(job, facts, &from, to, ratio),
        Encrypted::Index { is_last_full } => reencrypt_index(job, facts, is_last_full, &from, to),
    }
}

/// Metadata stay as they are stored, each body, unless all of them are to be encrypted or in clear.
fn carry_over_metadata(
    job: &RewriteJob<'_>,
    facts: &Facts,
    from: &Path,
    to: &Path,
    ratio: Option<f64>,
) -> Result<Vec<Error>> {
    let fate = facts.metadata_fate(job.target);
    let is_encrypted = facts.encrypted_components.contains(&Component::Statistics);
    match (fate, ratio) {
        (MetadataFate::AsTheyAre, None) if !is_encrypted => {
            job.storage.link_or_copy(from, to).map(|()| vec![])
        }
        (MetadataFate::AsTheyAre, Some(ratio)) if !is_encrypted => {
            patch_metadata(job, facts, from, to, ratio).map(|()| vec![])
        }
        _ => rewrite_metadata(job, facts, from, to, (fate, ratio)),
    }
}

/// How a component beside Data.db is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encrypted {
    /// Body by body.
    Metadata,
    /// Page by page.
    Index {
        /// Whether its last page is filled to the usable bytes.
        is_last_full: bool,
    },
}

impl Encrypted {
    fn of(component: &Component, path: &Path) -> Result<Self> {
        match component {
            Component::Statistics => Ok(Self::Metadata),
            Component::Partitions => Ok(Self::Index { is_last_full: true }),
            Component::Rows => Ok(Self::Index { is_last_full: false }),
            Component::Data
            | Component::CompressionInfo
            | Component::Index
            | Component::Summary
            | Component::Filter
            | Component::Digest
            | Component::Toc
            | Component::Crc
            | Component::Other(_) => Err(Error::unsupported(format!(
                "{component} is encrypted, and this release does not know how"
            ))
            .at(path)
            .hint("use a node-side upgrade for this table")),
        }
    }
}

/// Decrypts what is encrypted beside Data.db. Returns what is unusual about it.
///
/// The site's limit for key ids is not known here: the last page of Partitions.db tells it.
pub(in crate::rewrite) fn check(
    storage: &dyn Storage,
    access: Access<'_>,
    facts: &Facts,
    ring: &KeyRing,
) -> Result<Vec<Error>> {
    let Some(options) = facts.shape.encryptor() else { return Ok(vec![]) };
    if facts.encrypted_components.is_empty() {
        return Ok(vec![]);
    }
    let keys = &opener(facts, ring)?;
    let mut strange = Vec::new();
    for component in &facts.encrypted_components {
        let path = facts.sstable.path(component);
        let is_last_full = match Encrypted::of(component, &path)? {
            Encrypted::Index { is_last_full } => is_last_full,
            Encrypted::Metadata => {
                let bytes = storage.read(&path, STATISTICS_LIMIT)?;
                let metadata = Metadata::open(&bytes, facts.version.has_metadata_checksums, keys)
                    .map_err(|error| Error::from(error).at(&path))?;
                strange.extend(mislabelled_bodies(&metadata, &path));
                continue;
            }
        };
        // With the shortest limit a page has the most usable bytes.
        let opener = PageOpener::new(keys.clone(), page_geometry(options, 1));
        let mut read = IndexRead::default();
        read.pages(&Source::open(&path, access)?, &opener, |_, _| Ok(()))?;
        if is_last_full {
            let fits = opener.geometry().check_last(read.last);
            let known =
                matches!(fits, Ok(()) | Err(PageError::LastPage { fits: Limits(Some(_)), .. }));
            if !known || read.longest > read.last {
                return Err(Error::corrupt(
                    "its last page is not filled to the usable bytes of a page",
                )
                .at(path)
                .hint("restore the index from a backup, or scrub the SSTable on the node"));
            }
        }
        strange.extend(read.strange(&path));
    }
    Ok(strange)
}

/// Metadata in clear with another compression ratio. It is only used for estimates and metrics
/// (FORMATS.md 8.2), so metadata that cannot be taken apart stays as it is.
fn patch_metadata(
    job: &RewriteJob<'_>,
    facts: &Facts,
    from: &Path,
    to: &Path,
    ratio: f64,
) -> Result<()> {
    let bytes = job.storage.read(from, STATISTICS_LIMIT)?;
    let patched = Metadata::parse_clear(&bytes, facts.version.has_metadata_checksums)
        .and_then(|mut metadata| metadata.patch_compression_ratio(ratio).map(|()| metadata));
    match patched {
        Ok(metadata) => stage(job, from, to, &metadata.format_clear()?),
        Err(_not_as_expected) => job.storage.link_or_copy(from, to),
    }
}

fn stage(job: &RewriteJob<'_>, from: &Path, to: &Path, bytes: &[u8]) -> Result<()> {
    let file = job.storage.create(to)?;
    file.copy_attributes(from)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    file.forget_cached();
    Ok(())
}

fn rewrite_metadata(
    job: &RewriteJob<'_>,
    facts: &Facts,
    from: &Path,
    to: &Path,
    (fate, ratio): (MetadataFate, Option<f64>),
) -> Result<Vec<Error>> {
    let checksums = facts.version.has_metadata_checksums;
    let open = |path: &Path, keys: Option<&ChunkOpener>| {
        let bytes = job.storage.read(path, STATISTICS_LIMIT)?;
        let opened = match keys {
            Some(keys) => Metadata::open(&bytes, checksums, keys),
            None => Metadata::parse_clear(&bytes, checksums).map_err(Into::into),
        };
        opened.map_err(|error| Error::from(error).at(path))
    };
    let is_encrypted = facts.encrypted_components.contains(&Component::Statistics);
    let keys = is_encrypted.then(|| opener(facts, job.ring)).transpose()?;
    let mut old = open(from, keys.as_ref())?;
    let strange = mislabelled_bodies(&old, from);
    if let Some(ratio) = ratio {
        old.patch_compression_ratio(ratio).map_err(|error| Error::from(error).at(from))?;
    }
    match fate {
        MetadataFate::AsTheyAre => {}
        MetadataFate::Encrypted => old.set_encrypted(true),
        MetadataFate::InClear => old.set_encrypted(false),
    }
    let (bytes, new_keys) = match fate {
        MetadataFate::InClear => (old.format_clear()?, None),
        MetadataFate::AsTheyAre | MetadataFate::Encrypted => {
            let (sealer, new_keys) = target_encryptor(job.target, job.ring)?;
            (old.seal(&sealer, &mut IvSource::from_os()?)?, Some(new_keys))
        }
    };
    stage(job, from, to, &bytes)?;
    if !open(to, new_keys.as_ref())?.same_content(&old) {
        return Err(mismatch(to));
    }
    Ok(strange)
}

fn reencrypt_index(
    job: &RewriteJob<'_>,
    facts: &Facts,
    is_last_full: bool,
    from: &Path,
    to: &Path,
) -> Result<Vec<Error>> {
    let (Some(options), Some(new_options)) = (facts.shape.encryptor(), job.target.encryptor())
    else {
        return Err(mismatch(from));
    };
    let (sealer, new_keys) = target_encryptor(job.target, job.ring)?;
    let geometry = page_geometry(options, facts.longest_id_beside(job.target));
    let old = PageOpener::new(opener(facts, job.ring)?, geometry);
    let geometry = page_geometry(new_options, job.target.longest_id());
    let sealer =
        PageSealer::new(sealer, geometry.clone()).map_err(|error| Error::from(error).at(from))?;
    let new = PageOpener::new(new_keys, geometry);

    let source = Source::open(from, job.inspector.access())?;
    let file = job.storage.create(to)?;
    file.copy_attributes(from)?;
    file.reserve(source.length())?;
    let mut digest = PlainDigest::new()?;
    let (mut ivs, mut batch) = (IvSource::from_os()?, PageBatch::default());
    let mut read = IndexRead::default();
    read.pages(&source, &old, |page, plain| {
        digest.add(page, plain);
        batch.add(&sealer, plain)?;
        if !batch.is_full() {
            return Ok(());
        }
        batch.flush(&sealer, &mut ivs, |bytes, offset| file.write_at(bytes, offset))
    })?;
    batch.flush(&sealer, &mut ivs, |bytes, offset| file.write_at(bytes, offset))?;
    if is_last_full {
        old.geometry().check_last(read.last).map_err(|error| Error::from(error).at(from))?;
    }
    source.unchanged()?;
    file.sync()?;
    file.forget_cached();

    let staged = Source::open(to, job.inspector.access())?;
    let mut back = PlainDigest::seeded(digest.seed());
    IndexRead::default().pages(&staged, &new, |page, plain| {
        back.add(page, plain);
        Ok(())
    })?;
    if back != digest || staged.length() != source.length() {
        return Err(mismatch(to));
    }
    Ok(read.strange(from))
}

/// What was seen while an index was read.
#[derive(Debug, Default)]
struct IndexRead {
    /// Plaintext bytes of the last page, and of the one that has most.
    last: usize,
    longest: usize,
    /// Pages under a key that their headers do not name.
    mislabelled: BTreeMap<KeyId, u64>,
}

impl IndexRead {
    /// Opens all pages, in order.
    fn pages(
        &mut self,
        file: &Source,
        opener: &PageOpener,
        mut each: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut scratch = Vec::new();
        let mut plain = Zeroizing::new(vec![0; PAGE]);
        let (mut page, mut offset) = (0_u64, 0_u64);
        while offset < file.length() {
            let left = usize::try_from(file.length().saturating_sub(offset)).unwrap_or(PAGE);
            let stored = file.slice(offset, left.min(PAGE), &mut scratch)?;
            let (length, opened) = opener
                .open(stored, &mut plain)
                .map_err(|error| Error::from(error).at(file.path()).offset(offset))?;
            if let Opened::Under(id) = opened {
                let pages = self.mislabelled.entry(id.clone()).or_default();
                *pages = pages.saturating_add(1);
            }
            self.last = length;
            self.longest = self.longest.max(length);
            each(page, plain.get(..length).unwrap_or_default())?;
            page = page.saturating_add(1);
            offset = offset.saturating_add(u64::try_from(stored.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    fn strange(&self, path: &Path) -> Vec<Error> {
        let one = |(id, pages): (&KeyId, &u64)| mislabelled(path, id, *pages, "pages");
        self.mislabelled.iter().map(one).collect()
    }
}

fn mislabelled_bodies(metadata: &Metadata, path: &Path) -> Vec<Error> {
    let ids = metadata.bodies().iter().filter_map(|body| body.mislabelled());
    ids.map(|id| mislabelled(path, id, 1, "bodies")).collect()
}

pub(super) fn mislabelled(path: &Path, id: &KeyId, count: u64, what: &str) -> Error {
    Error::corrupt(format!(
        "{count} of its {what} name another key in their headers than the one that they are under, \
         as the database may write them when its key changes"
    ))
    .at(path)
    .key(id)
}

pub(super) fn mismatch(path: &Path) -> Error {
    Error::new(ErrorKind::Mismatch, "it does not decrypt to the plaintext of the old one")
        .at(path)
        .hint("the old SSTable is untouched; check the machine's memory and disk, run again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_component_of_an_unknown_kind_is_named_and_not_taken_for_an_index() {
        let path = Path::new("/data/nb-1-big-SAI+x.db");
        let of = |name| Encrypted::of(&Component::parse(name), path);
        assert_eq!(of("Statistics.db").unwrap(), Encrypted::Metadata);
        assert_eq!(of("Rows.db").unwrap(), Encrypted::Index { is_last_full: false });
        for name in ["SAI+x.db", "Filter.db", "Index.db"] {
            let error = of(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.chain().contains(name), "{}", error.chain());
        }
    }
}
