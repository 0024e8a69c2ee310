//! The blocking client.
//!
//! One [`Client`] serves one `kmip_hosts` group. It keeps one connection, stays on the host that
//! last answered (KMIP.md 5.1), and sends a request that changes something at most once.
//! Key bytes leave it in [`KeyMaterial`](crate::message::KeyMaterial) alone.

mod batch;
pub mod choice;
mod conversation;
mod keys;
mod negotiate;
mod operations;
mod pages;
mod probe;
mod retry;

pub use keys::{FetchedKey, ListedObject};
pub use pages::{Listing, Rest};
pub use probe::Probe;

use std::fmt;

use crate::error::{Error, HostFailure, Result, each};
use crate::message::{BatchErrorContinuation, ProtocolVersion, Request};
use crate::transport::{
    ConnectionFacts, End, Failure, Host, Moment, SettingsError, Timeouts, TlsConnector,
};
use crate::ttlv::MAX_MESSAGE;
use batch::Answers;
use conversation::Conversation;
use retry::{After, after_failure};

/// Settings of a client, apart from TLS.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The hosts, in the order in which they are tried.
    pub hosts: Vec<Host>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The versions to speak, best first.
    pub versions: Vec<ProtocolVersion>,
    /// The longest reply to accept; never more than [`MAX_MESSAGE`].
    pub longest_reply: usize,
}

impl ClientSettings {
    /// The defaults for these hosts.
    #[must_use]
    pub fn new(hosts: Vec<Host>) -> Self {
        Self {
            hosts,
            timeouts: Timeouts::default(),
            versions: ProtocolVersion::SPOKEN.to_vec(),
            longest_reply: MAX_MESSAGE,
        }
    }
}

/// A client of one group of hosts.
pub struct Client {
    connector: TlsConnector,
    settings: ClientSettings,
    /// Index of the host that answered last.
    active: usize,
    /// Whether only this host is used.
    alone: bool,
    session: Option<Conversation>,
    /// Hosts that were passed over since the caller last asked.
    detours: Vec<Detour>,
}

/// A host that was used because others of its group could not be reached.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by callers")]
pub struct Detour {
    /// The host that answered.
    pub to: Host,
    /// Those before it, in the order in which they were tried.
    pub passed_over: Vec<HostFailure>,
}

impl Client {
    /// Makes a client; nothing is connected yet.
    ///
    /// # Errors
    /// [`SettingsError::NoHosts`].
    pub fn new(connector: TlsConnector, settings: ClientSettings) -> Result<Self> {
        if settings.hosts.is_empty() {
            return Err(SettingsError::NoHosts.into());
        }
        Ok(Self { connector, settings, active: 0, alone: false, session: None, detours: vec![] })
    }

