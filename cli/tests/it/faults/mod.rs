//! Stop the real binary anywhere, lose nothing: system calls that fail or never come, and SIGKILL.
//!
//! * [`calls`]: what a traced run does to its files, and how to find the same place in a later run;
//! * [`inject`]: a run under strace with one call that fails or kills it;
//! * [`bench`]: data directories, and what must hold of them at any moment;
//! * [`matrix`]: every call with every fault, and faults in the runs that follow;
//! * [`kills`]: SIGKILL at random moments, until it is done;
//! * [`swaps`]: another user, whose tree it is, who swaps links for what a run works on.
//!
//! What a node would load is decided by `engine/tests/it/crash/judge`, and rows are read by
//! `engine/tests/it/kit/oracle.rs`: neither shares a line with the engine. `REKEY_FAULTS` is the
//! number of cases of each matrix, or `all`; `REKEY_SEED` is of the random moments;
//! `SSTABLEREKEY_BIN` names another binary. A release binary of the workspace and strace are all
//! that is needed.
#![expect(clippy::print_stdout, reason = "the figures of a matrix are its result")]

mod bench;
mod calls;
#[path = "../../../../engine/tests/it/crash/cases.rs"]
mod cases;
#[path = "../../../../engine/tests/it/crash/content.rs"]
mod content;
#[path = "../../../../engine/tests/it/crash/dice.rs"]
mod dice;
mod inject;
#[path = "../../../../engine/tests/it/crash/judge/mod.rs"]
mod judge;
mod kills;
mod matrix;
mod scenario;
mod swaps;
