//! Foreign text made safe for a terminal and a log line.

use std::fmt;

pub(crate) use crate::error::escape;

/// Quotes foreign text for an error message: escaped, and truncated after [`SHOWN_CHARACTERS`].
pub(crate) fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

/// What [`shown`] prints.
#[derive(Debug)]
pub(crate) struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        match self.0.char_indices().nth(SHOWN_CHARACTERS) {
            None => escape(f, self.0)?,
            Some((end, _)) => {
                escape(f, self.0.get(..end).unwrap_or_default())?;
                f.write_str("...")?;
            }
        }
        f.write_str("'")
    }
}

/// Characters of a foreign text that an error message repeats.
const SHOWN_CHARACTERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_interpret_is_escaped() {
        assert_eq!(shown("a\\b 'é' 名").to_string(), "'a\\b 'é' 名'");
        assert_eq!(shown("\u{1b}[2J\n\u{202e}").to_string(), "'\\u{1b}[2J\\u{a}\\u{202e}'");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = shown(&"é".repeat(1000)).to_string();
        assert_eq!(text, format!("'{}...'", "é".repeat(64)));
    }
}
