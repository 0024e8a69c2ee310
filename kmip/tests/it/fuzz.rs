//! The fuzz targets of `kmip/fuzz`, on stable Rust, for a second each.

#[path = "../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is a library of its own, too"
)]
mod targets;

#[macro_use]
#[path = "../../fuzz/driver.rs"]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it tells of a run, and writes what it has found"
)]
pub(crate) mod driver;

targets! { certificate hosts identity reply request trust ttlv }
