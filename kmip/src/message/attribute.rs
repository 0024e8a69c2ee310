//! One attribute in the forms of both major versions.
//!
//! KMIP 1.x: `Attribute { Attribute Name, [Attribute Index], Attribute Value }`, with names as text
//! and custom ones prefixed `x-` (client) or `y-` (server). KMIP 2.x: a plainly tagged field, or
//! `Attribute { Vendor Identification, Attribute Name, Attribute Value }`. The vendors `x` and `y`
//! represent the custom attributes of 1.x (KMIP 2.0, 4.58), so `x-key-namespace` is vendor `x`,
//! name `key-namespace`. Decoding accepts either form whatever the version.

use std::fmt;

use super::field::text;
use super::{AttributeName, AttributeValue, MessageError, ProtocolVersion};
use crate::ttlv::{Item, Structure, Tag, Writer};

/// A named value of an object.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Which attribute.
    pub name: AttributeName,
    /// Which of several values of the name (1.x).
    pub index: Option<i32>,
    /// The value.
    pub value: AttributeValue,
}

impl Attribute {
    /// An attribute without an index.
    #[must_use]
    pub fn new(name: AttributeName, value: impl Into<AttributeValue>) -> Self {
        Self { name, index: None, value: value.into() }
    }

    /// Appends the attribute: in 1.x as an `Attribute`, in 2.x as a field of `Attributes`.
    pub(super) fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        if !version.has_tagged_attributes() {
            writer.structure(Tag::ATTRIBUTE, |inner| {
                inner.text(Tag::ATTRIBUTE_NAME, &self.name.text());
                if let Some(index) = self.index {
                    inner.integer(Tag::ATTRIBUTE_INDEX, index);
                }
                self.value.encode(Tag::ATTRIBUTE_VALUE, inner);
            });
            return;
        }
        match self.name.vendor() {
            None => self.value.encode(self.name.tag(), writer),
            Some((vendor, name)) => writer.structure(Tag::ATTRIBUTE, |inner| {
                inner.text(Tag::VENDOR_IDENTIFICATION, vendor);
                inner.text(Tag::ATTRIBUTE_NAME, name);
                self.value.encode(Tag::ATTRIBUTE_VALUE, inner);
            }),
        }
    }

    /// Reads one attribute of either form; one without a value gives `None`.
    fn decode(item: &Item<'_>) -> Result<Option<Self>, MessageError> {
        if item.tag != Tag::ATTRIBUTE {
            let name = AttributeName::Standard(item.tag);
            return Ok(Some(Self::new(name, AttributeValue::decode(item)?)));
        }
        let structure = item.structure().ok_or(MessageError::WrongType(Tag::ATTRIBUTE))?;
        let Some(value) = structure.find(Tag::ATTRIBUTE_VALUE) else { return Ok(None) };
        let name = text(structure, Tag::ATTRIBUTE_NAME)?;
        let name = match structure.find(Tag::VENDOR_IDENTIFICATION) {
            None => AttributeName::from_text(name),
            Some(vendor) => AttributeName::from_vendor(
                vendor.text()?.ok_or(MessageError::WrongType(vendor.tag))?,
                name,
            ),
        };
        let index = structure.find(Tag::ATTRIBUTE_INDEX).and_then(|item| item.integer());
        let value = AttributeValue::decode_as(&name, &value)?;
        Ok(Some(Self { name, index, value }))
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.name, self.value)
    }
}

/// Appends attributes as a payload carries them: each on its own in 1.x, together in 2.x.
pub(super) fn encode_all(attributes: &[Attribute], version: ProtocolVersion, writer: &mut Writer) {
    let fill = |writer: &mut Writer| {
        attributes.iter().for_each(|attribute| attribute.encode(version, writer));
    };
    if version.has_tagged_attributes() {
        writer.structure(Tag::ATTRIBUTES, fill);
    } else {
        fill(writer);
    }
}

/// Reads the attributes of a payload, in either form.
pub(super) fn decode_all(payload: Structure<'_>) -> Result<Vec<Attribute>, MessageError> {
    let mut attributes = Vec::new();
    for item in payload.items() {
        match item.tag {
            Tag::ATTRIBUTE => attributes.extend(Attribute::decode(&item)?),
            Tag::ATTRIBUTES => attributes.extend(decode_fields(&item)?),
            _ => {}
        }
    }
    Ok(attributes)
}

/// Reads every field of a structure as an attribute (`Attributes`, `New Attribute` and the like; a
/// `Template-Attribute` holds nothing but `Attribute` and `Name`).
pub(super) fn decode_fields(item: &Item<'_>) -> Result<Vec<Attribute>, MessageError> {
    let structure = item.structure().ok_or(MessageError::WrongType(item.tag))?;
    let mut attributes = Vec::new();
    for item in structure.items() {
        attributes.extend(Attribute::decode(&item)?);
    }
    Ok(attributes)
}
