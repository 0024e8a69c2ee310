//! Values as the page writes them.

use std::ffi::OsStr;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::ui::command_line::quoted;
use crate::ui::output::plain;
use crate::ui::text::bytes;

/// Text of a document, without what only disturbs: control characters, directions of text, and more than
/// anyone reads.
pub(super) fn clean(text: &str) -> String {
    let mut kept = plain(text).into_owned();
    if let Some((end, _)) = kept.char_indices().nth(LONGEST) {
        kept.truncate(end);
        kept.push('…');
    }
    kept
}

/// Bytes.
pub(in crate::ui::overview) fn amount(count: u64) -> String {
    bytes(count)
}

/// A command as a shell takes it.
pub(in crate::ui::overview) fn command(words: &[String]) -> String {
    words.iter().map(|word| quoted(OsStr::new(word))).collect::<Vec<_>>().join(" ")
}

/// A moment, in UTC.
pub(super) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.0}")) { (at.strftime("%Y-%m-%d %H:%M:%S UTC")) } }
}

/// Where a bar begins and how wide it is, in percent of a whole with two digits after the point. What is
/// more than nothing is seen, however little it is, and nothing reaches beyond the end.
pub(super) fn segment(from: u64, value: u64, whole: u64) -> (String, String) {
    let width = share(value, whole).max(if value > 0 { LEAST } else { 0 });
    let start = share(from, whole).min(WHOLE.saturating_sub(width));
    let percent = |share: u128| format!("{}.{:02}%", share / 100, share % 100);
    (percent(start), percent(width))
}

/// In hundredths of a percent.
fn share(part: u64, whole: u64) -> u128 {
    let share = u128::from(part).saturating_mul(WHOLE).checked_div(u128::from(whole));
    share.unwrap_or_default().min(WHOLE)
}

const WHOLE: u128 = 10_000;

/// About a pixel.
const LEAST: u128 = 30;

/// Longer than any statement or path that is to be read.
const LONGEST: usize = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_seen_and_end_at_the_end() {
        for (from, value, whole, start, width) in [
            (0, 0, 0, "0.00%", "0.00%"),
            (0, 1, u64::MAX, "0.00%", "0.30%"),
            (1, 1, 3, "33.33%", "33.33%"),
            (0, 5, 5, "0.00%", "100.00%"),
            (0, 7, 5, "0.00%", "100.00%"),
            (999_999, 1, 1_000_000, "99.70%", "0.30%"),
            (u64::MAX, u64::MAX, u64::MAX, "0.00%", "100.00%"),
        ] {
            let expected = (start.to_owned(), width.to_owned());
            assert_eq!(segment(from, value, whole), expected, "{from} {value} {whole}");
        }
    }

    #[test]
    fn text_is_harmless_and_bounded() {
        assert_eq!(clean("a\u{0}b\u{202e}c\u{9b}"), "a\\u{0}b\\u{202e}c\\u{9b}");
        let long = clean(&"é".repeat(1 << 20));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }
}
