//! The header of a commit log segment (FORMATS.md 10.1).
//!
//! ```text
//! int32    version
//! int64    id
//! uint16   length of the JSON
//! JSON     compressionClass, compressionParameters, encCipher, encKeyAlias, encIV
//! int32    CRC32 of: version, low half of the id, high half of the id, length as int32, JSON
//! ```
//!
//! **Its length never changes.** SSTables store positions of the log, and a position counts from the
//! end of the header. With a shorter one a node skips writes that were acknowledged, and says
//! nothing. So new JSON is padded with blanks, and what does not fit is refused.

use crate::error::{Error, Result};
use crate::options::OptionMap;
use crate::system::json::{self, JsonError, Members};
use crate::system::name::SegmentName;
use crate::system::protection::{self, ALIAS, CIPHER, IV, KeystoreCipher, Protection};
use crate::wire::{Put as _, Reader, WireError};

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    name: SegmentName,
    json: Vec<u8>,
    protection: Protection,
}

/// Why bytes are not the header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the CRC of its header does not match")]
    Crc,
    #[error("a header of version {0} is not known")]
    Version(i32),
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl SegmentHeader {
    /// The longest header in bytes.
    pub const MAX_LENGTH: usize = FIXED_LENGTH + 65_535;

    /// Reads the header at the start of a segment.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), and
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for versions before 3.0.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(Self::parse(bytes)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut reader = Reader::new(bytes);
        let version = reader.i32("version")?;
        if version < FIRST_VERSION {
            return Err(HeaderError::Version(version));
        }
        let id = reader.i64("id")?;
        let length = reader.u16("length of its JSON")?;
        let json = reader.take(usize::from(length), "JSON")?;
        let name = SegmentName { version, id };
        if reader.u32("CRC")? != checksum(name, length, json) {
            return Err(HeaderError::Crc);
        }
        Ok(Self { name, json: json.to_vec(), protection: read(json)? })
    }

    /// Version and id, as the name of the file has them, too.
    #[must_use]
    pub const fn name(&self) -> SegmentName {
        self.name
    }

    /// How the sections are stored.
    #[must_use]
    pub const fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Bytes of the header; the first section follows.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.json.len().saturating_add(FIXED_LENGTH)
    }

    /// The bytes of the header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length());
        // It was read with this length, and keeps it.
        let length = u16::try_from(self.json.len()).unwrap_or(u16::MAX);
        bytes.put_i32(self.name.version);
        bytes.put_i64(self.name.id);
        bytes.put_u16(length);
        bytes.extend_from_slice(&self.json);
        bytes.put_u32(checksum(self.name, length, &self.json));
        bytes
    }

    /// The same header with other options of the same class.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when it would become longer.
    pub fn with_options(&self, options: &OptionMap) -> Result<Self> {
        self.with(&[(PARAMETERS, json::object(options))])
    }

    /// The same header with another key, cipher and IV of Apache's encryption.
    ///
    /// # Errors
    /// As [`Self::with_options`].
    pub fn with_keystore(&self, new: &KeystoreCipher) -> Result<Self> {
        self.with(&[
            (CIPHER, json::quoted(&new.cipher)),
            (ALIAS, json::quoted(&new.alias)),
            (IV, json::quoted(&protection::hex(&new.iv))),
        ])
    }

    fn with(&self, changed: &[(&str, String)]) -> Result<Self> {
        let members = Members::parse(&self.json).map_err(HeaderError::Json)?;
        let mut json = members.with(changed).into_bytes();
        let Some(room) = self.json.len().checked_sub(json.len()) else {
            let excess = json.len().saturating_sub(self.json.len());
            return Err(too_long(excess));
        };
        let end = json.pop();
        json.resize(json.len().saturating_add(room), b' ');
        json.extend(end);
        let protection = read(&json).map_err(HeaderError::Json)?;
        Ok(Self { name: self.name, json, protection })
    }
}

fn read(json: &[u8]) -> Result<Protection, JsonError> {
    if json.is_empty() {
        return Ok(Protection::Clear);
    }
    let members = Members::parse(json)?;
    // A header may have both; a node then looks at the encryption alone.
    if let Some(cipher) = KeystoreCipher::read(&members)? {
        return Ok(Protection::Keystore(cipher));
    }
    Ok(protection::compressor(&members, CLASS, PARAMETERS)?.unwrap_or(Protection::Clear))
}

fn checksum(name: SegmentName, length: u16, json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&name.version.to_be_bytes());
    hasher.update(&super::halves(name.id));
    hasher.update(&u32::from(length).to_be_bytes());
    hasher.update(json);
    hasher.finalize()
}

