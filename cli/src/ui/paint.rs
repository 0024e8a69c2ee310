//! Colours, where a terminal shows them.
//!
//! What is painted is told by how lines begin, which is this program's own words, after everything was
//! made harmless: no text brings escapes of its own.

use std::borrow::Cow;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl To {
    /// Whether colours are shown there: on a terminal, unless `NO_COLOR` is set; anywhere if
    /// `CLICOLOR_FORCE` is.
    fn is_coloured(self) -> bool {
        let choice = match self {
            Self::Out => AutoStream::choice(&std::io::stdout()),
            Self::Err => AutoStream::choice(&std::io::stderr()),
        };
        choice != ColorChoice::Never
    }
}

impl To {
    /// Columns, if it is a terminal.
    pub(super) fn columns(self) -> Option<usize> {
        let size = match self {
            Self::Out => rustix::termios::tcgetwinsize(std::io::stdout()),
            Self::Err => rustix::termios::tcgetwinsize(std::io::stderr()),
        };
        // Where nobody knows the width, it is said to be 0.
        size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns >= LEAST_COLUMNS)
    }
}

/// Text as it is shown there.
pub(super) fn paint(text: &str, to: To) -> Cow<'_, str> {
    if to.is_coloured() { Cow::Owned(in_colour(text)) } else { Cow::Borrowed(text) }
}

fn in_colour(text: &str) -> String {
    let mut painted = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        // The head of a table is above its line.
        let is_head = lines.peek().is_some_and(|next| next.trim_start().starts_with('─'));
        let (style, words) = match is_head {
            true => (Style::new().bold(), line.trim_end()),
            false => severity(line),
        };
        if words.is_empty() {
            painted.push_str(line);
            continue;
        }
        let rest = line.get(words.len()..).unwrap_or_default();
        painted.push_str(&format!("{style}{words}{style:#}{rest}"));
    }
    painted
}

/// The word that says how much a line weighs, and its colour.
fn severity(line: &str) -> (Style, &str) {
    let begins = |word: &str| line.starts_with(word).then(|| line.get(..word.len())).flatten();
    let found = SEVERITIES.iter().find_map(|(word, colour)| Some((begins(word)?, *colour)));
    match found {
        Some((word, colour)) => (Style::new().bold().fg_color(Some(colour.into())), word),
        None => (Style::new(), ""),
    }
}

/// What is narrower has no room for sentences.
const LEAST_COLUMNS: usize = 40;

/// How lines begin that matter.
const SEVERITIES: [(&str, AnsiColor); 8] = [
    ("error:", AnsiColor::Red),
    ("failed:", AnsiColor::Red),
    ("blocked:", AnsiColor::Red),
    ("refused:", AnsiColor::Red),
    ("warning:", AnsiColor::Yellow),
    ("unfinished run:", AnsiColor::Yellow),
    ("hint:", AnsiColor::Cyan),
    ("  hint:", AnsiColor::Cyan),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_and_heads_are_painted_and_nothing_else() {
        let text = in_colour("error: no error: here\n  hint: look\n a  b\n────\n c  d\nnote: x");
        assert_eq!(
            text,
            "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m no error: here\n\
             \u{1b}[1m\u{1b}[36m  hint:\u{1b}[0m look\n\
             \u{1b}[1m a  b\u{1b}[0m\n────\n c  d\nnote: x"
        );
    }
}
