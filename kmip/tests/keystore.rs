//! Key stores made by the real keytool and openssl (`testdata/keystores/make`), read and judged
//! against what Java itself sees in them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "keystore/hostile.rs"]
mod hostile;
#[path = "keystore/judged.rs"]
mod judged;
#[path = "keystore/kinds.rs"]
mod kinds;
#[path = "keystore/refused.rs"]
mod refused;
#[path = "keystore/stores.rs"]
mod stores;

use rekey_kmip::keystore::{KeyStoreError, Note, StoreType, load_identity, load_trust};
use rustls_pki_types::PrivateKeyDer;
use stores::{bytes, identity, label, labels, part, password_of, trust};

/// The rows of KMIP.md 11 that hold the EC or RSA test identity, and what only this program adds to
/// them.
const IDENTITIES: &[(&str, &str)] = &[
    // PKCS#12, keytool 17 and Java 8 style.
    ("java17-ec.p12", "ec"),
    ("java17-rsa.p12", "rsa"),
    ("java8-ec.p12", "ec"),
    ("java8-rsa.p12", "rsa"),
    // PKCS#12, OpenSSL 3.
    ("openssl3-ec.p12", "ec"),
    ("openssl3-rsa.p12", "rsa"),
    ("openssl-legacy-ec.p12", "ec"),
    ("openssl-legacy-rsa.p12", "rsa"),
    ("openssl-3des.p12", "ec"),
    ("openssl-plaincerts.p12", "ec"),
    ("openssl-plainkey.p12", "ec"),
    ("openssl-emptypassword.p12", "ec"),
    ("openssl-nomac.p12", "ec"),
    ("openssl-plain-nomac.p12", "ec"),
    ("openssl-pbes2-3des.p12", "ec"),
    ("openssl-iter1.p12", "ec"),
    // With a secret key beside it.
    ("java17-secret.p12", "ec"),
    // JKS.
    ("ec.jks", "ec"),
    ("rsa.jks", "rsa"),
    ("unicode.jks", "ec"),
    // JCEKS; the old one has a salt that Java reverses, the other one JKS's protection.
    ("node.jceks", "ec"),
    ("rsa.jceks", "rsa"),
    ("old.jceks", "ec"),
    ("jksprotected.jceks", "ec"),
    // PEM.
    ("pem-ec-pkcs8.pem", "ec"),
    ("pem-ec-bagattributes.pem", "ec"),
    ("pem-ec-enc.pem", "ec"),
    ("pem-ec-sha1.pem", "ec"),
    ("pem-ec-sec1.pem", "ec"),
    ("pem-rsa-pkcs1.pem", "rsa"),
];

#[test]
fn every_store_with_one_key_gives_that_key_and_its_chain() {
    for &(file, kind) in IDENTITIES {
        let identity = identity(file, None).unwrap_or_else(|error| panic!("{file}: {error}"));
        let client = format!("client-{kind}");
        assert_eq!(labels(identity.chain()), [client.as_str(), "Intermediate"], "{file}");
        let expected = match identity.key() {
            PrivateKeyDer::Pkcs8(_) => part(&format!("{kind}.pk8")),
            PrivateKeyDer::Sec1(_) => part("ec.sec1"),
            PrivateKeyDer::Pkcs1(_) => part("rsa.pkcs1"),
            _ => panic!("{file}: another form of key"),
        };
        assert!(identity.key().secret_der() == expected, "{file}: another key");
        let alias = match file {
            "unicode.jks" => "knöten",
            _ if file.ends_with("pem") => "1",
            _ => "node",
        };
        assert_eq!(identity.alias().as_str(), alias, "{file}");
        let notes: &[Note] = match file {
            "openssl-plainkey.p12" => &[Note::JavaIgnoresKey],
            "openssl-plain-nomac.p12" => &[Note::NotAuthenticated, Note::JavaIgnoresKey],
            "openssl-nomac.p12" => &[Note::NotAuthenticated],
            _ => &[],
        };
        assert_eq!(identity.notes(), notes, "{file}");
    }
}

#[test]
fn an_ec_key_that_keytool_made_has_no_public_part_and_is_read() {
    for file in ["java17-genkey.p12", "genkey.jks"] {
        let identity = identity(file, None).unwrap();
        assert_eq!(labels(identity.chain()), ["generated"]);
        assert_eq!(identity.key().secret_der().len(), 67);
    }
}

#[test]
fn a_key_with_its_own_password_opens_with_it_and_not_without() {
    for (file, key_password) in [
        ("keypass.jks", "changeit"),
        ("keypass.jceks", "changeit"),
        ("java17-keypass.p12", "keypass2"),
    ] {
        let open = |key_password: Option<&str>| {
            let key_password = key_password.map(stores::secret);
            let bytes = bytes(file);
            load_identity(&bytes, None, password_of(file).as_ref(), key_password.as_ref(), None)
        };
        let identity = open(Some(key_password)).unwrap();
        assert_eq!(labels(identity.chain()), ["client-ec", "Intermediate"], "{file}");
        assert!(identity.key().secret_der() == part("ec.pk8"), "{file}");
        for wrong in [None, Some("wrong"), Some(""), Some("wröng")] {
            let error = open(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with("the key store opens, but its key"),
                "{file}, {wrong:?}: {error}"
            );
        }
        // The certificates of the store can still be trusted.
        assert_eq!(labels(&trust(file).unwrap().certificates), ["client-ec"], "{file}");
    }
}

