//! Why a key store cannot be used, and what to do about it.

use std::fmt;

use super::der::Flaw;
use super::{Alias, KeyKind, StoreType};

/// Why a key store cannot be used.
///
/// No variant holds a piece of a password or of a key. Aliases come from the file and are shown
/// quoted and shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// The file is longer than any key store.
    #[error("the file is longer than {} MiB", super::MAX_BYTES >> 20)]
    TooLarge,
    /// The file has no bytes.
    #[error("the file is empty")]
    EmptyFile,
    /// The file is in none of the formats; the text says what it looks like, if that is known.
    #[error("not a key store: {0}")]
    NotAKeyStore(&'static str),
    /// A store of Bouncy Castle's FIPS provider.
    #[error("a BCFKS key store (Bouncy Castle FIPS), which this program does not read")]
    Bcfks,
    /// A store of Bouncy Castle's ordinary provider. BKS and UBER start alike.
    #[error("a BKS or UBER key store (Bouncy Castle), which this program does not read")]
    Bks,
    /// The configuration says PKCS11: a device, not a file.
    #[error("PKCS11 is a device (a smart card or an HSM), which this program does not use")]
    Pkcs11,
    /// The file ends too early.
    #[error("the {format} file is cut off: it ends inside its {inside}")]
    Truncated {
        /// The format.
        format: StoreType,
        /// The part that is incomplete.
        inside: &'static str,
    },
    /// The file is not what its format says.
    #[error("the {format} file is damaged: its {part} cannot be read")]
    Damaged {
        /// The format.
        format: StoreType,
        /// The part that cannot be read.
        part: &'static str,
    },
    /// The file is sound but uses something that this program does not support.
    #[error("the {format} file uses {what}, which this program does not read")]
    Unsupported {
        /// The format.
        format: StoreType,
        /// What it uses.
        what: &'static str,
    },
    /// The store needs a password and none was given.
    #[error("the {0} key store needs a password, and none is configured")]
    NoPassword(StoreType),
    /// The store password is wrong. A damaged file can give the same.
    #[error("wrong password for the {0} key store (or the file is damaged)")]
    WrongStorePassword(StoreType),
    /// The store opens, but the key in it does not.
    #[error("the key store opens, but its key{} has another password", Spaced(alias.as_ref()))]
    WrongKeyPassword {
        /// The key's alias, if it is readable.
        alias: Option<Alias>,
    },
    /// There are several keys and nothing says which.
    #[error("the key store holds several keys: {}", List(aliases))]
    SeveralKeys {
        /// Their aliases.
        aliases: Vec<Alias>,
    },
    /// No key has the alias that was asked for.
    #[error("the key store has no key {alias}; it holds {}", List(aliases))]
    NoSuchAlias {
        /// What was asked for.
        alias: Alias,
        /// The aliases of the keys that are there.
        aliases: Vec<Alias>,
    },
    /// There is no private key.
    #[error(
        "the {format} file holds no private key ({certificates} certificates, {secrets} secret keys)"
    )]
    NoKey {
        /// The format.
        format: StoreType,
        /// How many certificates there are.
        certificates: usize,
        /// How many secret keys there are.
        secrets: usize,
    },
    /// The key is of a kind that the TLS library does not accept.
    #[error("the client's key is {0}, which this program's TLS library does not take")]
    KeyOfNoUse(KeyKind),
    /// The key has no certificate, so it cannot authenticate to a server.
    #[error("the key store has no certificate for its key {alias}")]
    NoCertificate {
        /// The key's alias.
        alias: Alias,
    },
    /// The truststore trusts nobody.
    #[error("the truststore is empty: the {0} file holds no certificate")]
    EmptyTrust(StoreType),
}

