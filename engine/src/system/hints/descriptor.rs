//! The descriptor at the start of a hints file (FORMATS.md 10.2).
//!
//! ```text
//! int32    version
//! int64    timestamp
//! 2 int64  host id
//! int32    length of the JSON
//! int32    CRC32 so far; a long counts as its low half, then its high half
//! JSON     compression {class_name, parameters} or encryption {encCipher, encKeyAlias, encIV}
//! int32    CRC32 of all fields, without the first CRC32
//! ```
//!
//! Nothing keeps a position in a hints file, so the descriptor may change its length.

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::options::OptionMap;
use crate::system::json::{self, JsonError, Members};
use crate::system::name::HintsName;
use crate::system::protection::{self, ALIAS, CIPHER, IV, KeystoreCipher, Protection};
use crate::wire::{Put as _, Reader, WireError};

/// What a hints file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintsDescriptor {
    name: HintsName,
    json: Vec<u8>,
    protection: Protection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum DescriptorError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the CRC of its descriptor does not match")]
    Crc,
    #[error("its descriptor declares {0} bytes of JSON")]
    Length(i32),
    #[error("its descriptor names both a compression and an encryption")]
    Both,
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl HintsDescriptor {
    /// The longest descriptor that is read, in bytes.
    pub const MAX_LENGTH: usize = FIXED_LENGTH + MAX_JSON;

    /// Reads the descriptor at the start of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(Self::parse(bytes)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let mut reader = Reader::new(bytes);
        let version = reader.i32("version")?;
        let timestamp = reader.i64("timestamp")?;
        let host = Uuid::from_bytes(reader.take_array("host id")?);
        let name = HintsName { host, timestamp, version };
        let length = reader.length("length of its JSON", 0..=MAX_DECLARED)?;
        let declared = length.map_err(DescriptorError::Length)?;
        let crc = head_checksum(&name, declared);
        if reader.u32("CRC of its head")? != crc.clone().finalize() {
            return Err(DescriptorError::Crc);
        }
        if declared > MAX_JSON {
            return Err(DescriptorError::Length(i32::try_from(declared).unwrap_or(i32::MAX)));
        }
        let json = reader.take(declared, "JSON")?;
        if reader.u32("CRC")? != with_json(crc, json) {
            return Err(DescriptorError::Crc);
        }
        Ok(Self { name, json: json.to_vec(), protection: read(json)? })
    }

    /// Host, timestamp and version, as the name of the file has them, too.
    #[must_use]
    pub const fn name(&self) -> &HintsName {
        &self.name
    }

    /// How the hints are stored.
    #[must_use]
    pub const fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Bytes of the descriptor; the first block follows.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.json.len().saturating_add(FIXED_LENGTH)
    }

    /// The bytes of the descriptor.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length());
        let head = head_checksum(&self.name, self.json.len());
        bytes.put_i32(self.name.version);
        bytes.put_i64(self.name.timestamp);
        bytes.extend_from_slice(self.name.host.as_bytes());
        // Its length is bounded.
        bytes.put_i32(i32::try_from(self.json.len()).unwrap_or(i32::MAX));
        bytes.put_u32(head.clone().finalize());
        bytes.extend_from_slice(&self.json);
        bytes.put_u32(with_json(head, &self.json));
        bytes
    }

    /// The same descriptor with other options of the same class.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when it becomes longer than a
    /// descriptor may be.
    pub fn with_options(&self, options: &OptionMap) -> Result<Self> {
        self.with(COMPRESSION, &[(PARAMETERS, json::object(options))])
    }

    /// The same descriptor with another key, cipher and IV of Apache's encryption.
    ///
    /// # Errors
    /// As [`Self::with_options`].
    pub fn with_keystore(&self, new: &KeystoreCipher) -> Result<Self> {
        let changed = [
            (CIPHER, json::quoted(&new.cipher)),
            (ALIAS, json::quoted(&new.alias)),
            (IV, json::quoted(&protection::hex(&new.iv))),
        ];
        self.with(ENCRYPTION, &changed)
    }

    fn with(&self, member: &'static str, changed: &[(&str, String)]) -> Result<Self> {
        let members = Members::parse(&self.json).map_err(DescriptorError::Json)?;
        let inner = members.object(member).map_err(DescriptorError::Json)?;
        let inner = inner.ok_or(DescriptorError::Json(JsonError::Member(member)))?;
        let json = members.with(&[(member, inner.with(changed))]).into_bytes();
        if json.len() > MAX_JSON {
            return Err(Error::unsupported("its descriptor would become too long")
                .hint("let the hints be delivered, or delete them (nodetool truncatehints)"));
        }
        let protection = read(&json)?;
        Ok(Self { name: self.name.clone(), json, protection })
    }
}

