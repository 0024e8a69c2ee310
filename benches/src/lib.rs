//! Inputs for the benchmarks: SSTables of any size and form, made with the engine's own codec.

#![forbid(unsafe_code)]

mod form;
mod plaintext;
mod site;

pub use form::Form;
pub use plaintext::Plaintext;
pub use site::sparse::Headers;
pub use site::{KEYSPACE, Site, TABLE};
