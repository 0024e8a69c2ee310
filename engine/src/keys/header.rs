//! The key header in front of an encrypted chunk (KMIP.md 3.1, FORMATS.md 5.4).
//!
//! ```text
//! None         nothing: the options alone name the key
//! Kmip         0x00 | int32 n, big-endian | n bytes of key id, 1 <= n <= 4096
//! Replicated   0x00 | UUID, 16 bytes | MD5 of these 16; or nothing
//! ```
//!
//! A chunk of the replicated provider without a valid header was written before the database had a
//! table for its keys, and is under the key of a file.
//!
//! The SSTable's options decide which of them a chunk has, never its first byte.

use md5::{Digest as _, Md5};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{KeyId, MAX_KEY_ID_LENGTH};
use crate::error::Error;
use crate::options::ProviderOptions;
use crate::wire::{Put as _, Reader, WireError};

/// Which header the chunks of an SSTable have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderKind {
    /// The id of a key on a KMIP server.
    Kmip,
    /// No header.
    None,
    /// The UUID of a key in the database's own table, or no header.
    Replicated,
}

impl HeaderKind {
    /// Reads the header at the start of a chunk. Allocates nothing.
    ///
    /// # Errors
    /// [`HeaderError`] when the chunk does not start with such a header.
    pub fn parse(self, chunk: &[u8]) -> Result<ParsedHeader<'_>, HeaderError> {
        match self {
            Self::Kmip => parse_kmip(chunk),
            Self::None => Ok(ParsedHeader { id: ParsedId::None, length: 0 }),
            Self::Replicated => Ok(parse_replicated(chunk)),
        }
    }

    /// Length of the longest header, if key ids have at most `longest_id` bytes.
    #[must_use]
    pub const fn longest(self, longest_id: usize) -> usize {
        match self {
            Self::Kmip => FIXED_LENGTH.saturating_add(longest_id),
            Self::None => 0,
            Self::Replicated => REPLICATED_LENGTH,
        }
    }
}

impl From<&ProviderOptions> for HeaderKind {
    fn from(provider: &ProviderOptions) -> Self {
        match provider {
            ProviderOptions::Kmip { .. } => Self::Kmip,
            ProviderOptions::Local { .. } => Self::None,
            ProviderOptions::Replicated { .. } => Self::Replicated,
        }
    }
}

/// A header as stored in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedHeader<'a> {
    id: ParsedId<'a>,
    length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParsedId<'a> {
    None,
    Text(&'a str),
    Uuid([u8; Hyphenated::LENGTH]),
}

impl ParsedHeader<'_> {
    /// The key id, 1 to [`MAX_KEY_ID_LENGTH`] bytes; `None` if there is no header.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.id {
            ParsedId::None => None,
            ParsedId::Text(id) => Some(id),
            ParsedId::Uuid(text) => str::from_utf8(text).ok(),
        }
    }

    /// An owned copy of the id.
    #[must_use]
    pub fn to_key_id(&self) -> Option<KeyId> {
        self.id().map(KeyId::from_measured)
    }

    /// Bytes that the header takes; the IV or the ciphertext follows.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }
}

/// A header to write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyHeader {
    /// Names a key on a KMIP server.
    Kmip(KeyId),
    /// No header.
    None,
    /// Names a key in the database's own table.
    Replicated(Uuid),
}

impl KeyHeader {
    /// The bytes to put in front of each chunk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_length());
        match self {
            Self::None => {}
            Self::Kmip(id) => {
                let id = id.as_str().as_bytes();
                bytes.push(VERSION);
                // The length of a KeyId is bounded.
                bytes.put_i32(i32::try_from(id.len()).unwrap_or_default());
                bytes.extend_from_slice(id);
            }
            Self::Replicated(id) => {
                bytes.push(VERSION);
                bytes.extend_from_slice(id.as_bytes());
                bytes.extend_from_slice(&Md5::digest(id.as_bytes()));
            }
        }
        bytes
    }

    /// The length of [`Self::encode`].
    #[must_use]
    pub fn encoded_length(&self) -> usize {
        match self {
            Self::Kmip(id) => FIXED_LENGTH.saturating_add(id.as_str().len()),
            Self::None => 0,
            Self::Replicated(_) => REPLICATED_LENGTH,
        }
    }
}

