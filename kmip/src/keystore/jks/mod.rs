//! Sun's JKS, versions 1 and 2.
//!
//! ```text
//! u32 feedfeed  u32 version (1 or 2)  u32 count  count × entry  20 bytes digest
//! entry:        u32 tag (1 key, 2 trusted certificate)  UTF alias  u64 time in ms
//!   key:        u32 length  EncryptedPrivateKeyInfo  u32 count  count × certificate, leaf first
//!   trusted:    certificate
//! certificate:  (version 2: UTF type, "X.509")  u32 length  DER
//! ```
//! UTF is a `u16` length and modified UTF-8. The digest is SHA-1 over the password in UTF-16BE,
//! `Mighty Aphrodite`, and everything in front of the digest. It is computed first. Without a match
//! nothing of the file is used, but its structure still tells a file that was cut off or damaged
//! from a wrong password.

mod key;
mod utf;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest as _, Sha1};

use super::chain;
use super::der::{Flaw, Reader};
use super::error::{Alias, KeyStoreError};
use super::{Found, StoreType, choose};
use crate::secret::Secret;

const FORMAT: StoreType = StoreType::Jks;

/// Reads the key, chosen by its alias.
pub(super) fn identity(
    bytes: &[u8],
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: Option<&str>,
) -> Result<Found, KeyStoreError> {
    let store_password = store_password.ok_or(KeyStoreError::NoPassword(FORMAT))?;
    let entries = open(bytes, store_password)?;
    let keys: Vec<_> = entries.iter().filter(|entry| entry.protected_key.is_some()).collect();
    if keys.is_empty() {
        return Err(KeyStoreError::NoKey {
            format: FORMAT,
            certificates: entries.len(),
            secrets: 0,
        });
    }
    let names: Vec<&str> = keys.iter().map(|entry| entry.alias.as_str()).collect();
    let chosen = choose(&names, alias)?;
    let (Some(entry), Some(name)) = (keys.get(chosen), names.get(chosen)) else {
        return Err(KeyStoreError::Damaged { format: FORMAT, part: "key entry" });
    };
    let alias = Alias::new(name);
    if entry.certificates.is_empty() {
        return Err(KeyStoreError::NoCertificate { alias });
    }
    let password = key_password.unwrap_or(store_password);
    let mut key = key::recover(entry.protected_key.unwrap_or_default(), password, &alias)?;
    let chain = chain::stored(&entry.certificates)
        .map_err(|_flaw| KeyStoreError::Damaged { format: FORMAT, part: "certificate chain" })?;
    Ok(Found {
        chain: chain.into_iter().map(<[u8]>::to_vec).collect(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(std::mem::take(&mut *key))),
        alias,
    })
}

/// Reads what Java trusts: the trusted certificates, and the first one of each key's chain.
pub(super) fn trust(
    bytes: &[u8],
    password: Option<&Secret>,
) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    let entries = open(bytes, password.ok_or(KeyStoreError::NoPassword(FORMAT))?)?;
    let first = entries.iter().filter_map(|entry| entry.certificates.first());
    Ok(first.map(|certificate| certificate.to_vec()).collect())
}

/// An entry, borrowed from the file.
#[derive(Debug)]
struct Entry<'a> {
    alias: String,
    /// An `EncryptedPrivateKeyInfo`; none for a trusted certificate.
    protected_key: Option<&'a [u8]>,
    certificates: Vec<&'a [u8]>,
}

/// Verifies the digest, then reads the entries.
fn open<'a>(bytes: &'a [u8], password: &Secret) -> Result<Vec<Entry<'a>>, KeyStoreError> {
    let truncated = KeyStoreError::Truncated { format: FORMAT, inside: "digest" };
    let (body, digest) = bytes.split_last_chunk::<20>().ok_or(truncated)?;
    let verified = store_digest(password, body) == *digest;
    let entries = entries(body).map_err(|flaw| KeyStoreError::flaw(FORMAT, flaw))?;
    if verified { Ok(entries) } else { Err(KeyStoreError::WrongStorePassword(FORMAT)) }
}

fn store_digest(password: &Secret, body: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(&*password.utf16_be());
    hash.update(b"Mighty Aphrodite");
    hash.update(body);
    hash.finalize().into()
}

fn entries(body: &[u8]) -> Result<Vec<Entry<'_>>, Flaw> {
    let mut reader = Reader::new(body);
    reader.u32("magic number")?;
    let version = reader.u32("version")?;
    if !matches!(version, 1 | 2) {
        return Err(Flaw::Wrong("version"));
    }
    let count = reader.u32("number of entries")?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let tag = reader.u32("entry's tag")?;
        let alias = utf::decode(reader.short_bytes("alias")?).ok_or(Flaw::Wrong("alias"))?;
        reader.array::<8>("entry's date")?;
        entries.push(match tag {
            1 => {
                let protected_key = Some(reader.long_bytes("key")?);
                let count = reader.u32("number of certificates")?;
                let mut certificates = Vec::new();
                for _ in 0..count {
                    certificates.push(certificate(&mut reader, version)?);
                }
                Entry { alias, protected_key, certificates }
            }
            2 => {
                let certificates = vec![certificate(&mut reader, version)?];
                Entry { alias, protected_key: None, certificates }
            }
            _ => return Err(Flaw::Wrong("entry's tag")),
        });
    }
    reader.finish("end")?;
    Ok(entries)
}

fn certificate<'a>(reader: &mut Reader<'a>, version: u32) -> Result<&'a [u8], Flaw> {
    if version == 2 && reader.short_bytes("certificate's type")? != b"X.509" {
        return Err(Flaw::Wrong("certificate's type"));
    }
    reader.long_bytes("certificate")
}

#[cfg(test)]
mod tests;
