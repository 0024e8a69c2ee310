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

use super::names::{choose, java_name};
use super::tcp::{self, Timed};
use super::verify::{ServerCheck, Trust};
use super::{
    Connect, Connection, ConnectionFacts, Deadline, Failure, Host, Identity, SettingsError, Step,
    Stream, TlsFailure, TlsSettings,
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
        // "Dangerous" is rustls' word for any verifier of one's own; ours is in `verify`.
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(check)
            .with_client_cert_resolver(asked);
        // Every connection is checked in full: connections are few and keys are dear.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl Connect for TlsConnector {
    fn connect(&self, host: &Host, deadline: &Deadline) -> Result<Connection, Failure> {
        let name =
            ServerName::try_from(host.name.clone()).map_err(|_not_a_name| TlsFailure::BadName)?;
        let (socket, address) = tcp::connect(host, deadline)?;
        let check = Arc::new(ServerCheck::new(Arc::clone(&self.trust)));
        let asked =
            Arc::new(Asked { identity: self.identity.clone(), was: AtomicBool::new(false) });
        let other = |error: Error| TlsFailure::Other(error.to_string());
        let config = self.config(Arc::clone(&check), Arc::clone(&asked)).map_err(other)?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(other)?;
        let mut stream = TlsStream { tls, socket, check, host: host.name.clone() };
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
            asked_for_client_certificate: asked.was.load(Ordering::Relaxed),
        };
        Ok(Connection { stream: Box::new(stream), facts })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("versions", &self.versions).finish_non_exhaustive()
    }
}

/// Loads the client's key where it lies: no copy of it is made on the way.
fn certified(identity: &Identity) -> Result<CertifiedKey, SettingsError> {
    let refused = |error: Error| SettingsError::Identity(error.to_string());
    let key = any_supported_type(&identity.key).map_err(refused)?;
    let certified = CertifiedKey::new(identity.chain.clone(), key);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(refused(error)),
    }
}

/// Gives the client's certificate, and remembers that somebody asked.
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
        // Issuer hints are ignored, as Java's key managers with one key mostly end up doing.
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

struct TlsStream {
    tls: ClientConnection,
    socket: TcpStream,
    check: Arc<ServerCheck>,
    host: String,
}

impl TlsStream {
    fn handshake(&mut self, deadline: &Deadline) -> Result<(), Failure> {
        while self.tls.is_handshaking() {
            self.flush(Step::Handshake, deadline)?;
            if self.tls.is_handshaking() && self.fill(Step::Handshake, deadline)? == 0 {
                return Err(Failure::Reset { step: Step::Handshake });
            }
        }
        self.flush(Step::Handshake, deadline)
    }

    /// Sends what TLS has to send.
    fn flush(&mut self, step: Step, deadline: &Deadline) -> Result<(), Failure> {
        while self.tls.wants_write() {
            let mut socket = Timed { socket: &mut self.socket, deadline, step };
            self.tls.write_tls(&mut socket).map_err(|error| deadline.failure(step, error))?;
        }
        Ok(())
    }

    /// Receives some TLS bytes and works on them; 0 when the peer has closed.
    fn fill(&mut self, step: Step, deadline: &Deadline) -> Result<usize, Failure> {
        let mut socket = Timed { socket: &mut self.socket, deadline, step };
        let received =
            self.tls.read_tls(&mut socket).map_err(|error| deadline.failure(step, error))?;
        if let Err(error) = self.tls.process_new_packets() {
            // The alert that tells the peer is a courtesy: its failure changes nothing.
            drop(self.flush(step, deadline));
            return Err(self.failure(&error).into());
        }
        Ok(received)
    }

    fn failure(&self, error: &Error) -> TlsFailure {
        match error {
            Error::InvalidCertificate(cause) => {
                TlsFailure::ServerCertificate(self.check.explain(cause, &self.host))
            }
            Error::AlertReceived(alert) => match alert {
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::NoCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateRequired
                | AlertDescription::AccessDenied => {
                    TlsFailure::ClientCertificateRefused(format!("{alert:?}"))
                }
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity => {
                    TlsFailure::NothingInCommon(format!("TLS alert {alert:?}"))
                }
                other => TlsFailure::Other(format!("TLS alert {other:?}")),
            },
            Error::PeerIncompatible(cause) => TlsFailure::NothingInCommon(format!("{cause:?}")),
            Error::InvalidMessage(_) if self.tls.is_handshaking() => TlsFailure::NotTls,
            other => TlsFailure::Other(other.to_string()),
        }
    }
}

impl Stream for TlsStream {
    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Failure> {
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

    fn receive(&mut self, buffer: &mut [u8], deadline: &Deadline) -> Result<usize, Failure> {
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

/// Says goodbye as TLS asks, if that takes no waiting: some servers log anything less.
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
