//! The encoder, [`super::parse`]'s twin.

use super::reader::padding;
use super::{MAX_MESSAGE, SecretBuffer, Tag, TtlvError, Value};

/// Appends items to a buffer that is wiped when dropped: a request may register a key.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: SecretBuffer,
    too_long: bool,
}

impl Writer {
    /// Starts an empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a structure and what `fill` puts into it.
    pub fn structure(&mut self, tag: Tag, fill: impl FnOnce(&mut Self)) {
        self.header(tag, 0x01, 0);
        let start = self.bytes.len();
        fill(self);
        let length = self.bytes.len().saturating_sub(start);
        match u32::try_from(length) {
            Ok(length) => self.bytes.patch(start.saturating_sub(4), &length.to_be_bytes()),
            Err(_over_4_gib) => self.too_long = true,
        }
    }

    /// Appends an integer.
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.item(tag, 0x02, &value.to_be_bytes());
    }

    /// Appends an enumeration.
    pub fn enumeration(&mut self, tag: Tag, value: u32) {
        self.item(tag, 0x05, &value.to_be_bytes());
    }

    /// Appends a text string.
    pub fn text(&mut self, tag: Tag, value: &str) {
        self.item(tag, 0x07, value.as_bytes());
    }

    /// Appends a byte string.
    pub fn byte_string(&mut self, tag: Tag, value: &[u8]) {
        self.item(tag, 0x08, value);
    }

    /// Appends a date.
    pub fn date_time(&mut self, tag: Tag, seconds: i64) {
        self.item(tag, 0x09, &seconds.to_be_bytes());
    }

    /// Appends any value; a structure is copied as it was encoded.
    pub fn value(&mut self, tag: Tag, value: Value<'_>) {
        match value {
            Value::Structure(structure) => self.item(tag, 0x01, structure.encoded()),
            Value::Integer(value) => self.integer(tag, value),
            Value::LongInteger(value) => self.item(tag, 0x03, &value.to_be_bytes()),
            Value::BigInteger(bytes) => self.item(tag, 0x04, bytes),
            Value::Enumeration(value) => self.enumeration(tag, value),
            Value::Boolean(value) => self.item(tag, 0x06, &u64::from(value).to_be_bytes()),
            Value::TextString(bytes) => self.item(tag, 0x07, bytes),
            Value::ByteString(bytes) => self.byte_string(tag, bytes),
            Value::DateTime(value) => self.date_time(tag, value),
            Value::Interval(value) => self.item(tag, 0x0a, &value.to_be_bytes()),
            Value::DateTimeExtended(value) => self.item(tag, 0x0b, &value.to_be_bytes()),
            Value::Unknown(kind, bytes) => self.item(tag, kind, bytes),
        }
    }

    /// Appends a structure whose content came from [`super::Structure::encoded`].
    pub fn encoded_structure(&mut self, tag: Tag, encoded: &[u8]) {
        self.item(tag, 0x01, encoded);
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`TtlvError::TooLong`] beyond [`MAX_MESSAGE`].
    pub fn finish(self) -> Result<SecretBuffer, TtlvError> {
        if self.too_long || self.bytes.len() > MAX_MESSAGE {
            return Err(TtlvError::TooLong);
        }
        Ok(self.bytes)
    }

    fn item(&mut self, tag: Tag, kind: u8, value: &[u8]) {
        let Ok(length) = u32::try_from(value.len()) else {
            self.too_long = true;
            return;
        };
        self.header(tag, kind, length);
        self.bytes.extend(value);
        let zeros = padding(value.len());
        self.bytes.extend([0; 8].get(..zeros).unwrap_or_default());
    }

    fn header(&mut self, tag: Tag, kind: u8, length: u32) {
        self.bytes.extend(&tag.to_bytes());
        self.bytes.extend(&[kind]);
        self.bytes.extend(&length.to_be_bytes());
    }
}
