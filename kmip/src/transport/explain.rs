//! Why a certificate was refused, told from what it and its issuers say.
//!
//! The library's own error is only the start of the search. It is not reported as it is: for a
//! chain with a key or a signature that it does not verify, it says that the issuer is unknown.

use rustls::CertificateError;

use super::{Certificate, CertificateFailure, Whose};
use crate::message::Timestamp;

/// What was presented, and what could have authenticated it.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    /// The server's own certificate, then what it sent of its issuers'.
    pub(super) chain: &'a [Certificate],
    /// The truststore.
    pub(super) trusted: &'a [Certificate],
    /// The host's name in the configuration.
    pub(super) wanted: &'a str,
}

impl Presented<'_> {
    pub(super) fn explain(self, error: &CertificateError, now: Timestamp) -> CertificateFailure {
        let Some(leaf) = self.chain.first() else { return CertificateFailure::Malformed };
        if leaf.version == 1 {
            return CertificateFailure::Version1;
        }
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                let (whose, late) = self.first(leaf, |one| one.not_after < now);
                CertificateFailure::Expired { whose, at: late.not_after }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                let (whose, early) = self.first(leaf, |one| one.not_before > now);
                CertificateFailure::NotYetValid { whose, at: early.not_before }
            }
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                self.unverified(leaf)
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFailure::other_name(self.wanted, leaf)
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                CertificateFailure::Usage
            }
            CertificateError::UnhandledCriticalExtension => CertificateFailure::CriticalExtension,
            CertificateError::BadEncoding => CertificateFailure::Malformed,
            CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
                Some(error) => self.of_the_path(error, leaf),
                None => self.unknown(leaf),
            },
            _ => self.unknown(leaf),
        }
    }

    fn of_the_path(self, error: &webpki::Error, leaf: &Certificate) -> CertificateFailure {
        match error {
            webpki::Error::CaUsedAsEndEntity if leaf.is_self_issued => {
                CertificateFailure::SelfSigned
            }
            webpki::Error::CaUsedAsEndEntity => CertificateFailure::Authority,
            webpki::Error::NameConstraintViolation => CertificateFailure::NameConstraints,
            webpki::Error::PathLenConstraintViolated => CertificateFailure::PathLength,
            webpki::Error::EndEntityUsedAsCa => self
                .path(leaf)
                .find(|(_, one)| !one.is_authority)
                .map_or(CertificateFailure::Malformed, |(whose, _)| {
                    CertificateFailure::NotAnAuthority { whose }
                }),
            webpki::Error::UnsupportedCriticalExtension => CertificateFailure::CriticalExtension,
            _ => self.unknown(leaf),
        }
    }

    fn unknown(self, leaf: &Certificate) -> CertificateFailure {
        self.for_java_only(leaf).unwrap_or(CertificateFailure::Other)
    }

    /// No path to the truststore was found, or a signature on it does not verify.
    fn unverified(self, leaf: &Certificate) -> CertificateFailure {
        if let Some(failure) = self.for_java_only(leaf) {
            return failure;
        }
        if leaf.is_self_issued {
            return CertificateFailure::SelfSigned;
        }
        let issuer = leaf.issuer.clone().unwrap_or_else(|| "unnamed".to_owned());
        if issuer_of(self.trusted, leaf).is_some() {
            return CertificateFailure::OtherIssuer { issuer };
        }
        CertificateFailure::Untrusted { issuer }
    }

    /// The first key or signature on the path that Java accepts and this program's TLS library does
    /// not.
    fn for_java_only(self, leaf: &Certificate) -> Option<CertificateFailure> {
        std::iter::once((Whose::Server, leaf)).chain(self.path(leaf)).find_map(|(whose, one)| {
            if one.key.is_for_java_only() {
                return Some(CertificateFailure::Key { whose, key: one.key.to_string() });
            }
            // The signature of a root is never verified.
            let signature = one.old_signature.filter(|_| !one.is_self_issued)?;
            Some(CertificateFailure::Signature { whose, signature })
        })
    }

    /// The first certificate of the path that this is true of; else the server's own.
    fn first<'a>(
        &'a self,
        leaf: &'a Certificate,
        is: impl Fn(&Certificate) -> bool,
    ) -> (Whose, &'a Certificate) {
        let of_issuers = || self.path(leaf).find(|(_, one)| is(one));
        if is(leaf) { None } else { of_issuers() }.unwrap_or((Whose::Server, leaf))
    }

    /// The issuers of the server's certificate, as far as they are known by name.
    fn path<'a>(&'a self, leaf: &'a Certificate) -> impl Iterator<Item = (Whose, &'a Certificate)> {
        let issuers = self.chain.get(1..).unwrap_or_default();
        let next = move |below: &&Certificate| match below.is_self_issued {
            true => None,
            false => issuer_of(issuers, below).or_else(|| issuer_of(self.trusted, below)),
        };
        std::iter::successors(next(&leaf), next).take(LONGEST_PATH).map(|one| {
            let name = one.common_name.clone().unwrap_or_else(|| "unnamed".to_owned());
            (Whose::Issuer(name), one)
        })
    }
}

fn issuer_of<'a>(among: &'a [Certificate], below: &Certificate) -> Option<&'a Certificate> {
    among.iter().find(|one| one.common_name.is_some() && one.common_name == below.issuer)
}

/// Two authorities may name each other as issuers.
const LONGEST_PATH: usize = 10;
