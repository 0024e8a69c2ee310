//! The command that this process was started with, to be pasted into a shell.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;

use crate::args::{GroupArgs, KeyIdArgs, ProofArgs};

/// The words that count, without those of nodetool, which may have a password among them.
static WORDS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Keeps the words that may be shown.
pub(crate) fn remember(words: &[OsString]) {
    let _once = WORDS.set(words.to_vec());
}

/// The words that may be shown.
pub(crate) fn words() -> &'static [OsString] {
    WORDS.get().map_or(&[], Vec::as_slice)
}

/// Its own words, run from the directory that relative paths in them start from.
pub(super) fn own() -> String {
    let words: Vec<_> = words().iter().map(|word| quoted(word)).collect();
    let command = words.join(" ");
    match std::env::current_dir() {
        Ok(directory) => format!("cd {} && {command}", quoted(directory.as_os_str())),
        Err(_it_is_gone) => command,
    }
}

/// How to run this program from any directory.
#[cfg(feature = "demo")]
pub(crate) fn program() -> String {
    std::env::current_exe().map_or_else(|_| "sstablerekey".to_owned(), |p| p.display().to_string())
}

/// A command about a key, with the same proof arguments as this command.
pub(crate) fn keys_command(
    verb: &str,
    of: &GroupArgs,
    proof: &ProofArgs,
    key: &KeyIdArgs,
) -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "sstablerekey".into());
    let mut words = vec![program, "keys".into(), verb.into()];
    if let Some(config) = &of.config {
        words.extend(["--config".into(), config.clone().into_os_string()]);
    }
    words.extend(of.servers.words());
    for data_dir in &proof.data_dirs {
        words.extend(["--data-dir".into(), data_dir.clone().into_os_string()]);
    }
    let flags = [
        (proof.not_a_node, "--not-a-node"),
        (proof.force, "--force"),
        (key.yes, "--yes"),
        (of.json, "--json"),
    ];
    words.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag.into()));
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    format!("{} {}", words.join(" "), key_of(&of.group, &key.id))
}

/// A group and the id of a key, as the last words of a command.
pub(super) fn key_of(group: &str, id: &str) -> String {
    let begins_as_options_do = [group, id].iter().any(|word| word.starts_with('-'));
    let before = if begins_as_options_do { "-- " } else { "" };
    format!("{before}{} {}", quoted(group.as_ref()), quoted(id.as_ref()))
}

/// A word as a shell reads it back, on one line.
pub(super) fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let Some(text) = word.to_str().filter(|text| !text.chars().any(char::is_control)) else {
        return by_numbers(word.as_bytes());
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    // A CQL map is full of single quotes, and stays readable in double ones.
    match text.contains('\'') && !text.contains(['"', '$', '`', '\\', '!']) {
        true => format!("\"{text}\""),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Unprintable characters: every shell has a `printf`.
fn by_numbers(word: &[u8]) -> String {
    let mut text = String::new();
    for byte in word {
        let _ = match byte {
            b'-' | b'_' | b'.' | b'/' | b'=' => write!(text, "{}", char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => write!(text, "{}", char::from(*byte)),
            byte => write!(text, "\\0{byte:03o}"),
        };
    }
    format!("\"$(printf '%b' '{text}')\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_see_more_in_them() {
        let quoted = |word| quoted(OsStr::new(word));
        assert_eq!(quoted("--data-dir"), "--data-dir");
        assert_eq!(quoted("/var/lib/a b"), "'/var/lib/a b'");
        assert_eq!(quoted("{'class': 'E'}"), r#""{'class': 'E'}""#);
        assert_eq!(quoted("it's $5"), r"'it'\''s $5'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$HOME"), "'$HOME'");
    }
    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words: [&[u8]; 6] =
            [b"a\xff\\b", b"-\x80 'x'", b"two\nlines", b"\x1b[31m", b"{'a': '\xe9'}", b"it's $5"];
        for word in words {
            let line = quoted(OsStr::from_bytes(word));
            assert!(line.is_ascii() && !line.contains(['\n', '\x1b']), "{line}");
            let script = format!("printf '%s' {line}");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stdout, word, "{line}");
        }
    }
}
