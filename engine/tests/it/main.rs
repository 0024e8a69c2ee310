//! Integration tests.

mod crypto;
