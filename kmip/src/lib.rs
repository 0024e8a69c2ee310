//! A blocking KMIP client for key rotation: the TTLV codec, typed messages of KMIP 1.0 to 2.1,
//! mutual TLS, and the key stores that Java programs keep their certificates in.
//!
//! This crate knows nothing of SSTables, prints nothing, and reads no environment.

#![forbid(unsafe_code)]

pub mod client;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod message;
pub mod transport;
pub mod ttlv;

pub use error::{Error, HostFailure, Result};
