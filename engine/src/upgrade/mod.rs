//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; all verbs but [`status()`] work under it. Only
//! [`prepare()`] (and [`recover()`], which is a part of it), [`Prepared::run`] and [`abandon()`] change
//! anything.
//!
//! A run keeps a journal while it lasts. One that was killed is resumed by the next one for the same target and
//! tables; [`status()`] says how far it is.

mod abandon;
mod alter;
mod census;
mod find;
mod inspect;
mod plan;
mod prepare;
mod recover;
mod report;
mod request;
mod resumable;
mod rotations;
mod run;
mod session;
mod state_dir;
mod status;
mod sweep;
mod tasks;
mod verify;
mod watch;
mod whose;

pub use crate::plan::{Archives, check_data_dirs};
pub use abandon::{Abandoned, abandon};
pub use alter::{Alteration, to_alter};
pub use census::census;
pub use find::{Found, find};
pub use plan::{plan, without_sstables};
pub use prepare::{Prepared, prepare};
pub use recover::{Recovered, recover};
pub use report::{Outcome, Report, SSTableReport};
pub use request::PlanRequest;
pub use resumable::resumed_key;
pub use rotations::{record as record_rotation, recorded_key, usage};
pub use session::{Said, Session, canonical};
pub use status::{SSTableStatus, Status, Totals, status};
pub use verify::verify;
