//! Text in lines of a limited width, as a terminal counts columns.

use unicode_width::UnicodeWidthChar as _;

use super::output::plain;
use super::paint::To;

/// Sentences, a line each, with lines that are no longer than those of a terminal; elsewhere as they are.
pub(super) fn prose(text: String, to: To) -> String {
    match to.columns() {
        Some(columns) => within(&text, columns),
        None => text,
    }
}

fn within(text: &str, width: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.lines() {
        let start = line.len().saturating_sub(line.trim_start().len());
        let mut indent = start;
        // What goes on is further in than where it began.
        let inner = width.saturating_sub(start).saturating_sub(2);
        let lines = if columns(line) > width { wrap(line, inner) } else { vec![] };
        if lines.is_empty() {
            folded.push_str(line);
            folded.push('\n');
        }
        for line in lines {
            folded.push_str(&" ".repeat(indent));
            folded.push_str(&line);
            folded.push('\n');
            indent = start.saturating_add(2);
        }
    }
    folded
}

/// Lines of words. A word that is longer than a line is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0_usize;
    // What is escaped is wider than it was.
    for word in plain(text).split_whitespace() {
        let long = columns(word);
        let with_blank = used.saturating_add(long).saturating_add(usize::from(used > 0));
        if used > 0 && with_blank > width {
            lines.push(String::new());
            used = 0;
        }
        if let (Some(line), true) = (lines.last_mut(), used > 0) {
            line.push(' ');
            used = used.saturating_add(1);
        }
        for piece in cut(word, width) {
            let columns = columns(&piece);
            if used > 0 && used.saturating_add(columns) > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(&piece);
                used = used.saturating_add(columns);
            }
        }
    }
    lines
}

/// A name for a column of so many columns: as its last line, padded to them; if it is longer, in
/// whole lines above an empty one.
pub(super) fn fill(name: &str, column: usize, width: usize) -> Vec<String> {
    let name = plain(name);
    let columns = columns(&name);
    if columns > column {
        let mut lines = cut(&name, width);
        lines.push(String::new());
        return lines;
    }
    // A width in a format counts characters.
    vec![format!("{name}{}", " ".repeat(column.saturating_sub(columns)))]
}

/// A word in pieces that fit.
fn cut(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0_usize;
    for c in word.chars() {
        let columns = c.width().unwrap_or(0);
        if used > 0 && used.saturating_add(columns) > width {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
            used = used.saturating_add(columns);
        }
    }
    pieces
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a 123456789 b", 4), ["a", "1234", "5678", "9 b"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("名名 名", 4), ["名名", "名"], "two columns each");
        assert_eq!(wrap("\u{1b}[2J", 80), ["\\u{1b}[2J"]);
    }

    #[test]
    fn sentences_go_on_further_in() {
        assert_eq!(within("short\n", 12), "short\n");
        assert_eq!(
            within("a sentence of words\n  hint: do that\n", 12),
            "a sentence\n  of words\n  hint: do\n    that\n"
        );
    }

    #[test]
    fn a_name_that_is_too_long_has_lines_of_its_own() {
        assert_eq!(fill("ab", 4, 8), ["ab  "]);
        assert_eq!(fill("名", 4, 8), ["名  "]);
        assert_eq!(fill("abcdefghij", 4, 8), ["abcdefgh", "ij", ""]);
    }
}
