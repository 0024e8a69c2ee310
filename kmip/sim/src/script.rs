//! How the simulator differs from a well-behaved server.

use std::time::Duration;

/// A lasting difference, seen in a real server (KMIP.md 13, 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Locate returns every key, whatever was asked.
    IgnoresLocateFilters,
    /// Locate ignores custom attributes.
    IgnoresCustomFilters,
    /// Locate ignores Maximum Items and Offset Items.
    IgnoresPaging,
    /// Locate refuses Maximum Items.
    RefusesPaging,
    /// Locate refuses Offset Items.
    RefusesOffset,
    /// Locate ignores Offset Items.
    IgnoresOffset,
    /// Locate never returns more than this.
    CapsLocate(usize),
    /// Locate does not count what matches.
    NoLocatedItems,
    /// Locate counts what it returns instead of what matches.
    CountsThePage,
    /// Get of a deactivated key is refused with reason 67; of a compromised one it is not.
    RefusesGetOfDeactivated,
    /// Get Attributes reports AES for DES, 3DES, Blowfish and RC2.
    ListsDesAsAes,
    /// Cryptographic Parameters are accepted and forgotten.
    DropsCryptographicParameters,
    /// Add Attribute does not exist.
    NoAddAttribute,
    /// Custom attributes are refused.
    NoCustomAttributes,
    /// Dates other than the Initial Date are never reported.
    NoDates,
    /// A message with two operations is refused.
    NoBatches,
    /// The connection ends at a message with two operations.
    HangsUpAtBatches,
    /// Answers carry no batch item ids.
    NoBatchIds,
    /// Discover Versions is refused.
    NoDiscovery,
    /// Keys come wrapped.
    WrapsKeys,
    /// Key blocks come without the key.
    KeepsKeyBytes,
    /// Get of a deactivated key is refused with reason 12, as if another client owned the key.
    DeniesGetOfDeactivated,
    /// Symmetric keys have the object type 0.
    TypesAreZero,
    /// Ids in replies are in upper case.
    UpperCaseIds,
}

/// One broken answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The reply comes late.
    Slow(Duration),
    /// No reply comes, and the connection stays open.
    Silent,
    /// The reply comes a byte at a time, with a pause before each.
    DripFed(Duration),
    /// Half of the reply, then a TCP reset.
    ResetMidReply,
    /// Half of the reply, then the end of the stream.
    CloseMidReply,
    /// The end of the stream instead of a reply; the operation was not done.
    CloseBeforeReply,
    /// The operation is done, then the stream ends instead of a reply.
    DoneButNoReply,
    /// The reply, then the end of the stream: an idle close, seen from the next request.
    CloseAfterReply,
    /// A reply that announces 4 GiB, and bytes without end.
    Oversize,
    /// Ids that were not sent.
    WrongBatchId,
    /// Only the first answer.
    ShorterBatch,
    /// The answer of another operation.
    WrongOperation,
    /// No answer at all in the reply.
    EmptyReply,
    /// Bytes after the reply.
    TrailingBytes,
    /// These bytes instead of a reply.
    Raw(Vec<u8>),
    /// A refusal with this reason and text.
    Refuse(u32, String),
}

/// What happens to a connection before any request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Door {
    /// TLS, as it should be.
    #[default]
    Open,
    /// The port answers without TLS.
    PlainText,
    /// The connection is closed as soon as it is accepted.
    Slammed,
    /// The connection is accepted, and nothing is ever sent.
    Silent,
    /// The first flight is answered with a fatal TLS alert. A server that has only CBC suites sends
    /// 40, one that has only TLS 1.1 sends 70.
    Alert(u8),
}
