//! Decrypts every chunk of an SSTable and believes nothing.

use std::path::Path;
use std::sync::Mutex;

use super::components;
use super::ranges::{Chunking, Ranges};
use super::slot::{Slot, lock};
use super::source::ChunkSource;
use crate::codec::DecodeScratch;
use crate::io::{NodeLease, Storage};
use crate::keys::KeyRing;
use crate::pipeline::{Next, OrderedCrc, Scratch, Task};
use crate::plan::{Facts, Inspector};
use crate::sstable::{Component, parse_digest};
use crate::{Error, ErrorKind, Result};

/// The verification of one SSTable: CRC, key, padding and length of each chunk, and the digest of
/// the whole file.
#[derive(Debug)]
pub struct Verify<'a> {
    storage: &'a dyn Storage,
    inspector: Inspector<'a>,
    facts: &'a Facts,
    /// The keys that it needs, if it is encrypted.
    ring: &'a KeyRing,
    open: Slot<Open>,
    crc: Mutex<OrderedCrc>,
    warnings: Mutex<Vec<Error>>,
}

#[derive(Debug)]
struct Open {
    source: ChunkSource,
    ranges: Ranges,
}

impl<'a> Verify<'a> {
    /// Prepares it.
    #[must_use]
    pub fn new(
        storage: &'a dyn Storage,
        lease: &'a NodeLease,
        mapped: bool,
        facts: &'a Facts,
        ring: &'a KeyRing,
    ) -> Self {
        Self {
            storage,
            inspector: Inspector::new(storage, lease, mapped),
            facts,
            ring,
            open: Slot::default(),
            crc: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// What was strange about the SSTable; known when it was read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        lock(&self.warnings).clone()
    }
}

impl Task for Verify<'_> {
    fn bytes(&self) -> u64 {
        0
    }

    fn work(&self) -> u64 {
        self.facts.data_bytes
    }

    fn begin(&self) -> Result<Next> {
        let source = ChunkSource::of(self.facts, self.inspector, self.ring)?;
        let chunks = Chunking { length: source.chunk_length(), count: source.chunk_count() };
        let ranges = Ranges::new(source.data_length(), chunks, chunks);
        self.open.set(Open { source, ranges });
        Ok(Next::Stage { pieces: ranges.count() })
    }

    fn piece(&self, _stage: u32, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let open = self.open.get()?;
        let Scratch { input, plain, opened, codecs, .. } = scratch;
        let checked = open.source.check(open.ranges.old(piece), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        checked.plaintext(plain.sized(checked.plain_length()), &mut decode)?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let crc = checked.crc.clone();
        lock(&self.crc).add(piece, crc);
        Ok(bytes)
    }

    fn end(&self, _stage: u32) -> Result<Next> {
        let open = self.open.get()?;
        open.source.unchanged()?;
        *lock(&self.warnings) = open.source.mislabelled();
        let access = self.inspector.access();
        let strange = components::check(self.storage, access, self.facts, self.ring)?;
        lock(&self.warnings).extend(strange);
        if self.facts.sstable.has(&Component::Digest) {
            let path = self.facts.sstable.path(&Component::Digest);
            let crc = lock(&self.crc).value(open.ranges.count());
            check_digest(self.storage, &path, crc, ErrorKind::Mismatch)?;
        }
        self.open.take();
        Ok(Next::Done)
    }

    fn abandon(&self, _why: &Error) {
        self.open.take();
    }
}

/// Compares a Digest.crc32 with the CRC32 of its Data.db.
///
/// # Errors
/// `kind` when they differ: [`ErrorKind::Corrupt`] for damaged input, [`ErrorKind::Mismatch`]
/// where the comparison is what was asked for.
pub(super) fn check_digest(
    storage: &dyn Storage,
    path: &Path,
    crc: Option<u32>,
    kind: ErrorKind,
) -> Result<()> {
    let bytes = storage.read(path, DIGEST_LIMIT)?;
    let found = match parse_digest(&bytes) {
        Some(digest) if crc == Some(digest) => return Ok(()),
        Some(digest) => format!("it says {digest}"),
        None => "it is not a checksum".to_owned(),
    };
    let crc = crc.unwrap_or_default();
    Err(Error::new(kind, format!("{found}, but the CRC32 of Data.db is {crc}")).at(path).hint(
        "every chunk of Data.db is sound by its own checksum: restore the SSTable from a backup or \
         a replica, or, if only this file was damaged, move it away: a node can do without",
    ))
}

const DIGEST_LIMIT: u64 = 4096;
