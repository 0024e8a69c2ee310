//! Targets that take any bytes in the place of what a key server sends, and of key stores.
//!
//! Each module has `run`, which must return for any input, and `seeds`, inputs that reach the code
//! under test. `testdata/fuzz/run` drives them by libFuzzer, and `kmip/tests/it/fuzz.rs` on stable
//! Rust.

pub mod certificate;
mod form;
pub mod hosts;
pub mod identity;
#[path = "../../src/message/tests/oasis.rs"]
mod oasis;
pub mod reply;
pub mod request;
mod stores;
pub mod trust;
pub mod ttlv;