#[test]
fn several_keys_need_an_alias_in_any_case() {
    for file in ["java17-two.p12", "mixed.jks", "mixed.jceks"] {
        let error = identity(file, None).unwrap_err().to_string();
        assert!(error.starts_with("the key store holds several keys: "), "{error}");
        assert!(error.contains(r#""node""#) && error.contains(r#""gen""#), "{error}");
        for (alias, leaf) in [("node", "client-ec"), ("NODE", "client-ec"), ("gen", "generated")] {
            let identity = identity(file, Some(alias)).unwrap();
            assert_eq!(label(&identity.chain()[0]), leaf, "{file}");
        }
        let error = identity(file, Some("root")).unwrap_err().to_string();
        assert!(error.starts_with(r#"the key store has no key "root"; it holds "#), "{error}");
    }
    let error = identity("pem-two.pem", None).unwrap_err().to_string();
    assert_eq!(error, r#"the key store holds several keys: "1", "2""#);
}

#[test]
fn truststores_give_every_certificate_once() {
    for file in
        ["trust-java17.p12", "trust-java8.p12", "trust.jks", "pem-trust.pem", "trust-openssl.p12"]
    {
        let mut found = labels(&trust(file).unwrap().certificates);
        found.sort_unstable();
        assert_eq!(found, ["Intermediate", "Root"], "{file}");
    }
    let trust = trust("trust-java-nopassword.p12").unwrap();
    assert_eq!(labels(&trust.certificates), ["Root"]);
    assert_eq!(trust.notes, [Note::NotAuthenticated]);
    let twice = [bytes("pem-trust.pem"), b"\n".to_vec(), bytes("pem-trust.pem")].concat();
    assert_eq!(load_trust(&twice, None, None).unwrap().certificates.len(), 2);
}

#[test]
fn certificates_that_java_would_not_see_are_taken_with_a_note() {
    for file in ["trust-openssl.p12", "trust-openssl-legacy.p12", "trust-openssl-iter1.p12"] {
        let trust = trust(file).unwrap();
        assert_eq!(trust.certificates.len(), 2, "{file}");
        assert_eq!(trust.notes, [Note::JavaIgnores { certificates: 2 }], "{file}");
        assert!(trust.notes[0].to_string().contains("keytool -importcert"));
    }
}

/// Java takes these without a password, and the database with none in its configuration.
#[test]
fn jks_and_jceks_truststores_open_without_a_password_with_a_note() {
    for (file, format, text) in [
        (
            "trust.jks",
            StoreType::Jks,
            "no password is configured for the JKS truststore, so a change to it would not be \
             noticed",
        ),
        (
            "unicode.jceks",
            StoreType::Jceks,
            "no password is configured for the JCEKS truststore, so a change to it would not be \
             noticed",
        ),
    ] {
        let store = bytes(file);
        let with = load_trust(&store, None, password_of(file).as_ref()).unwrap();
        assert_eq!(with.notes, []);
        let without = load_trust(&store, None, None).unwrap();
        assert_eq!(without.certificates, with.certificates);
        assert_eq!(without.notes, [Note::NotVerified { format }]);
        assert_eq!(without.notes[0].to_string(), text);
    }
    // A changed file goes unnoticed, but one that cannot be read is still refused.
    let mut store = bytes("trust.jks");
    let last = store.len() - 1;
    store[last] ^= 1;
    assert!(load_trust(&store, None, password_of("trust.jks").as_ref()).is_err());
    assert!(load_trust(&store, None, None).is_ok());
    for end in 0..store.len() {
        assert!(load_trust(&store[..end], None, None).is_err(), "{end} bytes");
    }
    let empty = load_trust(&bytes("trust-empty.jks"), None, None);
    assert_eq!(empty, Err(KeyStoreError::EmptyTrust(StoreType::Jks)));
}

#[test]
fn the_content_is_believed_and_the_declared_type_compared() {
    for (file, found) in [
        ("ec.jks", StoreType::Jks),
        ("old.jceks", StoreType::Jceks),
        ("java17-ec.p12", StoreType::Pkcs12),
        ("pem-ec-pkcs8.pem", StoreType::Pem),
    ] {
        let password = password_of(file);
        for declared in [StoreType::Jks, StoreType::Jceks, StoreType::Pkcs12, StoreType::Pem] {
            let bytes = bytes(file);
            let identity =
                load_identity(&bytes, Some(declared), password.as_ref(), None, None).unwrap();
            let trust = load_trust(&bytes, Some(declared), password.as_ref()).unwrap();
            for notes in [identity.notes(), &trust.notes] {
                let by_java = matches!(
                    (declared, found),
                    (StoreType::Jks, StoreType::Pkcs12)
                        | (StoreType::Pkcs12 | StoreType::Jceks, StoreType::Jks)
                );
                if declared == found || by_java {
                    assert_eq!(notes, []);
                } else {
                    assert_eq!(notes, [Note::TypeMismatch { declared, found }]);
                }
            }
        }
    }
}
