//! The attributes of one object, asked for by meaning.

use super::{
    Attribute, AttributeName, AttributeValue, CryptographicAlgorithm, CryptographicParameters,
    ObjectType, State, Timestamp,
};
use crate::ttlv::Tag;

/// What a server reports about an object. Any attribute may be missing, be repeated or have an
/// unexpected type; a value of an unexpected type reads as missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Collects attributes.
    #[must_use]
    pub const fn new(attributes: Vec<Attribute>) -> Self {
        Self(attributes)
    }

    /// All of them, in the server's order.
    #[must_use]
    pub fn as_slice(&self) -> &[Attribute] {
        &self.0
    }

    /// Takes them apart.
    #[must_use]
    pub fn into_vec(self) -> Vec<Attribute> {
        self.0
    }

    /// The first value of a name.
    #[must_use]
    pub fn value(&self, name: &AttributeName) -> Option<&AttributeValue> {
        self.0.iter().find(|attribute| attribute.name == *name).map(|attribute| &attribute.value)
    }

    /// Cryptographic Algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Option<CryptographicAlgorithm> {
        self.enumeration(Tag::CRYPTOGRAPHIC_ALGORITHM).map(CryptographicAlgorithm::from_number)
    }

    /// Cryptographic Length, in bits.
    #[must_use]
    pub fn length(&self) -> Option<i32> {
        self.integer(Tag::CRYPTOGRAPHIC_LENGTH)
    }

    /// Cryptographic Usage Mask.
    #[must_use]
    pub fn usage_mask(&self) -> Option<i32> {
        self.integer(Tag::CRYPTOGRAPHIC_USAGE_MASK)
    }

    /// Cryptographic Parameters.
    #[must_use]
    pub fn parameters(&self) -> Option<CryptographicParameters> {
        match self.value(&Tag::CRYPTOGRAPHIC_PARAMETERS.into()) {
            Some(AttributeValue::Parameters(parameters)) => Some(*parameters),
            _ => None,
        }
    }

    /// Object Type.
    #[must_use]
    pub fn object_type(&self) -> Option<ObjectType> {
        self.enumeration(Tag::OBJECT_TYPE).and_then(ObjectType::told)
    }

    /// State.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.enumeration(Tag::STATE).map(State::from_number)
    }

    /// Activation Date.
    #[must_use]
    pub fn activation_date(&self) -> Option<Timestamp> {
        self.date(Tag::ACTIVATION_DATE)
    }

    /// Protect Stop Date: from then on the database does not encrypt with the key.
    #[must_use]
    pub fn protect_stop_date(&self) -> Option<Timestamp> {
        self.date(Tag::PROTECT_STOP_DATE)
    }

    /// Deactivation Date.
    #[must_use]
    pub fn deactivation_date(&self) -> Option<Timestamp> {
        self.date(Tag::DEACTIVATION_DATE)
    }

    /// Original Creation Date, or Initial Date where the server has only that (KMIP.md 6).
    #[must_use]
    pub fn creation_date(&self) -> Option<Timestamp> {
        self.date(Tag::ORIGINAL_CREATION_DATE).or_else(|| self.date(Tag::INITIAL_DATE))
    }

    /// The values of Name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|attribute| match &attribute.value {
            AttributeValue::Name { value, .. } if attribute.name == Tag::NAME.into() => {
                Some(value.as_str())
            }
            _ => None,
        })
    }

    /// The text of a custom attribute, by its name with prefix.
    #[must_use]
    pub fn custom(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|attribute| match (&attribute.name, &attribute.value) {
            (AttributeName::Custom(own), AttributeValue::Text(text)) if own == name => {
                Some(text.as_str())
            }
            _ => None,
        })
    }

    /// The cipher as the database lists it: `ALG`, or `ALG/MODE/PAD` without the word Padding
    /// (KMIP.md 6). `None` when there is no algorithm.
    #[must_use]
    pub fn cipher(&self) -> Option<String> {
        let algorithm = self.algorithm()?;
        let parameters = self.parameters().unwrap_or_default();
        Some(match (parameters.mode, parameters.padding) {
            (Some(mode), Some(padding)) => format!("{algorithm}/{mode}/{padding}"),
            _ => algorithm.to_string(),
        })
    }

    /// The approximate memory that they take, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::Text(text) | AttributeValue::Name { value: text, .. } => text.len(),
            AttributeValue::Bytes(bytes)
            | AttributeValue::Structure(bytes)
            | AttributeValue::Unknown(_, bytes) => bytes.len(),
            _ => 0,
        };
        self.0.iter().fold(0_usize, |sum, attribute| {
            sum.saturating_add(size_of::<Attribute>())
                .saturating_add(value(&attribute.value))
                .saturating_add(attribute.name.text().len())
        })
    }

    /// A moment, by tag.
    #[must_use]
    pub fn date(&self, tag: Tag) -> Option<Timestamp> {
        match self.value(&tag.into()) {
            Some(AttributeValue::Date(moment)) => Some(*moment),
            _ => None,
        }
    }

    fn integer(&self, tag: Tag) -> Option<i32> {
        match self.value(&tag.into()) {
            Some(AttributeValue::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    fn enumeration(&self, tag: Tag) -> Option<u32> {
        match self.value(&tag.into()) {
            Some(AttributeValue::Enumeration(number)) => Some(*number),
            _ => None,
        }
    }
}

impl FromIterator<Attribute> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}
