//! Values of attributes.

use std::fmt;

use super::id::printable;
use super::{AttributeName, BlockCipherMode, MessageError, PaddingMethod, Timestamp, field};
use crate::ttlv::{Item, Structure, Tag, Value, Writer};

/// A value by its type; structures that this crate does not use stay encoded.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Text; what is not UTF-8 shows replacement characters.
    Text(String),
    /// A 32-bit integer.
    Integer(i32),
    /// A 64-bit integer.
    LongInteger(i64),
    /// A number of an enumeration, known or not.
    Enumeration(u32),
    /// True or false.
    Boolean(bool),
    /// A moment.
    Date(Timestamp),
    /// Seconds.
    Interval(u32),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The structure of the attribute Name.
    Name {
        /// Name Value.
        value: String,
        /// Name Type: 1 for uninterpreted text, 2 for a URI.
        kind: u32,
    },
    /// The structure of the attribute Cryptographic Parameters.
    Parameters(CryptographicParameters),
    /// Another structure: its encoded items.
    Structure(Vec<u8>),
    /// A type that no known attribute has: its number and bytes.
    Unknown(u8, Vec<u8>),
}

/// Cryptographic Parameters, as far as the database reads them (KMIP.md 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CryptographicParameters {
    /// Block Cipher Mode.
    pub mode: Option<BlockCipherMode>,
    /// Padding Method.
    pub padding: Option<PaddingMethod>,
    /// Hashing Algorithm, as a number.
    pub hashing: Option<u32>,
    /// Key Role Type, as a number.
    pub role: Option<u32>,
}

impl CryptographicParameters {
    fn decode(structure: Structure<'_>) -> Self {
        let number = |tag| structure.find(tag).and_then(|item| item.enumeration());
        Self {
            mode: number(Tag::BLOCK_CIPHER_MODE).map(BlockCipherMode::from_number),
            padding: number(Tag::PADDING_METHOD).map(PaddingMethod::from_number),
            hashing: number(Tag::HASHING_ALGORITHM),
            role: number(Tag::KEY_ROLE_TYPE),
        }
    }

    fn encode(self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |inner| {
            for (tag, number) in [
                (Tag::BLOCK_CIPHER_MODE, self.mode.map(BlockCipherMode::number)),
                (Tag::PADDING_METHOD, self.padding.map(PaddingMethod::number)),
                (Tag::HASHING_ALGORITHM, self.hashing),
                (Tag::KEY_ROLE_TYPE, self.role),
            ] {
                if let Some(number) = number {
                    inner.enumeration(tag, number);
                }
            }
        });
    }
}

impl AttributeValue {
    /// A Name of uninterpreted text.
    #[must_use]
    pub fn name(value: impl Into<String>) -> Self {
        Self::Name { value: value.into(), kind: 1 }
    }

    pub(super) fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Text(text) => writer.text(tag, text),
            Self::Integer(value) => writer.integer(tag, *value),
            Self::LongInteger(value) => writer.value(tag, Value::LongInteger(*value)),
            Self::Enumeration(number) => writer.enumeration(tag, *number),
            Self::Boolean(value) => writer.value(tag, Value::Boolean(*value)),
            Self::Date(moment) => writer.date_time(tag, moment.seconds()),
            Self::Interval(seconds) => writer.value(tag, Value::Interval(*seconds)),
            Self::Bytes(bytes) => writer.byte_string(tag, bytes),
            Self::Name { value, kind } => writer.structure(tag, |inner| {
                inner.text(Tag::NAME_VALUE, value);
                inner.enumeration(Tag::NAME_TYPE, *kind);
            }),
            Self::Parameters(parameters) => parameters.encode(tag, writer),
            Self::Structure(encoded) => writer.encoded_structure(tag, encoded),
            Self::Unknown(kind, bytes) => writer.value(tag, Value::Unknown(*kind, bytes)),
        }
    }

    /// Reads the value of a plainly tagged field.
    pub(super) fn decode(item: &Item<'_>) -> Result<Self, MessageError> {
        Self::decode_as(&AttributeName::Standard(item.tag), item)
    }

    /// Reads the value of the named attribute.
    pub(super) fn decode_as(name: &AttributeName, item: &Item<'_>) -> Result<Self, MessageError> {
        Ok(match item.value {
            Value::Structure(structure) => match name {
                AttributeName::Standard(Tag::NAME) => Self::decode_name(structure)?,
                AttributeName::Standard(Tag::CRYPTOGRAPHIC_PARAMETERS) => {
                    Self::Parameters(CryptographicParameters::decode(structure))
                }
                _ => Self::Structure(structure.encoded().to_vec()),
            },
            Value::Integer(value) => Self::Integer(value),
            Value::LongInteger(value) => Self::LongInteger(value),
            Value::Enumeration(number) => Self::Enumeration(number),
            Value::Boolean(value) => Self::Boolean(value),
            Value::TextString(bytes) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            Value::ByteString(bytes) => Self::Bytes(bytes.to_vec()),
            Value::DateTime(seconds) => Self::Date(Timestamp::from_seconds(seconds)),
            Value::DateTimeExtended(micros) => {
                Self::Date(Timestamp::from_seconds(micros.div_euclid(1_000_000)))
            }
            Value::Interval(seconds) => Self::Interval(seconds),
            Value::BigInteger(bytes) => Self::Unknown(0x04, bytes.to_vec()),
            Value::Unknown(kind, bytes) => Self::Unknown(kind, bytes.to_vec()),
        })
    }

    fn decode_name(structure: Structure<'_>) -> Result<Self, MessageError> {
        let item = field::item(structure, Tag::NAME_VALUE)?;
        let value = item.text_lossy().ok_or(MessageError::WrongType(Tag::NAME_VALUE))?;
        let kind = structure.find(Tag::NAME_TYPE).and_then(|item| item.enumeration());
        Ok(Self::Name { value: value.into_owned(), kind: kind.unwrap_or(1) })
    }
}

/// Prints values, but not bytes or unknown structures.
impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Name { value: text, .. } => {
                write!(f, "\"{}\"", printable(text, 256))
            }
            Self::Integer(value) => write!(f, "{value}"),
            Self::LongInteger(value) => write!(f, "{value}"),
            Self::Enumeration(number) => write!(f, "{number:#x}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Date(moment) => write!(f, "{moment}"),
            Self::Interval(seconds) => write!(f, "{seconds} s"),
            Self::Parameters(parameters) => fmt::Debug::fmt(parameters, f),
            Self::Bytes(bytes) | Self::Structure(bytes) | Self::Unknown(_, bytes) => {
                write!(f, "{} bytes", bytes.len())
            }
        }
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i32> for AttributeValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for AttributeValue {
    fn from(number: u32) -> Self {
        Self::Enumeration(number)
    }
}

impl From<Timestamp> for AttributeValue {
    fn from(moment: Timestamp) -> Self {
        Self::Date(moment)
    }
}

impl From<CryptographicParameters> for AttributeValue {
    fn from(parameters: CryptographicParameters) -> Self {
        Self::Parameters(parameters)
    }
}