    /// The version in use, once connected.
    #[must_use]
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.session.as_ref().map(Conversation::version)
    }

    /// What the current connection's handshake showed.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionFacts> {
        self.session.as_ref().map(Conversation::facts)
    }

    /// The host that answered last, or the first.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        self.settings.hosts.get(self.active)
    }

    /// How far the server's clock was ahead of this computer's at its last reply, in seconds.
    #[must_use]
    pub fn clock_skew(&self) -> Option<i64> {
        self.session.as_ref().and_then(Conversation::clock_skew)
    }

    /// Connects, if there is no connection, and agrees on a version.
    ///
    /// # Errors
    /// [`Error::AllHostsFailed`].
    pub fn connect(&mut self) -> Result<ProtocolVersion> {
        if let Some(version) = self.version() {
            return Ok(version);
        }
        let mut failures = Vec::new();
        for index in self.order() {
            match self.open(index) {
                Ok(()) => {
                    self.note_detour(failures);
                    return self.version().ok_or(Error::AllHostsFailed(vec![]));
                }
                Err(failed) => failures.push(failed),
            }
        }
        Err(Error::AllHostsFailed(failures))
    }

    /// Closes the connection; the next operation opens another.
    pub fn disconnect(&mut self) {
        self.session = None;
    }

    /// Uses only this host of the group from now on.
    pub fn keep_to(&mut self, host: &Host) {
        if let Some(index) = self.settings.hosts.iter().position(|own| own == host) {
            self.disconnect();
            self.active = index;
            self.alone = true;
        }
    }

    /// Sends operations as one message and matches the answers, trying hosts as `retry` says.
    fn exchange(
        &mut self,
        requests: &[Request],
        continuation: Option<BatchErrorContinuation>,
    ) -> Result<Answers> {
        let repeatable = requests.iter().all(Request::is_idempotent);
        if self.session.as_ref().is_some_and(|session| !repeatable && session.is_stale()) {
            self.session = None;
        }
        let mut failures = Vec::new();
        if self.session.is_some() {
            match self.attempt(requests, continuation, true)? {
                Ok(answers) => return Ok(answers),
                Err(failure) => match after_failure(&failure, repeatable, true) {
                    After::Reconnect => {}
                    After::NextHost => failures.push(self.failed(self.active, failure)),
                    After::Stop => return Err(self.stopped(requests, failure)),
                },
            }
        }
        for index in self.order().into_iter().skip(failures.len()) {
            if let Err(failed) = self.open(index) {
                failures.push(failed);
                continue;
            }
            match self.attempt(requests, continuation, false)? {
                Ok(answers) => {
                    self.note_detour(failures);
                    return Ok(answers);
                }
                Err(failure) => match after_failure(&failure, repeatable, false) {
                    After::Reconnect | After::NextHost => {
                        failures.push(self.failed(index, failure));
                    }
                    After::Stop => return Err(self.stopped(requests, failure)),
                },
            }
        }
        Err(Error::AllHostsFailed(failures))
    }

    /// Hosts that were passed over since the last call. A run that works despite that does not
    /// otherwise show that a replica is missing.
    pub fn take_detours(&mut self) -> Vec<Detour> {
        std::mem::take(&mut self.detours)
    }

    fn note_detour(&mut self, passed_over: Vec<HostFailure>) {
        if let Some(to) = self.host().filter(|_| !passed_over.is_empty()).cloned() {
            self.detours.push(Detour { to, passed_over });
        }
    }

    /// One exchange on the current session. A failure ends the session.
    fn attempt(
        &mut self,
        requests: &[Request],
        continuation: Option<BatchErrorContinuation>,
        reused: bool,
    ) -> Result<Result<Answers, Failure>> {
        let Some(session) = self.session.as_mut() else {
            return Ok(Err(Failure::Ended { how: End::Closed, at: Moment::Open }));
        };
        let message = batch::encode(session.version(), continuation, requests);
        let message = message.map_err(Error::Request)?;
        if !requests.iter().all(Request::is_idempotent) {
            session.restart(&self.settings.timeouts.patient());
        } else if reused {
            // A fresh session still counts the time that its handshake took.
            session.restart(&self.settings.timeouts);
        }
        let result = session
            .exchange(requests, message.as_slice(), self.settings.longest_reply)
            .and_then(|reply| batch::answers(requests, reply).map_err(Failure::from));
        if result.is_err() {
            self.session = None;
        }
        Ok(result)
    }

    /// Connects to one host and agrees on a version.
    fn open(&mut self, index: usize) -> Result<(), HostFailure> {
        let Some(host) = self.settings.hosts.get(index) else { return Ok(()) };
        match negotiate::open(&self.connector, host, &self.settings) {
            Ok(session) => {
                self.session = Some(session);
                self.active = index;
                Ok(())
            }
            Err(failure) => Err(HostFailure { host: host.clone(), failure }),
        }
    }

    /// Every host once, from the active one on, wrapping round.
    fn order(&self) -> Vec<usize> {
        if self.alone {
            return vec![self.active];
        }
        let count = self.settings.hosts.len();
        (self.active..count).chain(0..self.active.min(count)).collect()
    }

    fn failed(&self, index: usize, failure: Failure) -> HostFailure {
        let host = self.settings.hosts.get(index).cloned();
        HostFailure { host: host.unwrap_or_else(|| Host { name: String::new(), port: 0 }), failure }
    }

    /// A request that must not be repeated was sent and not answered.
    fn stopped(&self, requests: &[Request], failure: Failure) -> Error {
        let failure = self.failed(self.active, failure);
        match requests.iter().find(|request| !request.is_idempotent()) {
            Some(request) => Error::OutcomeUnknown { operation: request.operation(), failure },
            None => Error::AllHostsFailed(vec![failure]),
        }
    }
}

impl fmt::Display for Detour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers; passed over: {}", self.to, each(&self.passed_over))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("hosts", &self.settings.hosts)
            .field("active", &self.active)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
