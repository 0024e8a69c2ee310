//! Why a host could not be talked to, sorted by what an operator can do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::Certificate;
use crate::message::{MessageError, Operation, ProtocolVersion, Timestamp};

/// A step of talking to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Resolving the name.
    Resolve,
    /// Connecting.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// Sending a request.
    Send,
    /// Receiving a reply.
    Receive,
}

/// What went wrong with one host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The name has no address.
    #[error("cannot resolve the name: {0}")]
    Resolve(String),
    /// The operating system refused.
    #[error("cannot {step}: {error}")]
    Io {
        /// Where.
        step: Step,
        /// Why.
        error: io::Error,
    },
    /// Nothing came in time.
    #[error("{} after {} ms while trying to {step}", if *total { "gave up" } else { "no answer" }, after.as_millis())]
    TimedOut {
        /// Where.
        step: Step,
        /// The limit.
        after: Duration,
        /// Whether it was the limit of the whole attempt.
        total: bool,
    },
    /// The peer closed the connection in the middle.
    #[error("end of stream after {received} bytes of a reply")]
    Closed {
        /// How much of the reply had come.
        received: usize,
    },
    /// The peer reset the connection.
    #[error("the connection was reset while trying to {step}")]
    Reset {
        /// Where.
        step: Step,
    },
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// The peer does not keep to KMIP.
    #[error(transparent)]
    Protocol(#[from] ProtocolFailure),
}

/// How the TLS handshake, or TLS after it, failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The server's certificate is not accepted.
    #[error("the server's certificate is not accepted: {0}")]
    ServerCertificate(CertificateFailure),
    /// The server does not accept the client's certificate, or wants one.
    #[error("the server refused the client's certificate (TLS alert {0})")]
    ClientCertificateRefused(String),
    /// No version or cipher suite in common.
    #[error("the server and this client have no TLS version or cipher suite in common ({0})")]
    NothingInCommon(String),
    /// The port answers, but not in TLS.
    #[error("the port does not speak TLS")]
    NotTls,
    /// The host's name cannot stand in a certificate.
    #[error("the host's name cannot be checked against a certificate")]
    BadName,
    /// Anything else.
    #[error("TLS failed: {0}")]
    Other(String),
}

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
    /// Its time is over.
    #[error("it expired on {0}")]
    Expired(Timestamp),
    /// Its time is still to come.
    #[error("it is not valid before {0}")]
    NotYetValid(Timestamp),
    /// It belongs to another name.
    #[error("it is for {}, not for {wanted}", if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") })]
    OtherName {
        /// The host's name in the configuration.
        wanted: String,
        /// The names and addresses in the certificate.
        names: Vec<String>,
        /// The common name, which counts only with `verify_hostname: cn`.
        common_name: Option<String>,
    },
    /// X.509 version 1.
    #[error("it is an X.509 version 1 certificate, which is not supported")]
    Version1,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// How a peer broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolFailure {
    /// What came is no KMIP reply at all.
    #[error("the answer is not a KMIP message")]
    NotKmip,
    /// The reply announces more than this client takes.
    #[error("the reply announces {announced} bytes, more than the {limit} that are accepted")]
    TooLarge {
        /// Bytes announced.
        announced: u64,
        /// Bytes accepted.
        limit: usize,
    },
    /// The reply goes on after its end.
    #[error("bytes follow the end of the reply")]
    TrailingBytes,
    /// The reply does not decode.
    #[error("the reply is malformed: {0}")]
    Malformed(#[from] MessageError),
    /// An answer to a question that was not asked.
    #[error("the reply answers a batch item that was not sent, or one twice")]
    WrongBatchItem,
    /// An answer of another operation.
    #[error("the reply is for {found} instead of {asked}")]
    OtherOperation {
        /// The question.
        asked: Operation,
        /// The answer.
        found: Operation,
    },
    /// No answer in the reply.
    #[error("the reply has no answer")]
    NoAnswer,
    /// A list that goes on for longer than this client follows it.
    #[error("the server's list of objects is longer than the {0} that are accepted")]
    TooLong(&'static str),
    /// No protocol version in common.
    #[error("the server speaks {} only, and this client does not", list(.0))]
    NoCommonVersion(Vec<ProtocolVersion>),
    /// The server refused every version that was tried.
    #[error("the server refused every version of KMIP that was tried: {0}")]
    AllVersionsRefused(String),
    /// The server wants to know who the client is, and a certificate is not enough for it, or not
    /// this one.
    #[error("the server does not accept this client: {0}")]
    NotAuthenticated(String),
    /// The server lets this client do nothing at all.
    #[error("the server allows this client not even to ask what it can do: {0}")]
    NotAllowed(String),
}

impl Failure {
    /// What the operator can do, if that is known.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Resolve(_) => "check the host's name, or write its address in kmip_hosts",
            Self::Io { step: Step::Connect, .. } => {
                "check that the key server runs, its port, and the firewall"
            }
            Self::TimedOut { step: Step::Handshake, .. } => {
                "is it a TLS port? otherwise raise `timeout` of the kmip_hosts group"
            }
            Self::TimedOut { .. } => {
                "check the network and the key server's load, or raise `timeout` of the group"
            }
            Self::Closed { received: 0 }
            | Self::Reset { step: Step::Handshake | Step::Receive } => {
                "the server probably does not trust the client's certificate: register it, or its \
                 issuer, on the key server"
            }
            Self::Tls(failure) => return failure.advice(),
            Self::Protocol(ProtocolFailure::NotKmip) => "is it the key server's KMIP port?",
            Self::Protocol(ProtocolFailure::NotAuthenticated(_)) => CREDENTIAL,
            Self::Protocol(ProtocolFailure::NotAllowed(_)) => {
                "grant the client's certificate the operations on the key server: Query, Locate, \
                 Get, Get Attributes, Create, Activate, Add Attribute"
            }
            _ => return None,
        })
    }

    /// Whether the peer closed before a single byte of a reply came: what a connection that was
    /// idle for too long shows.
    #[must_use]
    pub const fn is_idle_close(&self) -> bool {
        matches!(
            self,
            Self::Closed { received: 0 } | Self::Reset { step: Step::Send | Step::Receive }
        )
    }
}

