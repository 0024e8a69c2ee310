//! The record of one run, from which the next run resumes.
//!
//! A journal says which ranges of which staged SSTables are durable, which are sealed, verified and
//! swapped. It is append-only. What a record says was true on the disk before the record was
//! written ([`Journal::append`]). The journal holds names, options, lengths and key ids. Anything
//! that would reveal something about a plaintext (checksums, digests) is passed in and returned as
//! sealed bytes.
//!
//! ```text
//! file    [magic 8][version u16] frame ...
//! frame   [marker 4][length u32][durable u64][time i64][payload][CRC32 of all before]
//! ```
//!
//! `durable` is how much of the file was known to be on the disk when the frame was written. So a
//! reader can distinguish a tail torn by a power loss, which is cut off, from damage in durable
//! data, which is refused: an intact frame after the bad one proves that the bad one was durable.

mod checkpoint;
mod envelope;
mod fields;
mod frame;
mod history;
mod ranges;
mod record;
mod replacement;
mod rotations;
mod site;
mod writer;

pub use checkpoint::Checkpoint;
pub use frame::JournalError;
pub use history::{Entry, History, Seen, StagedSSTable, State};
pub use ranges::{Missing, RangeSet};
pub use record::{Attempt, Ending, Part, Pass, Record, Run, SourceFile, Staged};
pub use replacement::{REPLACEMENT_FILE, Replacement};
pub use rotations::{ROTATIONS_FILE, Rotation, Rotations};
pub(crate) use site::MARKER_FILE;
pub use site::{Location, Marker, RunId, Site};
pub use writer::{Durability, JOURNAL_FILE, Journal};

#[cfg(test)]
mod tests;
