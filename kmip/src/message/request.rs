//! What a client asks.

use super::attribute::{decode_all, decode_fields, encode_all};
use super::field::text;
use super::{
    Attribute, AttributeName, AttributeValue, MessageError, ObjectType, Operation, ProtocolVersion,
    QueryFunction, RevocationReason, SymmetricKey, Timestamp, UniqueIdentifier,
};
use crate::ttlv::{Structure, Tag, Writer};

/// One operation with its payload.
#[derive(Debug)]
#[non_exhaustive]
pub enum Request {
    /// Discover Versions: the versions the client speaks, best first.
    DiscoverVersions(Vec<ProtocolVersion>),
    /// Query.
    Query(Vec<QueryFunction>),
    /// Locate.
    Locate(Locate),
    /// Get, in the format that the server keeps, unwrapped.
    Get(UniqueIdentifier),
    /// Get Attributes; no names mean all.
    GetAttributes(UniqueIdentifier, Vec<AttributeName>),
    /// Get Attribute List.
    GetAttributeList(UniqueIdentifier),
    /// Create.
    Create(NewKey),
    /// Register.
    Register(Registration),
    /// Activate.
    Activate(UniqueIdentifier),
    /// Add Attribute.
    AddAttribute(UniqueIdentifier, Attribute),
    /// Modify Attribute.
    ModifyAttribute(UniqueIdentifier, Attribute),
    /// Set Attribute (2.x).
    SetAttribute(UniqueIdentifier, Attribute),
    /// Revoke.
    Revoke(Revocation),
    /// Destroy.
    Destroy(UniqueIdentifier),
}

/// What to search for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locate {
    /// All of these must match, if the server honours them (KMIP.md 14, rule 1).
    pub attributes: Vec<Attribute>,
    /// Maximum Items.
    pub maximum: Option<i32>,
    /// Offset Items (1.3 and later).
    pub offset: Option<i32>,
}

/// A key to be created by the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewKey {
    /// The Name of a template (1.x).
    pub template: Option<String>,
    /// The key's attributes.
    pub attributes: Vec<Attribute>,
}

/// A key to be kept by the server.
#[derive(Debug)]
pub struct Registration {
    /// The key's attributes.
    pub attributes: Vec<Attribute>,
    /// The key.
    pub key: SymmetricKey,
}

/// An end to a key's use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The key.
    pub id: UniqueIdentifier,
    /// Why.
    pub reason: RevocationReason,
    /// Why, in words.
    pub message: Option<String>,
    /// When the key was compromised; only for the compromise reasons (KMIP.md 6).
    pub occurred: Option<Timestamp>,
}

