//! Files beside the tables that a node encrypts, too: commit log segments, hints, saved caches
//! (FORMATS.md 10).
//!
//! [`SystemFileName`] says by its name what a file is. [`inspect()`] walks over all of it without any
//! key: what its header says, which keys its parts name, where it is torn or damaged.
//!
//! A node reads these files at its start: each section of a log, before it asks whether it needs
//! one. So while one is under a key, the key must not be destroyed.

mod blocks;
mod commit_log;
mod file;
mod hints;
mod inspect;
mod json;
mod name;
mod protection;
mod torn;
mod walk;

pub(crate) use blocks::Block;
pub use commit_log::SegmentHeader;
pub(crate) use commit_log::{Section, marker};
pub(crate) use file::{Head, OpenFile};
pub use hints::HintsDescriptor;
pub use inspect::{SystemFile, UnitUse, inspect};
pub use name::{HintsName, SegmentName, SystemFileName};
pub use protection::{KeystoreCipher, Protection};
pub use torn::{Torn, Why};
pub(crate) use walk::{Next, Walk};
