//! Mutual TLS 1.2 and 1.3 over TCP.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error, InconsistentKeys, ProtocolVersion,
    SignatureScheme, SupportedProtocolVersion,
};

use super::names::{alert_name, choose, java_name, lacking};
use super::tcp::{self, Timed};
use super::verify::{ServerCheck, Trust};
use super::{
    ConnectionFacts, Deadline, End, Failure, Host, Identity, Moment, SettingsError, Step,
    TlsFailure, TlsSettings,
};

/// Connects with TLS.
pub struct TlsConnector {
    provider: Arc<CryptoProvider>,
    versions: Vec<&'static SupportedProtocolVersion>,
    trust: Arc<Trust>,
    identity: Option<Arc<CertifiedKey>>,
    ignored_suites: Vec<String>,
}

impl TlsConnector {
    /// Checks the settings and prepares them.
    ///
    /// # Errors
    /// [`SettingsError`] for settings that can never connect.
    pub fn new(settings: &TlsSettings) -> Result<Self, SettingsError> {
        let chosen = choose(
            aws_lc_rs::default_provider(),
            settings.protocol.as_deref(),
            &settings.cipher_suites,
        )?;
        let trust = Trust::new(
            &settings.trusted,
            settings.verify_hostname,
            chosen.provider.signature_verification_algorithms,
        )?;
        let identity = match &settings.identity {
            None => None,
            Some(identity) => Some(Arc::new(certified(identity)?)),
        };
        Ok(Self {
            provider: Arc::new(chosen.provider),
            versions: chosen.versions,
            trust: Arc::new(trust),
            identity,
            ignored_suites: chosen.ignored,
        })
    }

    /// Suites of the configuration that this client does not have.
    #[must_use]
    pub fn ignored_suites(&self) -> &[String] {
        &self.ignored_suites
    }

    fn config(&self, check: Arc<ServerCheck>, asked: Arc<Asked>) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.versions)?;
        // "Dangerous" is rustls' word for any custom verifier; this one is in `verify`.
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(check)
            .with_client_cert_resolver(asked);
        // Every connection is checked in full: connections are few and keys are valuable.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// Connects to a host within the deadline.
    ///
    /// # Errors
    /// [`Failure`]: which step failed and why.
    pub fn connect(&self, host: &Host, deadline: &Deadline) -> Result<Connection, Failure> {
        let name =
            ServerName::try_from(host.name.clone()).map_err(|_not_a_name| TlsFailure::BadName)?;
        let (socket, address) = tcp::connect(host, deadline)?;
        let check = Arc::new(ServerCheck::new(Arc::clone(&self.trust)));
        let asked =
            Arc::new(Asked { identity: self.identity.clone(), was: AtomicBool::new(false) });
        let cannot_start = |_error: Error| TlsFailure::Other("it cannot be begun");
        let config = self.config(Arc::clone(&check), Arc::clone(&asked)).map_err(cannot_start)?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(cannot_start)?;
        let host = host.name.clone();
        let mut stream = TlsStream { tls, socket, check, asked, host, was_heard: false };
        stream.handshake(deadline)?;
        let seen = stream.check.seen();
        let facts = ConnectionFacts {
            address,
            protocol: match stream.tls.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher_suite: stream
                .tls
                .negotiated_cipher_suite()
                .map_or_else(String::new, |suite| java_name(suite.suite())),
            server_chain: seen.chain,
            pinned: seen.pinned,
            asked_for_client_certificate: stream.asked.was.load(Ordering::Relaxed),
        };
        Ok(Connection { stream, facts })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("versions", &self.versions).finish_non_exhaustive()
    }
}

/// Loads the client's key in place: no copy of it is made.
fn certified(identity: &Identity) -> Result<CertifiedKey, SettingsError> {
    let key = any_supported_type(&identity.key).map_err(|_says_no_more| {
        SettingsError::Identity(
            "the key is of a kind or length that this program's TLS does not take",
        )
    })?;
    let certified = CertifiedKey::new(identity.chain.clone(), key);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => {
            Err(SettingsError::Identity("the certificate belongs to another key"))
        }
        Err(_malformed) => Err(SettingsError::Identity("the certificate cannot be read")),
    }
}

/// Returns the client's certificate, and remembers that the server asked for it.
struct Asked {
    identity: Option<Arc<CertifiedKey>>,
    was: AtomicBool,
}

impl ResolvesClientCert for Asked {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // Issuer hints are ignored. Java's key managers with one key mostly do the same.
        self.was.store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked(identity redacted)")
    }
}

/// A stream and what is known about it.
#[derive(Debug)]
pub struct Connection {
    /// The bytes.
    pub stream: TlsStream,
    /// What the handshake showed.
    pub facts: ConnectionFacts,
}

/// A connected byte stream.
pub struct TlsStream {
    tls: ClientConnection,
    socket: TcpStream,
    check: Arc<ServerCheck>,
    asked: Arc<Asked>,
    host: String,
    /// Whether anything was received from the server.
    was_heard: bool,
}

impl TlsStream {
    fn handshake(&mut self, deadline: &Deadline) -> Result<(), Failure> {
        while self.tls.is_handshaking() {
            self.flush(Step::Handshake, deadline)?;
            if self.tls.is_handshaking() && self.fill(Step::Handshake, deadline)? == 0 {
                return Err(Failure::Ended { how: End::Closed, at: self.moment() });
            }
        }
        self.flush(Step::Handshake, deadline)
    }

