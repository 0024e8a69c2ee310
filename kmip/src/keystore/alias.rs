//! Names of a store's entries.

use std::fmt;

/// An entry's name made safe to show: quoted, its control characters escaped, and shortened.
#[derive(Clone, PartialEq, Eq)]
pub struct Alias(String);

impl Alias {
    const MAX_CHARS: usize = 64;

    /// Keeps the first 64 characters.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut shown: String = name.chars().take(Self::MAX_CHARS).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        Self(shown)
    }

    /// The name without quotes and escapes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
