//! How Sun protects a private key: JKS by a key stream of chained SHA-1, JCEKS by 3DES, or like JKS.

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::super::der::{self, OBJECT_ID, Reader};
use super::super::error::KeyStoreError;
use super::super::{Alias, StoreType};
use super::pbe;
use crate::secret::Secret;

/// 1.3.6.1.4.1.42.2.17.1.1
const KEY_STREAM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];
/// 1.3.6.1.4.1.42.2.19.1
const MD5_AND_3DES: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x13, 0x01];

/// Recovers a PKCS#8 key from its `EncryptedPrivateKeyInfo`.
pub(super) fn recover(
    format: StoreType,
    protected: &[u8],
    password: &Secret,
    alias: &Alias,
) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let damaged = |_flaw| KeyStoreError::Damaged { format, part: "protected key" };
    let (algorithm, octets) = der::encrypted_key(protected).map_err(damaged)?;
    let mut algorithm = Reader::new(algorithm.content);
    let id = algorithm.element(OBJECT_ID, "algorithm").map_err(damaged)?;
    let key = match id.content {
        KEY_STREAM => key_stream(format, octets, password)?,
        MD5_AND_3DES if format == StoreType::Jceks => {
            pbe::decrypt(&mut algorithm, octets, password, |key| der::pkcs8(key).is_ok())?
        }
        _ => {
            let what = "another protection of keys than Java's own";
            return Err(KeyStoreError::Unsupported { format, what });
        }
    };
    key.ok_or_else(|| KeyStoreError::WrongKeyPassword { alias: Some(alias.clone()) })
}

/// Removes the protection of JKS; `None` if the password is wrong.
///
/// The octets are 20 of salt, the ciphertext, and 20 of check. With `D[0] = salt` and
/// `D[i] = SHA1(password || D[i-1])`, the ciphertext is the key XOR `D[1] D[2] …`, and the check
/// is `SHA1(password || key)`; the password is UTF-16BE.
fn key_stream(
    format: StoreType,
    octets: &[u8],
    password: &Secret,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
    let damaged = KeyStoreError::Damaged { format, part: "protected key" };
    let Some((salt, rest)) = octets.split_first_chunk::<20>() else {
        return Err(damaged);
    };
    let Some((ciphertext, check)) = rest.split_last_chunk::<20>() else {
        return Err(damaged);
    };
    let password = password.utf16_be();
    let mut key = Zeroizing::new(ciphertext.to_vec());
    let mut digest = Zeroizing::new(*salt);
    for block in key.chunks_mut(digest.len()) {
        *digest = hash(&password, &*digest);
        for (byte, stream) in block.iter_mut().zip(digest.iter()) {
            *byte ^= stream;
        }
    }
    Ok((hash(&password, &key) == *check).then_some(key))
}

fn hash(password: &[u8], bytes: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(password);
    hash.update(bytes);
    hash.finalize().into()
}
