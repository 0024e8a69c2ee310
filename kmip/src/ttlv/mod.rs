//! TTLV, KMIP's encoding: tag (3 bytes), type (1), length (4), value padded to 8 bytes.
//!
//! ```text
//! +--------+------+----------+---------------------+---------------+
//! | tag 3  | ty 1 | length 4 | value, length bytes | zeros to 8*n  |
//! +--------+------+----------+---------------------+---------------+
//! ```
//!
//! All integers are big-endian; the length of a structure counts its padded items (KMIP 1.4, 9.1).
//! Decoding borrows: [`parse`] walks a whole message once under the limits below, then iteration
//! over it is infallible. Nothing is ever allocated from a declared length. The limits are those of
//! KMIP.md 10: far above every OASIS message, far below what could do harm.

#![deny(clippy::arithmetic_side_effects)]

mod buffer;
mod check;
mod item;
mod reader;
mod tag;
mod writer;

pub use buffer::SecretBuffer;
pub use check::parse;
pub use item::{Item, Items, Structure, Value};
pub use tag::Tag;
pub use writer::Writer;

pub(crate) use reader::Reader;

/// Deepest nesting of structures; the deepest OASIS message has 9.
pub const MAX_DEPTH: usize = 16;

/// Most items in one message.
pub const MAX_ITEMS: usize = 100_000;

/// Longest message in bytes, header included.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Bytes of an item before its value.
pub(crate) const HEADER: usize = 8;

/// What is wrong with an encoded message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TtlvError {
    /// A fixed-length value has another length.
    #[error("the item {0} has a length that its type does not allow")]
    BadLength(Tag),
    /// The padding is not zero.
    #[error("the item {0} has padding that is not zero")]
    BadPadding(Tag),
    /// A boolean is neither 0 nor 1.
    #[error("the item {0} is neither true nor false")]
    BadBoolean(Tag),
    /// The bytes end inside an item.
    #[error("the message ends inside an item")]
    MissingData,
    /// Text is not UTF-8.
    #[error("the item {0} is not text in UTF-8")]
    NotText(Tag),
    /// Structures are nested deeper than [`MAX_DEPTH`].
    #[error("the message nests deeper than {MAX_DEPTH} structures")]
    TooDeep,
    /// The message is longer than [`MAX_MESSAGE`].
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// More items than [`MAX_ITEMS`].
    #[error("the message has more than {MAX_ITEMS} items")]
    TooManyItems,
    /// Bytes follow the outermost item.
    #[error("unexpected bytes follow the message")]
    TrailingBytes,
}

#[cfg(test)]
mod tests;
