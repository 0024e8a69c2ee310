//! One SSTable: re-encrypted into a staging directory, read back, swapped in; or verified.
//!
//! Both are [`crate::pipeline::Task`]s. The pieces are ranges of chunks, a few MiB each.

mod components;
mod copies;
mod digest;
mod envelope;
mod image;
mod layout;
mod ledger;
mod progress;
mod ranges;
mod resume;
mod sink;
mod slot;
mod source;
mod sstable;
mod staging;
mod verify;

pub use copies::{FinishedCopies, finish_copies, pending_copies};
pub use digest::PlainDigest;
pub use ranges::{Chunking, RANGE_BYTES, Ranges};
pub use resume::Resumed;
pub use sstable::{Rewrite, RewriteJob, STAGE_REWRITE, STAGE_VERIFY};
pub use staging::{Keep, StagingArea, create_state_directory, sweep};
pub use verify::Verify;
