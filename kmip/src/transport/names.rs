//! Names in TLS: Java's names of versions and cipher suites (KMIP.md 12), and the standard's names
//! of alerts.

use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, PeerIncompatible, SupportedProtocolVersion};

use super::SettingsError;

/// What `protocol` and `cipher_suites` leave enabled in a provider.
pub(super) struct Chosen {
    pub(super) provider: CryptoProvider,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Suites of the configuration that this client does not have.
    pub(super) ignored: Vec<String>,
}

/// Applies the two settings.
///
/// `protocol` is the name of a Java `SSLContext`, in any case, whose clients also offer the versions
/// below it: `TLS`, `SSL` (another name for it), `Default` and `TLSv1.3` mean 1.3 and 1.2, `TLSv1.2`
/// means 1.2. `SSLv3` is Java's other name for `TLSv1`.
pub(super) fn choose(
    mut provider: CryptoProvider,
    protocol: Option<&str>,
    suites: &[String],
) -> Result<Chosen, SettingsError> {
    let mut versions = versions(protocol)?;
    let mut ignored = Vec::new();
    if !suites.is_empty() {
        let known = provider.cipher_suites.clone();
        provider.cipher_suites.clear();
        for name in suites {
            match known.iter().find(|suite| java_name(suite.suite()) == *name) {
                Some(suite) => provider.cipher_suites.push(*suite),
                None => ignored.push(name.clone()),
            }
        }
    }
    versions.retain(|version| {
        provider.cipher_suites.iter().any(|suite| suite.version().version == version.version)
    });
    provider.cipher_suites.retain(|suite| versions.contains(&suite.version()));
    if versions.is_empty() {
        return Err(SettingsError::NoSuiteLeft {
            supported: known_names(),
            protocol: protocol.unwrap_or("TLS").to_owned(),
        });
    }
    Ok(Chosen { provider, versions, ignored })
}

/// The suite as Java calls it: rustls marks those of TLS 1.3.
pub(super) fn java_name(suite: rustls::CipherSuite) -> String {
    match suite.as_str() {
        Some(name) => name.replacen("TLS13_", "TLS_", 1),
        None => format!("{suite:?}"),
    }
}

fn versions(
    protocol: Option<&str>,
) -> Result<Vec<&'static SupportedProtocolVersion>, SettingsError> {
    let written = protocol.map(str::trim).unwrap_or_default();
    match written.to_ascii_lowercase().as_str() {
        "" | "tls" | "ssl" | "default" | "tlsv1.3" => Ok(vec![&TLS13, &TLS12]),
        "tlsv1.2" => Ok(vec![&TLS12]),
        _ => Err(SettingsError::Protocol(written.to_owned())),
    }
}

/// The alert's name in the standard (RFC 8446, 6; RFC 5246, 7.2).
pub(super) const fn alert_name(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CloseNotify => "close_notify",
        AlertDescription::UnexpectedMessage => "unexpected_message",
        AlertDescription::BadRecordMac => "bad_record_mac",
        AlertDescription::RecordOverflow => "record_overflow",
        AlertDescription::HandshakeFailure => "handshake_failure",
        AlertDescription::NoCertificate => "no_certificate",
        AlertDescription::BadCertificate => "bad_certificate",
        AlertDescription::UnsupportedCertificate => "unsupported_certificate",
        AlertDescription::CertificateRevoked => "certificate_revoked",
        AlertDescription::CertificateExpired => "certificate_expired",
        AlertDescription::CertificateUnknown => "certificate_unknown",
        AlertDescription::IllegalParameter => "illegal_parameter",
        AlertDescription::UnknownCA => "unknown_ca",
        AlertDescription::AccessDenied => "access_denied",
        AlertDescription::DecodeError => "decode_error",
        AlertDescription::DecryptError => "decrypt_error",
        AlertDescription::ProtocolVersion => "protocol_version",
        AlertDescription::InsufficientSecurity => "insufficient_security",
        AlertDescription::InternalError => "internal_error",
        AlertDescription::InappropriateFallback => "inappropriate_fallback",
        AlertDescription::UserCanceled => "user_canceled",
        AlertDescription::NoRenegotiation => "no_renegotiation",
        AlertDescription::MissingExtension => "missing_extension",
        AlertDescription::UnsupportedExtension => "unsupported_extension",
        AlertDescription::UnrecognisedName => "unrecognized_name",
        AlertDescription::CertificateRequired => "certificate_required",
        AlertDescription::NoApplicationProtocol => "no_application_protocol",
        _ => "of a number without a common name",
    }
}

