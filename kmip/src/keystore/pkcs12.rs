//! PKCS#12, through the archive view of `p12-keystore`.
//!
//! The crate's `KeyStore` follows Java and silently drops what Java would not see. The archive
//! shows every bag, and this module decides what Java makes of it.

use std::collections::HashSet;

use p12_keystore::error::Error as P12Error;
use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag, SecretBag};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::chain::{self, Pool};
use super::der::{self, CONTEXT_0, Flaw, INTEGER, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE};
use super::error::KeyStoreError;
use super::{Alias, Found, Note, StoreType, choose};
use crate::secret::Secret;

const FORMAT: StoreType = StoreType::Pkcs12;

/// Reads the key, chosen by its friendly name, and its chain.
pub(super) fn identity(
    bytes: &[u8],
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: Option<&str>,
    notes: &mut Vec<Note>,
) -> Result<Found, KeyStoreError> {
    let archive = match open(bytes, store_password, notes)? {
        Opened::Whole(archive) => archive,
        Opened::ForeignKeys(archive, outer) => {
            let wrong = KeyStoreError::WrongKeyPassword { alias: None };
            let Some(password) = key_password else { return Err(wrong) };
            with_keys(archive, &outer, password, wrong)?
        }
    };
    let names = key_names(&archive.keys);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Err(KeyStoreError::NoKey {
            format: FORMAT,
            certificates: archive.certs.len(),
            secrets: archive.secrets.len(),
        });
    }
    let chosen = choose(&names, alias)?;
    let (Some(key), Some(name)) = (archive.keys.get(chosen), names.get(chosen)) else {
        return Err(KeyStoreError::Damaged { format: FORMAT, part: "keys" });
    };
    if contains(bytes, KEY_BAG) {
        notes.push(Note::JavaIgnoresKey);
    }
    let alias = Alias::new(name);
    let damaged = |_flaw| KeyStoreError::Damaged { format: FORMAT, part: "certificate" };
    let leaf = leaf_of(key, &archive).map_err(damaged)?;
    let leaf = leaf.ok_or_else(|| KeyStoreError::NoCertificate { alias: alias.clone() })?;
    let pool: Vec<&[u8]> = archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
    let chain =
        Pool::new(&pool).and_then(|pool| pool.chain(leaf.cert.as_der())).map_err(damaged)?;
    Ok(Found {
        chain: chain.into_iter().map(<[u8]>::to_vec).collect(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec())),
        alias,
    })
}

/// Reads a secret key by its friendly name.
pub(super) fn secret_key(
    bytes: &[u8],
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: &str,
    notes: &mut Vec<Note>,
) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let archive = match open(bytes, store_password, notes)? {
        Opened::Whole(archive) => archive,
        Opened::ForeignKeys(archive, outer) => {
            let wrong = KeyStoreError::WrongKeyPassword { alias: None };
            let Some(password) = key_password else { return Err(wrong) };
            with_keys(archive, &outer, password, wrong)?
        }
    };
    let name = |bag: &SecretBag| bag.friendly_name.clone().unwrap_or_default();
    let names: Vec<String> = archive.secrets.iter().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let chosen = choose(&names, Some(alias))?;
    let damaged = KeyStoreError::Damaged { format: FORMAT, part: "secret key" };
    let bag = archive.secrets.get(chosen).ok_or(damaged)?;
    Ok(Zeroizing::new(bag.key.key().to_vec()))
}

/// Reads what Java trusts (bags with its mark of trust, and the own certificate of each key), and
/// the certificates that belong to no key, which Java overlooks.
///
/// The issuers in a key's own chain are not trusted for other certificates, here as in Java.
pub(super) fn trust(
    bytes: &[u8],
    password: Option<&Secret>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Vec<u8>>, KeyStoreError> {
    let (Opened::Whole(archive) | Opened::ForeignKeys(archive, _)) = open(bytes, password, notes)?;
    let damaged = |_flaw| KeyStoreError::Damaged { format: FORMAT, part: "certificate" };
    let pool: Vec<&[u8]> = archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
    let pool = Pool::new(&pool).map_err(damaged)?;
    // A local key id marks a key's own certificate, even if the key could not be decrypted.
    let mut own: HashSet<&[u8]> =
        archive.certs.iter().filter(|bag| bag.local_key_id.is_some()).map(der_of).collect();
    for key in &archive.keys {
        own.extend(leaf_of(key, &archive).map_err(damaged)?.map(der_of));
    }
    let mut issuers = HashSet::new();
    for leaf in &own {
        issuers.extend(pool.issuers(leaf).map_err(damaged)?);
    }
    let mut ignored = 0_usize;
    let mut trusted = Vec::new();
    for bag in &archive.certs {
        let certificate = bag.cert.as_der();
        if !bag.trusted && !own.contains(certificate) {
            if issuers.contains(certificate) {
                continue;
            }
            ignored = ignored.saturating_add(1);
        }
        trusted.push(certificate.to_vec());
    }
    if ignored > 0 {
        notes.push(Note::JavaIgnores { certificates: ignored });
    }
    Ok(trusted)
}

fn der_of(bag: &CertificateBag) -> &[u8] {
    bag.cert.as_der()
}

/// A key's own certificate: the one with its local key id. Where the only key has none, as some
/// programs write it, the certificate that issued no other.
fn leaf_of<'a>(
    key: &PrivateKeyBag,
    archive: &'a Pkcs12Archive,
) -> Result<Option<&'a CertificateBag>, Flaw> {
    if let Some(id) = &key.local_key_id {
        let id: &[u8] = id.as_ref();
        return Ok(archive.certs.iter().find(|bag| bag.local_key_id.as_deref() == Some(id)));
    }
    if archive.keys.len() != 1 {
        return Ok(None);
    }
    let free: Vec<_> = archive.certs.iter().filter(|bag| !bag.trusted).collect();
    let pool: Vec<&[u8]> = free.iter().map(|bag| bag.cert.as_der()).collect();
    Ok(chain::only_leaf(&pool)?.and_then(|i| free.get(i).copied()))
}

