//! The facts of a certificate.

use rekey_kmip::transport::Certificate;

use super::stores::file;

/// Any bytes as a certificate.
pub fn run(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::parse(bytes) {
        drop(format!("{certificate:?}"));
    }
}

/// A real one.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    vec![file("certificate.der")]
}
