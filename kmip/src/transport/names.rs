//! Java's names of TLS versions and cipher suites (KMIP.md 12).

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

use super::SettingsError;

/// What `protocol` and `cipher_suites` leave of a provider.
pub(super) struct Chosen {
    pub(super) provider: CryptoProvider,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Suites of the configuration that this client does not have.
    pub(super) ignored: Vec<String>,
}

/// Applies the two settings.
///
/// `protocol` is the name of a Java `SSLContext`, whose clients also offer the versions below
/// it: `TLS`, `Default` and `TLSv1.3` mean 1.3 and 1.2, `TLSv1.2` means 1.2.
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
    match protocol.map(str::trim) {
        None | Some("" | "TLS" | "Default" | "TLSv1.3") => Ok(vec![&TLS13, &TLS12]),
        Some("TLSv1.2") => Ok(vec![&TLS12]),
        Some(other) => Err(SettingsError::Protocol(other.to_owned())),
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
    fn the_order_of_the_configuration_is_kept_and_unknown_suites_are_told() {
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
        for name in [None, Some("TLS"), Some("TLSv1.3"), Some("Default")] {
            assert_eq!(versions(name), [&TLS13, &TLS12]);
        }
        let only_1_2 =
            choose(default_provider(), None, &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()]);
        assert_eq!(only_1_2.unwrap().versions, [&TLS12]);
    }

    #[test]
    fn a_setting_that_leaves_nothing_is_refused() {
        assert!(matches!(chosen(Some("TLSv1.1"), &[]), Err(SettingsError::Protocol(_))));
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
