//! Each fault of a server's certificate is named accurately, whatever the library calls it.
//!
//! The certificates are by `testdata/tls/make`.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};

use super::verify::{ServerCheck, Trust};
use super::{Certificate, CertificateFailure, Failure, NameCheck, TlsFailure};

fn read(name: &str) -> CertificateDer<'static> {
    let path = format!("{}/../testdata/tls/{name}.der", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

fn check(chain: &[&str], trusted: &[&str]) -> (ServerCheck, Result<(), Error>) {
    let trusted: Vec<_> = trusted.iter().map(|name| read(name)).collect();
    let algorithms = default_provider().signature_verification_algorithms;
    let check =
        ServerCheck::new(Arc::new(Trust::new(&trusted, NameCheck::Full, algorithms).unwrap()));
    let chain: Vec<_> = chain.iter().map(|name| read(name)).collect();
    let (leaf, issuers) = chain.split_first().unwrap();
    let name = ServerName::try_from("kmip.example").unwrap();
    let result = check.verify_server_cert(leaf, issuers, &name, &[], UnixTime::now());
    (check, result.map(drop))
}

fn refused(chain: &[&str], trusted: &[&str]) -> String {
    let (check, result) = check(chain, trusted);
    let Err(Error::InvalidCertificate(error)) = result else { panic!("{chain:?}: {result:?}") };
    let failure = check.explain(&error, "kmip.example");
    let hint = Failure::from(TlsFailure::ServerCertificate(failure.clone())).hint();
    assert!(hint.is_some(), "{failure}");
    failure.to_string()
}

#[test]
fn sound_certificates_pass() {
    assert_eq!(check(&["good"], &["root"]).1, Ok(()));
    assert_eq!(check(&["self-signed"], &["self-signed"]).1, Ok(()));
    assert_eq!(check(&["by-sha1-root"], &["sha1-root"]).1, Ok(()), "nobody verifies a root's own");
    assert_eq!(check(&["authority"], &["authority"]).1, Ok(()), "pinned");
}

#[test]
fn a_certificate_without_a_trusted_issuer() {
    assert_eq!(
        refused(&["good"], &["rsa-root"]),
        "neither it nor its issuer, \"Root\", is in the truststore"
    );
    for name in ["self-signed", "self-signed-authority"] {
        assert_eq!(refused(&[name], &["root"]), "it is self-signed, and not in the truststore");
    }
    assert_eq!(
        refused(&["by-renewed-root"], &["root"]),
        "its signature is not by the certificate of \"Root\" in the truststore"
    );
}

#[test]
fn what_java_accepts_and_the_library_does_not() {
    const ALL_THE_SAME: &str = ", which Java accepts and this program's TLS library does not";
    for (chain, trusted, what) in [
        (&["sha1"][..], "rsa-root", "it is signed with SHA-1 and RSA"),
        (
            &["by-weak-root"],
            "weak-root",
            "its issuer's certificate, \"Weak Root\", has a key of RSA with 1024 bits",
        ),
        (
            &["by-weak-middle", "weak-middle"],
            "root",
            "its issuer's certificate, \"Middle\", is signed with SHA-1 and ECDSA",
        ),
        (&["version-1"], "root", "it is an X.509 version 1 certificate"),
    ] {
        assert_eq!(refused(chain, &[trusted]), format!("{what}{ALL_THE_SAME}"));
    }
    // These chain, and fail when the server proves that it has the key.
    for (leaf, what) in [
        ("rsa-1024", "RSA with 1024 bits"),
        ("dsa", "DSA"),
        ("brainpool", "the elliptic curve brainpoolP256r1"),
    ] {
        let (check, result) = check(&[leaf], &["root"]);
        assert_eq!(result, Ok(()), "{leaf}");
        let failure = check.explain(&CertificateError::BadSignature, "kmip.example");
        assert_eq!(failure.to_string(), format!("it has a key of {what}{ALL_THE_SAME}"));
    }
}

#[test]
fn certificates_used_against_their_issuers_intent() {
    for (chain, what) in [
        (
            &["authority"][..],
            "it is the certificate of an authority (CA:TRUE), and not of a server",
        ),
        (&["client-only"], "its extended key usage does not allow it to be a server's"),
        (
            &["by-narrow", "narrow"],
            "its issuer may not issue certificates for its names (name constraints)",
        ),
        (
            &["by-past-last", "past-last", "last"],
            "an issuer may not have so many authorities below it (path length)",
        ),
        (
            &["by-a-server", "good"],
            "its issuer's certificate, \"kmip.example\", is not the certificate of an authority (CA:TRUE)",
        ),
        (
            &["policy"],
            "it, or the certificate of an issuer, has a critical extension that this program's TLS library does not know, such as policy constraints",
        ),
    ] {
        assert_eq!(refused(chain, &["root"]), what, "{chain:?}");
    }
}

#[test]
fn the_expired_certificate_is_named() {
    let mut issuer = Certificate::parse(&read("root")).unwrap();
    let leaf = Certificate::parse(&read("good")).unwrap();
    issuer.not_after = "2020-01-01T00:00:00Z".parse().unwrap();
    let chain = [leaf, issuer];
    let presented =
        super::explain::Presented { chain: &chain, trusted: &[], wanted: "kmip.example" };
    let now = crate::message::Timestamp::now();
    assert_eq!(
        presented.explain(&CertificateError::Expired, now).to_string(),
        "its issuer's certificate, \"Root\", expired on 2020-01-01T00:00:00Z"
    );
}

#[test]
fn the_hint_for_another_name_is_one_that_helps() {
    let hint = |names: &[&str], common_name: Option<&str>| {
        let failure = CertificateFailure::OtherName {
            wanted: "kmip".to_owned(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            common_name: common_name.map(str::to_owned),
        };
        Failure::from(TlsFailure::ServerCertificate(failure)).hint().unwrap()
    };
    assert!(hint(&[], Some("kmip1")).contains("verify_hostname=cn"));
    for (names, common_name) in [(&["a.example"][..], Some("kmip")), (&[], None)] {
        let hint = hint(names, common_name);
        assert!(hint.contains("verify_hostname=off") && !hint.contains("=cn"), "{hint}");
    }
}

/// Input that is not a certificate at all is distinguished, too.
#[test]
fn nothing_that_can_be_read_is_malformed() {
    let algorithms = default_provider().signature_verification_algorithms;
    let trust = Trust::new(&[read("root")], NameCheck::Full, algorithms).unwrap();
    let check = ServerCheck::new(Arc::new(trust));
    let failure = check.explain(&CertificateError::BadEncoding, "kmip.example");
    assert_eq!(failure, CertificateFailure::Malformed);
}
