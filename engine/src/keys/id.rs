//! Unique Identifiers of a KMIP server.

use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::options::escape;

/// The longest key id in bytes that is read. The database has no limit for reading.
pub const MAX_KEY_ID_LENGTH: usize = 4096;

/// The longest key id in bytes that the database writes, unless its site raised the limit with
/// the property `com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength` (KMIP.md 3.2).
pub const DATABASE_KEY_ID_LIMIT: usize = 256;

/// A key's name on its server: 1 to [`MAX_KEY_ID_LENGTH`] bytes of text that means nothing
/// here. Displays with control characters escaped; serializes as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Accepts an id as it is: no trimming, no change of case.
    ///
    /// # Errors
    /// [`KeyIdError`] when it is empty or too long.
    pub fn new(id: impl Into<String>) -> Result<Self, KeyIdError> {
        let id = id.into();
        match id.len() {
            0 => Err(KeyIdError::Empty),
            1..=MAX_KEY_ID_LENGTH => Ok(Self(id)),
            length => Err(KeyIdError::TooLong(length)),
        }
    }

    /// Accepts an id whose length the caller has checked.
    pub(super) fn from_measured(id: &str) -> Self {
        debug_assert!((1..=MAX_KEY_ID_LENGTH).contains(&id.len()), "the caller checked it");
        Self(id.to_owned())
    }

    /// The text, unescaped.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Compared and ordered as its text, so that a chunk's borrowed id finds its key.
impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyIdError {
    /// No text.
    #[error("the key id is empty")]
    Empty,
    /// More bytes than any server's.
    #[error("the key id has {0} bytes, more than {MAX_KEY_ID_LENGTH}")]
    TooLong(usize),
}

impl From<KeyIdError> for Error {
    fn from(error: KeyIdError) -> Self {
        Self::invalid(error.to_string()).hint("give the key's Unique Identifier on its server")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_length_is_bounded_in_bytes() {
        assert_eq!(KeyId::new(""), Err(KeyIdError::Empty));
        assert_eq!(KeyId::new("é".repeat(2048)).unwrap().as_str().len(), 4096);
        assert_eq!(KeyId::new("é".repeat(2049)), Err(KeyIdError::TooLong(4098)));
        assert_eq!(Error::from(KeyIdError::Empty).kind(), ErrorKind::Invalid);
    }

    #[test]
    fn text_is_opaque_and_displays_safely() {
        let id = KeyId::new(" 02-449\n\u{1b}[1m\\").unwrap();
        assert_eq!(id.as_str(), " 02-449\n\u{1b}[1m\\");
        assert_eq!(id.to_string(), " 02-449\\u{a}\\u{1b}[1m\\");
        assert_eq!(serde_json::to_string(&id).unwrap(), r#"" 02-449\n\u001b[1m\\""#);
    }
}