fn too_long(excess: usize) -> Error {
    Error::unsupported(format!(
        "its header would become {excess} bytes longer, but positions in SSTables count from the \
         header's end"
    ))
    .hint(
        "start the node, which replays the segment, and drain it again; or choose a key file whose \
         path, or a key whose alias, is not longer than the old one",
    )
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Version(_) => Self::unsupported(error.to_string())
                .hint("start the node with the release that wrote the segment, and drain it"),
            _ => Self::corrupt(error.to_string()).hint(
                "restore the segment from an archive; a node that starts with it shows what it \
                 makes of it",
            ),
        }
    }
}

/// Releases before 3.0 had other headers.
const FIRST_VERSION: i32 = 6;

/// Version, id, length and CRC.
const FIXED_LENGTH: usize = 18;

const CLASS: &str = "compressionClass";
const PARAMETERS: &str = "compressionParameters";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const LOCAL: &str = r#"{"compressionClass":"org.apache.cassandra.io.compress.EncryptingLZ4Compressor","compressionParameters":{"cipher_algorithm":"AES\/CBC\/PKCS5Padding","secret_key_file":"\/keys\/old"}}"#;

    fn header(json: &str) -> SegmentHeader {
        let name = SegmentName { version: 7, id: 0x1_2345_6789_abcd };
        let protection = read(json.as_bytes()).unwrap();
        SegmentHeader { name, json: json.as_bytes().to_vec(), protection }
    }

    #[test]
    fn a_header_round_trips() {
        for json in ["", "{}", LOCAL] {
            let own = header(json);
            let bytes = own.encode();
            assert_eq!(bytes.len(), own.length());
            assert_eq!(SegmentHeader::decode(&bytes).unwrap(), own);
            let longer = [&bytes[..], b"more"].concat();
            assert_eq!(SegmentHeader::decode(&longer).unwrap(), own);
            for end in 0..bytes.len() {
                let error = SegmentHeader::decode(&bytes[..end]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let bytes = header(LOCAL).encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(SegmentHeader::decode(&other).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn other_options_keep_the_length() {
        let old = header(LOCAL);
        let pairs = [("cipher_algorithm", "AES"), ("secret_key_file", "/keys/new")];
        let new = old.with_options(&OptionMap::from_pairs(pairs).unwrap()).unwrap();
        assert_eq!(new.length(), old.length());
        let Protection::Compressor { class, options } = new.protection() else { panic!() };
        assert_eq!(class.simple_name(), "EncryptingLZ4Compressor");
        assert_eq!(options.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(SegmentHeader::decode(&new.encode()).unwrap(), new);
        // Blanks count as room the next time.
        let back = OptionMap::from_pairs([
            ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
            ("secret_key_file", "/keys/old"),
        ]);
        let back = new.with_options(&back.unwrap()).unwrap();
        assert_eq!((back.length(), back.protection()), (old.length(), old.protection()));

        let long = "/keys/".to_owned() + &"x".repeat(100);
        let options = OptionMap::from_pairs([("secret_key_file", long)]).unwrap();
        let error = old.with_options(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.hint_text().unwrap().contains("drain it again"));
    }

    #[test]
    fn apache_s_encryption_is_read_and_replaced() {
        let json = r#"{"encCipher":"AES/CBC/PKCS5Padding","encIV":"00112233445566778899aabbccddeeff","encKeyAlias":"old:1"}"#;
        let old = header(json);
        let Protection::Keystore(cipher) = old.protection() else { panic!() };
        assert_eq!((cipher.alias.as_str(), cipher.iv[1]), ("old:1", 0x11));
        let new = KeystoreCipher { alias: "new:1".to_owned(), iv: vec![7; 16], ..cipher.clone() };
        let replaced = old.with_keystore(&new).unwrap();
        assert_eq!(replaced.length(), old.length());
        assert_eq!(replaced.protection(), &Protection::Keystore(new));
        let both = r#"{"compressionClass":"LZ4Compressor","compressionParameters":{},"encCipher":"AES/CBC/PKCS5Padding","encIV":"00","encKeyAlias":"a"}"#;
        assert!(matches!(header(both).protection(), Protection::Keystore(_)));
        assert!(read(br#"{"encCipher":"AES","encKeyAlias":"a"}"#).is_err(), "no IV");
    }

    #[test]
    fn a_version_before_3_0_is_refused_by_name() {
        let mut bytes = header("{}").encode();
        bytes[3] = 5;
        let error = SegmentHeader::decode(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("version 5"));
    }
}
