//! What is wrong with a server's certificate, named accurately.
//!
//! No text here comes from a library: its names for the same faults say nothing to an operator, and are
//! not always true (a chain with a key that is too short "has no known issuer").

use std::fmt;

use crate::message::Timestamp;
use crate::transport::Certificate;

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFailure {
    /// Neither it nor its issuer is in the truststore.
    #[error("neither it nor its issuer, {issuer:?}, is in the truststore")]
    Untrusted {
        /// The issuer's common name.
        issuer: String,
    },
    /// Its own issuer, and not in the truststore.
    #[error("it is self-signed, and not in the truststore")]
    SelfSigned,
    /// An authority's certificate that another one issued.
    #[error("it is the certificate of an authority (CA:TRUE), and not of a server")]
    Authority,
    /// A certificate that the truststore has under this issuer's name did not sign it.
    #[error("its signature is not by the certificate of {issuer:?} in the truststore")]
    OtherIssuer {
        /// The issuer's common name.
        issuer: String,
    },
    /// Its validity has ended.
    #[error("{whose} expired on {at}")]
    Expired {
        /// Which certificate.
        whose: Whose,
        /// When.
        at: Timestamp,
    },
    /// Its validity has not begun.
    #[error("{whose} is not valid before {at}")]
    NotYetValid {
        /// Which certificate.
        whose: Whose,
        /// When.
        at: Timestamp,
    },
    /// It belongs to another name.
    #[error("it is for {}, not for {wanted}", if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") })]
    OtherName {
        /// The host's name in the configuration.
        wanted: String,
        /// The names and addresses in the certificate.
        names: Vec<String>,
        /// The common name, which counts only with `verify_hostname=cn` and without other names.
        common_name: Option<String>,
    },
    /// X.509 version 1.
    #[error("it is an X.509 version 1 certificate, {JAVA_ONLY}")]
    Version1,
    /// A key that the TLS library does not accept.
    #[error("{whose} has a key of {key}, {JAVA_ONLY}")]
    Key {
        /// Which certificate.
        whose: Whose,
        /// Algorithm and size.
        key: String,
    },
    /// A signature that the TLS library does not accept.
    #[error("{whose} is signed with {signature}, {JAVA_ONLY}")]
    Signature {
        /// Which certificate.
        whose: Whose,
        /// The algorithm.
        signature: &'static str,
    },
    /// Its extended key usage is for something else.
    #[error("its extended key usage does not allow it to be a server's")]
    Usage,
    /// An issuer may not issue it.
    #[error("its issuer may not issue certificates for its names (name constraints)")]
    NameConstraints,
    /// An issuer's path length is too short for the chain.
    #[error("an issuer may not have so many authorities below it (path length)")]
    PathLength,
    /// An issuer that is not an authority.
    #[error("{whose} is not the certificate of an authority (CA:TRUE)")]
    NotAnAuthority {
        /// Which certificate.
        whose: Whose,
    },
    /// A critical extension that the TLS library does not know.
    #[error(
        "it, or the certificate of an issuer, has a critical extension that this program's TLS library \
         does not know, such as policy constraints"
    )]
    CriticalExtension,
    /// It is not a certificate as the standard defines it.
    #[error("it is not made as the standard (RFC 5280) has it")]
    Malformed,
    /// Anything else.
    #[error("its chain cannot be checked: this program's TLS library gives no reason")]
    Other,
}

/// Which certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Whose {
    /// The server's own.
    Server,
    /// An issuer's, by its common name.
    Issuer(String),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("it"),
            Self::Issuer(name) => write!(f, "its issuer's certificate, {name:?},"),
        }
    }
}

impl CertificateFailure {
    pub(super) const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Untrusted { .. } => {
                "import the issuer's certificate, or the server's own, into the truststore"
            }
            Self::SelfSigned => "import it into the truststore: keytool -importcert",
            Self::Authority => {
                "issue a certificate of its own to the server, or import this very one into the \
                 truststore"
            }
            Self::OtherIssuer { .. } => {
                "the authority was renewed under its old name, or this is another server: import the \
                 certificate that signed the server's into the truststore"
            }
            Self::Expired { .. } | Self::NotYetValid { .. } => {
                "renew the certificate, and compare the clocks of both hosts"
            }
            Self::OtherName { names, common_name: Some(_), .. } if names.is_empty() => {
                "write the certificate's name in `hosts`, or accept it by --kmip-set \
                 GROUP.verify_hostname=cn (its common name) or =off (any name)"
            }
            Self::OtherName { .. } => {
                "write one of the certificate's names in `hosts`, or accept any name by --kmip-set \
                 GROUP.verify_hostname=off"
            }
            Self::Version1 | Self::Key { .. } | Self::Signature { .. } => {
                "issue a version 3 certificate with SHA-256 and RSA 2048 bits, or EC, to the server; \
                 until then fetch the keys by another client and give them by --kmip-keys \
                 (docs/KEY-SERVERS.md, \"Servers that only Java reaches\")"
            }
            Self::Usage => "issue a certificate with the extended key usage serverAuth, or none",
            Self::NameConstraints
            | Self::PathLength
            | Self::CriticalExtension
            | Self::NotAnAuthority { .. } => {
                "have the authority issue the server's certificate without it, or import the server's \
                 own certificate into the truststore"
            }
            Self::Malformed => "issue a new certificate to the server",
            Self::Other => return None,
        })
    }

    /// A name mismatch, told from the certificate.
    pub(in crate::transport) fn other_name(wanted: &str, certificate: &Certificate) -> Self {
        Self::OtherName {
            wanted: wanted.to_owned(),
            names: certificate.names.clone(),
            common_name: certificate.common_name.clone(),
        }
    }
}

/// The text for a certificate that the database's TLS accepts and this program's does not.
const JAVA_ONLY: &str = "which Java accepts and this program's TLS library does not";
