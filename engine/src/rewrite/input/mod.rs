//! The old SSTable: its chunks, how they are grouped into ranges, and how they become those of the
//! new one.

mod checksum;
mod layout;
mod open;
mod ranges;

pub(super) use checksum::{OrderedCrc, check_digest};
pub(super) use layout::{Layout, Route};
pub(super) use open::open_chunks;
pub use ranges::{Chunking, RANGE_BYTES, Ranges};