fn read(json: &[u8]) -> Result<Protection, DescriptorError> {
    let members = Members::parse(json)?;
    let compression = match members.object(COMPRESSION)? {
        None => None,
        Some(inner) => {
            let found = protection::compressor(&inner, CLASS, PARAMETERS)?;
            Some(found.ok_or(JsonError::Member(CLASS))?)
        }
    };
    let encryption = match members.object(ENCRYPTION)? {
        None => None,
        Some(inner) => {
            let found = KeystoreCipher::read(&inner)?;
            Some(Protection::Keystore(found.ok_or(JsonError::Member(CIPHER))?))
        }
    };
    match (compression, encryption) {
        (Some(_), Some(_)) => Err(DescriptorError::Both),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Ok(Protection::Clear),
    }
}

/// The CRC of the fields before it.
fn head_checksum(name: &HintsName, length: usize) -> crc32fast::Hasher {
    let (high, low) = name.host.as_u64_pair();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&name.version.to_be_bytes());
    for long in [name.timestamp.cast_unsigned(), high, low] {
        hasher.update(&long.rotate_left(32).to_be_bytes());
    }
    hasher.update(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    hasher
}

fn with_json(mut hasher: crc32fast::Hasher, json: &[u8]) -> u32 {
    hasher.update(json);
    hasher.finalize()
}

impl From<DescriptorError> for Error {
    fn from(error: DescriptorError) -> Self {
        Self::corrupt(error.to_string())
            .hint("delete the file, and repair the tables of the host that it is for")
    }
}

/// Bytes of JSON that are read; a node writes some hundred.
const MAX_JSON: usize = 64 << 10;

/// The longest that a Java array may be: how much the field can declare.
const MAX_DECLARED: usize = 0x7fff_ffff;

/// Version, timestamp, host id, length and two CRCs.
const FIXED_LENGTH: usize = 40;

const COMPRESSION: &str = "compression";
const ENCRYPTION: &str = "encryption";
const CLASS: &str = "class_name";
const PARAMETERS: &str = "parameters";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const LOCAL: &str = r#"{"compression":{"parameters":{"secret_key_file":"\/keys\/old"},"class_name":"EncryptingLZ4Compressor"}}"#;

    fn descriptor(json: &str) -> HintsDescriptor {
        let host = Uuid::from_u128(0x2e1c_6f4a_6f6c_4f06_9e0e_2a9e_4c1c_7d11);
        let name = HintsName { host, timestamp: 0x1_8bcf_e568_0002, version: 3 };
        let protection = read(json.as_bytes()).unwrap();
        HintsDescriptor { name, json: json.as_bytes().to_vec(), protection }
    }

    #[test]
    fn a_descriptor_round_trips() {
        for json in ["{}", LOCAL] {
            let own = descriptor(json);
            let bytes = own.encode();
            assert_eq!(bytes.len(), own.length());
            assert_eq!(HintsDescriptor::decode(&bytes).unwrap(), own);
            for end in 0..bytes.len() {
                let error = HintsDescriptor::decode(&bytes[..end]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let bytes = descriptor(LOCAL).encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(HintsDescriptor::decode(&other).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn options_and_aliases_are_replaced_in_their_place() {
        let long = "/keys/".to_owned() + &"x".repeat(300);
        let options = OptionMap::from_pairs([("secret_key_file", long)]).unwrap();
        let new = descriptor(LOCAL).with_options(&options).unwrap();
        let Protection::Compressor { class, options: found } = new.protection() else { panic!() };
        assert_eq!((class.simple_name(), found), ("EncryptingLZ4Compressor", &options));
        assert_eq!(HintsDescriptor::decode(&new.encode()).unwrap(), new);

        let json = r#"{"encryption":{"encIV":"0011","encCipher":"AES\/CBC\/PKCS5Padding","encKeyAlias":"a"}}"#;
        let new =
            KeystoreCipher { cipher: "AES".to_owned(), alias: "b".to_owned(), iv: vec![7; 16] };
        let replaced = descriptor(json).with_keystore(&new).unwrap();
        assert_eq!(replaced.protection(), &Protection::Keystore(new));
    }

    #[test]
    fn what_a_node_refuses_is_refused() {
        let both = r#"{"compression":{"class_name":"LZ4Compressor"},"encryption":{"encCipher":"AES","encKeyAlias":"a","encIV":"00"}}"#;
        assert_eq!(read(both.as_bytes()), Err(DescriptorError::Both));
        for json in ["", "[]", r#"{"compression":{}}"#, r#"{"encryption":{"encCipher":"AES"}}"#] {
            assert!(read(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn a_declared_length_does_not_allocate() {
        let name = descriptor("{}").name;
        let mut bytes = descriptor("{}").encode();
        bytes[28..32].copy_from_slice(&i32::MAX.to_be_bytes());
        let crc = head_checksum(&name, usize::try_from(i32::MAX).unwrap()).finalize();
        bytes[32..36].copy_from_slice(&crc.to_be_bytes());
        let error = HintsDescriptor::decode(&bytes).unwrap_err();
        assert!(error.to_string().contains("2147483647 bytes of JSON"), "{error}");
    }
}