/// What the two sides of TLS do not have in common.
pub(super) const fn lacking(cause: &PeerIncompatible) -> &'static str {
    match cause {
        PeerIncompatible::ServerDoesNotSupportTls12Or13 => "the server has TLS 1.1 or older only",
        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            "the server chose a version that `protocol` leaves out"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher suite",
        PeerIncompatible::NoKxGroupsInCommon => "no group for the key exchange",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => "no signature scheme",
        _ => "the server lacks something that this client needs",
    }
}

fn known_names() -> Vec<String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.iter().map(|suite| java_name(suite.suite())).collect()
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs::default_provider;

    use super::*;

    fn chosen(protocol: Option<&str>, suites: &[&str]) -> Result<Vec<String>, SettingsError> {
        let suites: Vec<_> = suites.iter().map(|&name| name.to_owned()).collect();
        let chosen = choose(default_provider(), protocol, &suites)?;
        Ok(chosen.provider.cipher_suites.iter().map(|suite| java_name(suite.suite())).collect())
    }

    #[test]
    fn all_nine_suites_have_java_names() {
        let names = chosen(None, &[]).unwrap();
        assert_eq!(names.len(), 9);
        assert!(names.contains(&"TLS_AES_128_GCM_SHA256".to_owned()));
        assert!(names.contains(&"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned()));
        assert!(names.iter().all(|name| name.starts_with("TLS_")));
    }

    #[test]
    fn suites_keep_their_order_and_unknown_ones_are_reported() {
        let suites = [
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
        ];
        assert_eq!(chosen(None, &suites).unwrap(), suites[1..]);
        let suites = suites.map(str::to_owned);
        let chosen = choose(default_provider(), None, &suites).unwrap();
        assert_eq!(chosen.ignored, ["TLS_RSA_WITH_AES_128_CBC_SHA"]);
    }

    #[test]
    fn a_protocol_offers_itself_and_what_is_below() {
        let versions = |name| choose(default_provider(), name, &[]).unwrap().versions;
        assert_eq!(versions(Some("TLSv1.2")), [&TLS12]);
        assert_eq!(versions(Some("tlsv1.2")), [&TLS12]);
        for name in
            [None, Some("TLS"), Some("TLSv1.3"), Some("Default"), Some("SSL"), Some(" tls ")]
        {
            assert_eq!(versions(name), [&TLS13, &TLS12]);
        }
        let only_1_2 =
            choose(default_provider(), None, &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()]);
        assert_eq!(only_1_2.unwrap().versions, [&TLS12]);
    }

    #[test]
    fn a_setting_that_leaves_nothing_is_refused() {
        for name in ["TLSv1.1", "TLSv1", "SSLv3", "TLSv1.4", "DTLS"] {
            assert_eq!(
                chosen(Some(name), &[]),
                Err(SettingsError::Protocol(name.to_owned())),
                "Java's name, and nothing below it that is left"
            );
        }
        assert!(matches!(
            chosen(None, &["TLS_RSA_WITH_AES_128_CBC_SHA"]),
            Err(SettingsError::NoSuiteLeft { .. })
        ));
        assert!(matches!(
            chosen(Some("TLSv1.2"), &["TLS_AES_256_GCM_SHA384"]),
            Err(SettingsError::NoSuiteLeft { .. })
        ));
    }
}
