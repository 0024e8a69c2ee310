//! What goes wrong in TLS, apart from the server's certificate.

use super::CertificateFailure;

/// How the TLS handshake, or TLS after it, failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The server's certificate is not accepted.
    #[error("the server's certificate is not accepted: {0}")]
    ServerCertificate(CertificateFailure),
    /// The server does not accept the client's certificate.
    #[error("the server refused the client's certificate (TLS alert {0})")]
    ClientCertificateRefused(&'static str),
    /// The server wants a certificate, and the client has none.
    #[error("the server wants a client certificate, and the group has none (TLS alert {0})")]
    NoClientCertificate(&'static str),
    /// No version or cipher suite in common.
    #[error("the server and this client have no TLS version or cipher suite in common ({0})")]
    NothingInCommon(&'static str),
    /// The server ended the handshake, or what follows it, with another alert.
    #[error("the server ended TLS with the alert {0}")]
    Alert(&'static str),
    /// The port answers, but not with TLS.
    #[error("the port does not speak TLS")]
    NotTls,
    /// The host's name cannot occur in a certificate.
    #[error("the host's name cannot be checked against a certificate")]
    BadName,
    /// Anything else.
    #[error("TLS failed: {0}")]
    Other(&'static str),
}

impl TlsFailure {
    /// What the operator can do, if that is known.
    pub(super) const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::ServerCertificate(failure) => return failure.hint(),
            Self::ClientCertificateRefused(_) => {
                "register the client's certificate, or its issuer, on the key server; it needs \
                 the extended key usage clientAuth, and must not have expired"
            }
            Self::NoClientCertificate(_) => {
                "set keystore_path to a store with the client's private key and certificate"
            }
            Self::NothingInCommon(_) => {
                "this client speaks TLS 1.2 and 1.3 with AEAD suites (GCM, ChaCha20) and ECDHE only: \
                 enable one of those on the server, and check `protocol` and `cipher_suites`. Java \
                 has more (TLS 1.0 and 1.1, CBC suites, RSA key exchange, DSA): until the server \
                 offers one of these, fetch the keys by another client and give them by \
                 --kmip-keys (docs/KEY-SERVERS.md, \"Servers that only Java reaches\")"
            }
            Self::NotTls => "use the key server's TLS port",
            Self::BadName => "write a host name or an IPv4 address in `hosts`",
            Self::Alert(_) | Self::Other(_) => "look at the key server's log",
        })
    }
}
