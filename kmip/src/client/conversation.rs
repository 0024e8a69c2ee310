//! One connection that speaks one version.
//!
//! A reply may hold a key, so its bytes are wiped: the buffer here, the piece it arrives in, and
//! what the decoder copies. The buffers inside TLS are freed with the connection; a program that
//! wants them wiped needs an allocator that wipes, as `sstablerekey` has. Those of the kernel are
//! out of reach.

use std::fmt;
use std::time::{Duration, Instant};

use zeroize::Zeroize as _;

use crate::message::{ProtocolVersion, ReplyMessage, Request, Timestamp};
use crate::transport::{
    Awaited, Connection, ConnectionFacts, Deadline, End, Failure, Moment, ProtocolFailure,
    Timeouts, TlsStream,
};
use crate::ttlv::{HEADER, MAX_MESSAGE, Reader, SecretBuffer, Tag};

/// A connection and what was agreed on it.
pub(super) struct Conversation {
    stream: TlsStream,
    facts: ConnectionFacts,
    version: ProtocolVersion,
    deadline: Deadline,
    last_used: Instant,
    clock_skew: Option<i64>,
    /// Whether the server has answered anything on this connection.
    was_answered: bool,
}

impl Conversation {
    /// Starts with a version to try.
    pub(super) fn new(
        connection: Connection,
        version: ProtocolVersion,
        deadline: Deadline,
    ) -> Self {
        let Connection { stream, facts } = connection;
        Self {
            stream,
            facts,
            version,
            deadline,
            last_used: Instant::now(),
            clock_skew: None,
            was_answered: false,
        }
    }

    pub(super) const fn version(&self) -> ProtocolVersion {
        self.version
    }

    pub(super) const fn agree_on(&mut self, version: ProtocolVersion) {
        self.version = version;
    }

    pub(super) const fn facts(&self) -> &ConnectionFacts {
        &self.facts
    }

    pub(super) const fn clock_skew(&self) -> Option<i64> {
        self.clock_skew
    }

    /// Whether the connection was unused for so long that the server may have closed it.
    pub(super) fn is_stale(&self) -> bool {
        self.last_used.elapsed() > STALE
    }

    /// Starts a new deadline: for an exchange on a connection that was kept, or with other limits.
    pub(super) fn restart(&mut self, timeouts: &Timeouts) {
        self.deadline = timeouts.start();
    }

    /// Sends a message, made of these requests, and decodes the reply.
    pub(super) fn exchange(
        &mut self,
        requests: &[Request],
        message: &[u8],
        longest_reply: usize,
    ) -> Result<ReplyMessage, Failure> {
        let mut bytes = SecretBuffer::new();
        let result = self
            .stream
            .send(message, &self.deadline)
            .and_then(|()| self.receive(&mut bytes, longest_reply.min(MAX_MESSAGE)));
        result.map_err(|failure| self.placed(failure, requests, bytes.len()))?;
        let reply = ReplyMessage::decode(bytes.as_slice()).map_err(ProtocolFailure::from)?;
        self.was_answered = true;
        self.last_used = Instant::now();
        self.clock_skew = reply
            .time
            .map(|time| time.seconds().saturating_sub(Timestamp::now().seconds()))
            .or(self.clock_skew);
        Ok(reply)
    }

    /// Adds to the end of a connection what was asked on it.
    fn placed(&self, failure: Failure, requests: &[Request], received: usize) -> Failure {
        match (failure, requests.first()) {
            (Failure::Ended { how, at: Moment::Open }, Some(first)) => {
                let awaited = Awaited {
                    operation: first.operation(),
                    operations: requests.len(),
                    is_first: !self.was_answered,
                    asked_for_certificate: self.facts.asked_for_client_certificate,
                    received,
                };
                Failure::Ended { how, at: Moment::Reply(awaited) }
            }
            (other, _) => other,
        }
    }

    /// Receives one whole message. The buffer grows with what comes, never with what is announced,
    /// and stops at the limit.
    fn receive(&mut self, bytes: &mut SecretBuffer, limit: usize) -> Result<(), Failure> {
        let mut chunk = [0; CHUNK];
        let result = loop {
            match self.stream.receive(&mut chunk, &self.deadline) {
                Ok(0) => break Err(Failure::Ended { how: End::Closed, at: Moment::Open }),
                Ok(received) => bytes.extend(chunk.get(..received).unwrap_or_default()),
                Err(failure) => break Err(failure),
            }
            match missing(bytes.as_slice(), limit) {
                Ok(Some(0)) => break Ok(()),
                Ok(_more) => {}
                Err(failure) => break Err(failure.into()),
            }
        };
        chunk.zeroize();
        result
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("version", &self.version)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// How many bytes of the message are still to come, once its header is there.
fn missing(bytes: &[u8], limit: usize) -> Result<Option<usize>, ProtocolFailure> {
    let Ok((tag, kind, length)) = Reader::new(bytes).header() else { return Ok(None) };
    if tag != Tag::RESPONSE_MESSAGE || kind != STRUCTURE {
        return Err(ProtocolFailure::NotKmip);
    }
    let whole = length.saturating_add(HEADER);
    if whole > limit {
        let announced = u64::try_from(whole).unwrap_or(u64::MAX);
        return Err(ProtocolFailure::TooLarge { announced, limit });
    }
    whole.checked_sub(bytes.len()).map(Some).ok_or(ProtocolFailure::TrailingBytes)
}

/// Idle for longer than this, a connection is not used for a request that must not be repeated.
const STALE: Duration = Duration::from_secs(2);

/// Bytes taken from TLS at a time.
const CHUNK: usize = 4096;

/// TTLV's type of a structure.
const STRUCTURE: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_alone_decides() {
        assert_eq!(missing(&[0x42, 0, 0x7b], 100), Ok(None));
        assert_eq!(missing(&[0x42, 0, 0x7b, 1, 0, 0, 0, 8], 100), Ok(Some(8)));
        assert_eq!(missing(&[0x42, 0, 0x7b, 1, 0, 0, 0, 0], 100), Ok(Some(0)));
        assert_eq!(
            missing(&[0x42, 0, 0x7b, 1, 0, 0, 0, 0, 9], 100),
            Err(ProtocolFailure::TrailingBytes)
        );
        assert_eq!(
            missing(&[0x42, 0, 0x7b, 1, 0xff, 0xff, 0xff, 0xff], 100),
            Err(ProtocolFailure::TooLarge { announced: 0x1_0000_0007, limit: 100 })
        );
        assert_eq!(missing(b"HTTP/1.1 400", 100), Err(ProtocolFailure::NotKmip));
    }
}
