//! The one cursor over bytes that this program did not write, and its counterpart for writing.
//!
//! Nothing here indexes: every read is a bounded `take`, and a declared length never allocates.
//! Java's `DataOutput` forms (FORMATS.md 0): big-endian signed integers and modified
//! UTF-8 with a two-byte length.

mod utf;

use std::ops::RangeInclusive;

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

    /// Takes a byte.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when none is left.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        self.take_array(what).map(u8::from_be_bytes)
    }

    /// Takes an unsigned 16-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        self.take_array(what).map(u16::from_be_bytes)
    }

    /// Takes an unsigned 32-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        self.take_array(what).map(u32::from_be_bytes)
    }

    /// Takes an unsigned 64-bit integer.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, WireError> {
        self.take_array(what).map(u64::from_be_bytes)
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

    /// Takes an integer of 1 to 9 bytes: the leading 1 bits of the first count the others (FORMATS.md 0).
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn uvint(&mut self, what: &'static str) -> Result<u64, WireError> {
        let first = self.u8(what)?;
        let extra = first.leading_ones();
        let mask = u8::MAX.checked_shr(extra.saturating_add(1)).unwrap_or_default();
        let rest = self.take(usize::try_from(extra).unwrap_or(usize::MAX), what)?;
        Ok(rest.iter().fold(u64::from(first & mask), |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Takes bytes whose length stands before them as a [`Self::uvint`].
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn sized(&mut self, what: &'static str) -> Result<&'a [u8], WireError> {
        let length = self.uvint(what)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX), what)
    }

    /// Takes a length or a count, which Java writes as a signed 32-bit integer. One that is not in
    /// `range` is returned as it was written.
    ///
    /// # Errors
    /// [`WireError::MissingData`] when fewer bytes are left.
    pub fn length(
        &mut self,
        what: &'static str,
        range: RangeInclusive<usize>,
    ) -> Result<Result<usize, i32>, WireError> {
        let declared = self.i32(what)?;
        let length = usize::try_from(declared).ok().filter(|length| range.contains(length));
        Ok(length.ok_or(declared))
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

    /// Ends reading.
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
    /// Appends a big-endian unsigned 16-bit integer.
    fn put_u16(&mut self, value: u16);
    /// Appends a big-endian unsigned 32-bit integer.
    fn put_u32(&mut self, value: u32);
    /// Appends a big-endian unsigned 64-bit integer.
    fn put_u64(&mut self, value: u64);
    /// Appends a big-endian 32-bit integer.
    fn put_i32(&mut self, value: i32);
    /// Appends a big-endian 64-bit integer.
    fn put_i64(&mut self, value: i64);
    /// Appends an integer in the fewest bytes that [`Reader::uvint`] takes it from.
    fn put_uvint(&mut self, value: u64);
    /// Appends a string as `DataOutput.writeUTF` does.
    ///
    /// # Errors
    /// [`UtfError`] when the encoded form is longer than 65,535 bytes.
    fn put_utf(&mut self, text: &str) -> Result<(), UtfError>;
}

impl Put for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_i32(&mut self, value: i32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_uvint(&mut self, value: u64) {
        // Each byte holds seven bits, but the ninth of nine holds eight.
        let bits = 64_u32.saturating_sub(value.leading_zeros());
        let extra = bits.saturating_sub(1).checked_div(7).unwrap_or_default().min(8);
        let skipped = usize::try_from(8_u32.saturating_sub(extra)).unwrap_or_default();
        let bytes = value.to_be_bytes();
        let ones = u8::try_from(0xff00_u32 >> extra & 0xff).unwrap_or_default();
        let high = match skipped.checked_sub(1) {
            Some(place) => bytes.get(place).copied().unwrap_or_default(),
            None => 0,
        };
        self.push(ones | high);
        self.extend(bytes.iter().skip(skipped));
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
    fn a_length_out_of_range_is_returned_as_written() {
        let length = |declared: i32| Reader::new(&declared.to_be_bytes()).length("length", 1..=7);
        assert_eq!((length(1), length(7)), (Ok(Ok(1)), Ok(Ok(7))));
        for wrong in [0, 8, -1, i32::MIN, i32::MAX] {
            assert_eq!(length(wrong), Ok(Err(wrong)));
        }
        let short = Reader::new(&[0, 0, 0]).length("length", 0..=7);
        assert_eq!(short, Err(WireError::MissingData("length")));
    }

    #[test]
    fn a_uvint_takes_as_many_bytes_as_its_first_says() {
        let uvint = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let value = reader.uvint("n");
            value.map(|value| (value, reader.position()))
        };
        assert_eq!(uvint(&[0x7f]), Ok((0x7f, 1)));
        assert_eq!(uvint(&[0x80, 0x80]), Ok((0x80, 2)));
        assert_eq!(uvint(&[0xc1, 2, 3]), Ok((0x1_0203, 3)));
        assert_eq!(uvint(&[0xfe, 1, 2, 3, 4, 5, 6, 7]), Ok((0x01_0203_0405_0607, 8)));
        assert_eq!(uvint(&[0xff; 9]), Ok((u64::MAX, 9)));
        for cut in [&[][..], &[0x80], &[0xff; 8]] {
            assert_eq!(uvint(cut), Err(WireError::MissingData("n")));
        }
        for value in (0..64).map(|bit| 1_u64 << bit).flat_map(|one| [one - 1, one, one | (one - 1)])
        {
            let mut bytes = Vec::new();
            bytes.put_uvint(value);
            assert_eq!(uvint(&bytes), Ok((value, bytes.len())));
            let shortest = (1..9).find(|n| *n == 9 || value < 1 << (7 * n)).unwrap_or(9);
            assert_eq!(bytes.len(), shortest, "{value:x}");
        }
        let sized = |bytes| Reader::new(bytes).sized("s");
        assert_eq!(sized(&[2, 7, 8, 9]), Ok(&[7, 8][..]));
        assert_eq!(sized(&[2, 7]), Err(WireError::MissingData("s")));
        assert_eq!(sized(&[0xff; 12]), Err(WireError::MissingData("s")));
    }

    #[test]
    fn numbers_round_trip() {
        let mut bytes = Vec::new();
        bytes.put_u16(0xfedc);
        bytes.put_u32(0xfedc_ba98);
        bytes.put_u64(0xfedc_ba98_7654_3210);
        bytes.put_i32(-2);
        bytes.put_i64(-3);
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.clone().u8("a"), reader.u16("a")), (Ok(0xfe), Ok(0xfedc)));
        assert_eq!(reader.u32("b"), Ok(0xfedc_ba98));
        assert_eq!(reader.u64("c"), Ok(0xfedc_ba98_7654_3210));
        assert_eq!((reader.i32("d"), reader.i64("e")), (Ok(-2), Ok(-3)));
        reader.finish().unwrap();
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
