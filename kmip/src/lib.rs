//! A blocking KMIP client for key rotation: the TTLV codec, typed messages of KMIP 1.0 to 2.1,
//! mutual TLS, and the key stores that Java programs keep their certificates in.
//!
//! This crate knows nothing of SSTables, prints nothing, and reads no environment.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod fuzzing;
pub mod message;
pub mod ttlv;
