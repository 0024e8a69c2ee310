//! What is wrong with rows.

use crate::wire::WireError;

/// Why the bytes of a Data.db are no rows as HEADER says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowError {
    /// They end too early, or something follows them.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A type of HEADER cannot be read.
    #[error("a type in its HEADER is none")]
    Type,
    /// Flags that the database never writes.
    #[error("the flags 0x{0:02x} mean nothing")]
    Flags(u8),
    /// Columns of a row that HEADER does not have.
    #[error("the row has columns that its HEADER does not")]
    Columns,
    /// A range tombstone is none.
    #[error("a range tombstone ends without a beginning, or the other way round")]
    Range,
    /// More than is read.
    #[error("it has more {0} than a table of the schema ever has")]
    TooMany(&'static str),
}
