//! Connections: TCP with deadlines, mutual TLS, and explanations of what goes wrong.
//!
//! [`TlsConnector`] is the seam: the client above it knows hosts, deadlines and bytes, but no
//! sockets. Everything blocks; there is no runtime and, except for name resolution, no thread.

mod certificate;
mod deadline;
mod explain;
mod failure;
mod host;
mod names;
mod settings;
mod tcp;
mod tls;
mod verify;

pub use certificate::{Certificate, NotACertificate, PublicKey};
pub use deadline::{Deadline, Timeouts};
pub(crate) use failure::CREDENTIAL;
pub use failure::{
    Awaited, CertificateFailure, End, Failure, Moment, ProtocolFailure, Step, TlsFailure, Whose,
};
pub use host::{DEFAULT_PORT, Host, HostError};
pub use settings::{Identity, NameCheck, SettingsError, TlsSettings};
pub use tls::{Connection, TlsConnector, TlsStream};

use std::net::SocketAddr;

/// What a handshake showed, for the connection doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionFacts {
    /// The address that answered.
    pub address: SocketAddr,
    /// `TLSv1.2` or `TLSv1.3`, as Java names them.
    pub protocol: &'static str,
    /// The cipher suite, as Java names it.
    pub cipher_suite: String,
    /// The server's certificates, its own first.
    pub server_chain: Vec<Certificate>,
    /// Whether the server's own certificate is in the truststore, and was accepted for that reason.
    pub pinned: bool,
    /// Whether the server asked for a client certificate.
    pub asked_for_client_certificate: bool,
}

#[cfg(test)]
mod tests;
