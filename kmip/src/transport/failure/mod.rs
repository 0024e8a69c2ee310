//! Why a host could not be talked to, sorted by what an operator can do about it.

mod certificate;
mod ended;
mod tls;

pub use certificate::{CertificateFailure, Whose};
pub use ended::{Awaited, End, Moment};
pub use tls::TlsFailure;

use std::fmt;
use std::io;
use std::time::Duration;

use crate::message::{MessageError, Operation, ProtocolVersion};
use ended::ended;

/// A step of an exchange with a host.
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
    /// Nothing was received in time.
    #[error("{} after {} ms while trying to {step}", if *total { "gave up" } else { "no answer" }, after.as_millis())]
    TimedOut {
        /// Where.
        step: Step,
        /// The limit.
        after: Duration,
        /// Whether it was the limit of the whole attempt.
        total: bool,
    },
    /// The server ended the connection.
    #[error("{}", ended(*.how, *.at))]
    Ended {
        /// How.
        how: End,
        /// When.
        at: Moment,
    },
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// The peer violates KMIP.
    #[error(transparent)]
    Protocol(#[from] ProtocolFailure),
}

/// How a peer broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolFailure {
    /// What was received is not a KMIP reply at all.
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
    /// Bytes follow the end of the reply.
    #[error("bytes follow the end of the reply")]
    TrailingBytes,
    /// The reply does not decode.
    #[error("the reply is malformed: {0}")]
    Malformed(#[from] MessageError),
    /// An answer to a question that was not asked.
    #[error("the reply answers a batch item that was not sent, or one twice")]
    WrongBatchItem,
    /// An answer to another operation.
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
    /// A list that is longer than this client follows.
    #[error("the server's list of objects is longer than the {0} that are accepted")]
    TooLong(&'static str),
    /// No protocol version in common.
    #[error("the server speaks {} only, and this client does not", list(.0))]
    NoCommonVersion(Vec<ProtocolVersion>),
    /// The server, asked for its versions, names none, and accepts none that was tried.
    #[error(
        "the server names no version of KMIP that it speaks, and refused those that were tried"
    )]
    NoVersion,
    /// The server refused every version that was tried.
    #[error("the server refused every version of KMIP that was tried: {0}")]
    AllVersionsRefused(String),
    /// The server wants to know who the client is, and a certificate is not enough for it, or not
    /// this one.
    #[error("the server does not accept this client: {0}")]
    NotAuthenticated(String),
    /// The server does not let this client do anything.
    #[error("the server allows this client not even to ask what it can do: {0}")]
    NotAllowed(String),
}

impl Failure {
    /// What the operator can do, if that is known.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
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
            Self::Ended { at, .. } => at.hint(),
            Self::Tls(failure) => return failure.hint(),
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
        matches!(self, Self::Ended { at: Moment::Reply(Awaited { received: 0, .. }), .. })
    }

    /// Whether the server ended the connection instead of answering several operations in one
    /// message, after it had answered others.
    pub(crate) const fn is_of_a_batch(&self) -> bool {
        match self {
            Self::Ended { at: Moment::Reply(awaited), .. } => {
                awaited.operations > 1 && !awaited.is_first
            }
            _ => false,
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

/// For a server that wants a credential.
pub(crate) const CREDENTIAL: &str = "it wants a user name and password, or does not know this client's certificate: register the \
     certificate on the key server, and let it alone prove who the client is (the database has no user \
     name or password to send either)";

fn list(versions: &[ProtocolVersion]) -> String {
    let shown: Vec<_> = versions.iter().map(ToString::to_string).collect();
    if shown.is_empty() { "no version of KMIP".to_owned() } else { shown.join(", ") }
}
