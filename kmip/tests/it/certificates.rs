//! The reader of certificate facts, on real certificates and on broken ones.

use proptest::prelude::*;
use rekey_kmip::fuzzing;
use rekey_kmip::transport::Certificate;
use rekey_kmip_sim::{Pki, ServerCertificate};

fn der() -> Vec<u8> {
    let pki = Pki::new("Test").unwrap();
    pki.server(ServerCertificate::Good).unwrap().leaf().unwrap().to_vec()
}

#[test]
fn a_real_certificate_reads() {
    let certificate = Certificate::parse(&der()).unwrap();
    assert_eq!(certificate.common_name.as_deref(), Some("localhost"));
    assert_eq!(certificate.issuer.as_deref(), Some("Test Root"));
    assert_eq!(certificate.not_before.to_string(), "2020-01-01T00:00:00Z");
}

#[test]
fn every_prefix_and_every_change_of_one_byte_reads_or_errs() {
    let mut der = der();
    for length in 0..der.len() {
        assert!(Certificate::parse(&der[..length]).is_err());
    }
    for at in 0..der.len() {
        let original = der[at];
        for byte in 0..=u8::MAX {
            der[at] = byte;
            fuzzing::certificate(&der);
        }
        der[at] = original;
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_read_or_err(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        fuzzing::certificate(&bytes);
    }
}
