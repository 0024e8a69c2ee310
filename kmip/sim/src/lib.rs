//! A loopback KMIP server in memory, for tests, trials and the demo.
//!
//! It speaks KMIP 1.0 to 1.4, 2.0 and 2.1 over mutual TLS with the codec of `rekey-kmip`, keeps
//! objects with all their attributes and lets their dates drive their state, on a clock that can be
//! moved forward. A [`Quirk`] makes it behave like a real server that differs (KMIP.md 13, 14); a
//! [`Fault`] makes it break in a scripted way, once or always.
//!
//! It listens on the loopback interface only, keeps nothing on disk unless it is given a file, and
//! ends with its handle. It is not a key server: only the demo ships with it.

#![forbid(unsafe_code)]

mod clock;
mod connection;
mod ends;
mod file;
mod object;
mod operations;
mod pki;
mod script;
mod server;
mod shared;
mod store;
mod stores;

pub use clock::Clock;
pub use pki::{Credential, Pki, ServerCertificate};
pub use script::{Door, Fault, Quirk};
pub use server::{Simulator, SimulatorSettings};
pub use store::Store;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock is taken over: each change under it is complete.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
