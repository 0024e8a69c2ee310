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
mod configuration;
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
mod may_destroy;
#[path = "../../../engine/tests/it/kit/oracle.rs"]
mod oracle;
mod own_options;
mod owner;
mod pipes;
mod report;
mod schema;
mod selection;
mod servers;
mod space;
#[path = "../../../engine/tests/it/kit/synthetic.rs"]
#[expect(dead_code, reason = "the engine's tests use more of it")]
mod synthetic;
#[path = "../../../engine/tests/it/kit/system.rs"]
#[expect(dead_code, reason = "the engine's tests use more of it")]
mod system;
mod system_files;
mod unfinished;
mod window;
mod words;
