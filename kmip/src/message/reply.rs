//! What a server answers.

use super::attribute::{decode_all, encode_all};
use super::field::text;
use super::{
    AttributeName, Attributes, MessageError, ObjectType, Operation, ProtocolVersion, SymmetricKey,
    UniqueIdentifier, printable,
};
use crate::ttlv::{Structure, Tag, Writer};

/// The payload of a successful operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Discover Versions: the versions the server speaks, best first.
    DiscoverVersions(Vec<ProtocolVersion>),
    /// Query.
    Query(ServerFeatures),
    /// Locate.
    Locate(Located),
    /// Get.
    Get(Got),
    /// Get Attributes.
    GetAttributes(UniqueIdentifier, Attributes),
    /// Get Attribute List.
    GetAttributeList(UniqueIdentifier, Vec<AttributeName>),
    /// Any operation that answers with the object's identifier alone.
    Done(Operation, UniqueIdentifier),
    /// Success without a payload that this crate understands.
    Other(Operation),
}

/// What a server can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFeatures {
    /// The operations it announces; some servers do not announce all (KMIP.md 13).
    pub operations: Vec<Operation>,
    /// The kinds of objects it keeps.
    pub object_types: Vec<ObjectType>,
    /// Vendor Identification, made safe to print.
    pub vendor: Option<String>,
}

/// The objects that a Locate found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// Their identifiers, in the server's order, which means nothing (KMIP.md 14, rule 1).
    pub ids: Vec<UniqueIdentifier>,
    /// Located Items: how many matched before Maximum Items cut the list (1.3 and later).
    pub total: Option<i32>,
}

/// An object as the server keeps it.
#[derive(Debug)]
pub struct Got {
    /// What kind of object it is, if the server says.
    pub object_type: Option<ObjectType>,
    /// Its identifier.
    pub id: UniqueIdentifier,
    /// The key, when the object is a symmetric key and the server gives its key block.
    pub key: Option<SymmetricKey>,
}

impl Reply {
    /// The operation that was answered.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::DiscoverVersions(_) => Operation::DISCOVER_VERSIONS,
            Self::Query(_) => Operation::QUERY,
            Self::Locate(_) => Operation::LOCATE,
            Self::Get(_) => Operation::GET,
            Self::GetAttributes(..) => Operation::GET_ATTRIBUTES,
            Self::GetAttributeList(..) => Operation::GET_ATTRIBUTE_LIST,
            Self::Done(operation, _) | Self::Other(operation) => *operation,
        }
    }

    /// Appends the payload, as a server does.
    pub(super) fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        match self {
            Self::DiscoverVersions(versions) => versions.iter().for_each(|v| v.encode(writer)),
            Self::Query(features) => features.encode(writer),
            Self::Locate(located) => located.encode(version, writer),
            Self::Get(got) => {
                writer.enumeration(Tag::OBJECT_TYPE, got.object_type.map_or(0, ObjectType::number));
                writer.text(Tag::UNIQUE_IDENTIFIER, got.id.as_str());
                if let Some(key) = &got.key {
                    key.encode(writer);
                }
            }
            Self::GetAttributes(id, attributes) => {
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
                encode_all(attributes.as_slice(), version, writer);
            }
            Self::GetAttributeList(id, names) => {
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
                let tagged = version.has_tagged_attributes();
                names.iter().for_each(|name| name.encode(tagged, writer));
            }
            Self::Done(operation, id) => {
                if matches!(*operation, Operation::CREATE) {
                    writer.enumeration(Tag::OBJECT_TYPE, ObjectType::SYMMETRIC_KEY.number());
                }
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
            }
            Self::Other(_) => {}
        }
    }

    /// Reads the payload of an operation.
    pub(super) fn decode(
        operation: Operation,
        payload: Structure<'_>,
    ) -> Result<Self, MessageError> {
        let id = || text(payload, Tag::UNIQUE_IDENTIFIER).map(UniqueIdentifier::from);
        Ok(match operation {
            Operation::DISCOVER_VERSIONS => Self::DiscoverVersions(decode_versions(payload)?),
            Operation::QUERY => Self::Query(ServerFeatures::decode(payload)),
            Operation::LOCATE => Self::Locate(Located::decode(payload)?),
            Operation::GET => Self::Get(Got::decode(payload)?),
            Operation::GET_ATTRIBUTES => {
                Self::GetAttributes(id()?, Attributes::new(decode_all(payload)?))
            }
            Operation::GET_ATTRIBUTE_LIST => {
                let mut names = Vec::new();
                for item in payload.items() {
                    names.extend(AttributeName::decode(&item)?);
                }
                Self::GetAttributeList(id()?, names)
            }
            Operation::CREATE
            | Operation::REGISTER
            | Operation::ACTIVATE
            | Operation::ADD_ATTRIBUTE
            | Operation::MODIFY_ATTRIBUTE
            | Operation::SET_ATTRIBUTE
            | Operation::REVOKE
            | Operation::DESTROY => Self::Done(operation, id()?),
            other => Self::Other(other),
        })
    }
}