impl TlsFailure {
    /// What the operator can do, if that is known.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::ServerCertificate(failure) => match failure {
                CertificateFailure::Untrusted { .. } => {
                    "import the issuer's certificate, or the server's own, into the truststore"
                }
                CertificateFailure::Expired(_) | CertificateFailure::NotYetValid(_) => {
                    "renew the server's certificate, and compare the clocks of both hosts"
                }
                CertificateFailure::OtherName { common_name: Some(_), .. } => {
                    "write the certificate's name in `hosts`, or set verify_hostname: cn or off"
                }
                CertificateFailure::OtherName { .. } => {
                    "write the certificate's name in `hosts`, or set verify_hostname: off"
                }
                CertificateFailure::Version1 => "issue a version 3 certificate to the server",
                CertificateFailure::Other(_) => return None,
            },
            Self::ClientCertificateRefused(_) => {
                "register the client's certificate, or its issuer, on the key server; it needs \
                 the extended key usage clientAuth, and must not have expired"
            }
            Self::NothingInCommon(_) => {
                "this client speaks TLS 1.2 and 1.3 with AEAD suites only: enable one of those \
                 on the server (TLS 1.0 and 1.1, CBC suites and RSA key exchange are not \
                 supported), and check `protocol` and `cipher_suites`"
            }
            Self::NotTls => "use the key server's TLS port",
            Self::BadName => "write a host name or an IPv4 address in `hosts`",
            Self::Other(_) => return None,
        })
    }
}

impl CertificateFailure {
    /// A name mismatch, told from the certificate.
    pub(super) fn other_name(wanted: &str, certificate: &Certificate) -> Self {
        Self::OtherName {
            wanted: wanted.to_owned(),
            names: certificate.names.clone(),
            common_name: certificate.common_name.clone(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve the name",
            Self::Connect => "connect",
            Self::Handshake => "agree on TLS",
            Self::Send => "send a request",
            Self::Receive => "receive a reply",
        })
    }
}

/// For a server that wants to know who asks.
pub(crate) const CREDENTIAL: &str = "it wants a user name and password, or does not know this client's certificate: register the \
     certificate on the key server, and let it alone prove who the client is (the database has no user \
     name or password to send either)";

fn list(versions: &[ProtocolVersion]) -> String {
    let shown: Vec<_> = versions.iter().map(ToString::to_string).collect();
    if shown.is_empty() { "no version of KMIP".to_owned() } else { shown.join(", ") }
}
