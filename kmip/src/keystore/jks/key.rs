//! How Sun's JKS protects a private key: a key stream of chained SHA-1.

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::super::der::{self, OBJECT_ID, Reader};
use super::super::error::{Alias, KeyStoreError};
use super::FORMAT;
use crate::secret::Secret;

/// 1.3.6.1.4.1.42.2.17.1.1
const PROTECTION: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];

/// Recovers a PKCS#8 key from its `EncryptedPrivateKeyInfo`.
///
/// The octets are 20 of salt, the ciphertext, and 20 of check. With `D[0] = salt` and
/// `D[i] = SHA1(password || D[i-1])`, the ciphertext is the key XOR `D[1] D[2] …`, and the check
/// is `SHA1(password || key)`; the password is UTF-16BE.
pub(super) fn recover(
    protected: &[u8],
    password: &Secret,
    alias: &Alias,
) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let damaged = KeyStoreError::Damaged { format: FORMAT, part: "protected key" };
    let Ok((algorithm, octets)) = der::encrypted_key(protected) else {
        return Err(damaged);
    };
    match Reader::new(algorithm.content).element(OBJECT_ID, "algorithm") {
        Ok(id) if id.content == PROTECTION => {}
        Ok(_) => {
            let what = "another protection of keys than JKS has";
            return Err(KeyStoreError::Unsupported { format: FORMAT, what });
        }
        Err(_) => return Err(damaged),
    }
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
    if hash(&password, &key) != *check {
        return Err(KeyStoreError::WrongKeyPassword { alias: Some(alias.clone()) });
    }
    Ok(key)
}

fn hash(password: &[u8], bytes: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(password);
    hash.update(bytes);
    hash.finalize().into()
}
