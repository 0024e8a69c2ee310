//! Where sealed ranges go: Data.db, and the file that says where its chunks lie.
//!
//! Ranges come in any order. Where every chunk has a length that is known beforehand, each is
//! written at its place at once. Behind a compressor the place of a range is known when all ranges
//! before it are: those that come early wait here, and their number is bounded by
//! [`crate::pipeline::Limits::spread`].

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::slot::lock;
use crate::io::OutputFile;
use crate::pipeline::WipedBuffer;
use crate::wire::Put as _;
use crate::{Error, ErrorKind, Result};

/// A range as it goes to the disk.
#[derive(Debug)]
pub(super) struct SealedRange {
    /// Its number.
    pub(super) range: u64,
    /// The number of its first chunk.
    pub(super) first_chunk: u64,
    /// Bytes of each record.
    pub(super) records: Vec<usize>,
    /// CRC32 of each chunk.
    pub(super) crcs: Vec<u32>,
}

/// The file beside Data.db.
#[derive(Debug)]
pub(super) enum Side {
    /// CompressionInfo.db: the offset of each chunk, behind so many bytes.
    Offsets(u64),
    /// CRC.db: the CRC32 of each chunk, behind the length that they cover.
    Crcs,
}

/// The two files of a new SSTable that its ranges go to.
#[derive(Debug)]
pub(super) struct Sink {
    data: Box<dyn OutputFile>,
    side: Side,
    side_file: Box<dyn OutputFile>,
    placement: Placement,
}

#[derive(Debug)]
enum Placement {
    /// Every chunk but the last makes a record of so many bytes.
    Fixed(u64),
    Ordered(Mutex<Order>),
}

#[derive(Debug, Default)]
struct Order {
    next: u64,
    offset: u64,
    early: BTreeMap<u64, (SealedRange, WipedBuffer)>,
    spare: Vec<WipedBuffer>,
}

impl Sink {
    /// Every chunk but the last makes a record of `record` bytes.
    pub(super) fn fixed(
        data: Box<dyn OutputFile>,
        side: Side,
        side_file: Box<dyn OutputFile>,
        record: u64,
    ) -> Self {
        Self { data, side, side_file, placement: Placement::Fixed(record) }
    }

    /// The lengths of records show when they are made.
    pub(super) fn ordered(
        data: Box<dyn OutputFile>,
        side: Side,
        side_file: Box<dyn OutputFile>,
    ) -> Self {
        Self { data, side, side_file, placement: Placement::Ordered(Mutex::default()) }
    }

    /// Takes a range, whose bytes are in `image`. That may be another buffer afterwards.
    pub(super) fn put(&self, range: SealedRange, image: &mut WipedBuffer) -> Result<()> {
        let order = match &self.placement {
            Placement::Fixed(record) => {
                let offset = range.first_chunk.saturating_mul(*record);
                return self.write(&range, image.as_slice(), offset);
            }
            Placement::Ordered(order) => order,
        };
        let mut ready = Vec::new();
        {
            let mut order = lock(order);
            let spare = order.spare.pop().unwrap_or_default();
            order.early.insert(range.range, (range, std::mem::replace(image, spare)));
            loop {
                let next = order.next;
                let Some((range, bytes)) = order.early.remove(&next) else { break };
                let offset = order.offset;
                order.offset = offset.saturating_add(length(bytes.as_slice()));
                order.next = next.saturating_add(1);
                ready.push((offset, range, bytes));
            }
        }
        for (offset, range, bytes) in ready {
            self.write(&range, bytes.as_slice(), offset)?;
            lock(order).spare.push(bytes);
        }
        Ok(())
    }

    fn write(&self, range: &SealedRange, image: &[u8], offset: u64) -> Result<()> {
        self.data.write_at(image, offset)?;
        let mut side = Vec::new();
        let at = match self.side {
            Side::Offsets(head) => {
                let mut next = offset;
                for record in &range.records {
                    side.put_i64(i64::try_from(next).map_err(|_over| too_long())?);
                    next = next.saturating_add(u64::try_from(*record).unwrap_or(u64::MAX));
                }
                range.first_chunk.saturating_mul(8).saturating_add(head)
            }
            Side::Crcs => {
                for crc in &range.crcs {
                    side.extend_from_slice(&crc.to_be_bytes());
                }
                range.first_chunk.saturating_mul(4).saturating_add(4)
            }
        };
        self.side_file.write_at(&side, at)
    }

    /// Makes both files durable.
    pub(super) fn sync(&self) -> Result<()> {
        for file in [&self.data, &self.side_file] {
            file.sync()?;
            file.forget_cached();
        }
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn too_long() -> Error {
    Error::new(ErrorKind::Internal, "the new Data.db is longer than its format allows")
}
