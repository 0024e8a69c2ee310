//! The committed stores, or new ones from the same `make`, and names for the certificates in them.

use std::fs;
use std::path::PathBuf;

use rekey_kmip::keystore::{Identity, KeyStoreError, Trust, load_identity, load_trust};
use rekey_kmip::secret::Secret;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// `REKEY_KEYSTORES` in the environment, where the interop run has made new ones.
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("REKEY_KEYSTORES") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/keystores"),
    }
}

pub(crate) fn bytes(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// All stores, by name.
pub(crate) fn all() -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| {
            [".p12", ".jks", ".jceks", ".pem", ".der"].iter().any(|end| file.ends_with(end))
        })
        .collect();
    files.sort_unstable();
    assert!(files.len() > 40, "only {} stores", files.len());
    files
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The store password, as `make` set it.
pub(crate) fn password_of(file: &str) -> Option<Secret> {
    Some(secret(match file {
        "openssl-emptypassword.p12" => "",
        "keypass.jks" | "keypass.jceks" => "storepass2",
        "unicode.jks" | "unicode.jceks" => "pässwörd€",
        "secret.jceks" | "secret.p12" => "cassandra",
        _ => "changeit",
    }))
}

pub(crate) fn identity(file: &str, alias: Option<&str>) -> Result<Identity, KeyStoreError> {
    load_identity(&bytes(file), None, password_of(file).as_ref(), None, alias)
}

pub(crate) fn trust(file: &str) -> Result<Trust, KeyStoreError> {
    load_trust(&bytes(file), None, password_of(file).as_ref())
}

/// The DER of one of the pieces that the stores were made of.
pub(crate) fn part(file: &str) -> Vec<u8> {
    let bytes = bytes(&format!("parts/{file}"));
    match file {
        "ec.sec1" => rustls_pki_types::PrivateSec1KeyDer::from_pem_slice(&bytes)
            .unwrap()
            .secret_sec1_der()
            .to_vec(),
        "rsa.pkcs1" => rustls_pki_types::PrivatePkcs1KeyDer::from_pem_slice(&bytes)
            .unwrap()
            .secret_pkcs1_der()
            .to_vec(),
        _ if file.ends_with(".pem") => CertificateDer::from_pem_slice(&bytes).unwrap().to_vec(),
        _ => bytes,
    }
}

/// The common name of a certificate: whole certificates are compared, but for the two that
/// keytool generated.
pub(crate) fn label(certificate: &CertificateDer<'_>) -> &'static str {
    for (file, name) in
        [("ca", "Root"), ("int", "Intermediate"), ("ec", "client-ec"), ("rsa", "client-rsa")]
    {
        if part(&format!("{file}.pem")) == certificate.as_ref() {
            return name;
        }
    }
    assert!(certificate.windows(9).any(|window| window == b"generated"), "unknown certificate");
    "generated"
}

pub(crate) fn labels(certificates: &[CertificateDer<'_>]) -> Vec<&'static str> {
    certificates.iter().map(label).collect()
}
