//! A cursor over DER (X.690), as far as a certificate needs one.

use super::NotACertificate;

/// A cursor over DER: takes an element, never indexes.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn next(&mut self) -> Result<(u8, Self), NotACertificate> {
        let (&[tag, first], rest) = self.0.split_first_chunk().ok_or(NotACertificate)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) =
                    rest.split_at_checked(usize::from(first & 0x7f)).ok_or(NotACertificate)?;
                let length =
                    bytes.iter().fold(0_u64, |length, &byte| length << 8 | u64::from(byte));
                (usize::try_from(length).map_err(|_narrow| NotACertificate)?, rest)
            }
            _ => return Err(NotACertificate),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(NotACertificate)?;
        self.0 = rest;
        Ok((tag, Self(content)))
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<Self, NotACertificate> {
        match self.next()? {
            (tag, content) if tag == wanted => Ok(content),
            _ => Err(NotACertificate),
        }
    }

    pub(super) fn optional(&mut self, wanted: u8) -> Result<Option<Self>, NotACertificate> {
        if self.0.first() == Some(&wanted) { self.expect(wanted).map(Some) } else { Ok(None) }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
