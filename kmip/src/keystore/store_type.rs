//! The types of key stores by their names.

use std::fmt;
use std::str::FromStr;

/// A type of key store, as `keystore_type` and `truststore_type` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreType {
    /// Java's own old format.
    Jks,
    /// JKS with better protection of private keys, and with secret keys.
    Jceks,
    /// A device; not read.
    Pkcs11,
    /// The standard format (`.p12`, `.pfx`), Java's default since 9.
    Pkcs12,
    /// Text blocks, as OpenSSL writes them. Java has no such type.
    Pem,
    /// The format of Bouncy Castle's FIPS provider; not read.
    Bcfks,
    /// The format of Bouncy Castle's ordinary provider; not read.
    Bks,
}

impl StoreType {
    /// The name that Java and the database's configuration use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jks => "JKS",
            Self::Jceks => "JCEKS",
            Self::Pkcs11 => "PKCS11",
            Self::Pkcs12 => "PKCS12",
            Self::Pem => "PEM",
            Self::Bcfks => "BCFKS",
            Self::Bks => "BKS",
        }
    }
}

impl fmt::Display for StoreType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StoreType {
    type Err = UnknownStoreType;

    /// Reads a type's name in any case, as Java does.
    fn from_str(name: &str) -> Result<Self, UnknownStoreType> {
        use StoreType::{Bcfks, Bks, Jceks, Jks, Pem, Pkcs11, Pkcs12};

        [Jks, Jceks, Pkcs11, Pkcs12, Pem, Bcfks, Bks]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
            .ok_or(UnknownStoreType)
    }
}

/// A name that is not a type of key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a type of key store: JKS, JCEKS, PKCS12, PKCS11, PEM, BCFKS and BKS are known")]
pub struct UnknownStoreType;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_are_read_in_any_case() {
        assert_eq!("jks".parse(), Ok(StoreType::Jks));
        assert_eq!("Pkcs12".parse(), Ok(StoreType::Pkcs12));
        assert_eq!("bcfks".parse(), Ok(StoreType::Bcfks));
        assert_eq!("UBER".parse::<StoreType>(), Err(UnknownStoreType));
    }
}