/// The keys' names; as in Java, those without one are counted.
fn key_names(keys: &[PrivateKeyBag]) -> Vec<String> {
    let mut unnamed = 0_usize;
    keys.iter()
        .map(|key| {
            key.friendly_name.clone().unwrap_or_else(|| {
                unnamed = unnamed.saturating_add(1);
                unnamed.to_string()
            })
        })
        .collect()
}

enum Opened<'a> {
    /// Everything opens with the store password.
    Whole(Pkcs12Archive),
    /// The store and the certificates do, but the keys have another password: only Java programs
    /// write such files. The archive holds what opens.
    ForeignKeys(Pkcs12Archive, Outer<'a>),
}

fn open<'a>(
    bytes: &'a [u8],
    password: Option<&Secret>,
    notes: &mut Vec<Note>,
) -> Result<Opened<'a>, KeyStoreError> {
    let outer = Outer::parse(bytes).map_err(|flaw| KeyStoreError::flaw(FORMAT, flaw))?;
    if contains(bytes, SCRYPT) {
        // Its memory cost is chosen by the file, up to a gigabyte; Java has no scrypt either.
        return Err(KeyStoreError::Unsupported { format: FORMAT, what: "scrypt" });
    }
    let password = password.ok_or(KeyStoreError::NoPassword(FORMAT))?.expose();
    if !outer.has_mac {
        notes.push(Note::NotAuthenticated);
    }
    match Pkcs12Archive::from_pkcs12(bytes, password) {
        Ok(archive) => Ok(Opened::Whole(archive)),
        Err(error) if outer.has_mac && is_decryption(&error) => {
            // The MAC was verified, so the password is the store's.
            let rest = outer.without_mac(ENCRYPTED_DATA);
            let archive = Pkcs12Archive::from_pkcs12(&rest, password)
                .map_err(|error| translate(&error, true))?;
            Ok(Opened::ForeignKeys(archive, outer))
        }
        Err(error) => Err(translate(&error, outer.has_mac)),
    }
}

/// Adds the keys, which are in safes that are not encrypted as a whole.
fn with_keys(
    mut archive: Pkcs12Archive,
    outer: &Outer<'_>,
    password: &Secret,
    wrong: KeyStoreError,
) -> Result<Pkcs12Archive, KeyStoreError> {
    let keys = Pkcs12Archive::from_pkcs12(&outer.without_mac(DATA), password.expose())
        .map_err(|error| if is_decryption(&error) { wrong } else { translate(&error, true) })?;
    archive.keys.extend(keys.keys);
    archive.certs.extend(keys.certs);
    archive.secrets.extend(keys.secrets);
    Ok(archive)
}

/// Whether the error is what a wrong password gives. One wrong password in 256 gives valid padding
/// and fails later.
const fn is_decryption(error: &P12Error) -> bool {
    matches!(error, P12Error::Pkcs5Error(_) | P12Error::UnpadError | P12Error::InvalidPrivateKey)
}

