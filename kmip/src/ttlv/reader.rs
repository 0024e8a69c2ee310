//! The cursor over received bytes.

use std::fmt;

use super::{Tag, TtlvError};

/// A cursor over borrowed bytes: it takes from the front, and never indexes.
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
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes left)", self.rest.len())
    }
}

/// Zero bytes after a value of this length.
pub(super) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 7
}
