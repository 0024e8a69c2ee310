//! Sun's JKS and JCEKS, versions 1 and 2. They differ in the magic number, in how a private key is
//! protected, and in that only JCEKS has secret keys.
//!
//! ```text
//! u32 feedfeed (JKS) or cececece (JCEKS)
//! u32 version (1 or 2)  u32 count  count × entry  20 bytes digest
//! entry:        u32 tag (1 key, 2 trusted certificate, 3 secret key)  UTF alias  u64 time in ms
//!   key:        u32 length  EncryptedPrivateKeyInfo  u32 count  count × certificate, leaf first
//!   trusted:    certificate
//!   secret:     a serialized Java object, without a length in front
//! certificate:  (version 2: UTF type, "X.509")  u32 length  DER
//! ```
//! UTF is a `u16` length and modified UTF-8. The digest is SHA-1 over the password in UTF-16BE,
//! `Mighty Aphrodite`, and everything in front of the digest. It is checked first. Without a match
//! nothing of the file is used, but its structure still distinguishes a truncated or damaged file
//! from a wrong password. A truststore is also read without a password, unverified, as Java does.

mod key;
mod pbe;
mod secret_key;
mod utf;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use self::secret_key::Sealed;
use super::chain;
use super::der::{Flaw, Reader};
use super::error::KeyStoreError;
use super::{Alias, Found, Note, StoreType, choose};
use crate::secret::Secret;

/// Reads the key, chosen by its alias.
pub(super) fn identity(
    format: StoreType,
    bytes: &[u8],
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: Option<&str>,
) -> Result<Found, KeyStoreError> {
    let store_password = store_password.ok_or(KeyStoreError::NoPassword(format))?;
    let Contents { entries, secrets } = open(format, bytes, Some(store_password))?;
    let keys: Vec<_> = entries.iter().filter(|entry| entry.protected_key.is_some()).collect();
    if keys.is_empty() {
        let secrets = secrets.len();
        return Err(KeyStoreError::NoKey { format, certificates: entries.len(), secrets });
    }
    let names: Vec<&str> = keys.iter().map(|entry| entry.alias.as_str()).collect();
    let chosen = choose(&names, alias)?;
    let (Some(entry), Some(name)) = (keys.get(chosen), names.get(chosen)) else {
        return Err(KeyStoreError::Damaged { format, part: "key entry" });
    };
    let alias = Alias::new(name);
    if entry.certificates.is_empty() {
        return Err(KeyStoreError::NoCertificate { alias });
    }
    let password = key_password.unwrap_or(store_password);
    let protected = entry.protected_key.unwrap_or_default();
    let mut key = key::recover(format, protected, password, &alias)?;
    let chain = chain::stored(&entry.certificates)
        .map_err(|_flaw| KeyStoreError::Damaged { format, part: "certificate chain" })?;
    Ok(Found {
        chain: chain.into_iter().map(<[u8]>::to_vec).collect(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(std::mem::take(&mut *key))),
        alias,
    })
}

/// Reads a secret key by its alias.
pub(super) fn secret_key(
    format: StoreType,
    bytes: &[u8],
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let store_password = store_password.ok_or(KeyStoreError::NoPassword(format))?;
    let Contents { secrets, .. } = open(format, bytes, Some(store_password))?;
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    let chosen = choose(&names, Some(alias))?;
    let damaged = KeyStoreError::Damaged { format, part: "secret key" };
    let (name, sealed) = secrets.get(chosen).ok_or(damaged)?;
    sealed.open(key_password.unwrap_or(store_password), &Alias::new(name))
}