/// Why a chunk does not start with the header that its SSTable's options require.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The declared length of the id is not in 1..=[`MAX_KEY_ID_LENGTH`].
    #[error("its key header declares a key id of {0} bytes, not 1 to {MAX_KEY_ID_LENGTH}")]
    IdLength(i32),
    /// The id is not UTF-8.
    #[error("the key id in its key header is not text")]
    NotText,
    /// The chunk ends inside the named field.
    #[error("it ends inside the {0} of its key header")]
    Truncated(&'static str),
    /// The first byte is not 0.
    #[error("its key header has version {0}, not 0")]
    Version(u8),
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::corrupt(error.to_string()).hint("scrub or restore this SSTable")
    }
}

fn parse_kmip(chunk: &[u8]) -> Result<ParsedHeader<'_>, HeaderError> {
    let mut reader = Reader::new(chunk);
    let version = reader.u8("version").map_err(truncated)?;
    if version != VERSION {
        return Err(HeaderError::Version(version));
    }
    let length = reader.length("key id length", 1..=MAX_KEY_ID_LENGTH).map_err(truncated)?;
    let length = length.map_err(HeaderError::IdLength)?;
    let id = reader.take(length, "key id").map_err(truncated)?;
    let id = str::from_utf8(id).map_err(|_not_utf8| HeaderError::NotText)?;
    Ok(ParsedHeader { id: ParsedId::Text(id), length: reader.position() })
}

/// The database takes anything that is not a header for a chunk without one. This program does the
/// same: the decrypted chunk shows whether that was right.
fn parse_replicated(chunk: &[u8]) -> ParsedHeader<'_> {
    let none = ParsedHeader { id: ParsedId::None, length: 0 };
    let Some(([VERSION], rest)) = chunk.split_first_chunk::<1>() else { return none };
    let Some((id, rest)) = rest.split_first_chunk::<16>() else { return none };
    if rest.first_chunk::<16>() != Some(&Md5::digest(id).into()) {
        return none;
    }
    let mut text = [0; Hyphenated::LENGTH];
    Uuid::from_bytes(*id).as_hyphenated().encode_lower(&mut text);
    ParsedHeader { id: ParsedId::Uuid(text), length: REPLICATED_LENGTH }
}

fn truncated(error: WireError) -> HeaderError {
    match error {
        WireError::MissingData(field) => HeaderError::Truncated(field),
        _ => HeaderError::Truncated("bytes"),
    }
}

const VERSION: u8 = 0;

/// The version and the length.
const FIXED_LENGTH: usize = 5;

