//! The facade: what a command line, or any other front end, calls.
//!
//! A [`Session`] holds the lease on the data directories; all verbs but [`status()`] work under it. Only
//! [`prepare()`] (and [`recover()`], which is a part of it), [`Prepared::run`] and [`abandon()`] change
//! anything; [`measure()`] writes files of its own, and removes them.
//!
//! A run keeps a journal while it lasts. One that was killed is resumed by the next one for the same target and
//! tables; [`status()`] says how far it is.

mod abandon;
mod alter;
mod census;
mod comparison;
mod evidence;
mod find;
mod inspect;
mod mark;
mod measure;
mod plan;
mod prepare;
mod product;
mod recover;
mod report;
mod reports;
mod request;
mod resumable;
mod rotations;
mod run;
mod schema;
mod session;
mod state_dir;
mod status;
mod sweep;
mod system;
mod targets;
mod tasks;
mod verify;
mod watch;
mod whose;

pub use crate::plan::{Archives, check_data_dirs};
pub use abandon::{Abandoned, abandon};
pub use alter::{Alteration, to_alter};
pub use census::census;
pub use comparison::{FoundOptions, TableOptions, TableVerdict, compare};
pub use evidence::{EvidenceRequest, Gathered, KeyPlaces, gather};
pub use find::{Found, find};
pub use measure::{Measured, Work, measure};
pub use plan::{plan, without_sstables};
pub use prepare::{Prepared, prepare};
pub use product::{Starting, starting};
pub use recover::{Recovered, recover};
pub use report::{Outcome, Report, SSTableReport};
pub use reports::{ReportDir, reports};
pub use request::{PlanRequest, SystemKinds, SystemRequest};
pub use rotations::{record as record_rotation, recorded_key, usage};
pub use schema::{schema, schema_of_file};
pub use session::{Said, Session, canonical};
pub use status::{SSTableStatus, Status, Totals, status};
pub use system::{abandon_beside, plan_system, prepare_system, verify_system};
pub use targets::{KeyAsked, OwnOptions, TargetOptions, TargetRequest, targets};
pub use verify::verify;
