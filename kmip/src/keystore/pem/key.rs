//! The private keys of PEM files: PKCS#8, plain or encrypted with PBES2, PKCS#1 and SEC1.

use pkcs5::EncryptionScheme;
use pkcs5::pbes2::Kdf;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use super::super::der;
use super::super::error::KeyStoreError;
use super::super::kind::KeyKind;
use super::FORMAT;
use super::blocks::Block;
use crate::secret::Secret;

/// As in PKCS#12: a higher count would only cost time.
const MAX_ITERATIONS: u32 = 1_000_000;

/// Reads a key block.
pub(super) fn read(
    block: &Block<'_>,
    password: Option<&Secret>,
) -> Result<PrivateKeyDer<'static>, KeyStoreError> {
    let unsupported = |what| KeyStoreError::Unsupported { format: FORMAT, what };
    if block.has_headers() {
        return Err(unsupported(
            "OpenSSL's old encryption of keys (Proc-Type: 4,ENCRYPTED; openssl pkcs8 -topk8 \
             makes it a newer one)",
        ));
    }
    let mut der = block.decode("private key")?;
    match block.label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {}
        "ENCRYPTED PRIVATE KEY" => der = decrypt(&der, password)?,
        "DSA PRIVATE KEY" => return Err(KeyStoreError::KeyOfNoUse(KeyKind::Dsa)),
        _ => return Err(unsupported("a form of key other than PKCS#8, PKCS#1 and SEC1")),
    }
    let der = std::mem::take(&mut *der);
    Ok(match block.label {
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
        _ => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
    })
}

fn decrypt(bytes: &[u8], password: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let unsupported = |what| KeyStoreError::Unsupported { format: FORMAT, what };
    let damaged = |_flaw| KeyStoreError::Damaged { format: FORMAT, part: "encrypted key" };
    let (algorithm, octets) = der::encrypted_key(bytes).map_err(damaged)?;
    let scheme = EncryptionScheme::try_from(algorithm.whole)
        .map_err(|_other| unsupported("an old or unusual encryption of keys"))?;
    match scheme.pbes2().map(|parameters| &parameters.kdf) {
        Some(Kdf::Pbkdf2(kdf)) if kdf.iteration_count <= MAX_ITERATIONS => {}
        Some(Kdf::Pbkdf2(_)) => return Err(unsupported("more than 1,000,000 iterations")),
        // Its memory cost would be chosen by the file.
        Some(_) => return Err(unsupported("scrypt")),
        None => return Err(unsupported("an old encryption of keys (PKCS#5 version 1)")),
    }
    let password = password.ok_or(KeyStoreError::NoPassword(FORMAT))?;
    let wrong = || KeyStoreError::WrongKeyPassword { alias: None };
    let mut key = Zeroizing::new(octets.to_vec());
    let length =
        scheme.decrypt_in_place(password.expose(), &mut key).map_err(|_crypto| wrong())?.len();
    key.truncate(length);
    // A wrong password gives valid padding once in 256 times; then this check fails.
    if der::pkcs8(&key).is_err() {
        return Err(wrong());
    }
    Ok(key)
}