impl KeyStoreError {
    /// What the operator can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::EmptyFile | Self::NotAKeyStore(_) => {
                "check the path; make a store with keytool, or with openssl pkcs12 -export"
            }
            Self::Bcfks => {
                "convert it: keytool -importkeystore -srcstoretype BCFKS -srckeystore OLD \
                 -deststoretype PKCS12 -destkeystore NEW -providerpath bc-fips.jar -providerclass \
                 org.bouncycastle.jcajce.provider.BouncyCastleFipsProvider"
            }
            Self::Bks => {
                "convert it: keytool -importkeystore -srcstoretype BKS (or UBER) -srckeystore OLD \
                 -deststoretype PKCS12 -destkeystore NEW -providerpath bcprov.jar -providerclass \
                 org.bouncycastle.jce.provider.BouncyCastleProvider"
            }
            Self::Pkcs11 => {
                "give this program a client certificate and key of its own in a PKCS12 or JKS file"
            }
            Self::Truncated { .. } | Self::Damaged { .. } => {
                "copy the file again from where it was made, in binary mode, and compare checksums"
            }
            Self::Unsupported { .. } => {
                "convert it with keytool -importkeystore -deststoretype PKCS12 (JDK 11 or later)"
            }
            Self::NoPassword(_) => {
                "set keystore_password or truststore_password, or give a file with it: --kmip-set \
                 GROUP.keystore_password_file=FILE"
            }
            Self::WrongStorePassword(_) => {
                "check with keytool -list -keystore FILE; passwords encrypted with a system key \
                 have to be decrypted first (password_encryption_key_name)"
            }
            Self::WrongKeyPassword { .. } => {
                "give the key's own password (--kmip-set GROUP.keystore_key_password_file=FILE), or \
                 change it to the store's: keytool -keypasswd for JKS; keytool -importkeystore keeps the \
                 password of the source for JKS"
            }
            Self::SeveralKeys { .. } => {
                "name one by its alias (--kmip-set GROUP.keystore_alias=NAME), or keep one key in the \
                 store: keytool -delete -alias NAME"
            }
            Self::NoSuchAlias { .. } => "name one of the keys that are there",
            Self::NoKey { .. } => {
                "a client's store needs its private key: was the truststore given in its place?"
            }
            Self::KeyOfNoUse(_) => {
                "make the client a key of RSA with 2048 to 8192 bits, or EC on P-256, P-384 or \
                 P-521, with a certificate for it; Java may take the present key, this program's \
                 TLS library does not"
            }
            Self::NoCertificate { .. } => {
                "export key and certificates together: openssl pkcs12 -export -inkey KEY -in CHAIN"
            }
            Self::EmptyTrust(_) => {
                "import the certificate of the server's authority: keytool -importcert -alias NAME \
                 -file CA.pem -keystore FILE"
            }
        }
    }

    pub(super) const fn flaw(format: StoreType, flaw: Flaw) -> Self {
        match flaw {
            Flaw::Ends(inside) => Self::Truncated { format, inside },
            Flaw::Wrong(part) => Self::Damaged { format, part },
        }
    }
}

struct Spaced<'a>(Option<&'a Alias>);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |alias| write!(f, " {alias}"))
    }
}

/// The most aliases that a message lists.
const LISTED: usize = 12;

struct List<'a>(&'a [Alias]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (i, alias) in self.0.iter().take(LISTED).enumerate() {
            write!(f, "{}{alias}", if i == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_file_cannot_write_to_a_terminal_or_fill_a_log() {
        let alias = Alias::new(&format!("\u{1b}[2J{}", "x".repeat(100_000)));
        let error = KeyStoreError::SeveralKeys { aliases: vec![alias; 1000] };
        for text in [error.to_string(), format!("{:.0?}", error.hint())] {
            assert!(!text.contains('\u{1b}') && text.len() < 2000, "{text}");
        }
        assert!(error.to_string().ends_with(" and 988 more"));
    }

    #[test]
    fn messages_are_fragments_that_name_the_aliases() {
        let aliases = vec![Alias::new("node"), Alias::new("gen")];
        assert_eq!(
            KeyStoreError::NoSuchAlias { alias: Alias::new("x"), aliases }.to_string(),
            r#"the key store has no key "x"; it holds "node", "gen""#
        );
        let error = KeyStoreError::NoSuchAlias { alias: Alias::new("x"), aliases: Vec::new() };
        assert!(error.to_string().ends_with("it holds none"));
    }
}