/// Reads what Java trusts: the trusted certificates, and the first one of each key's chain.
pub(super) fn trust(
    format: StoreType,
    bytes: &[u8],
    password: Option<&Secret>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    let Contents { entries, .. } = open(format, bytes, password)?;
    if password.is_none() {
        notes.push(Note::NotVerified { format });
    }
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

/// What is in a store.
#[derive(Debug)]
struct Contents<'a> {
    /// Private keys and trusted certificates.
    entries: Vec<Entry<'a>>,
    /// The secret keys, by their aliases.
    secrets: Vec<(String, Sealed<'a>)>,
}

/// Verifies the digest if there is a password, then reads the entries.
fn open<'a>(
    format: StoreType,
    bytes: &'a [u8],
    password: Option<&Secret>,
) -> Result<Contents<'a>, KeyStoreError> {
    let truncated = KeyStoreError::Truncated { format, inside: "digest" };
    let (body, digest) = bytes.split_last_chunk::<20>().ok_or(truncated)?;
    let verified = password.is_none_or(|password| store_digest(password, body) == *digest);
    let contents = contents(format, body)?;
    if verified { Ok(contents) } else { Err(KeyStoreError::WrongStorePassword(format)) }
}

fn store_digest(password: &Secret, body: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(&*password.utf16_be());
    hash.update(b"Mighty Aphrodite");
    hash.update(body);
    hash.finalize().into()
}

fn contents(format: StoreType, body: &[u8]) -> Result<Contents<'_>, KeyStoreError> {
    let flaw = |flaw| KeyStoreError::flaw(format, flaw);
    let mut reader = Reader::new(body);
    let (version, count) = head(&mut reader).map_err(flaw)?;
    let mut contents = Contents { entries: Vec::new(), secrets: Vec::new() };
    for _ in 0..count {
        let (tag, alias) = name(&mut reader).map_err(flaw)?;
        match (tag, format) {
            (1, _) => contents.entries.push(key(&mut reader, version, alias).map_err(flaw)?),
            (2, _) => {
                let certificates = vec![certificate(&mut reader, version).map_err(flaw)?];
                contents.entries.push(Entry { alias, protected_key: None, certificates });
            }
            (3, StoreType::Jceks) => {
                let sealed = secret_key::take(&mut reader).map_err(flaw)?;
                let what = "an unusual form of secret key";
                let sealed = sealed.ok_or(KeyStoreError::Unsupported { format, what })?;
                contents.secrets.push((alias, sealed));
            }
            _ => return Err(flaw(Flaw::Wrong("entry's tag"))),
        }
    }
    reader.finish("end").map_err(flaw)?;
    Ok(contents)
}

/// The version and the number of entries.
fn head(reader: &mut Reader<'_>) -> Result<(u32, u32), Flaw> {
    reader.u32("magic number")?;
    let version = reader.u32("version")?;
    if !matches!(version, 1 | 2) {
        return Err(Flaw::Wrong("version"));
    }
    Ok((version, reader.u32("number of entries")?))
}

/// What each entry starts with: its tag, and its alias.
fn name(reader: &mut Reader<'_>) -> Result<(u32, String), Flaw> {
    let tag = reader.u32("entry's tag")?;
    let alias = utf::decode(reader.short_bytes("alias")?).ok_or(Flaw::Wrong("alias"))?;
    reader.array::<8>("entry's date")?;
    Ok((tag, alias))
}

fn key<'a>(reader: &mut Reader<'a>, version: u32, alias: String) -> Result<Entry<'a>, Flaw> {
    let protected_key = Some(reader.long_bytes("key")?);
    let count = reader.u32("number of certificates")?;
    let mut certificates = Vec::new();
    for _ in 0..count {
        certificates.push(certificate(reader, version)?);
    }
    Ok(Entry { alias, protected_key, certificates })
}

fn certificate<'a>(reader: &mut Reader<'a>, version: u32) -> Result<&'a [u8], Flaw> {
    if version == 2 && reader.short_bytes("certificate's type")? != b"X.509" {
        return Err(Flaw::Wrong("certificate's type"));
    }
    reader.long_bytes("certificate")
}

#[cfg(test)]
mod tests;
