//! Protocol versions.

use std::fmt;

use super::{MessageError, field};
use crate::ttlv::{Structure, Tag, Writer};

/// A version of KMIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// 1 or 2.
    pub major: i32,
    /// The number after the point.
    pub minor: i32,
}

impl ProtocolVersion {
    /// KMIP 1.0.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// KMIP 1.1: the first with Discover Versions.
    pub const V1_1: Self = Self { major: 1, minor: 1 };
    /// KMIP 1.2.
    pub const V1_2: Self = Self { major: 1, minor: 2 };
    /// KMIP 1.3: the first with Offset Items.
    pub const V1_3: Self = Self { major: 1, minor: 3 };
    /// KMIP 1.4.
    pub const V1_4: Self = Self { major: 1, minor: 4 };
    /// KMIP 2.0: attributes by tag, no templates.
    pub const V2_0: Self = Self { major: 2, minor: 0 };
    /// KMIP 2.1.
    pub const V2_1: Self = Self { major: 2, minor: 1 };

    /// Every version that this crate speaks, the database's dialect first: 1.x, newest first,
    /// then 2.x (KMIP.md 1.7).
    pub const SPOKEN: [Self; 7] =
        [Self::V1_4, Self::V1_3, Self::V1_2, Self::V1_1, Self::V1_0, Self::V2_1, Self::V2_0];

    /// Whether attributes are plainly tagged fields instead of name and value.
    #[must_use]
    pub const fn has_tagged_attributes(self) -> bool {
        self.major >= 2
    }

    /// Whether Locate takes an offset.
    #[must_use]
    pub fn has_offset(self) -> bool {
        self >= Self::V1_3
    }

    /// Whether the server can be asked for its versions.
    #[must_use]
    pub fn has_discovery(self) -> bool {
        self >= Self::V1_1
    }

    pub(super) fn encode(self, writer: &mut Writer) {
        writer.structure(Tag::PROTOCOL_VERSION, |inner| {
            inner.integer(Tag::PROTOCOL_VERSION_MAJOR, self.major);
            inner.integer(Tag::PROTOCOL_VERSION_MINOR, self.minor);
        });
    }

    pub(super) fn decode(structure: Structure<'_>) -> Result<Self, MessageError> {
        let number = |tag| {
            let item = field::item(structure, tag)?;
            item.integer().ok_or(MessageError::WrongType(tag))
        };
        Ok(Self {
            major: number(Tag::PROTOCOL_VERSION_MAJOR)?,
            minor: number(Tag::PROTOCOL_VERSION_MINOR)?,
        })
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
