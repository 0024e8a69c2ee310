//! Each thing that can be wrong has an error of its own, with a hint, and without a secret.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rekey_kmip::keystore::{KeyStoreError, StoreType, load_identity, load_trust};

use super::stores::{all, bytes, identity, password_of, secret, trust};

#[test]
fn an_empty_truststore_is_an_error_where_java_says_nothing() {
    assert_eq!(trust("trust-empty.jks"), Err(KeyStoreError::EmptyTrust(StoreType::Jks)));
    assert_eq!(trust("trust-empty.p12"), Err(KeyStoreError::EmptyTrust(StoreType::Pkcs12)));
    let text = b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    assert_eq!(load_trust(text, None, None), Err(KeyStoreError::EmptyTrust(StoreType::Pem)));
}

#[test]
fn a_wrong_or_missing_store_password_is_reported_for_every_store() {
    for file in all() {
        let (format, wrong) = match file.rsplit_once('.').unwrap().1 {
            "jks" => (StoreType::Jks, "Changeit"),
            "jceks" => (StoreType::Jceks, "Changeit"),
            "p12" => (StoreType::Pkcs12, "Changeit"),
            _ => continue,
        };
        // Unencrypted and without a MAC: any password opens these.
        if matches!(&*file, "trust-java-nopassword.p12" | "openssl-plain-nomac.p12") {
            continue;
        }
        let bytes = bytes(&file);
        let wrong = secret(wrong);
        let expected = KeyStoreError::WrongStorePassword(format);
        let identity = |password| load_identity(&bytes, None, password, None, None).map(drop);
        assert_eq!(identity(Some(&wrong)), Err(expected.clone()), "{file}");
        assert_eq!(load_trust(&bytes, None, Some(&wrong)).err(), Some(expected), "{file}");
        assert_eq!(identity(None), Err(KeyStoreError::NoPassword(format)), "{file}");
        // Truststores of Java's own formats open without one, as another test shows.
        if format == StoreType::Pkcs12 {
            let none = load_trust(&bytes, None, None);
            assert_eq!(none.err(), Some(KeyStoreError::NoPassword(format)), "{file}");
        }
    }
}

#[test]
fn encrypted_pem_keys_tell_wrong_missing_and_unsupported_apart() {
    let open = |file: &str, password: Option<&str>| {
        let password = password.map(secret);
        load_identity(&bytes(file), None, password.as_ref(), None, None).map(drop).unwrap_err()
    };
    for file in ["pem-ec-enc.pem", "pem-ec-sha1.pem"] {
        assert_eq!(open(file, None), KeyStoreError::NoPassword(StoreType::Pem));
        for i in 0..300 {
            let error = open(file, Some(&format!("wrong {i}")));
            assert_eq!(error, KeyStoreError::WrongKeyPassword { alias: None });
        }
    }
    for (file, what) in [
        ("pem-ec-enc1.pem", "an old or unusual encryption of keys"),
        ("pem-ec-scrypt.pem", "scrypt"),
    ] {
        let error = open(file, Some("changeit"));
        assert_eq!(error, KeyStoreError::Unsupported { format: StoreType::Pem, what });
    }
    let error = open("pem-ec-legacy.pem", Some("changeit")).to_string();
    assert!(error.contains("Proc-Type: 4,ENCRYPTED"), "{error}");
}

#[test]
fn a_store_without_a_key_is_not_an_identity() {
    for (file, text) in [
        ("trust.jks", "the JKS file holds no private key (2 certificates, 0 secret keys)"),
        (
            "trust-java17.p12",
            "the PKCS12 file holds no private key (2 certificates, 0 secret keys)",
        ),
        ("trust.jceks", "the JCEKS file holds no private key (1 certificates, 0 secret keys)"),
        ("pem-trust.pem", "the PEM file holds no private key (2 certificates, 0 secret keys)"),
        ("trust-empty.p12", "the PKCS12 file holds no private key (0 certificates, 0 secret keys)"),
    ] {
        assert_eq!(identity(file, None).unwrap_err().to_string(), text);
    }
}

