//! Unique identifiers: opaque text (KMIP.md 14, rule 6).

use std::fmt;

/// The name of an object on a server: `1`, `02-449`, a UUID, or anything else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueIdentifier(String);

impl UniqueIdentifier {
    /// Takes any text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text exactly as the server gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for UniqueIdentifier {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// For display: control characters are escaped, so that a server cannot control a terminal.
impl fmt::Display for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0, usize::MAX))
    }
}

impl fmt::Debug for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Foreign text, made safe to print and shortened to `most` characters.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n >= most {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_for_people_only() {
        let id = UniqueIdentifier::new("a\u{1b}[2Jb");
        assert_eq!(id.to_string(), "a\\u{1b}[2Jb");
        assert_eq!(id.as_str(), "a\u{1b}[2Jb");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
