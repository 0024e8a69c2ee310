//! One method for each operation of the protocol.

use super::{Client, batch::Answer};
use crate::error::{Error, HostFailure, Result};
use crate::message::{
    Attribute, AttributeName, Attributes, Got, Locate, Located, NewKey, Operation, QueryFunction,
    Registration, Reply, Request, Revocation, ServerFeatures, UniqueIdentifier,
};
use crate::transport::ProtocolFailure;

impl Client {
    /// Query: what the server can do.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn query(&mut self) -> Result<ServerFeatures> {
        let functions = vec![
            QueryFunction::OPERATIONS,
            QueryFunction::OBJECTS,
            QueryFunction::SERVER_INFORMATION,
        ];
        match self.one(Request::Query(functions), None)? {
            Reply::Query(features) => Ok(features),
            other => Err(self.unexpected(Operation::QUERY, &other)),
        }
    }

    /// Locate, once. The server may ignore the filter: see [`super::choice`].
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn locate(&mut self, locate: Locate) -> Result<Located> {
        match self.one(Request::Locate(locate), None)? {
            Reply::Locate(located) => Ok(located),
            other => Err(self.unexpected(Operation::LOCATE, &other)),
        }
    }

    /// Get.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn get(&mut self, id: &UniqueIdentifier) -> Result<Got> {
        match self.one(Request::Get(id.clone()), Some(id))? {
            Reply::Get(got) => Ok(got),
            other => Err(self.unexpected(Operation::GET, &other)),
        }
    }

    /// Get Attributes; no names mean all.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn get_attributes(
        &mut self,
        id: &UniqueIdentifier,
        names: Vec<AttributeName>,
    ) -> Result<Attributes> {
        match self.one(Request::GetAttributes(id.clone(), names), Some(id))? {
            Reply::GetAttributes(_id, attributes) => Ok(attributes),
            other => Err(self.unexpected(Operation::GET_ATTRIBUTES, &other)),
        }
    }

    /// Get Attribute List: the names of the attributes that an object has.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn get_attribute_list(&mut self, id: &UniqueIdentifier) -> Result<Vec<AttributeName>> {
        match self.one(Request::GetAttributeList(id.clone()), Some(id))? {
            Reply::GetAttributeList(_id, names) => Ok(names),
            other => Err(self.unexpected(Operation::GET_ATTRIBUTE_LIST, &other)),
        }
    }

    /// Create: the server makes a symmetric key. Sent once, never repeated.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn create(&mut self, key: NewKey) -> Result<UniqueIdentifier> {
        self.done(Request::Create(key), None)
    }

    /// Register: the server keeps a symmetric key. Sent once, never repeated.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn register(&mut self, registration: Registration) -> Result<UniqueIdentifier> {
        self.done(Request::Register(registration), None)
    }

    /// Activate.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn activate(&mut self, id: &UniqueIdentifier) -> Result<()> {
        self.done(Request::Activate(id.clone()), Some(id)).map(drop)
    }

    /// Add Attribute.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn add_attribute(&mut self, id: &UniqueIdentifier, attribute: Attribute) -> Result<()> {
        self.done(Request::AddAttribute(id.clone(), attribute), Some(id)).map(drop)
    }

    /// Modify Attribute.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn modify_attribute(&mut self, id: &UniqueIdentifier, attribute: Attribute) -> Result<()> {
        self.done(Request::ModifyAttribute(id.clone(), attribute), Some(id)).map(drop)
    }

    /// Set Attribute (2.x).
    ///
    /// # Errors
    /// [`Error::Request`] in 1.x, [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed
    /// connection.
    pub fn set_attribute(&mut self, id: &UniqueIdentifier, attribute: Attribute) -> Result<()> {
        self.done(Request::SetAttribute(id.clone(), attribute), Some(id)).map(drop)
    }

    /// Revoke.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn revoke(&mut self, revocation: Revocation) -> Result<()> {
        let id = revocation.id.clone();
        self.done(Request::Revoke(revocation), Some(&id)).map(drop)
    }

    /// Destroy. What was encrypted with the key is lost with it.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn destroy(&mut self, id: &UniqueIdentifier) -> Result<()> {
        self.done(Request::Destroy(id.clone()), Some(id)).map(drop)
    }

    /// One question, one answer.
    fn one(&mut self, request: Request, id: Option<&UniqueIdentifier>) -> Result<Reply> {
        let operation = request.operation();
        let repeatable = request.is_idempotent();
        let answer = self.exchange(&[request], None)?.into_one();
        match answer {
            Ok(answer) => accepted(operation, id, answer),
            Err(failure) if repeatable => Err(Error::AllHostsFailed(vec![self.broke(failure)])),
            Err(failure) => Err(Error::OutcomeUnknown { operation, failure: self.broke(failure) }),
        }
    }

    fn done(
        &mut self,
        request: Request,
        id: Option<&UniqueIdentifier>,
    ) -> Result<UniqueIdentifier> {
        let operation = request.operation();
        match (self.one(request, id)?, id) {
            (Reply::Done(_, id), _) => Ok(id),
            // A success without a payload is enough when the object is known.
            (Reply::Other(found), Some(id)) if found == operation => Ok(id.clone()),
            (other, _) => Err(self.unexpected(operation, &other)),
        }
    }

    /// A success without the payload that goes with it.
    fn unexpected(&mut self, asked: Operation, found: &Reply) -> Error {
        let failure = if found.operation() == asked {
            ProtocolFailure::NoAnswer
        } else {
            ProtocolFailure::OtherOperation { asked, found: found.operation() }
        };
        Error::AllHostsFailed(vec![self.broke(failure)])
    }

    pub(super) fn broke(&mut self, failure: ProtocolFailure) -> HostFailure {
        self.disconnect();
        self.failed(self.active, failure.into())
    }
}

/// An answer, or the refusal as an error.
pub(super) fn accepted(
    operation: Operation,
    id: Option<&UniqueIdentifier>,
    answer: Answer,
) -> Result<Reply> {
    answer.map_err(|refusal| Error::Refused { operation, id: id.cloned(), refusal })
}
