//! Every prefix and every single-byte change of every committed store is read or refused, and never
//! panics. A store with a digest or a MAC never gives another result.
//!
//! A store that is cheap to open has each byte changed in many ways. Where opening costs
//! milliseconds (10,000 iterations and more), all bytes covered by the MAC behave alike, so only
//! the first and the last ones, and some of those between, are changed. With `REKEY_FULL=1` in the
//! environment each byte of every store is, and takes all 255 other values in the cheap ones.

use rekey_kmip::keystore::{KeyStoreError, load_identity, load_trust};
use rekey_kmip::secret::Secret;

use super::stores::{all, bytes, password_of};

/// What can be compared of a result: the chain, the key, the trusted certificates.
type Outcome =
    (Result<(Vec<Vec<u8>>, Vec<u8>), KeyStoreError>, Result<Vec<Vec<u8>>, KeyStoreError>);

fn open(bytes: &[u8], password: Option<&Secret>) -> Outcome {
    // An alias, so that stores with several keys are read to the end too.
    let alias = if bytes.starts_with(b"-----BEGIN") { None } else { Some("node") };
    let identity = load_identity(bytes, None, password, None, alias).map(|identity| {
        let chain = identity.chain().iter().map(|certificate| certificate.to_vec()).collect();
        (chain, identity.key().secret_der().to_vec())
    });
    let trust = load_trust(bytes, None, password)
        .map(|trust| trust.certificates.iter().map(|certificate| certificate.to_vec()).collect());
    (identity, trust)
}

/// Whether the store notices changes.
fn authenticated(file: &str) -> bool {
    let unauthenticated = file.ends_with("pem") || file.ends_with("der");
    !unauthenticated && !file.contains("nomac") && file != "trust-java-nopassword.p12"
}

#[test]
fn every_prefix_is_refused() {
    for file in all() {
        let whole = bytes(&file);
        let password = password_of(&file);
        for end in 0..whole.len() {
            let (identity, trust) = open(&whole[..end], password.as_ref());
            // A PEM file that is cut after a block is a shorter PEM file.
            if !file.ends_with("pem") {
                assert!(identity.is_err(), "{file}, {end} bytes");
                assert!(trust.is_err(), "{file}, {end} bytes");
            }
            if end > 8 && [".jks", ".jceks", ".p12"].iter().any(|of| file.ends_with(of)) {
                let error = trust.unwrap_err();
                assert!(matches!(error, KeyStoreError::Truncated { .. }), "{file}, {end}: {error}");
            }
        }
    }
}

#[test]
fn every_changed_byte_is_noticed_or_harmless() {
    let full = std::env::var_os("REKEY_FULL").is_some();
    let files = all();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(file) =
                    files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    change_each_byte(file, full);
                }
            });
        }
    });
}

/// How many of the bytes covered by the MAC are changed: one in this many, depending on what
/// opening costs.
fn stride(file: &str) -> usize {
    let free = ["iter1", "plain-nomac", "nopassword", "trust-empty"];
    match file.rsplit_once('.') {
        Some((name, "p12")) if name.contains("java8") => 64,
        Some((name, "p12")) if !free.iter().any(|part| name.contains(part)) => 16,
        Some(("pem-ec-enc" | "pem-ec-sha1", _)) => 4,
        _ => 1,
    }
}

fn change_each_byte(file: &str, full: bool) {
    let mut changed = bytes(file);
    let password = password_of(file);
    let before = open(&changed, password.as_ref());
    let stride = stride(file);
    let masks: Vec<u8> = match (stride, full) {
        (1, true) => (1..=255).collect(),
        (1, false) => vec![0x01, 0x10, 0x80, 0xff],
        _ => vec![0x20],
    };
    let stride = if full { 1 } else { stride };
    let outer = 64..changed.len().saturating_sub(100);
    for i in (0..changed.len()).filter(|i| !outer.contains(i) || i % stride == 0) {
        for mask in &masks {
            changed[i] ^= mask;
            let after = open(&changed, password.as_ref());
            if authenticated(file) {
                assert!(after.0.is_err() || after.0 == before.0, "{file}, byte {i} ^ {mask:#x}");
                assert!(after.1.is_err() || after.1 == before.1, "{file}, byte {i} ^ {mask:#x}");
            }
            if file.ends_with("jks") || file.ends_with("jceks") {
                assert!(after.0.is_err() && after.1.is_err(), "{file}, byte {i} ^ {mask:#x}");
            }
            changed[i] ^= mask;
        }
    }
}
