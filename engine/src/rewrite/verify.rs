//! Decrypts every chunk of an SSTable and believes nothing.

use std::path::Path;
use std::sync::Mutex;

use super::ranges::Ranges;
use super::reader::ChunkReader;
use super::slot::{Slot, lock};
use crate::codec::ChunkOpener;
use crate::io::{NodeLease, Storage};
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
    /// Taken by `begin`.
    opener: Mutex<Option<ChunkOpener>>,
    open: Slot<Open>,
    crc: Mutex<OrderedCrc>,
}

#[derive(Debug)]
struct Open {
    reader: ChunkReader,
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
        opener: ChunkOpener,
    ) -> Self {
        Self {
            storage,
            inspector: Inspector::new(storage, lease, mapped),
            facts,
            opener: Mutex::new(Some(opener)),
            open: Slot::default(),
            crc: Mutex::default(),
        }
    }
}

impl Task for Verify<'_> {
    fn begin(&self) -> Result<Next> {
        let opener = lock(&self.opener).take();
        let reader = ChunkReader::open(
            &self.facts.data_path(),
            &self.facts.sstable.path(&Component::CompressionInfo),
            self.facts.version,
            self.inspector.access(),
            opener.ok_or_else(|| Error::new(ErrorKind::Internal, "verified twice"))?,
        )?;
        let ranges = Ranges::new(reader.header().chunk_count, reader.header().chunk_length);
        self.open.set(Open { reader, ranges });
        Ok(Next::Stage { pieces: ranges.count() })
    }

    fn piece(&self, _stage: u32, piece: u64, scratch: &mut Scratch) -> Result<u64> {
        let open = self.open.get()?;
        let checked = open.reader.check(open.ranges.get(piece), &mut scratch.input)?;
        let length = checked.plain_lengths().map(|n| open.reader.working_length(n)).sum();
        scratch.output.resize(length, 0);
        checked.decrypt(&mut scratch.output, 0, |n| open.reader.working_length(n), |_, _| {})?;
        let bytes = u64::try_from(checked.length()).unwrap_or(u64::MAX);
        let crc = checked.crc.clone();
        lock(&self.crc).add(piece, crc);
        Ok(bytes)
    }

    fn end(&self, _stage: u32) -> Result<Next> {
        let open = self.open.get()?;
        open.reader.unchanged()?;
        if self.facts.sstable.has(&Component::Digest) {
            let path = self.facts.sstable.path(&Component::Digest);
            let crc = lock(&self.crc).value(open.ranges.count());
            check_digest(self.storage, &path, crc, ErrorKind::Mismatch)?;
        }
        self.open.take();
        Ok(Next::Done)
    }

    fn abandon(&self) {
        self.open.take();
    }
}

/// Compares a Digest.crc32 with the CRC32 of its Data.db.
///
/// # Errors
/// [`ErrorKind::Corrupt`] when it is no number, and `kind` when it is another one.
pub(super) fn check_digest(
    storage: &dyn Storage,
    path: &Path,
    crc: Option<u32>,
    kind: ErrorKind,
) -> Result<()> {
    let cure = "restore the SSTable from a backup or a replica; if every chunk is sound, as here, \
                and the file was edited, remove it: a node can do without";
    let bytes = storage.read(path, DIGEST_LIMIT)?;
    let Some(digest) = parse_digest(&bytes) else {
        return Err(Error::corrupt("it is not a checksum").at(path).cure(cure));
    };
    if crc == Some(digest) {
        return Ok(());
    }
    Err(Error::new(
        kind,
        format!("it says {digest}, but the CRC32 of Data.db is {}", crc.unwrap_or_default()),
    )
    .at(path)
    .cure(cure))
}

const DIGEST_LIMIT: u64 = 4096;
