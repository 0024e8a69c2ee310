//! Key blocks, and key bytes that are wiped.

use std::fmt;

use zeroize::Zeroizing;

use super::{CryptographicAlgorithm, KeyFormatType, MessageError};
use crate::ttlv::{Structure, Tag, Value, Writer};

/// The bytes of a key: wiped when dropped, not printable, not cloneable.
pub struct KeyMaterial(Zeroizing<Vec<u8>>);

impl KeyMaterial {
    /// Takes ownership of key bytes.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    fn copy(bytes: &[u8]) -> Self {
        // Sized exactly: this allocation never moves.
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Hands the bytes over, still in their wiping wrapper.
    #[must_use]
    pub fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(redacted)")
    }
}

/// What a Key Block holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyValue {
    /// Key bytes in the clear.
    Plain(KeyMaterial),
    /// The server wrapped the key although the client did not ask for that.
    Wrapped,
    /// A format that is not usable for a symmetric key here.
    Unsupported,
    /// The block describes a key but does not hold it.
    Absent,
}

/// A symmetric key as Get returns it and Register sends it.
#[derive(Debug)]
pub struct SymmetricKey {
    /// Key Format Type.
    pub format: KeyFormatType,
    /// Key Value.
    pub value: KeyValue,
    /// Cryptographic Algorithm.
    pub algorithm: Option<CryptographicAlgorithm>,
    /// Cryptographic Length in bits.
    pub length: Option<i32>,
}

impl SymmetricKey {
    /// A raw key.
    #[must_use]
    pub const fn raw(
        material: KeyMaterial,
        algorithm: CryptographicAlgorithm,
        length: i32,
    ) -> Self {
        Self {
            format: KeyFormatType::RAW,
            value: KeyValue::Plain(material),
            algorithm: Some(algorithm),
            length: Some(length),
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.structure(Tag::SYMMETRIC_KEY, |object| {
            object.structure(Tag::KEY_BLOCK, |block| {
                block.enumeration(Tag::KEY_FORMAT_TYPE, self.format.number());
                if let KeyValue::Plain(material) = &self.value {
                    block.structure(Tag::KEY_VALUE, |value| {
                        if self.format == KeyFormatType::TRANSPARENT_SYMMETRIC_KEY {
                            value.structure(Tag::KEY_MATERIAL, |inner| {
                                inner.byte_string(Tag::KEY, material.expose());
                            });
                        } else {
                            value.byte_string(Tag::KEY_MATERIAL, material.expose());
                        }
                    });
                }
                if let Some(algorithm) = self.algorithm {
                    block.enumeration(Tag::CRYPTOGRAPHIC_ALGORITHM, algorithm.number());
                }
                if let Some(length) = self.length {
                    block.integer(Tag::CRYPTOGRAPHIC_LENGTH, length);
                }
                match self.value {
                    KeyValue::Plain(_) | KeyValue::Absent => {}
                    KeyValue::Wrapped => block.structure(Tag::KEY_WRAPPING_DATA, |_empty| {}),
                    KeyValue::Unsupported => block.enumeration(Tag::KEY_COMPRESSION_TYPE, 1),
                }
            });
        });
    }

    /// `None` for an object without a key block.
    pub(super) fn decode(object: Structure<'_>) -> Result<Option<Self>, MessageError> {
        let Some(block) = object.find(Tag::KEY_BLOCK) else { return Ok(None) };
        let block = block.structure().ok_or(MessageError::WrongType(Tag::KEY_BLOCK))?;
        let number = |tag| block.find(tag).and_then(|item| item.enumeration());
        let format = number(Tag::KEY_FORMAT_TYPE)
            .map(KeyFormatType::from_number)
            .ok_or(MessageError::Missing(Tag::KEY_FORMAT_TYPE))?;
        let value = if block.find(Tag::KEY_WRAPPING_DATA).is_some() {
            KeyValue::Wrapped
        } else if block.find(Tag::KEY_COMPRESSION_TYPE).is_some() {
            KeyValue::Unsupported
        } else {
            Self::decode_value(block)?
        };
        let algorithm =
            number(Tag::CRYPTOGRAPHIC_ALGORITHM).map(CryptographicAlgorithm::from_number);
        let length = block.find(Tag::CRYPTOGRAPHIC_LENGTH).and_then(|item| item.integer());
        Ok(Some(Self { format, value, algorithm, length }))
    }

    /// The bytes go straight into their wiping buffer, without another copy.
    fn decode_value(block: Structure<'_>) -> Result<KeyValue, MessageError> {
        let Some(value) = block.find(Tag::KEY_VALUE) else { return Ok(KeyValue::Absent) };
        let value = value.structure().ok_or(MessageError::WrongType(Tag::KEY_VALUE))?;
        let Some(material) = value.find(Tag::KEY_MATERIAL) else { return Ok(KeyValue::Absent) };
        Ok(match material.value {
            Value::ByteString(bytes) => KeyValue::Plain(KeyMaterial::copy(bytes)),
            Value::Structure(transparent) => {
                match transparent.find(Tag::KEY).and_then(|key| key.bytes()) {
                    Some(bytes) => KeyValue::Plain(KeyMaterial::copy(bytes)),
                    None => KeyValue::Unsupported,
                }
            }
            _ => KeyValue::Unsupported,
        })
    }
}
