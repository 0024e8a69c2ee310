//! The one place that decides whether a request is tried again.
//!
//! * A kept connection that turns out closed before the first byte of a reply was idle for too
//!   long. The same host is tried once more, on a new connection, if the request may be repeated.
//! * Any other failure moves an idempotent request to the next host, each host at most once.
//! * A request that changes something (Create, Register, Activate, the attribute operations,
//!   Revoke, Destroy) is never sent twice: once it was sent, a failure ends it. Before it is sent,
//!   unreachable hosts are passed over as for any other request. It is never sent on a connection
//!   that may have been idle (see `Conversation::is_stale`).
//!
//! The database moves on for I/O errors only (KMIP.md 5.1); here a host that breaks the protocol or
//! shows a bad certificate is passed over too, since all failures are kept and shown.

use crate::transport::Failure;

/// What follows a failed exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// A new connection to the same host.
    Reconnect,
    /// The next host.
    NextHost,
    /// Nothing: the outcome is not known.
    Stop,
}

/// Decides after an exchange whose request may have been sent.
pub(super) const fn after_failure(failure: &Failure, repeatable: bool, reused: bool) -> After {
    if !repeatable {
        return After::Stop;
    }
    if reused && failure.is_idle_close() { After::Reconnect } else { After::NextHost }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Operation;
    use crate::transport::{Awaited, End, Moment, ProtocolFailure};

    fn ended(how: End, received: usize) -> Failure {
        let awaited = Awaited {
            operation: Operation::GET,
            operations: 1,
            is_first: false,
            asked_for_certificate: true,
            received,
        };
        Failure::Ended { how, at: Moment::Reply(awaited) }
    }

    #[test]
    fn an_idle_close_reconnects_once_for_repeatable_requests() {
        let closed = ended(End::Closed, 0);
        assert_eq!(after_failure(&closed, true, true), After::Reconnect);
        assert_eq!(after_failure(&closed, true, false), After::NextHost);
        assert_eq!(after_failure(&closed, false, true), After::Stop);
        assert_eq!(after_failure(&closed, false, false), After::Stop);
        let reset = ended(End::Reset, 0);
        assert_eq!(after_failure(&reset, true, true), After::Reconnect);
    }

    #[test]
    fn a_broken_reply_moves_on() {
        for failure in [
            ended(End::Closed, 9),
            Failure::Protocol(ProtocolFailure::WrongBatchItem),
            Failure::Ended { how: End::Reset, at: Moment::Hello },
        ] {
            assert_eq!(after_failure(&failure, true, true), After::NextHost);
            assert_eq!(after_failure(&failure, false, true), After::Stop);
        }
    }
}
