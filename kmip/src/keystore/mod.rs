//! The key stores that Java programs keep certificates and keys in: JKS, JCEKS, PKCS#12, and PEM.
//!
//! A client's identity comes from [`load_identity`], the authorities that it trusts from
//! [`load_trust`]. Both take bytes: this module opens no file. The format is read from the bytes,
//! as Java does since 8; the declared type is only compared. Differences between this program and
//! the database are reported as a [`Note`], so that an operator learns of them here and not from a
//! node that refuses to start.
//!
//! * **JKS** and **JCEKS**, versions 1 and 2, by this crate's own reader. The digest over the
//!   password and the whole file is verified before anything in it is trusted. A truststore is also
//!   read without a password, as in Java; a [`Note::NotVerified`] says so. Secret keys are
//!   read by [`load_secret_key`].
//! * **PKCS#12** with RC2-40, 3DES, or PBES2 with AES or 3DES, and a MAC of SHA-1 or SHA-2, by the
//!   `p12-keystore` crate. Not read: BER (indefinite lengths), PBMAC1, RC4, RC2-128, scrypt.
//! * **PEM**: certificates with a PKCS#8, PKCS#1 or SEC1 key. Encrypted PKCS#8 (PBES2) is read;
//!   the older `Proc-Type: 4,ENCRYPTED` and PKCS#5 version 1 forms are refused by name.
//! * **PKCS11**, **BCFKS** and **BKS** are recognised and refused by name.
//!
//! A private key must be of a kind that the TLS library accepts, whatever the format: RSA of 2048
//! to 8192 bits, EC on P-256, P-384 or P-521, or Ed25519. Others are refused by name.
//!
//! Nothing here allocates by a declared length, and a file is at most [`MAX_BYTES`] long.
//!
//! Keys and passwords are wiped when they are dropped, with one exception: `p12-keystore` keeps
//! the keys it decrypts in plain vectors, which are freed unwiped once the key is copied out.

mod alias;
mod chain;
mod der;
mod error;
mod jks;
mod kind;
mod pem;
mod pkcs12;
mod sniff;
mod store_type;
mod types;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::secret::Secret;

pub use alias::Alias;
pub use error::KeyStoreError;
pub use kind::KeyKind;
pub use store_type::{StoreType, UnknownStoreType};
pub use types::{Identity, Note, Trust};

/// The longest file that is read. The largest truststores in use, those of whole operating
/// systems, have a few hundred kilobytes.
pub const MAX_BYTES: usize = 4 << 20;

/// Reads a client's key and certificate chain.
///
/// `key_password` is for a key whose password differs from its store's; without it the store's is
/// used. `alias` names the key; without it the store must hold only one.
///
/// The chain starts with the client's own certificate, then the issuers that the store holds,
/// and leaves out a self-signed root.
///
/// ```
/// use rekey_kmip::keystore::{StoreType, load_identity};
/// use rekey_kmip::secret::Secret;
///
/// let store = include_bytes!("../../../testdata/keystores/ec.jks");
/// let password = Secret::new(String::from("changeit"));
/// let identity = load_identity(store, Some(StoreType::Jks), Some(&password), None, None)?;
/// assert_eq!(identity.alias().as_str(), "node");
/// assert_eq!(identity.chain().len(), 2); // the client and the intermediate authority
/// # Ok::<_, rekey_kmip::keystore::KeyStoreError>(())
/// ```
///
/// # Errors
/// [`KeyStoreError`] says what is wrong; its [`hint`](KeyStoreError::hint) what to do.
pub fn load_identity(
    bytes: &[u8],
    declared: Option<StoreType>,
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: Option<&str>,
) -> Result<Identity, KeyStoreError> {
    let format = sniff::sniff(bytes, declared)?;
    let mut notes = Vec::from_iter(Note::mismatch(declared, format));
    let found = match format {
        StoreType::Jks | StoreType::Jceks => {
            jks::identity(format, bytes, store_password, key_password, alias)?
        }
        StoreType::Pkcs12 => {
            pkcs12::identity(bytes, store_password, key_password, alias, &mut notes)?
        }
        StoreType::Pem => pem::identity(bytes, key_password.or(store_password), alias)?,
        StoreType::Pkcs11 => return Err(KeyStoreError::Pkcs11),
        StoreType::Bcfks => return Err(KeyStoreError::Bcfks),
        StoreType::Bks => return Err(KeyStoreError::Bks),
    };
    let chain = found.chain.into_iter().map(CertificateDer::from).collect();
    // Wipes the key where it is refused.
    let identity = Identity::new(chain, found.key, found.alias, notes);
    match kind::of_no_use(identity.key()) {
        Ok(None) => Ok(identity),
        Ok(Some(kind)) => Err(KeyStoreError::KeyOfNoUse(kind)),
        Err(_flaw) => Err(KeyStoreError::Damaged { format, part: "private key" }),
    }
}

