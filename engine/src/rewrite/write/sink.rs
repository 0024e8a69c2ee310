//! Where sealed ranges go: Data.db, and the file with the offsets of its chunks.
//!
//! Ranges arrive in any order. Where the length of every chunk is known beforehand, each range is
//! written at its place at once. After a compressor the place of a range is known once all ranges
//! before it are: ranges that arrive early wait here, and [`crate::pipeline::Limits::spread`]
//! bounds their number. So the written part has no gaps there, except for what other workers are
//! writing at that moment.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::io::OutputFile;
use crate::memory::WipedBuffer;
use crate::rewrite::lock::lock;
use crate::wire::Put as _;
use crate::{Error, ErrorKind, Result};

/// A range as it goes to the disk.
#[derive(Debug)]
pub(in crate::rewrite) struct SealedRange {
    /// Its number.
    pub(in crate::rewrite) range: u64,
    /// The number of its first chunk.
    pub(in crate::rewrite) first_chunk: u64,
    /// Bytes of each record.
    pub(in crate::rewrite) records: Vec<usize>,
    /// CRC32 of each chunk.
    pub(in crate::rewrite) crcs: Vec<u32>,
}

/// The file beside Data.db.
#[derive(Debug)]
pub(in crate::rewrite) enum Side {
    /// CompressionInfo.db: the offset of each chunk, after this many bytes.
    Offsets(u64),
    /// CRC.db: the CRC32 of each chunk, after the length that they cover.
    Crcs,
}

/// The two files of a new SSTable that its ranges go to.
#[derive(Debug)]
pub(in crate::rewrite) struct Sink {
    data: Box<dyn OutputFile>,
    side: Side,
    side_file: Box<dyn OutputFile>,
    placement: Placement,
}

#[derive(Debug)]
enum Placement {
    /// Every chunk but the last makes a record of this many bytes.
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
    pub(in crate::rewrite) fn fixed(
        data: Box<dyn OutputFile>,
        side: Side,
        side_file: Box<dyn OutputFile>,
        record: u64,
    ) -> Self {
        Self { data, side, side_file, placement: Placement::Fixed(record) }
    }

    /// The lengths of records are known only when they are built. Range `next` will be at `offset`.
    pub(in crate::rewrite) fn ordered(
        data: Box<dyn OutputFile>,
        side: Side,
        side_file: Box<dyn OutputFile>,
        next: u64,
        offset: u64,
    ) -> Self {
        let order = Order { next, offset, ..Order::default() };
        Self { data, side, side_file, placement: Placement::Ordered(Mutex::new(order)) }
    }

    /// Takes a range, whose bytes are in `image`, which may be another buffer afterwards. Returns
    /// the ranges that this call has written: this one, this one and others, or none yet.
    pub(in crate::rewrite) fn put(
        &self,
        range: SealedRange,
        image: &mut WipedBuffer,
    ) -> Result<Vec<u64>> {
        let order = match &self.placement {
            Placement::Fixed(record) => {
                let offset = range.first_chunk.saturating_mul(*record);
                self.write(&range, image.as_slice(), offset)?;
                return Ok(vec![range.range]);
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
        let mut written = Vec::with_capacity(ready.len());
        for (offset, range, bytes) in ready {
            self.write(&range, bytes.as_slice(), offset)?;
            lock(order).spare.push(bytes);
            written.push(range.range);
        }
        Ok(written)
    }

    fn write(&self, range: &SealedRange, image: &[u8], offset: u64) -> Result<()> {
        self.data.stream_at(image, offset)?;
        let mut side = Vec::new();
        match self.side {
            Side::Offsets(_) => {
                let mut next = offset;
                for record in &range.records {
                    side.put_i64(i64::try_from(next).map_err(|_over| too_long())?);
                    next = next.saturating_add(u64::try_from(*record).unwrap_or(u64::MAX));
                }
            }
            Side::Crcs => {
                for crc in &range.crcs {
                    side.extend_from_slice(&crc.to_be_bytes());
                }
            }
        }
        self.side_file.write_at(&side, self.side.place(range.first_chunk))
    }

    /// Makes both files durable.
    pub(in crate::rewrite) fn sync(&self) -> Result<()> {
        for file in [&self.data, &self.side_file] {
            file.sync()?;
            file.forget_cached();
        }
        Ok(())
    }

    /// Makes durable what was written so far, for a checkpoint; writing may continue meanwhile.
    pub(in crate::rewrite) fn checkpoint(&self) -> Result<()> {
        self.data.sync_data()?;
        self.side_file.sync_data()
    }
}

impl Side {
    /// The offset of its entry for a chunk.
    pub(in crate::rewrite) const fn place(&self, chunk: u64) -> u64 {
        match self {
            Self::Offsets(head) => chunk.saturating_mul(8).saturating_add(*head),
            Self::Crcs => chunk.saturating_mul(4).saturating_add(4),
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn too_long() -> Error {
    Error::new(ErrorKind::Internal, "the new Data.db is longer than its format allows")
}
