//! Names of attributes.

use std::borrow::Cow;
use std::fmt;

use super::MessageError;
use super::field::text;
use super::id::printable;
use crate::ttlv::{Item, Tag, Value, Writer};

/// The name of an attribute, known or not.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeName {
    /// One of the specification's, by its tag. In 2.x this may be a tag unknown here.
    Standard(Tag),
    /// A custom attribute with its prefix, `x-…` or `y-…`; vendor `x` or `y` in 2.x.
    Custom(String),
    /// A vendor attribute of 2.x other than those.
    Vendor {
        /// Vendor Identification.
        vendor: String,
        /// Attribute Name.
        name: String,
    },
    /// A name of 1.x that is unknown here.
    Other(String),
}

impl AttributeName {
    /// A custom attribute; the text includes the prefix.
    #[must_use]
    pub fn custom(name: &str) -> Self {
        Self::Custom(name.to_owned())
    }

    /// Reads a name of 1.x.
    #[must_use]
    pub fn from_text(name: &str) -> Self {
        if name.starts_with("x-") || name.starts_with("y-") {
            return Self::Custom(name.to_owned());
        }
        match STANDARD.iter().find(|tag| tag.name() == Some(name)) {
            Some(&tag) => Self::Standard(tag),
            None => Self::Other(name.to_owned()),
        }
    }

    pub(super) fn from_vendor(vendor: &str, name: &str) -> Self {
        match vendor {
            "x" | "y" => {
                let prefixed = name.strip_prefix(vendor).is_some_and(|rest| rest.starts_with('-'));
                Self::Custom(if prefixed { name.to_owned() } else { format!("{vendor}-{name}") })
            }
            _ => Self::Vendor { vendor: vendor.to_owned(), name: name.to_owned() },
        }
    }

    /// The name as 1.x writes it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Standard(tag) => match tag.name() {
                Some(name) => Cow::Borrowed(name),
                None => Cow::Owned(tag.to_string()),
            },
            Self::Custom(name) | Self::Other(name) => Cow::Borrowed(name),
            Self::Vendor { vendor, name } => Cow::Owned(format!("{vendor}:{name}")),
        }
    }

    /// The tag of a standard attribute; `Attribute` for the others.
    pub(super) const fn tag(&self) -> Tag {
        match self {
            Self::Standard(tag) => *tag,
            _ => Tag::ATTRIBUTE,
        }
    }

    /// Vendor and name as 2.x writes an attribute that is not standard.
    pub(super) fn vendor(&self) -> Option<(&str, &str)> {
        match self {
            Self::Standard(_) => None,
            Self::Custom(name) => name.split_once('-').or(Some(("x", name))),
            Self::Other(name) => Some(("x", name)),
            Self::Vendor { vendor, name } => Some((vendor, name)),
        }
    }

    /// Appends the name in a request: text in 1.x, an Attribute Reference in 2.x.
    pub(super) fn encode(&self, tagged: bool, writer: &mut Writer) {
        if !tagged {
            writer.text(Tag::ATTRIBUTE_NAME, &self.text());
            return;
        }
        match self.vendor() {
            None => writer.enumeration(Tag::ATTRIBUTE_REFERENCE, self.tag().number()),
            Some((vendor, name)) => writer.structure(Tag::ATTRIBUTE_REFERENCE, |inner| {
                inner.text(Tag::VENDOR_IDENTIFICATION, vendor);
                inner.text(Tag::ATTRIBUTE_NAME, name);
            }),
        }
    }

    /// Reads an Attribute Name or an Attribute Reference; any other item gives `None`.
    pub(super) fn decode(item: &Item<'_>) -> Result<Option<Self>, MessageError> {
        match (item.tag, item.value) {
            (Tag::ATTRIBUTE_NAME, _) => {
                let name = item.text()?.ok_or(MessageError::WrongType(item.tag))?;
                Ok(Some(Self::from_text(name)))
            }
            (Tag::ATTRIBUTE_REFERENCE, Value::Enumeration(number)) => {
                Ok(Some(Self::Standard(Tag::from_number(number))))
            }
            (Tag::ATTRIBUTE_REFERENCE, Value::Structure(structure)) => {
                let vendor = text(structure, Tag::VENDOR_IDENTIFICATION)?;
                Ok(Some(Self::from_vendor(vendor, text(structure, Tag::ATTRIBUTE_NAME)?)))
            }
            (Tag::ATTRIBUTE_REFERENCE, _) => Err(MessageError::WrongType(item.tag)),
            _ => Ok(None),
        }
    }
}

impl From<Tag> for AttributeName {
    fn from(tag: Tag) -> Self {
        Self::Standard(tag)
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.text(), 256))
    }
}

impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The attributes whose 1.x name is their tag's name.
const STANDARD: [Tag; 35] = [
    Tag::ACTIVATION_DATE,
    Tag::ALTERNATIVE_NAME,
    Tag::ALWAYS_SENSITIVE,
    Tag::APPLICATION_SPECIFIC_INFORMATION,
    Tag::ARCHIVE_DATE,
    Tag::COMMENT,
    Tag::COMPROMISE_DATE,
    Tag::COMPROMISE_OCCURRENCE_DATE,
    Tag::CONTACT_INFORMATION,
    Tag::CRYPTOGRAPHIC_ALGORITHM,
    Tag::CRYPTOGRAPHIC_LENGTH,
    Tag::CRYPTOGRAPHIC_PARAMETERS,
    Tag::CRYPTOGRAPHIC_USAGE_MASK,
    Tag::DEACTIVATION_DATE,
    Tag::DESCRIPTION,
    Tag::DESTROY_DATE,
    Tag::DIGEST,
    Tag::EXTRACTABLE,
    Tag::FRESH,
    Tag::INITIAL_DATE,
    Tag::LAST_CHANGE_DATE,
    Tag::LEASE_TIME,
    Tag::LINK,
    Tag::NAME,
    Tag::NEVER_EXTRACTABLE,
    Tag::OBJECT_GROUP,
    Tag::OBJECT_TYPE,
    Tag::OPERATION_POLICY_NAME,
    Tag::ORIGINAL_CREATION_DATE,
    Tag::PROCESS_START_DATE,
    Tag::PROTECT_STOP_DATE,
    Tag::SENSITIVE,
    Tag::STATE,
    Tag::UNIQUE_IDENTIFIER,
    Tag::USAGE_LIMITS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_kind() {
        assert_eq!(AttributeName::from_text("State"), AttributeName::Standard(Tag::STATE));
        assert_eq!(
            AttributeName::from_text("x-key-namespace"),
            AttributeName::custom("x-key-namespace")
        );
        assert_eq!(AttributeName::from_text("Fnord"), AttributeName::Other("Fnord".into()));
        for tag in STANDARD {
            assert_eq!(AttributeName::from_text(tag.name().unwrap()), tag.into());
        }
    }

    #[test]
    fn custom_attributes_are_vendors_x_and_y_in_2_x() {
        let name = AttributeName::custom("x-key-namespace");
        assert_eq!(name.vendor(), Some(("x", "key-namespace")));
        assert_eq!(AttributeName::from_vendor("x", "key-namespace"), name);
        assert_eq!(AttributeName::from_vendor("x", "x-key-namespace"), name);
        let other = AttributeName::from_vendor("Acme", "x-a");
        assert_eq!(other.vendor(), Some(("Acme", "x-a")));
        assert_eq!(other.to_string(), "Acme:x-a");
    }
}
