//! A blocking KMIP client for key rotation: the TTLV codec, typed messages of KMIP 1.0 to 2.1,
//! mutual TLS, and the key stores that Java programs keep their certificates in.
//!
//! This crate knows nothing about SSTables, prints nothing, and reads no environment variables.
//!
//! * [`ttlv`]: the encoding. Borrowed, bounded, total.
//! * [`message`]: requests, replies, attributes, keys.
//! * [`transport`]: TLS connections with deadlines, and failures in an operator's words.
//! * [`client`]: operations on a group of hosts, and the database's choice of key.
//!
//! ```no_run
//! use rekey_kmip::client::{Client, ClientSettings};
//! use rekey_kmip::transport::{Host, TlsConnector, TlsSettings};
//!
//! # fn run(tls: TlsSettings) -> Result<(), Box<dyn std::error::Error>> {
//! let hosts = Host::parse_list("kmip1.example, kmip2.example:5697")?;
//! let mut client = Client::new(TlsConnector::new(&tls)?, ClientSettings::new(hosts))?;
//! let key = client.fetch(&"02-449".into())?;
//! println!("{} is {:?}", key.id, key.attributes.state());
//! # Ok(())
//! # }
//! ```
//!
//! `docs/KMIP.md` says how the database uses a key server. The documentation cites it by section.
//! "Inferred" has the same meaning as there.

#![forbid(unsafe_code)]

pub mod client;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod key_ids;
pub mod keystore;
pub mod message;
pub mod secret;
pub mod transport;
pub mod ttlv;

pub use error::{Error, HostFailure, Result};
