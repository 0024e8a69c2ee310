//! A decoded item: a tag and a borrowed value.

use std::borrow::Cow;
use std::fmt;

use super::reader::{Reader, padding};
use super::{HEADER, Tag, TtlvError};

/// One item of a checked message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// What the item means.
    pub tag: Tag,
    /// The value, borrowed from the message.
    pub value: Value<'a>,
}

/// A value by its type on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Type 1: items in order.
    Structure(Structure<'a>),
    /// Type 2.
    Integer(i32),
    /// Type 3.
    LongInteger(i64),
    /// Type 4: two's complement, big-endian, a multiple of 8 bytes.
    BigInteger(&'a [u8]),
    /// Type 5.
    Enumeration(u32),
    /// Type 6.
    Boolean(bool),
    /// Type 7, not yet checked to be UTF-8: one bad name must not fail a whole listing.
    TextString(&'a [u8]),
    /// Type 8.
    ByteString(&'a [u8]),
    /// Type 9: seconds since 1970 in UTC.
    DateTime(i64),
    /// Type 10: seconds.
    Interval(u32),
    /// Type 11 (KMIP 2.0): microseconds since 1970 in UTC.
    DateTimeExtended(i64),
    /// A type this client does not know; it is carried as it is.
    Unknown(u8, &'a [u8]),
}

impl<'a> Item<'a> {
    /// Takes one item with its padding; the inside of a structure is left unchecked.
    pub(super) fn take(reader: &mut Reader<'a>) -> Result<Self, TtlvError> {
        let (tag, kind, length) = reader.header()?;
        let bytes = reader.take(length)?;
        let padding = reader.take(padding(length))?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(TtlvError::BadPadding(tag));
        }
        Ok(Self { tag, value: value(tag, kind, bytes)? })
    }

    /// The items of a structure, or nothing for another type.
    #[must_use]
    pub const fn structure(&self) -> Option<Structure<'a>> {
        match self.value {
            Value::Structure(structure) => Some(structure),
            _ => None,
        }
    }

    /// The value of an integer.
    #[must_use]
    pub const fn integer(&self) -> Option<i32> {
        match self.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The value of an enumeration.
    #[must_use]
    pub const fn enumeration(&self) -> Option<u32> {
        match self.value {
            Value::Enumeration(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes of a byte string.
    #[must_use]
    pub const fn bytes(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::ByteString(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The seconds of a date.
    #[must_use]
    pub const fn date_time(&self) -> Option<i64> {
        match self.value {
            Value::DateTime(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// The text of a text string, exactly.
    ///
    /// # Errors
    /// [`TtlvError::NotText`] when it is not UTF-8.
    pub fn text(&self) -> Result<Option<&'a str>, TtlvError> {
        match self.value {
            Value::TextString(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_not_utf8) => Err(TtlvError::NotText(self.tag)),
            },
            _ => Ok(None),
        }
    }

    /// The text of a text string, with replacement characters where it is not UTF-8.
    #[must_use]
    pub fn text_lossy(&self) -> Option<Cow<'a, str>> {
        match self.value {
            Value::TextString(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }
}

fn value(tag: Tag, kind: u8, bytes: &[u8]) -> Result<Value<'_>, TtlvError> {
    Ok(match kind {
        0x01 => {
            // Items are multiples of 8 bytes, so their sum is one too (KMIP 1.4, 9.1.1.3).
            if !bytes.len().is_multiple_of(HEADER) {
                return Err(TtlvError::BadLength(tag));
            }
            Value::Structure(Structure { checked: bytes })
        }
        0x02 => Value::Integer(i32::from_be_bytes(exact(tag, bytes)?)),
        0x03 => Value::LongInteger(i64::from_be_bytes(exact(tag, bytes)?)),
        0x04 => {
            if bytes.is_empty() || !bytes.len().is_multiple_of(8) {
                return Err(TtlvError::BadLength(tag));
            }
            Value::BigInteger(bytes)
        }
        0x05 => Value::Enumeration(u32::from_be_bytes(exact(tag, bytes)?)),
        0x06 => match u64::from_be_bytes(exact(tag, bytes)?) {
            0 => Value::Boolean(false),
            1 => Value::Boolean(true),
            _ => return Err(TtlvError::BadBoolean(tag)),
        },
        0x07 => Value::TextString(bytes),
        0x08 => Value::ByteString(bytes),
        0x09 => Value::DateTime(i64::from_be_bytes(exact(tag, bytes)?)),
        0x0a => Value::Interval(u32::from_be_bytes(exact(tag, bytes)?)),
        0x0b => Value::DateTimeExtended(i64::from_be_bytes(exact(tag, bytes)?)),
        other => Value::Unknown(other, bytes),
    })
}

fn exact<const N: usize>(tag: Tag, bytes: &[u8]) -> Result<[u8; N], TtlvError> {
    bytes.try_into().map_err(|_other_length| TtlvError::BadLength(tag))
}

/// Prints tag and shape only: text and bytes may be secrets.
impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.tag, self.value)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(structure) => f.debug_list().entries(structure.items()).finish(),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Enumeration(value) => write!(f, "{value:#x}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::LongInteger(_) => f.write_str("long integer"),
            Self::DateTime(value) | Self::DateTimeExtended(value) => write!(f, "@{value}"),
            Self::Interval(value) => write!(f, "{value} s"),
            Self::TextString(bytes) => write!(f, "text of {} bytes", bytes.len()),
            Self::BigInteger(bytes) | Self::ByteString(bytes) => {
                write!(f, "{} bytes", bytes.len())
            }
            Self::Unknown(kind, bytes) => write!(f, "type {kind:#x}, {} bytes", bytes.len()),
        }
    }
}

/// The items of a structure that [`super::parse`] has checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Structure<'a> {
    checked: &'a [u8],
}

impl<'a> Structure<'a> {
    /// The items, in order.
    #[must_use]
    pub const fn items(self) -> Items<'a> {
        Items { rest: Reader::new(self.checked) }
    }

    /// The first item of a tag.
    #[must_use]
    pub fn find(self, tag: Tag) -> Option<Item<'a>> {
        self.items().find(|item| item.tag == tag)
    }

    /// All items of a tag, in order.
    pub fn all(self, tag: Tag) -> impl Iterator<Item = Item<'a>> {
        self.items().filter(move |item| item.tag == tag)
    }

    /// The encoded items, for carrying a structure that this crate does not understand.
    #[must_use]
    pub const fn encoded(self) -> &'a [u8] {
        self.checked
    }
}

impl fmt::Debug for Structure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

/// Iterates over the items of a structure.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        // The structure was checked, so an error cannot occur; if it did, iteration would end.
        if self.rest.is_empty() { None } else { Item::take(&mut self.rest).ok() }
    }
}
