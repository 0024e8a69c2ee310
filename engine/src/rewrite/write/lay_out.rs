//! Partitions.db and Rows.db for pages of another size: laid out anew, and read back.
//!
//! As with Data.db, what was staged is read from the disk with the new key and no other: the whole
//! sequence of partitions is compared with the one that went in, and some of them are looked up through
//! the new index in the new Data.db.

use std::time::Instant;

use zeroize::Zeroizing;

use super::Writing;
use super::components::{mislabelled, mismatch};
use crate::codec::{ChunkSource, DecodeScratch, PageOpener, PageSealer};
use crate::compress::CodecContext;
use crate::io::{Access, Source};
use crate::memory::WipedBuffer;
use crate::plan::{IndexFate, opener, page_geometry, target_encryptor};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::readback::open_staged;
use crate::rewrite::sstable::Rewrite;
use crate::sstable::Component;
use crate::trie::{self, Belongs, Index, LaidOut, Stored, Storing};
use crate::{Error, ErrorKind, Result};

/// How the pages of both indices are stored: what opens the old ones, what seals the new ones, and what
/// opens these; none for an index in clear.
struct Pages {
    old: Option<PageOpener>,
    sealer: Option<PageSealer>,
    new: Option<PageOpener>,
}

impl Pages {
    fn stored(&self) -> Stored<'_> {
        self.old.as_ref().map_or(Stored::CLEAR, Stored::Encrypted)
    }

    fn storing(&self) -> Storing<'_> {
        self.sealer.as_ref().map_or(Storing::CLEAR, Storing::Encrypted)
    }

    fn stored_anew(&self) -> Stored<'_> {
        self.new.as_ref().map_or(Stored::CLEAR, Stored::Encrypted)
    }
}

impl Rewrite<'_> {
    /// Whether both indices are laid out anew.
    pub(super) fn is_laid_out(&self) -> bool {
        matches!(self.facts.index_fate(self.job.target), IndexFate::LaidOut { .. })
    }

    /// Stages both indices, durably, and reads them back. Data.db is staged already. The indices may
    /// have gigabytes: a run that is to end does not wait for them.
    pub(super) fn lay_out_index(&self, pass: &Writing<'_>) -> Result<()> {
        let staging = &pass.successor.staging;
        let pages = self.pages()?;
        let belongs = Belongs {
            data_length: pass.successor.layout.plain_length,
            has_no_gaps: self.facts.version.has_unsigned_deletion_times,
        };
        let access = self.job.inspector.access();
        let open = |component| Source::open(&self.facts.sstable.path(component), access);
        let old = (open(&Component::Partitions)?, open(&Component::Rows)?);
        let mut index = Index::open(&old.0, &old.1, pages.stored(), belongs)?;
        let mut digest = PlainDigest::new()?;
        let laid_out = {
            let partitions = self.create_staged(staging, &Component::Partitions)?;
            let rows = self.create_staged(staging, &Component::Rows)?;
            let add = |block, bytes: &[u8]| {
                digest.add(block, bytes);
                self.job.control.check(Instant::now())
            };
            let laid_out = trie::lay_out(&mut index, &*partitions, &*rows, pages.storing(), add)?;
            for file in [partitions, rows] {
                file.sync()?;
                file.forget_cached();
            }
            laid_out
        };
        index.unchanged()?;
        self.read_index_back(pass, &index, &pages, (belongs, digest), &laid_out)?;
        let mut strange = mislabelled_pages(&index);
        if laid_out.gaps > 0 {
            strange.push(
                Error::corrupt(format!(
                    "the rows of {} of its partitions do not end where the next one begins; they \
                     are carried over as they are",
                    laid_out.gaps
                ))
                .at(old.1.path()),
            );
        }
        self.note(|so_far| so_far.warnings.extend(strange));
        Ok(())
    }

    fn pages(&self) -> Result<Pages> {
        let (facts, target, ring) = (self.facts, self.job.target, self.job.ring);
        let is_encrypted = facts.encrypted_components.contains(&Component::Partitions);
        let old = match facts.shape.encryptor().filter(|_| is_encrypted) {
            Some(options) => {
                let geometry = page_geometry(options, facts.longest_id_beside(target));
                Some(PageOpener::new(opener(facts, ring)?, geometry))
            }
            None => None,
        };
        let Some(options) = target.encryptor() else {
            return Ok(Pages { old, sealer: None, new: None });
        };
        let geometry = page_geometry(options, target.longest_id());
        let (sealer, keys) = target_encryptor(target, ring)?;
        let sealer = PageSealer::new(sealer, geometry.clone())
            .map_err(|error| Error::from(error).at(facts.sstable.path(&Component::Partitions)))?;
        Ok(Pages { old, sealer: Some(sealer), new: Some(PageOpener::new(keys, geometry)) })
    }

    fn read_index_back(
        &self,
        pass: &Writing<'_>,
        old: &Index<'_>,
        pages: &Pages,
        (belongs, went_in): (Belongs, PlainDigest),
        laid_out: &LaidOut,
    ) -> Result<()> {
        let staging = &pass.successor.staging;
        let (at, rows) = (staging.file(&Component::Partitions), staging.file(&Component::Rows));
        let files =
            (Source::open(&at, Access::Positional)?, Source::open(&rows, Access::Positional)?);
        let mut came_back = PlainDigest::seeded(went_in.seed());
        let add = |block, bytes: &[u8]| {
            came_back.add(block, bytes);
            self.job.control.check(Instant::now())
        };
        // What cannot be read of it is no damage of the old one.
        let own = |error: Error| match error.kind() {
            ErrorKind::Interrupted => error,
            _ => mismatch(&at).wrapping(error),
        };
        let mut new =
            trie::read_sequence(old, (&files.0, &files.1), pages.stored_anew(), belongs, add)
                .map_err(own)?;
        if came_back != went_in {
            return Err(mismatch(&at));
        }
        let data = open_staged(&self.job, self.facts, &pass.successor)?;
        let (mut new_keys, mut old_keys) = (KeyReader::new(&data), KeyReader::new(&pass.source));
        for sampled in &laid_out.sample {
            let found = new.find(&sampled.path).map_err(own)?;
            let (position, in_entry) = found.ok_or_else(|| mismatch(&at))?;
            let key = new_keys.key_at(position)?;
            let is_known = sampled.key.as_ref().is_none_or(|own| *own == in_entry && *own == key);
            if position != sampled.position || !is_known || key != old_keys.key_at(position)? {
                return Err(mismatch(&at));
            }
        }
        Ok(())
    }
}