fn translate(error: &P12Error, has_mac: bool) -> KeyStoreError {
    let unsupported = |what| KeyStoreError::Unsupported { format: FORMAT, what };
    let damaged = |part| KeyStoreError::Damaged { format: FORMAT, part };
    match error {
        P12Error::MacError(_) => KeyStoreError::WrongStorePassword(FORMAT),
        P12Error::UnsupportedEncryptionScheme | P12Error::UnsupportedMacAlgorithm => {
            unsupported("an old or unusual cipher or MAC")
        }
        P12Error::UnsupportedContentType => unsupported("public-key protection"),
        P12Error::UnsupportedCertificateType => unsupported("certificates other than X.509"),
        P12Error::InvalidParameters => unsupported("more than 1,000,000 iterations"),
        P12Error::InvalidVersion => damaged("version"),
        P12Error::X509Error(_) => damaged("certificate"),
        // Without a MAC only the decrypted bytes show it.
        _ if !has_mac => KeyStoreError::WrongStorePassword(FORMAT),
        P12Error::InvalidPrivateKey => damaged("private key"),
        P12Error::Pkcs5Error(_) | P12Error::UnpadError => {
            unsupported("another password for its contents than for its MAC")
        }
        _ => damaged("contents"),
    }
}

/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7.6
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// 1.3.6.1.4.1.11591.4.11
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// 1.2.840.113549.1.12.10.1.1, with its tag: a key that is not encrypted
const KEY_BAG: &[u8] =
    &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x01];

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The outermost layer: `PFX { version, ContentInfo { data, [0] { safes } }, MacData? }`.
struct Outer<'a> {
    /// Each safe's type and its whole `ContentInfo`.
    safes: Vec<(&'a [u8], &'a [u8])>,
    has_mac: bool,
}

impl<'a> Outer<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let mut pfx = Reader::new(bytes).enter(SEQUENCE, "outer sequence")?;
        pfx.element(INTEGER, "version")?;
        let mut info = pfx.enter(SEQUENCE, "contents")?;
        info.element(OBJECT_ID, "contents")?;
        let mut safes = info
            .enter(CONTEXT_0, "contents")?
            .enter(OCTET_STRING, "contents")?
            .enter(SEQUENCE, "list of safes")?;
        let mut found = Vec::new();
        while !safes.is_empty() {
            let safe = safes.element(SEQUENCE, "safe")?;
            let kind = Reader::new(safe.content).element(OBJECT_ID, "safe")?;
            found.push((kind.content, safe.whole));
        }
        Ok(Self { safes: found, has_mac: !pfx.is_empty() })
    }

    /// The same file with only the safes of one type, and without the MAC.
    fn without_mac(&self, kind: &[u8]) -> Vec<u8> {
        let safes: Vec<&[u8]> =
            self.safes.iter().filter(|(of, _)| *of == kind).map(|(_, whole)| *whole).collect();
        let safes = der::put(OCTET_STRING, &der::put(SEQUENCE, &safes.concat()));
        let info = [der::put(OBJECT_ID, DATA), der::put(CONTEXT_0, &safes)].concat();
        let pfx = [der::put(INTEGER, &[3]), der::put(SEQUENCE, &info)].concat();
        der::put(SEQUENCE, &pfx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &[u8] = include_bytes!("../../../testdata/keystores/openssl-iter1.p12");

    fn archive() -> Pkcs12Archive {
        Pkcs12Archive::from_pkcs12(STORE, "changeit").unwrap()
    }

    #[test]
    fn the_only_key_needs_no_local_key_id() {
        let mut archive = archive();
        let leaf = archive.certs.iter().find(|bag| bag.local_key_id.is_some()).cloned().unwrap();
        archive.keys[0].local_key_id = None;
        assert_eq!(leaf_of(&archive.keys[0], &archive).unwrap(), Some(&leaf));
        archive.keys.push(archive.keys[0].clone());
        assert_eq!(leaf_of(&archive.keys[0], &archive).unwrap(), None);
    }

    #[test]
    fn a_key_whose_certificate_is_missing_has_none() {
        let mut archive = archive();
        archive.certs.retain(|bag| bag.local_key_id.is_none());
        assert_eq!(leaf_of(&archive.keys[0], &archive).unwrap(), None);
    }

    #[test]
    fn keys_without_a_name_are_counted() {
        let mut keys = vec![archive().keys.remove(0); 3];
        keys[0].friendly_name = None;
        keys[2].friendly_name = None;
        assert_eq!(key_names(&keys), ["1", "node", "2"]);
    }

    #[test]
    fn a_file_is_split_and_reassembled() {
        let outer = Outer::parse(STORE).unwrap();
        assert!(outer.has_mac);
        let keys = outer.without_mac(DATA);
        assert!(!Outer::parse(&keys).unwrap().has_mac);
        let keys = Pkcs12Archive::from_pkcs12(&keys, "changeit").unwrap();
        let rest = outer.without_mac(ENCRYPTED_DATA);
        let rest = Pkcs12Archive::from_pkcs12(&rest, "changeit").unwrap();
        assert_eq!((keys.keys, rest.certs), (archive().keys, archive().certs));
        assert_eq!((keys.certs, rest.keys), (Vec::new(), Vec::new()));
    }
}
