//! Decrypts every chunk of an SSTable and trusts nothing.

use std::sync::Mutex;

use super::input::{Chunking, OrderedCrc, Ranges, check_digest, open_chunks};
use super::lock::lock;
use super::scratch::Scratch;
use super::write::check_components;
use crate::codec::{ChunkSource, DecodeScratch};
use crate::io::{NodeLease, Storage};
use crate::keys::KeyRing;
use crate::pipeline::{Next, Task};
use crate::plan::{Facts, Inspector};
use crate::sstable::Component;
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
    warnings: Mutex<Vec<Error>>,
}

/// An SSTable that is read.
#[derive(Debug)]
pub struct Reading {
    source: ChunkSource,
    ranges: Ranges,
    crc: Mutex<OrderedCrc>,
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
            warnings: Mutex::default(),
        }
    }

    /// What was unusual about the SSTable; known after it was read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Error> {
        lock(&self.warnings).clone()
    }
}

impl Task for Verify<'_> {
    type Scratch = Scratch;
    type Stage = Reading;

    fn scratch() -> Result<Scratch> {
        Scratch::new()
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn work(&self) -> u64 {
        self.facts.data_bytes
    }

    fn begin(&self) -> Result<Next<Reading>> {
        let source = open_chunks(self.facts, self.inspector, self.ring)?;
        let chunks = Chunking { length: source.chunk_length(), count: source.chunk_count() };
        let ranges = Ranges::new(source.data_length(), chunks, chunks);
        let reading = Reading { source, ranges, crc: Mutex::default() };
        Ok(Next::stage(reading, ranges.count()))
    }

    fn piece(&self, open: &Reading, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let Scratch { input, plain, opened, codecs, .. } = scratch;
        let checked = open.source.check(open.ranges.old(piece), input)?;
        let mut decode = DecodeScratch { opened, context: codecs };
        checked.plaintext(plain.sized(checked.plain_length()), &mut decode)?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let crc = checked.crc.clone();
        lock(&open.crc).add(piece, crc);
        Ok(bytes)
    }

    fn end(&self, open: &Reading) -> Result<Next<Reading>> {
        open.source.unchanged()?;
        *lock(&self.warnings) = open.source.mislabelled();
        let access = self.inspector.access();
        let strange = check_components(self.storage, access, self.facts, self.ring)?;
        lock(&self.warnings).extend(strange);
        if self.facts.sstable.has(&Component::Digest) {
            let path = self.facts.sstable.path(&Component::Digest);
            let crc = lock(&open.crc).value(open.ranges.count());
            check_digest(self.storage, &path, crc, ErrorKind::Mismatch)?;
        }
        Ok(Next::Done)
    }

    fn abandon(&self, _open: Option<Reading>, _why: &Error) {}
}
