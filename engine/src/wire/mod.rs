//! The one cursor over bytes that this program did not write, and its writing twin.
//!
//! Nothing here indexes: every read is a bounded `take`, and a declared length never allocates.
//! Java's `DataOutput` forms (FORMATS.md 0): big-endian signed integers and modified
//! UTF-8 with a two-byte length.

mod utf;

pub use utf::{UtfError, decode_utf, encode_utf};

/// What is wrong with a piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside the named field.
    #[error("the file ends inside its {0}")]
    MissingData(&'static str),
    /// The named text is not modified UTF-8.
    #[error("its {0} is not text in Java's modified UTF-8")]
    NotText(&'static str),
    /// Bytes follow where the format has none.
    #[error("{0} unexpected bytes follow its end")]
    TrailingBytes(usize),
}

/// A cursor over borrowed bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, taken: 0 }
    }

    /// Takes exactly `n` bytes of the field called `what`.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer are left.
    pub fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(WireError::MissingData(what))?;
        self.rest = rest;
        self.taken = self.taken.saturating_add(n);
        Ok(head)
    }

    /// Takes a fixed-size array.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn take_array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(WireError::MissingData(what))?;
        self.rest = rest;
        self.taken = self.taken.saturating_add(N);
        Ok(*head)
    }

    /// Takes an unsigned 16-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        self.take_array(what).map(u16::from_be_bytes)
    }

    /// Takes a signed 32-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn i32(&mut self, what: &'static str) -> Result<i32, WireError> {
        self.take_array(what).map(i32::from_be_bytes)
    }

    /// Takes a signed 64-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn i64(&mut self, what: &'static str) -> Result<i64, WireError> {
        self.take_array(what).map(i64::from_be_bytes)
    }

    /// Takes a string as `DataOutput.writeUTF` wrote it.
    ///
    /// # Errors
    /// [`WireError::MissingData`] or [`WireError::NotText`].
    pub fn utf(&mut self, what: &'static str) -> Result<String, WireError> {
        let length = usize::from(self.u16(what)?);
        let bytes = self.take(length, what)?;
        decode_utf(bytes).map_err(|UtfError| WireError::NotText(what))
    }

    /// How many bytes were taken.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.taken
    }

    /// Takes everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = std::mem::take(&mut self.rest);
        self.taken = self.taken.saturating_add(rest.len());
        rest
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::TrailingBytes`] when something is left.
    pub const fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(WireError::TrailingBytes(n)),
        }
    }
}

/// Appends Java's forms to a byte vector.
pub trait Put {
    /// Appends a big-endian 32-bit integer.
    fn put_i32(&mut self, value: i32);
    /// Appends a big-endian 64-bit integer.
    fn put_i64(&mut self, value: i64);
    /// Appends a string as `DataOutput.writeUTF` does.
    ///
    /// # Errors
    /// [`UtfError`] when the encoded form is longer than 65,535 bytes.
    fn put_utf(&mut self, text: &str) -> Result<(), UtfError>;
}

impl Put for Vec<u8> {
    fn put_i32(&mut self, value: i32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_utf(&mut self, text: &str) -> Result<(), UtfError> {
        let bytes = encode_utf(text);
        let length = u16::try_from(bytes.len()).map_err(|_too_long| UtfError)?;
        self.extend_from_slice(&length.to_be_bytes());
        self.extend_from_slice(&bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_end_at_the_end_and_say_where() {
        let mut reader = Reader::new(&[0, 0, 0, 7, 1]);
        assert_eq!(reader.i32("count"), Ok(7));
        assert_eq!(reader.u16("length"), Err(WireError::MissingData("length")));
        assert_eq!(reader.position(), 4);
        assert_eq!(reader.clone().finish(), Err(WireError::TrailingBytes(1)));
        assert_eq!(reader.rest(), [1]);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_declared_length_beyond_the_end_is_an_error() {
        assert_eq!(
            Reader::new(&[0xff, 0xff, b'x']).utf("name"),
            Err(WireError::MissingData("name"))
        );
    }

    #[test]
    fn strings_round_trip() {
        let mut bytes = Vec::new();
        bytes.put_utf("AES/CBC/PKCS5Padding").unwrap();
        bytes.put_utf("").unwrap();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.utf("a").unwrap(), "AES/CBC/PKCS5Padding");
        assert_eq!(reader.utf("b").unwrap(), "");
        reader.finish().unwrap();
        assert_eq!(Vec::new().put_utf(&"x".repeat(65_536)), Err(UtfError));
    }
}
