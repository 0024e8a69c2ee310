//! The real binary: exit codes, JSON lines, text for people, and what never appears.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]
#![expect(clippy::disallowed_methods, reason = "tests damage files on purpose")]

mod archives;
#[path = "../../../engine/tests/it/kit/beside.rs"]
#[expect(dead_code, reason = "the engine's tests use more of it")]
mod beside;
#[cfg(feature = "demo")]
mod demo;
mod ended;
mod exit_codes;
mod faults;
mod generate;
mod json;
mod keys;
mod kit;
mod limits;
mod lost;
mod machine;
#[path = "../../../engine/tests/it/kit/oracle.rs"]
mod oracle;
mod owner;
mod pipes;
mod schema;
mod selection;
mod servers;
mod space;
#[path = "../../../engine/tests/it/kit/synthetic.rs"]
#[expect(dead_code, reason = "the engine's tests use more of it")]
mod synthetic;
mod unfinished;
mod words;