#[test]
fn an_old_cipher_is_refused_by_name() {
    let error = identity("openssl-rc2-128.p12", None).unwrap_err();
    let what = "an old or unusual cipher or MAC";
    assert_eq!(error, KeyStoreError::Unsupported { format: StoreType::Pkcs12, what });
    assert!(error.hint().contains("-deststoretype PKCS12"));
}

#[test]
fn other_formats_are_refused_by_name() {
    // Not made by `make`, so they are in no other folder.
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/keystores");
    for (file, name, provider) in [
        ("trust.bcfks", "a BCFKS key store (Bouncy Castle FIPS)", "BouncyCastleFipsProvider"),
        ("trust.bks", "a BKS or UBER key store (Bouncy Castle)", "BouncyCastleProvider"),
        ("trust.uber", "a BKS or UBER key store (Bouncy Castle)", "BouncyCastleProvider"),
    ] {
        let bytes = fs::read(here.join(file)).unwrap();
        for declared in [None, Some(StoreType::Jks), Some(StoreType::Bcfks), Some(StoreType::Bks)] {
            let password = secret("changeit");
            let error = load_trust(&bytes, declared, Some(&password)).unwrap_err();
            assert_eq!(error.to_string(), format!("{name}, which this program does not read"));
            assert!(error.hint().contains("-deststoretype PKCS12"), "{}", error.hint());
            assert!(error.hint().ends_with(provider), "{}", error.hint());
            let found = load_identity(&bytes, declared, Some(&password), None, None);
            assert_eq!(found.err(), Some(error));
        }
    }
    // A file that says nothing is what it is declared to be.
    for (declared, error) in
        [(StoreType::Bcfks, KeyStoreError::Bcfks), (StoreType::Bks, KeyStoreError::Bks)]
    {
        assert_eq!(load_trust(b"\0\0\0\x03", Some(declared), None), Err(error));
    }
    let pkcs11 = load_trust(b"", Some(StoreType::Pkcs11), None).unwrap_err();
    assert_eq!(pkcs11, KeyStoreError::Pkcs11);
    let error = trust("certificate.der").unwrap_err().to_string();
    assert_eq!(error, "not a key store: it looks like a bare certificate in DER");
    let pem = String::from_utf8(bytes("pem-ec-enc.pem")).unwrap();
    let (_, key) = pem.split_once("-----BEGIN ENCRYPTED PRIVATE KEY-----").unwrap();
    let key: String = key.split_once("-----").unwrap().0.split_whitespace().collect();
    let error = load_trust(&STANDARD.decode(key).unwrap(), None, None).unwrap_err().to_string();
    assert_eq!(error, "not a key store: it looks like a bare, encrypted private key in DER");
    let error = load_trust(b"kmip_hosts:\n", None, None).unwrap_err();
    assert!(matches!(error, KeyStoreError::NotAKeyStore(_)));
    assert_eq!(load_trust(b"", None, None).unwrap_err(), KeyStoreError::EmptyFile);
}

/// What a hidden password must not appear in: every text of every error of every store.
#[test]
fn no_error_and_no_debug_text_holds_a_password_or_a_key() {
    let (store, key) = ("hunter2-store", "hunter2-key");
    for file in all() {
        let bytes = bytes(&file);
        for password in [password_of(&file), Some(secret(store))] {
            let key = secret(key);
            let identity =
                load_identity(&bytes, None, password.as_ref(), Some(&key), Some("hunter2"));
            let trust = load_trust(&bytes, None, password.as_ref());
            let mut texts = vec![format!("{trust:?} {password:?}")];
            match &identity {
                Err(error) => {
                    texts.push(format!("{error} {error:?} {error:#?} {}", error.hint()));
                }
                Ok(identity) => texts.push(format!("{identity:?} {identity:#?}")),
            }
            for text in texts {
                for hidden in ["hunter2-", "changeit", "pässwörd", "storepass"] {
                    assert!(!text.contains(hidden), "{file}: {text}");
                }
            }
        }
    }
    let identity = identity("ec.jks", None).unwrap();
    let text = format!("{identity:?} {:?}", identity.key());
    assert_eq!(
        text,
        r##"Identity { alias: "node", certificates: 2, notes: [], .. } Pkcs8(PrivatePkcs8KeyDer("[secret key elided]"))"##
    );
}