/// Pages under a key that their headers do not name. A page that is opened twice counts twice.
fn mislabelled_pages(index: &Index<'_>) -> Vec<Error> {
    let one = |(file, id, pages): (&Source, &_, u64)| mislabelled(file.path(), id, pages, "pages");
    index.mislabelled().map(one).collect()
}

/// Reads partition keys out of a Data.db.
struct KeyReader<'a> {
    data: &'a ChunkSource,
    /// The chunk at hand, and its plaintext.
    chunk: Option<u64>,
    plain: WipedBuffer,
    opened: WipedBuffer,
    input: Vec<u8>,
    codecs: CodecContext,
}

impl<'a> KeyReader<'a> {
    fn new(data: &'a ChunkSource) -> Self {
        Self {
            data,
            chunk: None,
            plain: WipedBuffer::default(),
            opened: WipedBuffer::default(),
            input: Vec::new(),
            codecs: CodecContext::default(),
        }
    }

    /// The key of the partition that begins at a position: a length of two bytes, then its bytes.
    fn key_at(&mut self, position: u64) -> Result<Zeroizing<Vec<u8>>> {
        let mut length = [0; 2];
        self.read(position, &mut length)?;
        let mut key = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
        self.read(position.saturating_add(2), &mut key)?;
        Ok(key)
    }

    fn read(&mut self, position: u64, out: &mut [u8]) -> Result<()> {
        let step = u64::from(self.data.chunk_length().bytes());
        let (mut at, mut rest) = (position, out);
        while !rest.is_empty() {
            let chunk = at / step;
            if self.chunk != Some(chunk) {
                self.open(chunk)?;
            }
            let from = usize::try_from(at % step).unwrap_or(usize::MAX);
            let there = self.plain.as_slice().get(from..).unwrap_or_default();
            let taken = there.len().min(rest.len());
            if taken == 0 {
                return Err(Error::corrupt("a partition's key is not within it")
                    .at(self.data.path())
                    .chunk(chunk)
                    .hint("scrub the SSTable on the node, or restore it from a backup"));
            }
            let (own, after) = rest.split_at_mut(taken);
            own.copy_from_slice(there.get(..taken).unwrap_or_default());
            rest = after;
            at = at.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    fn open(&mut self, chunk: u64) -> Result<()> {
        self.chunk = None;
        let checked = self.data.check(chunk..chunk.saturating_add(1), &mut self.input)?;
        let mut decode = DecodeScratch { opened: &mut self.opened, context: &mut self.codecs };
        checked.plaintext(self.plain.sized(checked.plain_length()), &mut decode)?;
        self.chunk = Some(chunk);
        Ok(())
    }
}
