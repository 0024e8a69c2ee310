//! The command that this process was started with, to be pasted into a shell.

use std::borrow::Cow;

/// Its own words.
pub(super) fn own() -> String {
    let words: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    // A CQL map is full of single quotes, and stays readable between double ones.
    match word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        true => Cow::Owned(format!("\"{word}\"")),
        false => Cow::Owned(format!("'{}'", word.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_see_more_in_them() {
        assert_eq!(quoted("--data-dir"), "--data-dir");
        assert_eq!(quoted("/var/lib/a b"), "'/var/lib/a b'");
        assert_eq!(quoted("{'class': 'E'}"), r#""{'class': 'E'}""#);
        assert_eq!(quoted("it's $5"), r"'it'\''s $5'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$HOME"), "'$HOME'");
    }
}