impl ServerFeatures {
    /// What the database requires of a server and this one lacks (KMIP.md 1.1). An empty answer
    /// means that the database would use the server.
    #[must_use]
    pub fn missing_for_the_database(&self) -> Vec<String> {
        let operations = REQUIRED
            .iter()
            .filter(|operation| !self.operations.contains(operation))
            .map(|operation| format!("operation {operation}"));
        let key = Some(ObjectType::SYMMETRIC_KEY)
            .filter(|key| !self.object_types.contains(key))
            .map(|key| format!("object type {key}"));
        operations.chain(key).collect()
    }

    fn encode(&self, writer: &mut Writer) {
        for operation in &self.operations {
            writer.enumeration(Tag::OPERATION, operation.number());
        }
        for object_type in &self.object_types {
            writer.enumeration(Tag::OBJECT_TYPE, object_type.number());
        }
        if let Some(vendor) = &self.vendor {
            writer.text(Tag::VENDOR_IDENTIFICATION, vendor);
        }
    }

    fn decode(payload: Structure<'_>) -> Self {
        let numbers = |tag| payload.all(tag).filter_map(|item| item.enumeration());
        Self {
            operations: numbers(Tag::OPERATION).map(Operation::from_number).collect(),
            object_types: numbers(Tag::OBJECT_TYPE).map(ObjectType::from_number).collect(),
            vendor: payload
                .find(Tag::VENDOR_IDENTIFICATION)
                .and_then(|item| item.text_lossy())
                .map(|vendor| printable(&vendor, 200)),
        }
    }
}

impl Located {
    fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        if let Some(total) = self.total.filter(|_| version.has_offset()) {
            writer.integer(Tag::LOCATED_ITEMS, total);
        }
        for id in &self.ids {
            writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
        }
    }

    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let mut ids = Vec::new();
        for item in payload.all(Tag::UNIQUE_IDENTIFIER) {
            ids.push(item.text()?.ok_or(MessageError::WrongType(item.tag))?.into());
        }
        let total = payload.find(Tag::LOCATED_ITEMS).and_then(|item| item.integer());
        Ok(Self { ids, total })
    }
}

impl Got {
    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let object_type = payload
            .find(Tag::OBJECT_TYPE)
            .and_then(|item| item.enumeration())
            .map(ObjectType::told)
            .ok_or(MessageError::Missing(Tag::OBJECT_TYPE))?;
        let object = payload.find(Tag::SYMMETRIC_KEY).and_then(|item| item.structure());
        let key = object.map(SymmetricKey::decode).transpose()?.flatten();
        Ok(Self { object_type, id: text(payload, Tag::UNIQUE_IDENTIFIER)?.into(), key })
    }
}

pub(super) fn decode_versions(
    payload: Structure<'_>,
) -> Result<Vec<ProtocolVersion>, MessageError> {
    payload
        .all(Tag::PROTOCOL_VERSION)
        .map(|item| {
            ProtocolVersion::decode(item.structure().ok_or(MessageError::WrongType(item.tag))?)
        })
        .collect()
}

/// Operations without which the database refuses a server.
const REQUIRED: [Operation; 6] = [
    Operation::LOCATE,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::CREATE,
    Operation::ACTIVATE,
    Operation::ADD_ATTRIBUTE,
];
