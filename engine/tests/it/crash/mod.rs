//! Stop it anywhere, lose nothing: tests the promise of the README.
//!
//! * [`fault`] and [`power`] are storages that fail on purpose: a killed process, errors, half
//!   writes; and a disk that forgets what was not synced.
//! * [`judge`] says what a node would load from the debris. It shares no code with the engine.
//! * [`bench`] holds the invariants: a node starts; each SSTable is wholly old or wholly new; the
//!   next run succeeds and leaves nothing, and everything is under the new key; no census omits a
//!   key that a node needs; what was reported as done is done.
//! * [`archives`] tries every operation where snapshots and backups are replaced, too.
//! * [`matrix`] and [`outage`] try every operation of the whole command, [`ordered`] of one that
//!   recompresses, [`resume`] says what a resumed run does and refuses, [`space`] has disks of
//!   every size, [`swap`] tries the operations of a swap with everything that may go wrong after
//!   it, [`findings`] has past defects.
//! * [`system`] tries every operation on segments and hints, and has its own invariants.
//!
//! `REKEY_FAULTS` is the number of cases of each matrix, or `all` (minutes). A thinned matrix is
//! the same in each run.
#![expect(clippy::print_stdout, reason = "the figures of a matrix are its result")]

mod archives;
mod bench;
mod cases;
mod content;
mod dice;
mod fault;
mod findings;
mod judge;
mod matrix;
mod ordered;
mod outage;
mod power;
mod resume;
mod space;
mod swap;
mod system;

pub(crate) use bench::in_memory;