impl Request {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::DiscoverVersions(_) => Operation::DISCOVER_VERSIONS,
            Self::Query(_) => Operation::QUERY,
            Self::Locate(_) => Operation::LOCATE,
            Self::Get(_) => Operation::GET,
            Self::GetAttributes(..) => Operation::GET_ATTRIBUTES,
            Self::GetAttributeList(_) => Operation::GET_ATTRIBUTE_LIST,
            Self::Create(_) => Operation::CREATE,
            Self::Register(_) => Operation::REGISTER,
            Self::Activate(_) => Operation::ACTIVATE,
            Self::AddAttribute(..) => Operation::ADD_ATTRIBUTE,
            Self::ModifyAttribute(..) => Operation::MODIFY_ATTRIBUTE,
            Self::SetAttribute(..) => Operation::SET_ATTRIBUTE,
            Self::Revoke(_) => Operation::REVOKE,
            Self::Destroy(_) => Operation::DESTROY,
        }
    }

    /// Whether the request may be sent again when it is unknown whether the server did it.
    #[must_use]
    pub const fn is_idempotent(&self) -> bool {
        matches!(
            self,
            Self::DiscoverVersions(_)
                | Self::Query(_)
                | Self::Locate(_)
                | Self::Get(_)
                | Self::GetAttributes(..)
                | Self::GetAttributeList(_)
        )
    }

    /// Refuses what the version cannot express.
    pub(super) fn check(&self, version: ProtocolVersion) -> Result<(), MessageError> {
        let tagged = version.has_tagged_attributes();
        let what = match self {
            Self::DiscoverVersions(_) if !version.has_discovery() => "Discover Versions",
            Self::Locate(Locate { offset: Some(_), .. }) if !version.has_offset() => "Offset Items",
            Self::Create(NewKey { template: Some(_), .. }) if tagged => "templates",
            Self::SetAttribute(..) if !tagged => "Set Attribute",
            _ => return Ok(()),
        };
        Err(MessageError::NotInVersion { version, what })
    }

    pub(super) fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        match self {
            Self::DiscoverVersions(versions) => versions.iter().for_each(|v| v.encode(writer)),
            Self::Query(functions) => {
                for function in functions {
                    writer.enumeration(Tag::QUERY_FUNCTION, function.number());
                }
            }
            Self::Locate(locate) => locate.encode(version, writer),
            Self::Create(key) => key.encode(version, writer),
            Self::Register(registration) => registration.encode(version, writer),
            Self::Get(id) | Self::GetAttributeList(id) | Self::Activate(id) | Self::Destroy(id) => {
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
            }
            Self::GetAttributes(id, names) => {
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
                let tagged = version.has_tagged_attributes();
                names.iter().for_each(|name| name.encode(tagged, writer));
            }
            Self::AddAttribute(id, attribute)
            | Self::ModifyAttribute(id, attribute)
            | Self::SetAttribute(id, attribute) => {
                writer.text(Tag::UNIQUE_IDENTIFIER, id.as_str());
                if version.has_tagged_attributes() {
                    writer.structure(Tag::NEW_ATTRIBUTE, |new| attribute.encode(version, new));
                } else {
                    attribute.encode(version, writer);
                }
            }
            Self::Revoke(revocation) => revocation.encode(writer),
        }
    }

    /// Reads the payload of an operation, as a server does.
    pub(super) fn decode(
        operation: Operation,
        payload: Structure<'_>,
    ) -> Result<Self, MessageError> {
        let id = || text(payload, Tag::UNIQUE_IDENTIFIER).map(UniqueIdentifier::from);
        Ok(match operation {
            Operation::DISCOVER_VERSIONS => {
                Self::DiscoverVersions(super::reply::decode_versions(payload)?)
            }
            Operation::QUERY => Self::Query(
                payload
                    .all(Tag::QUERY_FUNCTION)
                    .filter_map(|item| item.enumeration())
                    .map(QueryFunction::from_number)
                    .collect(),
            ),
            Operation::LOCATE => Self::Locate(Locate::decode(payload)?),
            Operation::GET => Self::Get(id()?),
            Operation::GET_ATTRIBUTES => {
                let mut names = Vec::new();
                for item in payload.items() {
                    names.extend(AttributeName::decode(&item)?);
                }
                Self::GetAttributes(id()?, names)
            }
            Operation::GET_ATTRIBUTE_LIST => Self::GetAttributeList(id()?),
            Operation::CREATE => Self::Create(NewKey::decode(payload)?),
            Operation::REGISTER => Self::Register(Registration::decode(payload)?),
            Operation::ACTIVATE => Self::Activate(id()?),
            Operation::ADD_ATTRIBUTE => Self::AddAttribute(id()?, one_attribute(payload)?),
            Operation::MODIFY_ATTRIBUTE => Self::ModifyAttribute(id()?, one_attribute(payload)?),
            Operation::SET_ATTRIBUTE => Self::SetAttribute(id()?, one_attribute(payload)?),
            Operation::REVOKE => Self::Revoke(Revocation::decode(payload)?),
            Operation::DESTROY => Self::Destroy(id()?),
            other => return Err(MessageError::UnknownOperation(other)),
        })
    }
}

impl Locate {
    fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        if let Some(maximum) = self.maximum {
            writer.integer(Tag::MAXIMUM_ITEMS, maximum);
        }
        if let Some(offset) = self.offset {
            writer.integer(Tag::OFFSET_ITEMS, offset);
        }
        encode_all(&self.attributes, version, writer);
    }

    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let number = |tag| payload.find(tag).and_then(|item| item.integer());
        Ok(Self {
            attributes: decode_all(payload)?,
            maximum: number(Tag::MAXIMUM_ITEMS),
            offset: number(Tag::OFFSET_ITEMS),
        })
    }
}