    /// Sends what TLS has to send.
    fn flush(&mut self, step: Step, deadline: &Deadline) -> Result<(), Failure> {
        while self.tls.wants_write() {
            let mut socket = Timed { socket: &mut self.socket, deadline, step };
            if let Err(error) = self.tls.write_tls(&mut socket) {
                return Err(self.broken(deadline.failure(step, error)));
            }
        }
        Ok(())
    }

    /// Receives and processes some TLS bytes; 0 when the peer has closed.
    fn fill(&mut self, step: Step, deadline: &Deadline) -> Result<usize, Failure> {
        let mut socket = Timed { socket: &mut self.socket, deadline, step };
        let received = match self.tls.read_tls(&mut socket) {
            Ok(received) => received,
            Err(error) => return Err(self.broken(deadline.failure(step, error))),
        };
        self.was_heard |= received > 0;
        if let Err(error) = self.tls.process_new_packets() {
            // The alert to the peer is a courtesy: its failure changes nothing.
            drop(self.flush(step, deadline));
            return Err(self.failure(&error).into());
        }
        Ok(received)
    }

    /// What a broken connection means. A server that refuses the client sends an alert and closes.
    /// What is sent after that is answered by a reset, while the alert still waits to be read.
    fn broken(&mut self, failure: Failure) -> Failure {
        match failure {
            Failure::Ended { how, .. } => match self.last_words() {
                Some(said) => said.into(),
                None => Failure::Ended { how, at: self.moment() },
            },
            other => other,
        }
    }

    /// The alert that the peer sent before it ended the connection, if it is still there.
    fn last_words(&mut self) -> Option<TlsFailure> {
        self.socket.set_nonblocking(true).ok()?;
        while let Ok(1..) = self.tls.read_tls(&mut self.socket) {
            if let Err(error) = self.tls.process_new_packets() {
                return Some(self.failure(&error));
            }
        }
        None
    }

    fn moment(&self) -> Moment {
        match (self.was_heard, self.tls.is_handshaking()) {
            (false, _) => Moment::Hello,
            (true, true) => {
                Moment::Handshake { asked_for_certificate: self.asked.was.load(Ordering::Relaxed) }
            }
            (true, false) => Moment::Open,
        }
    }

    fn failure(&self, error: &Error) -> TlsFailure {
        match error {
            Error::InvalidCertificate(cause) => {
                TlsFailure::ServerCertificate(self.check.explain(cause, &self.host))
            }
            Error::AlertReceived(alert) => self.alerted(*alert),
            Error::PeerIncompatible(cause) => TlsFailure::NothingInCommon(lacking(cause)),
            Error::InvalidMessage(_) if self.tls.is_handshaking() => TlsFailure::NotTls,
            Error::InvalidMessage(_) => TlsFailure::Other("the server sent a malformed record"),
            Error::DecryptError => TlsFailure::Other("a record was changed on its way"),
            Error::PeerMisbehaved(_) => {
                TlsFailure::Other("the server does not keep to the protocol")
            }
            _ => TlsFailure::Other("this program's TLS library gives no reason"),
        }
    }

    fn alerted(&self, alert: AlertDescription) -> TlsFailure {
        let name = alert_name(alert);
        let is_agreed = self.tls.negotiated_cipher_suite().is_some();
        let was_asked = self.asked.was.load(Ordering::Relaxed);
        match alert {
            // Once a suite is agreed on, a server of TLS 1.2 can only still refuse the client.
            AlertDescription::CertificateRequired
            | AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
                if was_asked && self.asked.identity.is_none() =>
            {
                TlsFailure::NoClientCertificate(name)
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::NoCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::AccessDenied => TlsFailure::ClientCertificateRefused(name),
            AlertDescription::HandshakeFailure if is_agreed && was_asked => {
                TlsFailure::ClientCertificateRefused(name)
            }
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
                if !is_agreed =>
            {
                TlsFailure::NothingInCommon(name)
            }
            _ => TlsFailure::Alert(name),
        }
    }

    /// Sends all bytes within the deadline.
    ///
    /// # Errors
    /// [`Failure`], after which the stream is of no more use.
    pub fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Failure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self
                .tls
                .writer()
                .write(rest)
                .map_err(|error| deadline.failure(Step::Send, error))?;
            rest = rest.get(taken..).unwrap_or_default();
            self.flush(Step::Send, deadline)?;
        }
        Ok(())
    }

    /// Receives some bytes, at least one; 0 means that the peer has closed.
    ///
    /// # Errors
    /// [`Failure`], after which the stream is of no more use.
    pub fn receive(&mut self, buffer: &mut [u8], deadline: &Deadline) -> Result<usize, Failure> {
        loop {
            match self.tls.reader().read(buffer) {
                // Closed, with or without the notice that TLS asks for.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(deadline.failure(Step::Receive, error)),
                Ok(received) => return Ok(received),
            }
            self.fill(Step::Receive, deadline)?;
            self.flush(Step::Receive, deadline)?;
        }
    }
}

/// Sends TLS's closing notice, if that does not block: some servers log its absence.
impl Drop for TlsStream {
    fn drop(&mut self) {
        self.tls.send_close_notify();
        if self.socket.set_nonblocking(true).is_ok() {
            drop(self.tls.write_tls(&mut self.socket));
        }
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsStream({})", self.host)
    }
}
