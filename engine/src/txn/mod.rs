//! The database's own transaction logs (FORMATS.md 9): the format, what a starting node does with a
//! log, and the swap of one SSTable for another.
//!
//! A starting node undoes a log without COMMIT and finishes one with it, even if this program is
//! gone. The crash safety of a swap depends on that alone, so the bytes written here are exactly
//! the database's.

mod flavor;
mod log;
mod record;
mod recovery;
mod swap;
mod view;

pub use flavor::{Flavor, MtimeRule, PathForm};
pub(crate) use log::LOG_LIMIT;
pub use log::{LogFileName, Verdict};
pub use record::{LogRecord, RecordError, RecordKind};
pub(crate) use recovery::take_back;
pub use recovery::{Recovery, recover};
pub(crate) use swap::changed_since_the_plan;
pub use swap::{Swap, publish};
pub use view::{DirectoryView, LiveSSTable};
