//! Typed requests and replies of KMIP 1.0 to 1.4, 2.0 and 2.1.
//!
//! Decoding is lenient where the protocol is extensible: unknown tags, types, enumerations,
//! attributes, operations and result reasons are carried or skipped, and never fail a message
//! (KMIP.md 14, rule 4). It is strict about what this client acts on: identifiers, key blocks,
//! statuses.
//!
//! Each payload encodes and decodes in the same file, because `rekey-kmip-sim` answers with the
//! same types. The OASIS use cases in the tests check both directions.

mod attribute;
mod attributes;
mod enumeration;
mod envelope;
mod field;
mod id;
mod key;
mod name;
mod reply;
mod request;
mod time;
mod value;
mod version;

pub use attribute::Attribute;
pub use attributes::Attributes;
pub use enumeration::{
    BatchErrorContinuation, BlockCipherMode, CryptographicAlgorithm, KeyFormatType, ObjectType,
    Operation, PaddingMethod, QueryFunction, ResultReason, ResultStatus, RevocationReason, State,
    usage,
};
pub use envelope::{Refusal, ReplyItem, ReplyMessage, RequestItem, RequestMessage};
pub use id::UniqueIdentifier;
pub use key::{KeyMaterial, KeyValue, SymmetricKey};
pub use name::AttributeName;
pub use reply::{Got, Located, Reply, ServerFeatures};
pub use request::{Locate, NewKey, Registration, Request, Revocation};
pub use time::{NotADate, Timestamp};
pub use value::{AttributeValue, CryptographicParameters};
pub use version::ProtocolVersion;

pub(crate) use envelope::encode_request;
pub(crate) use id::printable;

use crate::ttlv::{Tag, TtlvError};

/// The message is not valid in this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The encoding itself is broken.
    #[error(transparent)]
    Ttlv(#[from] TtlvError),
    /// A required item is absent.
    #[error("it has no {0}")]
    Missing(Tag),
    /// A required item has another type than the specification says.
    #[error("its {0} has the wrong type")]
    WrongType(Tag),
    /// The outermost item is something else.
    #[error("it is not a {expected} but a {found}")]
    OtherMessage {
        /// What was expected.
        expected: Tag,
        /// What was received.
        found: Tag,
    },
    /// The version in use cannot express the request.
    #[error("KMIP {version} has no {what}")]
    NotInVersion {
        /// The version in use.
        version: ProtocolVersion,
        /// What it lacks.
        what: &'static str,
    },
    /// A request for an operation that this crate does not know; only a server sees it.
    #[error("the operation {0} is not known")]
    UnknownOperation(Operation),
}

#[cfg(test)]
mod tests;
