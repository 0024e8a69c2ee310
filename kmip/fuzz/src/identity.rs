//! Key stores, and the key and chain that a client takes from one.

use rekey_kmip::keystore::load_identity;

use super::stores::{corrected, password, real};

/// Any bytes as a store; the digest of a JKS or JCEKS store is corrected.
pub fn run(bytes: &[u8]) {
    for store in [bytes, &corrected(bytes)] {
        let Ok(identity) = load_identity(store, None, Some(&password()), None, None) else {
            continue;
        };
        assert!(!identity.chain().is_empty());
        drop(format!("{identity:?}"));
    }
}

/// Real stores that open fast.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    real(&[
        "ec.jks",
        "mixed.jks",
        "keypass.jks",
        "unicode.jks",
        "openssl-iter1.p12",
        "openssl-nomac.p12",
        "openssl-plain-nomac.p12",
        "openssl-plainkey.p12",
        "pem-ec-sec1.pem",
        "pem-ec-pkcs8.pem",
        "pem-rsa-pkcs1.pem",
        "pem-two.pem",
        "old.jceks",
        "jksprotected.jceks",
        "keys/rsa1024.jks",
    ])
}
