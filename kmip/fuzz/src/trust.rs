//! Key stores, and the certificates that a client trusts because of one.

use rekey_kmip::keystore::load_trust;

use super::stores::{corrected, password, real};

/// Any bytes as a store; the digest of a JKS or JCEKS store is corrected.
pub fn run(bytes: &[u8]) {
    for store in [bytes, &corrected(bytes)] {
        for password in [None, Some(&password())] {
            if let Ok(trust) = load_trust(store, None, password) {
                assert!(!trust.certificates.is_empty());
            }
        }
    }
}

/// Real stores that open fast.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    real(&[
        "trust.jks",
        "trust-empty.jks",
        "mixed.jks",
        "trust-java-nopassword.p12",
        "trust-openssl-iter1.p12",
        "openssl-plain-nomac.p12",
        "pem-trust.pem",
        "trust.jceks",
        "mixed.jceks",
        "trust.bks",
        "trust.bcfks",
    ])
}