/// Reads a secret key, such as those of Apache's `transparent_data_encryption_options`: the bytes of the
/// entry of a JCEKS or PKCS#12 store that has this alias. Case does not matter, as in Java.
///
/// `key_password` is for a key whose password differs from its store's.
///
/// # Errors
/// [`KeyStoreError`]; its hint is about clients' keys in parts.
pub fn load_secret_key(
    bytes: &[u8],
    declared: Option<StoreType>,
    store_password: Option<&Secret>,
    key_password: Option<&Secret>,
    alias: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let format = sniff::sniff(bytes, declared)?;
    match format {
        StoreType::Jks | StoreType::Jceks => {
            jks::secret_key(format, bytes, store_password, key_password, alias)
        }
        StoreType::Pkcs12 => {
            pkcs12::secret_key(bytes, store_password, key_password, alias, &mut Vec::new())
        }
        StoreType::Pem => Err(KeyStoreError::NoKey { format, certificates: 0, secrets: 0 }),
        StoreType::Pkcs11 => Err(KeyStoreError::Pkcs11),
        StoreType::Bcfks => Err(KeyStoreError::Bcfks),
        StoreType::Bks => Err(KeyStoreError::Bks),
    }
}

/// Reads the certificates that a client trusts.
///
/// They are the trusted certificates and, as in Java, the first certificate of each key entry. JKS
/// and JCEKS need no password for this; without one a changed file goes unnoticed, which a note
/// says. The certificates that PKCS#12 stores made by `openssl pkcs12 -export -nokeys` hold are
/// taken too, although Java sees none of them: a [`Note::JavaIgnores`] says so.
///
/// # Errors
/// [`KeyStoreError`]; [`KeyStoreError::EmptyTrust`] when there is no certificate at all.
pub fn load_trust(
    bytes: &[u8],
    declared: Option<StoreType>,
    password: Option<&Secret>,
) -> Result<Trust, KeyStoreError> {
    let format = sniff::sniff(bytes, declared)?;
    let mut notes = Vec::from_iter(Note::mismatch(declared, format));
    let found = match format {
        StoreType::Jks | StoreType::Jceks => jks::trust(format, bytes, password, &mut notes)?,
        StoreType::Pkcs12 => pkcs12::trust(bytes, password, &mut notes)?,
        StoreType::Pem => pem::trust(bytes)?,
        StoreType::Pkcs11 => return Err(KeyStoreError::Pkcs11),
        StoreType::Bcfks => return Err(KeyStoreError::Bcfks),
        StoreType::Bks => return Err(KeyStoreError::Bks),
    };
    let mut seen = std::collections::HashSet::new();
    let mut certificates = Vec::new();
    for certificate in found {
        der::names(&certificate)
            .map_err(|_flaw| KeyStoreError::Damaged { format, part: "trusted certificate" })?;
        if seen.insert(certificate.clone()) {
            certificates.push(CertificateDer::from(certificate));
        }
    }
    if certificates.is_empty() {
        return Err(KeyStoreError::EmptyTrust(format));
    }
    Ok(Trust { certificates, notes })
}

/// What a format's reader finds for an identity.
struct Found {
    chain: Vec<Vec<u8>>,
    key: PrivateKeyDer<'static>,
    alias: Alias,
}

/// Chooses the key: the one with the alias, or the only one.
///
/// Java ignores the case of aliases, so an exact match is only preferred.
fn choose(names: &[&str], alias: Option<&str>) -> Result<usize, KeyStoreError> {
    let aliases = || names.iter().map(|name| Alias::new(name)).collect();
    let Some(wanted) = alias else {
        return match names {
            [_] => Ok(0),
            _ => Err(KeyStoreError::SeveralKeys { aliases: aliases() }),
        };
    };
    let folded = wanted.to_lowercase();
    names
        .iter()
        .position(|name| *name == wanted)
        .or_else(|| names.iter().position(|name| name.to_lowercase() == folded))
        .ok_or_else(|| KeyStoreError::NoSuchAlias { alias: Alias::new(wanted), aliases: aliases() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_alias_is_preferred_to_one_in_another_case() {
        assert_eq!(choose(&["NODE", "node"], Some("node")), Ok(1));
        assert_eq!(choose(&["NODE", "node"], Some("Node")), Ok(0));
        assert_eq!(choose(&["Knöten"], Some("KNÖTEN")), Ok(0));
        assert!(choose(&["node"], Some("")).is_err());
    }
}