impl NewKey {
    fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        writer.enumeration(Tag::OBJECT_TYPE, ObjectType::SYMMETRIC_KEY.number());
        encode_attributes(self.template.as_deref(), &self.attributes, version, writer);
    }

    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let (template, attributes) = decode_attributes(payload)?;
        Ok(Self { template, attributes })
    }
}

impl Registration {
    fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        writer.enumeration(Tag::OBJECT_TYPE, ObjectType::SYMMETRIC_KEY.number());
        encode_attributes(None, &self.attributes, version, writer);
        self.key.encode(writer);
    }

    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let (_template, attributes) = decode_attributes(payload)?;
        let object = payload
            .find(Tag::SYMMETRIC_KEY)
            .ok_or(MessageError::Missing(Tag::SYMMETRIC_KEY))?
            .structure()
            .ok_or(MessageError::WrongType(Tag::SYMMETRIC_KEY))?;
        let key = SymmetricKey::decode(object)?.ok_or(MessageError::Missing(Tag::KEY_BLOCK))?;
        Ok(Self { attributes, key })
    }
}

impl Revocation {
    fn encode(&self, writer: &mut Writer) {
        writer.text(Tag::UNIQUE_IDENTIFIER, self.id.as_str());
        writer.structure(Tag::REVOCATION_REASON, |inner| {
            inner.enumeration(Tag::REVOCATION_REASON_CODE, self.reason.number());
            if let Some(message) = &self.message {
                inner.text(Tag::REVOCATION_MESSAGE, message);
            }
        });
        if let Some(occurred) = self.occurred {
            writer.date_time(Tag::COMPROMISE_OCCURRENCE_DATE, occurred.seconds());
        }
    }

    fn decode(payload: Structure<'_>) -> Result<Self, MessageError> {
        let reason = payload
            .find(Tag::REVOCATION_REASON)
            .ok_or(MessageError::Missing(Tag::REVOCATION_REASON))?
            .structure()
            .ok_or(MessageError::WrongType(Tag::REVOCATION_REASON))?;
        let code = reason.find(Tag::REVOCATION_REASON_CODE).and_then(|item| item.enumeration());
        let message = reason.find(Tag::REVOCATION_MESSAGE).and_then(|item| item.text_lossy());
        let occurred = payload.find(Tag::COMPROMISE_OCCURRENCE_DATE);
        Ok(Self {
            id: text(payload, Tag::UNIQUE_IDENTIFIER)?.into(),
            reason: RevocationReason::from_number(
                code.ok_or(MessageError::Missing(Tag::REVOCATION_REASON_CODE))?,
            ),
            message: message.map(std::borrow::Cow::into_owned),
            occurred: occurred.and_then(|item| item.date_time()).map(Timestamp::from_seconds),
        })
    }
}

/// 1.x: a Template-Attribute of template names and attributes; 2.x: Attributes.
fn encode_attributes(
    template: Option<&str>,
    attributes: &[Attribute],
    version: ProtocolVersion,
    writer: &mut Writer,
) {
    if version.has_tagged_attributes() {
        encode_all(attributes, version, writer);
        return;
    }
    writer.structure(Tag::TEMPLATE_ATTRIBUTE, |inner| {
        if let Some(template) = template {
            AttributeValue::name(template).encode(Tag::NAME, inner);
        }
        encode_all(attributes, version, inner);
    });
}

fn decode_attributes(
    payload: Structure<'_>,
) -> Result<(Option<String>, Vec<Attribute>), MessageError> {
    let Some(item) = payload.find(Tag::TEMPLATE_ATTRIBUTE) else {
        return Ok((None, decode_all(payload)?));
    };
    let structure = item.structure().ok_or(MessageError::WrongType(item.tag))?;
    let template = match structure.find(Tag::NAME) {
        None => None,
        Some(name) => match AttributeValue::decode(&name)? {
            AttributeValue::Name { value, .. } => Some(value),
            _ => return Err(MessageError::WrongType(Tag::NAME)),
        },
    };
    Ok((template, decode_all(structure)?))
}

fn one_attribute(payload: Structure<'_>) -> Result<Attribute, MessageError> {
    let attributes = match payload.find(Tag::NEW_ATTRIBUTE) {
        Some(new) => decode_fields(&new)?,
        None => decode_all(payload)?,
    };
    attributes.into_iter().next().ok_or(MessageError::Missing(Tag::ATTRIBUTE))
}
