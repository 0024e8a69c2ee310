//! One SSTable: re-encrypted into a staging directory, read back, swapped in; or verified.
//!
//! Both are [`crate::pipeline::Task`]s. The pieces are ranges of chunks, a few MiB each.

mod digest;
mod input;
mod lock;
mod publish;
mod readback;
mod resume;
mod scratch;
mod sstable;
mod staging;
mod successor;
mod system;
mod task;
mod trial;
mod verify;
mod write;

pub use input::{Chunking, RANGE_BYTES, Ranges};
pub use publish::{Keep, sweep};
pub(crate) use publish::{finish_copies, pending_copies};
pub use resume::Resumed;
pub use scratch::Scratch;
pub use sstable::{Rewrite, RewriteJob};
pub(crate) use staging::{StagingArea, create_state_directory};
pub(crate) use system::{COMPANION_LIMIT, finish_system, is_of_a_replacement, try_first};
pub use system::{Successor, SystemTask, SystemWork, UnitOpener, UnitSealer};
pub use task::RewriteStage;
pub(crate) use trial::{Place, SmallTrial, Trial};
pub use verify::{Reading, Verify};
