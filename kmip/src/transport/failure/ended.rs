//! A server that ends the connection, and what that means at each point of an exchange.

use std::fmt;

use crate::message::Operation;

/// How a server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "TCP has these two")]
pub enum End {
    /// The end of the stream.
    Closed,
    /// A reset: data in transit is lost.
    Reset,
}

/// How far an exchange had come when the server ended it: each point has its own cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// Before the server sent anything.
    Hello,
    /// In the TLS handshake, after the server's first message.
    Handshake {
        /// Whether the server had asked for a client certificate.
        asked_for_certificate: bool,
    },
    /// TLS is established; the session knows which request it was.
    Open,
    /// Instead of a reply, or in the middle of it.
    Reply(Awaited),
}

/// A reply that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by the session, and by tests")]
pub struct Awaited {
    /// The request's first operation.
    pub operation: Operation,
    /// How many operations the request had.
    pub operations: usize,
    /// Whether the server had not answered anything on this connection. Under TLS 1.3 a client
    /// certificate is refused only then (KMIP.md 12).
    pub is_first: bool,
    /// Whether the server had asked for a client certificate.
    pub asked_for_certificate: bool,
    /// How many bytes of the reply had come.
    pub received: usize,
}

impl Moment {
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Hello => {
                "is it the key server's TLS port? a firewall, or a load balancer without a server \
                 behind it, ends connections like this, too"
            }
            Self::Handshake { asked_for_certificate: true }
            | Self::Reply(Awaited { is_first: true, asked_for_certificate: true, .. }) => {
                "the server probably does not trust the client's certificate: register it, or its \
                 issuer, on the key server"
            }
            Self::Handshake { .. } | Self::Open => {
                "look at the key server's log: it says why it ended the connection"
            }
            Self::Reply(Awaited { is_first: true, .. }) => {
                "look at the key server's log: it took the connection without a client certificate, \
                 and ended it at the first request"
            }
            Self::Reply(_) => {
                "the server had answered on this connection, so it knows this client: look at its \
                 log for this request"
            }
        }
    }
}

pub(super) fn ended(how: End, at: Moment) -> String {
    let verb = match how {
        End::Closed => "closed",
        End::Reset => "reset",
    };
    match at {
        Moment::Hello => format!("the server {verb} the connection before it said a word of TLS"),
        Moment::Handshake { .. } => {
            format!("the server {verb} the connection in the TLS handshake")
        }
        Moment::Open => format!("the server {verb} the connection"),
        Moment::Reply(awaited) => match how {
            End::Closed => format!("end of stream after {awaited}"),
            End::Reset => format!("the server reset the connection after {awaited}"),
        },
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of the reply to ", self.received)?;
        match self.operations {
            0 | 1 => write!(f, "{}", self.operation),
            count => write!(f, "{count} operations at once ({} first)", self.operation),
        }
    }
}
