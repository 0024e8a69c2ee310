//! Looks at the data directories and decides everything, before a byte is written.
//!
//! [`discover()`] finds tables, an [`Inspector`] reads what an SSTable says of itself, [`KeyCensus`]
//! counts which keys encrypt what, and `Planner` turns all of it and a [`Target`] into a
//! [`Plan`]: a value that can be printed, and that [`crate::upgrade`] carries out without
//! deciding anything. An SSTable passes through a type for each phase on the way (`draft`), and a
//! [`PlannedSSTable`] is complete from the start.

mod action;
mod archive;
mod beside;
mod beside_fate;
mod census;
mod copies;
mod data_dir;
mod decision;
mod discover;
mod draft;
mod empty;
mod facts;
mod fate;
mod finding;
mod findings;
mod index;
mod inspect;
mod keys;
mod numbering;
mod planned;
mod planner;
mod preflight;
mod presence;
mod probe;
mod room;
mod shared;
mod space;
mod staging;
mod system;
mod tally;
mod target;
mod target_key;
mod targets;
mod write_key;

pub use action::{Action, SkipReason};
pub use archive::{Archive, ArchiveKind, Archives};
pub(crate) use beside::page_geometry;
pub use beside_fate::IndexFate;
pub(crate) use beside_fate::MetadataFate;
pub use census::{CensusRow, KeyCensus, Place};
pub use data_dir::check_data_dirs;
pub(crate) use data_dir::{DEEPEST, dangling, too_deep};
pub(crate) use discover::stranger;
pub use discover::{Discovery, Selection, Table, discover};
pub use empty::without_sstables;
pub use facts::{Facts, Shape};
pub use fate::Fate;
pub use finding::{Finding, Severity};
pub(crate) use findings::without_others;
pub use inspect::Inspector;
pub(crate) use keys::{ResolvedKeys, in_ring, opener_of, target_encryptor};
pub use keys::{opener, target_codec};
pub use planned::{Plan, PlannedRewrite, PlannedSSTable};
pub(crate) use planner::Planner;
pub(crate) use preflight::BesidePreflight;
pub use room::Room;
pub use space::Space;
pub(crate) use system::{Encrypts, FoundFile, SystemRules, decide, fetch, find, with_folders};
pub use system::{KeystoreAim, PlannedSystemFile, SystemAction, SystemAim, SystemPlan};
pub use tally::KeyUse;
pub use target::Target;
pub use target_key::{NewKey, TargetKey};
pub use targets::{Aim, Targets};
pub use write_key::{KeyChoice, KeyWish, Recorded, Usage};

/// The directory below each data directory where this program keeps its own files: outside any
/// table directory, on the same file system.
pub const STATE_DIRECTORY: &str = ".sstablerekey";

/// The directory below the state directory where reports of runs are kept: they stay when a run is over.
pub const REPORTS_DIRECTORY: &str = "reports";

/// The name of the file in it that was last changed when files of the node were last re-encrypted.
pub const REWRITTEN_FILE: &str = "rewritten";
