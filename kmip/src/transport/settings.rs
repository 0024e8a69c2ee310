//! The configuration of a TLS connection.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroize as _;

/// Settings of TLS. Their stores are opened elsewhere (`keystore`).
#[derive(Debug)]
pub struct TlsSettings {
    /// The certificates of the truststore: anchors of chains, and pins of leaves.
    pub trusted: Vec<CertificateDer<'static>>,
    /// The client's certificate and key; without one, no mutual TLS.
    pub identity: Option<Identity>,
    /// How the server's name is checked.
    pub verify_hostname: NameCheck,
    /// `protocol` by its Java name.
    pub protocol: Option<String>,
    /// `cipher_suites` by their Java names; empty means all.
    pub cipher_suites: Vec<String>,
}

/// The client's certificate chain, its own first, and private key, which is wiped when dropped.
pub struct Identity {
    /// Leaf and intermediates; not the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
}

/// How the name of a server is compared with its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NameCheck {
    /// A subject alternative name must match.
    #[default]
    Full,
    /// As `Full`, or the common name of a certificate without any alternative name.
    Cn,
    /// Not at all: any certificate that chains to the truststore will do.
    Off,
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Nothing to trust.
    #[error("the truststore holds no certificate")]
    EmptyTruststore,
    /// Nothing usable to trust.
    #[error("no certificate of the truststore can be read")]
    UnusableTruststore,
    /// The client's key does not load, or belongs to another certificate.
    #[error("the client's private key and certificate cannot be used: {0}")]
    Identity(&'static str),
    /// `protocol` leaves nothing.
    #[error("protocol {0:?} leaves no TLS version: this client has TLSv1.2 and TLSv1.3")]
    Protocol(String),
    /// `cipher_suites` leaves nothing.
    #[error("cipher_suites and protocol {protocol:?} leave nothing: this client has {}", supported.join(", "))]
    NoSuiteLeft {
        /// What could be named.
        supported: Vec<String>,
        /// The protocol in force.
        protocol: String,
    },
    /// No hosts.
    #[error("the group has no hosts")]
    NoHosts,
    /// `verify_hostname` is something else.
    #[error("verify_hostname is full, cn or off, not {0:?}")]
    NameCheck(String),
}

impl FromStr for NameCheck {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        match text {
            "full" => Ok(Self::Full),
            "cn" => Ok(Self::Cn),
            "off" => Ok(Self::Off),
            other => Err(SettingsError::NameCheck(other.to_owned())),
        }
    }
}

impl fmt::Display for NameCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Cn => "cn",
            Self::Off => "off",
        })
    }
}

/// rustls' key types do not wipe themselves.
impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates, key redacted)", self.chain.len())
    }
}
