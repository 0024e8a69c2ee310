//! Which key the database writes with: KMIP.md 1.2 to 1.5 as pure functions.
//!
//! The database asks Locate for keys by attributes, trusts the answer, drops expired ones, sorts,
//! takes the first, and fails if that one does not fit. This module does the same and then
//! applies the filter itself, since servers ignore filters (KMIP.md 14, rule 1): the [`Choice`]
//! says both which key fits and which one the database would have stopped at.
//!
//! Points that KMIP.md marks as inferred and that matter here: whether an *empty* Cryptographic
//! Parameters attribute is sent for a bare cipher name is not known, and it is not sent here;
//! `DESede` has no KMIP name; of Java's paddings only PKCS5 has one.

mod cipher;
mod select;

pub use cipher::{CipherName, NoKmipName, cipher_of};
pub use select::{Candidate, Choice, DatabaseView, Rejection, barred, choose, rejections};

use crate::message::{
    Attribute, AttributeName, AttributeValue, CryptographicParameters, NewKey, ObjectType, State,
    usage,
};
use crate::ttlv::Tag;

/// The custom attribute of a table's `key_namespace`.
pub const NAMESPACE: &str = "x-key-namespace";

/// The custom attribute in which the database writes its version.
pub const DATABASE_VERSION: &str = "x-dse-version";

/// What a table requires of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// `cipher_algorithm`.
    pub cipher: CipherName,
    /// `secret_key_strength`, sent as it is.
    pub strength: i32,
    /// `key_namespace`.
    pub namespace: Option<String>,
    /// `template_name`: part of Create, never of Locate.
    pub template: Option<String>,
}

impl KeyRequest {
    /// The attributes that the database sends with Locate, in its order (KMIP.md 1.2).
    #[must_use]
    pub fn locate_attributes(&self) -> Vec<Attribute> {
        self.attributes_in(State::ACTIVE)
    }

    /// The same for keys in another state.
    pub(super) fn attributes_in(&self, state: State) -> Vec<Attribute> {
        let mut attributes = vec![
            self.algorithm(),
            self.length(),
            Attribute::new(Tag::OBJECT_TYPE.into(), ObjectType::SYMMETRIC_KEY.number()),
            usage_mask(),
            Attribute::new(Tag::STATE.into(), state.number()),
        ];
        attributes.extend(self.parameters());
        attributes.extend(self.namespace.as_deref().map(namespace_attribute));
        attributes
    }

    /// The key that the database would create (KMIP.md 1.3); the text goes into
    /// `x-dse-version`. A server that knows templates applies the named one.
    #[must_use]
    pub fn new_key(&self, database_version: Option<&str>) -> NewKey {
        let mut attributes = vec![self.algorithm(), self.length(), usage_mask()];
        attributes.extend(self.parameters());
        attributes.extend(
            database_version
                .map(|text| Attribute::new(AttributeName::custom(DATABASE_VERSION), text)),
        );
        attributes.extend(self.namespace.as_deref().map(namespace_attribute));
        NewKey { template: self.template.clone(), attributes }
    }

    fn algorithm(&self) -> Attribute {
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), self.cipher.algorithm().number())
    }

    fn length(&self) -> Attribute {
        Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), self.strength)
    }

    fn parameters(&self) -> Option<Attribute> {
        let (mode, padding) = self.cipher.mode_and_padding()?;
        let parameters = CryptographicParameters {
            mode: Some(mode),
            padding: Some(padding),
            ..CryptographicParameters::default()
        };
        Some(Attribute::new(
            Tag::CRYPTOGRAPHIC_PARAMETERS.into(),
            AttributeValue::Parameters(parameters),
        ))
    }
}

/// `x-key-namespace` with a value.
pub(super) fn namespace_attribute(namespace: &str) -> Attribute {
    Attribute::new(AttributeName::custom(NAMESPACE), namespace)
}

/// Encrypt and Decrypt.
const USAGE: i32 = usage::ENCRYPT | usage::DECRYPT;

fn usage_mask() -> Attribute {
    Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), USAGE)
}

#[cfg(test)]
mod tests;