/// The version, a UUID, and its MD5.
const REPLICATED_LENGTH: usize = 33;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn kmip(id: &str) -> KeyHeader {
        KeyHeader::Kmip(KeyId::new(id).unwrap())
    }

    /// The first bytes of `oa-kmip-a` and `oa-kmip-b`, generation 2.
    #[test]
    fn headers_of_real_chunks() {
        let chunk = b"\0\0\0\0\x0602-449\x11\xbd\xe0\x1f\x0e\x29\xb9\xbc";
        let header = HeaderKind::Kmip.parse(chunk).unwrap();
        assert_eq!((header.id(), header.length()), (Some("02-449"), 11));

        let chunk = b"\0\0\0\0\x240eb2277e-0acc-4adb-9241-1dd84dde691c\x63\x8e\x75\xb8";
        let header = HeaderKind::Kmip.parse(chunk).unwrap();
        let id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
        assert_eq!((header.id(), header.length()), (Some(id), 41));
        assert!(chunk.starts_with(&kmip(id).encode()));
    }

    #[test]
    fn the_kind_follows_from_the_options_alone() {
        let local = ProviderOptions::Local { secret_key_file: "k".to_owned() };
        assert_eq!(HeaderKind::from(&local), HeaderKind::None);
        let group = ProviderOptions::Kmip { host: "g".to_owned(), template: None, namespace: None };
        assert_eq!(HeaderKind::from(&group), HeaderKind::Kmip);

        let header = HeaderKind::None.parse(b"\0\0\0\0\x01x").unwrap();
        assert_eq!((header.id(), header.length()), (None, 0));
        let own = ProviderOptions::Replicated {
            system_key_file: "system_key".to_owned(),
            secret_key_file: "k".to_owned(),
        };
        assert_eq!(HeaderKind::from(&own), HeaderKind::Replicated);
        assert_eq!((KeyHeader::None.encode(), KeyHeader::None.encoded_length()), (vec![], 0));
    }

    #[test]
    fn every_prefix_of_a_header_is_an_error() {
        let bytes = kmip(&"k".repeat(300)).encode();
        for end in 0..bytes.len() {
            let field = match end {
                0 => "version",
                1..5 => "key id length",
                _ => "key id",
            };
            assert_eq!(HeaderKind::Kmip.parse(&bytes[..end]), Err(HeaderError::Truncated(field)));
        }
        assert_eq!(HeaderKind::Kmip.parse(&bytes).unwrap().length(), 305);
    }

    #[test]
    fn a_hostile_length_is_an_error_whatever_follows() {
        for length in [0, -1, i32::MIN, 4097, 0x0100_0000, i32::MAX] {
            let mut chunk = vec![0];
            chunk.put_i32(length);
            chunk.extend([b'x'; 5000]);
            assert_eq!(HeaderKind::Kmip.parse(&chunk), Err(HeaderError::IdLength(length)));
        }
    }

    #[test]
    fn other_damage_is_named() {
        assert_eq!(HeaderKind::Kmip.parse(b"\x01\0\0\0\x01x"), Err(HeaderError::Version(1)));
        assert_eq!(HeaderKind::Kmip.parse(b"\0\0\0\0\x01\xff"), Err(HeaderError::NotText));
        let error = Error::from(HeaderError::IdLength(5000));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("5000 bytes"), "{error}");
    }

    /// The MD5 of the sixteen bytes 0x00 to 0x0f, by `md5sum`.
    const REPLICATED: [u8; 33] =
        *b"\0\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\
        \x1a\xc1\xef\x01\xe9\x6c\xaf\x1b\xe0\xd3\x29\x33\x1a\x4f\xc2\xa8";

    #[test]
    fn a_replicated_header_is_one_only_if_its_digest_is_right() {
        let mut chunk = REPLICATED.to_vec();
        chunk.extend_from_slice(b"ciphertext");
        let header = HeaderKind::Replicated.parse(&chunk).unwrap();
        let id = "00010203-0405-0607-0809-0a0b0c0d0e0f";
        assert_eq!((header.id(), header.length()), (Some(id), 33));
        let header = KeyHeader::Replicated(Uuid::parse_str(id).unwrap());
        assert_eq!((header.encode(), header.encoded_length()), (REPLICATED.to_vec(), 33));

        for at in 0..33 {
            let mut flipped = chunk.clone();
            flipped[at] ^= 0x10;
            let header = HeaderKind::Replicated.parse(&flipped).unwrap();
            assert_eq!((header.id(), header.length()), (None, 0), "byte {at}");
            let header = HeaderKind::Replicated.parse(&chunk[..at]).unwrap();
            assert_eq!((header.id(), header.length()), (None, 0), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn parse_undoes_encode(id in "(?s).{1,64}", tail in any::<Vec<u8>>()) {
            let header = kmip(&id);
            let mut chunk = header.encode();
            prop_assert_eq!(chunk.len(), header.encoded_length());
            chunk.extend(tail);
            let parsed = HeaderKind::Kmip.parse(&chunk).unwrap();
            prop_assert_eq!(parsed.length(), header.encoded_length());
            prop_assert_eq!(parsed.id(), Some(id.as_str()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut chunk in any::<Vec<u8>>(), as_header in any::<bool>()) {
            if as_header {
                chunk.splice(..0, [0, 0, 0, 0]);
            }
            if let Ok(header) = HeaderKind::Kmip.parse(&chunk) {
                prop_assert!(header.length() <= chunk.len());
                let encoded = KeyHeader::Kmip(header.to_key_id().unwrap()).encode();
                prop_assert_eq!(&encoded, &chunk[..header.length()]);
            }
            if let Some(id) = HeaderKind::Replicated.parse(&chunk).unwrap().id() {
                let header = KeyHeader::Replicated(Uuid::parse_str(id).unwrap());
                prop_assert!(chunk.starts_with(&header.encode()));
            }
        }
    }
}
