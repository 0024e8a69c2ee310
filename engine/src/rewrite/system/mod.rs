//! One file beside the tables: re-encrypted, read back, and put in its place; verified; or removed.

mod entries;
mod pass;
mod replace;
mod task;
mod unit;

pub(crate) use replace::{COMPANION_LIMIT, finish_system, is_of_a_replacement};
pub(crate) use task::try_first;
pub use task::{Successor, SystemTask, SystemWork};
pub use unit::{UnitOpener, UnitSealer};
