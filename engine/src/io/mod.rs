//! The only access to the file system.
//!
//! [`Storage`] is the one seam for everything that changes a file or a directory, so that tests can
//! stop, fail or tear any single step; [`Source`] hides whether bytes come from a map or a
//! positional read; `way` ensures that no symbolic link redirects a write; [`NodeLease`] is the
//! proof that no other process works on the data directories.

mod attributes;
mod directory;
mod holders;
mod lease;
mod local;
mod mmap;
mod mounts;
mod refusal;
mod rights;
mod source;
mod standing;
mod storage;
mod user;
mod waitless;
mod way;
mod whole;

pub use holders::{Holder, Unseen};
pub use lease::{LeaseMode, NodeLease};
pub use local::LocalStorage;
pub(crate) use rights::{NewOwner, Rights};
pub use source::{Access, Source};
pub use standing::{Mount, Standing};
pub use storage::{Entry, EntryKind, FileId, FileStat, OutputFile, Storage};
pub use user::{act_as_owner, own_user};
pub(crate) use user::{open_privileged, privileged};
pub use waitless::open_without_waiting;
pub(crate) use way::check_own;
pub use whole::{write_new, write_over};
