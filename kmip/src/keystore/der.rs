//! The cursor over untrusted bytes, and the little DER that key stores need: elements, the names in
//! a certificate, the layers of a PKCS#8 key.
//!
//! Nothing here indexes, recurses or allocates; every length is checked against what is there.

/// What is wrong with a piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The bytes end inside the named part.
    Ends(&'static str),
    /// The named part is not what the format has there.
    Wrong(&'static str),
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const CONTEXT_0: u8 = 0xa0;

/// A cursor over borrowed bytes.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

/// One element of DER.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Tag, length and content.
    pub(super) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], Flaw> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Flaw::Ends(what))?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Flaw> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Flaw::Ends(what))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Flaw> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// Takes bytes preceded by a length of two bytes.
    pub(super) fn short_bytes(&mut self, what: &'static str) -> Result<&'a [u8], Flaw> {
        let length = usize::from(u16::from_be_bytes(self.array(what)?));
        self.take(length, what)
    }

    /// Takes bytes preceded by a length of four bytes.
    pub(super) fn long_bytes(&mut self, what: &'static str) -> Result<&'a [u8], Flaw> {
        let length = usize::try_from(self.u32(what)?).map_err(|_too_long| Flaw::Ends(what))?;
        self.take(length, what)
    }

    /// Takes an element's tag and length. BER's indefinite length is refused.
    pub(super) fn header(&mut self, what: &'static str) -> Result<(u8, Option<usize>), Flaw> {
        let [tag, first] = self.array(what)?;
        if tag & 0x1f == 0x1f {
            return Err(Flaw::Wrong(what)); // A tag of several bytes, which is never expected here.
        }
        let length = match first {
            0..=0x7f => usize::from(first),
            0x80 => return Ok((tag, None)),
            0x81..=0x84 => {
                let bytes = self.take(usize::from(first & 0x7f), what)?;
                let length =
                    bytes.iter().fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
                usize::try_from(length).map_err(|_too_long| Flaw::Ends(what))?
            }
            _ => return Err(Flaw::Wrong(what)),
        };
        Ok((tag, Some(length)))
    }

    /// Takes any element.
    pub(super) fn any(&mut self, what: &'static str) -> Result<Element<'a>, Flaw> {
        let start = self.0;
        let (tag, length) = self.header(what)?;
        let content = self.take(length.ok_or(Flaw::Wrong(what))?, what)?;
        let taken = start.len().saturating_sub(self.0.len());
        let whole = start.get(..taken).ok_or(Flaw::Ends(what))?;
        Ok(Element { tag, content, whole })
    }

    /// Takes an element with this tag.
    pub(super) fn element(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Flaw> {
        let element = self.any(what)?;
        if element.tag == tag { Ok(element) } else { Err(Flaw::Wrong(what)) }
    }

    /// Takes an element with this tag and returns a cursor over its content.
    pub(super) fn enter(&mut self, tag: u8, what: &'static str) -> Result<Self, Flaw> {
        Ok(Self(self.element(tag, what)?.content))
    }

    /// Takes the element, which must be the last.
    pub(super) fn finish(&self, what: &'static str) -> Result<(), Flaw> {
        if self.is_empty() { Ok(()) } else { Err(Flaw::Wrong(what)) }
    }
}

/// The two names in an X.509 certificate, as their DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names<'a> {
    pub(super) subject: &'a [u8],
    pub(super) issuer: &'a [u8],
}

impl Names<'_> {
    pub(super) fn self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// Finds the names in a certificate. Nothing else in it is checked.
pub(super) fn names(certificate: &[u8]) -> Result<Names<'_>, Flaw> {
    const WHAT: &str = "certificate";
    let mut outer = Reader::new(certificate);
    let mut fields = outer.enter(SEQUENCE, WHAT)?.enter(SEQUENCE, WHAT)?;
    outer.finish(WHAT)?;
    if fields.clone().any(WHAT)?.tag == CONTEXT_0 {
        fields.any(WHAT)?; // version
    }
    fields.element(INTEGER, WHAT)?; // serial number
    fields.element(SEQUENCE, WHAT)?; // signature algorithm
    let issuer = fields.element(SEQUENCE, WHAT)?.whole;
    fields.element(SEQUENCE, WHAT)?; // validity
    let subject = fields.element(SEQUENCE, WHAT)?.whole;
    Ok(Names { subject, issuer })
}

/// A PKCS#8 key: the inside of its algorithm, which starts with an object id, and the octets of
/// the key itself.
pub(super) fn pkcs8(key: &[u8]) -> Result<(Reader<'_>, &[u8]), Flaw> {
    const WHAT: &str = "private key";
    let mut outer = Reader::new(key);
    let mut fields = outer.enter(SEQUENCE, WHAT)?;
    outer.finish(WHAT)?;
    fields.element(INTEGER, WHAT)?;
    let algorithm = fields.enter(SEQUENCE, WHAT)?;
    algorithm.clone().element(OBJECT_ID, WHAT)?;
    let octets = fields.element(OCTET_STRING, WHAT)?.content;
    Ok((algorithm, octets))
}

/// An `EncryptedPrivateKeyInfo`: the algorithm (whole) and the encrypted octets.
pub(super) fn encrypted_key(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), Flaw> {
    const WHAT: &str = "encrypted key";
    let mut outer = Reader::new(bytes);
    let mut fields = outer.enter(SEQUENCE, WHAT)?;
    outer.finish(WHAT)?;
    let algorithm = fields.element(SEQUENCE, WHAT)?;
    let octets = fields.element(OCTET_STRING, WHAT)?.content;
    fields.finish(WHAT)?;
    Ok((algorithm, octets))
}

/// Writes an element.
pub(super) fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let skip = length.iter().take_while(|&&byte| byte == 0).count();
    let digits = length.get(skip..).unwrap_or_default();
    let mut bytes = Vec::with_capacity(content.len().saturating_add(10));
    bytes.push(tag);
    match digits {
        [] => bytes.push(0),
        [short @ 0..=0x7f] => bytes.push(*short),
        _ => {
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            bytes.extend_from_slice(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_read_back_at_every_form_of_length() {
        for n in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; n];
            let bytes = put(SEQUENCE, &content);
            let mut reader = Reader::new(&bytes);
            let element = reader.element(SEQUENCE, "x").unwrap();
            assert_eq!(element.content, content);
            assert_eq!(element.whole, bytes);
            assert_eq!(reader.finish("x"), Ok(()));
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x81],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x30, 0x82, 0xff],
        ] {
            assert_eq!(Reader::new(bytes).any("x").map(|_| ()), Err(Flaw::Ends("x")), "{bytes:x?}");
        }
        for bytes in [&[0x30, 0x80, 0, 0][..], &[0x30, 0x85, 0, 0, 0, 0, 0], &[0x3f, 0x81, 0]] {
            assert_eq!(Reader::new(bytes).any("x").map(|_| ()), Err(Flaw::Wrong("x")));
        }
        assert_eq!(Reader::new(&[0xff; 6]).long_bytes("x"), Err(Flaw::Ends("x")));
        assert_eq!(Reader::new(&[0xff; 6]).short_bytes("x"), Err(Flaw::Ends("x")));
    }
}
