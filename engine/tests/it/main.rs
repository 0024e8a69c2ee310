//! Integration tests of the engine, on SSTables that real databases wrote.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]
#![expect(clippy::disallowed_methods, reason = "tests damage files on purpose")]

mod archives;
mod bad_input;
mod circles;
mod citations;
mod compressors;
mod config;
mod crash;
mod crypto;
mod directions;
mod empty_chunks;
mod evidence;
mod fuzz;
mod kit;
mod layers;
mod map;
mod measure;
mod pages;
mod positional;
mod preflight;
mod properties;
mod rekey;
mod replicated;
mod servers;
mod sources;
mod system;
mod trie;
