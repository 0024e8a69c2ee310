//! Integration tests of the engine, on SSTables that real databases wrote.

mod crypto;
mod kit;
mod rekey;
