//! What the journal keeps of an SSTable, and how the next run uses it.

mod envelope;
mod ledger;
mod part;
mod progress;
mod resumed;

pub(super) use envelope::Envelope;
pub(super) use ledger::Ledger;
pub(super) use progress::{Note, Progress};
pub use resumed::Resumed;
