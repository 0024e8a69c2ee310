//! The check of a server's certificate.
//!
//! Two ways to pass (KMIP.md 12): the leaf is, byte for byte, a certificate of the truststore
//! (*pinned*: the handshake's signature proves that the server holds its key, so neither names
//! nor extensions matter, but its dates are still checked); or it chains to a certificate of the
//! truststore by webpki's rules and shows the right name.

use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::explain::Presented;
use super::{Certificate, CertificateFailure, NameCheck, SettingsError};
use crate::message::Timestamp;

/// The truststore, ready for checking.
#[derive(Debug)]
pub(super) struct Trust {
    anchors: RootCertStore,
    pins: Vec<CertificateDer<'static>>,
    /// The facts in the certificates.
    facts: Vec<Certificate>,
    names: NameCheck,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    pub(super) fn new(
        trusted: &[CertificateDer<'static>],
        names: NameCheck,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, SettingsError> {
        if trusted.is_empty() {
            return Err(SettingsError::EmptyTruststore);
        }
        let mut anchors = RootCertStore::empty();
        let (usable, _unusable) = anchors.add_parsable_certificates(trusted.iter().cloned());
        if usable == 0 {
            return Err(SettingsError::UnusableTruststore);
        }
        let facts = trusted.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        Ok(Self { anchors, pins: trusted.to_vec(), facts, names, algorithms })
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<Accepted, Error> {
        if self.pins.iter().any(|pin| pin == leaf) {
            return check_dates(leaf, now).map(|()| Accepted::Pinned);
        }
        let parsed = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.anchors,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        match (self.names, verify_server_name(&parsed, name)) {
            (NameCheck::Off, _) | (_, Ok(())) => Ok(Accepted::Chained),
            (NameCheck::Cn, Err(_)) if has_common_name(leaf, name) => Ok(Accepted::Chained),
            (_, Err(error)) => Err(error),
        }
    }
}

/// How a certificate passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepted {
    Pinned,
    Chained,
}

/// The check of one handshake, which remembers the result.
#[derive(Debug)]
pub(super) struct ServerCheck {
    trust: Arc<Trust>,
    seen: Mutex<Seen>,
}

/// What a server presented.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    pub(super) chain: Vec<Certificate>,
    pub(super) pinned: bool,
}

impl ServerCheck {
    pub(super) fn new(trust: Arc<Trust>) -> Self {
        Self { trust, seen: Mutex::default() }
    }

    /// What was presented, if the handshake got that far.
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// Says why a certificate was refused, in terms of what it says.
    pub(super) fn explain(&self, error: &CertificateError, wanted: &str) -> CertificateFailure {
        let seen = self.seen();
        let presented = Presented { chain: &seen.chain, trusted: &self.trust.facts, wanted };
        presented.explain(error, Timestamp::now())
    }
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = std::iter::once(leaf).chain(intermediates);
        let chain = presented.filter_map(|der| Certificate::parse(der).ok()).collect();
        let result = self.trust.check(leaf, intermediates, name, now);
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Seen { chain, pinned: matches!(result, Ok(Accepted::Pinned)) };
        }
        result.map(|_accepted| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

fn check_dates(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = Certificate::parse(leaf)
        .map_err(|_unreadable| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > certificate.not_after.seconds() {
        return Err(CertificateError::Expired.into());
    }
    if now < certificate.not_before.seconds() {
        return Err(CertificateError::NotValidYet.into());
    }
    Ok(())
}

/// For `verify_hostname: cn`: a certificate without alternative names is known by its common
/// name, as Java does.
fn has_common_name(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    Certificate::parse(leaf).is_ok_and(|certificate| {
        certificate.names.is_empty() && certificate.has_common_name(&name.to_str())
    })
}
