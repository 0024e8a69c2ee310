//! Commit log segments (FORMATS.md 10.1).

mod header;
mod sections;

pub use header::SegmentHeader;
pub(crate) use sections::{Section, Sections, Step, marker};

/// An id as the CRCs of the log cover it: its low half, then its high half.
fn halves(id: i64) -> [u8; 8] {
    id.rotate_left(32).to_be_bytes()
}
