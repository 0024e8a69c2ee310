//! The cursor over received bytes, and the one walk that checks a message.

use std::fmt;

use super::{HEADER, Item, MAX_DEPTH, MAX_ITEMS, MAX_MESSAGE, Structure, Tag, TtlvError, Value};

/// Checks a whole message and returns its outermost item.
///
/// Lengths, padding, fixed sizes, depth and item count are checked at every level, so that
/// iteration afterwards cannot fail. Unknown tags and types pass.
///
/// # Errors
/// [`TtlvError`] for anything that no KMIP peer may send.
pub fn parse(message: &[u8]) -> Result<Item<'_>, TtlvError> {
    if message.len() > MAX_MESSAGE {
        return Err(TtlvError::TooLong);
    }
    let mut reader = Reader::new(message);
    let item = reader.item()?;
    if !reader.is_empty() {
        return Err(TtlvError::TrailingBytes);
    }
    let mut seen = 1;
    check(&item, MAX_DEPTH, &mut seen)?;
    Ok(item)
}

/// Walks the items below `item`; recursion is bounded by `levels`.
fn check(item: &Item<'_>, levels: usize, seen: &mut usize) -> Result<(), TtlvError> {
    let Value::Structure(structure) = item.value else { return Ok(()) };
    let levels = levels.checked_sub(1).ok_or(TtlvError::TooDeep)?;
    let mut reader = Reader::new(structure.encoded());
    while !reader.is_empty() {
        *seen = seen.saturating_add(1);
        if *seen > MAX_ITEMS {
            return Err(TtlvError::TooManyItems);
        }
        check(&reader.item()?, levels, seen)?;
    }
    Ok(())
}

/// A cursor over borrowed bytes: it takes, and never indexes.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], TtlvError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(TtlvError::MissingData)?;
        self.rest = rest;
        Ok(head)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], TtlvError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(TtlvError::MissingData)?;
        self.rest = rest;
        Ok(*head)
    }

    /// Takes an item's header: tag, type and length.
    pub(crate) fn header(&mut self) -> Result<(Tag, u8, usize), TtlvError> {
        let [a, b, c, kind] = self.take_array()?;
        let length = u32::from_be_bytes(self.take_array()?);
        // 32 bits always fit where this client runs; if not, the data cannot be there either.
        let length = usize::try_from(length).map_err(|_narrow| TtlvError::MissingData)?;
        Ok((Tag::from_bytes([a, b, c]), kind, length))
    }

    /// Takes one item with its padding; the inside of a structure is left unchecked.
    pub(crate) fn item(&mut self) -> Result<Item<'a>, TtlvError> {
        let (tag, kind, length) = self.header()?;
        let bytes = self.take(length)?;
        let padding = self.take(padding(length))?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(TtlvError::BadPadding(tag));
        }
        Ok(Item { tag, value: value(tag, kind, bytes)? })
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes left)", self.rest.len())
    }
}

fn value(tag: Tag, kind: u8, bytes: &[u8]) -> Result<Value<'_>, TtlvError> {
    Ok(match kind {
        0x01 => {
            // Items are multiples of 8 bytes, so their sum is one too (KMIP 1.4, 9.1.1.3).
            if !bytes.len().is_multiple_of(HEADER) {
                return Err(TtlvError::BadLength(tag));
            }
            Value::Structure(Structure::new(bytes))
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

/// Zero bytes after a value of this length.
pub(super) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 7
}
