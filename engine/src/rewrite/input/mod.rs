//! The old SSTable: its chunks, how they are grouped into ranges, and how they become those of the
//! new one.

mod checksum;
mod layout;
mod ranges;
mod source;

pub(super) use checksum::{OrderedCrc, check_digest};
pub(super) use layout::{Layout, Route};
pub use ranges::{Chunking, RANGE_BYTES, Ranges};
pub(super) use source::{Checked, ChunkSource};
