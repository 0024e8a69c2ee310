//! The connection doctor's probe: examines one host on its own.

use super::{Client, negotiate};
use crate::error::HostFailure;
use crate::message::{ProtocolVersion, QueryFunction, Refusal, Reply, Request, ServerFeatures};
use crate::transport::{ConnectionFacts, Host, ProtocolFailure};

use super::batch;

/// What one host shows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// What the handshake showed.
    pub connection: ConnectionFacts,
    /// The version that was agreed on.
    pub version: ProtocolVersion,
    /// What the server says it can do, or why it does not say.
    pub features: Result<ServerFeatures, Refusal>,
    /// How far the server's clock is ahead of this computer's, in seconds.
    pub clock_skew: Option<i64>,
}

impl Client {
    /// Connects to exactly this host, agrees on a version and sends Query. The client's own
    /// connection is left alone. The failure's step says how far it got: name, connection,
    /// handshake, first reply.
    ///
    /// # Errors
    /// [`HostFailure`].
    pub fn probe(&self, host: &Host) -> Result<Probe, HostFailure> {
        let failed = |failure| HostFailure { host: host.clone(), failure };
        let mut session = negotiate::open(&self.connector, host, &self.settings).map_err(failed)?;
        let functions = vec![
            QueryFunction::OPERATIONS,
            QueryFunction::OBJECTS,
            QueryFunction::SERVER_INFORMATION,
        ];
        let requests = [Request::Query(functions)];
        let message = batch::encode(session.version(), None, &requests)
            .map_err(|error| failed(ProtocolFailure::from(error).into()))?;
        let reply = session
            .exchange(&requests, message.as_slice(), self.settings.longest_reply)
            .map_err(failed)?;
        let answer = batch::answers(&requests, reply)
            .and_then(batch::Answers::into_one)
            .map_err(|failure| failed(failure.into()))?;
        let features = match answer {
            Ok(Reply::Query(features)) => Ok(features),
            Ok(_other) => return Err(failed(ProtocolFailure::NoAnswer.into())),
            Err(refusal) => Err(refusal),
        };
        Ok(Probe {
            connection: session.facts().clone(),
            version: session.version(),
            features,
            clock_skew: session.clock_skew(),
        })
    }

    /// The hosts of the group, in order.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.settings.hosts
    }
}
