//! What comes out of a key store.

use std::fmt;

use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroize as _;

use super::{Alias, StoreType};

/// Something about a working store that an operator should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The configuration names another type than the file has, and Java does not open it by that
    /// name, or may not.
    TypeMismatch {
        /// What the configuration says.
        declared: StoreType,
        /// What the file is.
        found: StoreType,
    },
    /// Trusted here, but Java, and so the database, does not see them.
    JavaIgnores {
        /// How many.
        certificates: usize,
    },
    /// The private key lies in the PKCS#12 file unencrypted, where Java does not search for it.
    JavaIgnoresKey,
    /// The PKCS#12 file has no MAC: a change cannot be detected.
    NotAuthenticated,
    /// No password is configured for the truststore, so its digest cannot be verified.
    NotVerified {
        /// The format, JKS or JCEKS.
        format: StoreType,
    },
}

impl Note {
    /// A note if the declared type is not the file's. There is none where Java detects the format
    /// itself: it opens JKS and PKCS12 by either name, and JKS as JCEKS.
    pub(super) fn mismatch(declared: Option<StoreType>, found: StoreType) -> Option<Self> {
        use StoreType::{Jceks, Jks, Pkcs12};

        let declared = declared?;
        match (declared, found) {
            (Jks | Pkcs12, Jks | Pkcs12) | (Jceks, Jks) => None,
            _ if declared == found => None,
            _ => Some(Self::TypeMismatch { declared, found }),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TypeMismatch { declared, found } => {
                write!(f, "the key store is declared as {declared} but is {found}; ")?;
                f.write_str(match (declared, found) {
                    (_, StoreType::Pem)
                    | (StoreType::Jks | StoreType::Jceks | StoreType::Pkcs12, _) => {
                        "Java, and so the database, cannot open it"
                    }
                    _ => "the database may refuse it",
                })
            }
            Self::JavaIgnores { certificates } => write!(
                f,
                "{certificates} certificates of the truststore lack Java's mark of trust: this \
                 program trusts them, but the database does not see them, as is usual with stores \
                 made by openssl; import them with keytool -importcert"
            ),
            Self::JavaIgnoresKey => f.write_str(
                "the private key in the PKCS12 file is not encrypted: the database does not see \
                 it, and everyone who can read the file has it",
            ),
            Self::NotAuthenticated => {
                f.write_str("the PKCS12 file has no MAC, so a change to it would not be noticed")
            }
            Self::NotVerified { format } => write!(
                f,
                "no password is configured for the {format} truststore, so a change to it would \
                 not be noticed"
            ),
        }
    }
}

/// A client's certificate chain and private key.
///
/// The key is wiped on drop, and nothing prints it. To hand it to rustls without leaving a copy,
/// build the signing key from the borrow
/// (`rustls::crypto::aws_lc_rs::sign::any_supported_type`).
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alias: Alias,
    notes: Vec<Note>,
}

impl Identity {
    pub(super) const fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        alias: Alias,
        notes: Vec<Note>,
    ) -> Self {
        Self { chain, key, alias, notes }
    }

    /// The client's certificate, then its issuers, without a self-signed root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    #[must_use]
    pub const fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }

    /// The key's name in the store. Keys without one are counted: `1`, `2`.
    #[must_use]
    pub const fn alias(&self) -> &Alias {
        &self.alias
    }

    /// What the operator should know.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Gives the chain and the key away, for APIs that need to own them. The caller must wipe the
    /// key.
    #[must_use]
    pub fn into_parts(mut self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let nothing = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(Vec::new()));
        (std::mem::take(&mut self.chain), std::mem::replace(&mut self.key, nothing))
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("alias", &self.alias)
            .field("certificates", &self.chain.len())
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// The certificates that a client trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trust {
    /// At least one, without duplicates, in the order of the store.
    pub certificates: Vec<CertificateDer<'static>>,
    /// What the operator should know.
    pub notes: Vec<Note>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Java 17 opens and refuses was tested for each of these.
    #[test]
    fn a_declared_type_that_java_does_not_open_causes_a_note() {
        use StoreType::{Bks, Jceks, Jks, Pem, Pkcs12};

        let note = |declared: StoreType, found| {
            Note::mismatch(Some(declared), found).map(|note| note.to_string())
        };
        assert_eq!(Note::mismatch(None, Pem), None);
        for (declared, found) in
            [(Jks, Pkcs12), (Pkcs12, Jks), (Jceks, Jks), (Jceks, Jceks), (Pem, Pem)]
        {
            assert_eq!(note(declared, found), None);
        }
        for (declared, found) in
            [(Jks, Jceks), (Pkcs12, Jceks), (Jceks, Pkcs12), (Jks, Pem), (Jceks, Pem)]
        {
            let text = format!(
                "the key store is declared as {declared} but is {found}; Java, and so the \
                 database, cannot open it"
            );
            assert_eq!(note(declared, found), Some(text));
        }
        for (declared, found) in [(Pem, Jks), (Bks, Pkcs12)] {
            assert!(note(declared, found).unwrap().ends_with("the database may refuse it"));
        }
    }

    #[test]
    fn an_identity_does_not_print_its_key() {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(vec![0xab; 40]));
        let identity = Identity::new(Vec::new(), key, Alias::new("node"), Vec::new());
        assert_eq!(
            format!("{identity:?}"),
            r#"Identity { alias: "node", certificates: 0, notes: [], .. }"#
        );
        assert_eq!(identity.into_parts().1.secret_der(), [0xab; 40]);
    }
}
