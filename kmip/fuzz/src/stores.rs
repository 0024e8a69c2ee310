//! Real key stores, and the digest that one must have.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use rekey_kmip::secret::Secret;
use sha1::{Digest as _, Sha1};

/// A file of `testdata/keystores`.
pub(crate) fn file(name: &str) -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut above = here.ancestors().map(|directory| directory.join("testdata/keystores"));
    let stores = above.find(|path| path.is_dir()).expect("testdata above this package");
    fs::read(stores.join(name)).expect("a committed store")
}

/// Some of them.
pub(crate) fn real(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| file(name)).collect()
}

/// The password of the committed stores.
pub(crate) fn password() -> Secret {
    Secret::new(PASSWORD.to_owned())
}

/// A store whose last twenty bytes, if it is a JKS or JCEKS one, are the digest of all before.
pub(crate) fn corrected(store: &[u8]) -> Cow<'_, [u8]> {
    match store.split_last_chunk::<20>() {
        Some((body, _)) if MAGIC.iter().any(|magic| body.starts_with(magic)) => {
            let mut digest = Sha1::new();
            for unit in PASSWORD.encode_utf16() {
                digest.update(unit.to_be_bytes());
            }
            digest.update(b"Mighty Aphrodite");
            digest.update(body);
            Cow::Owned([body, digest.finalize().as_slice()].concat())
        }
        _ => Cow::Borrowed(store),
    }
}

const PASSWORD: &str = "changeit";
const MAGIC: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce; 4]];
