//! Words of nodetool that a wrapper puts before and after the verb: how to reach a node. They are
//! taken out before anything else sees the command line, since a stopped node is not reached, and one
//! of them may be a password.
//!
//! `-h` is help here and a host there. Before a verb it is a host if a word follows it that is no
//! option and no verb, and more follows; after `upgradesstables`, if a word follows it that is no
//! option. Words after `--` are never touched.

use std::ffi::OsString;

use clap::CommandFactory as _;

use super::Args;

/// The command line without nodetool's words.
#[derive(Debug)]
pub(crate) struct Words {
    /// What is left.
    pub(crate) words: Vec<OsString>,
    /// The options that were taken out, without their values.
    pub(crate) ignored: Vec<&'static str>,
}

/// Takes nodetool's words out of a command line, whose first word is the program.
pub(crate) fn strip(line: impl IntoIterator<Item = OsString>) -> Words {
    let mut line = line.into_iter();
    let mut kept: Vec<OsString> = line.next().into_iter().collect();
    let mut ignored = Vec::new();
    let line: Vec<OsString> = line.collect();
    let verbs: Vec<String> =
        Args::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let is_verb = |word: &OsString| verbs.iter().any(|verb| word == verb.as_str());
    let mut verb: Option<OsString> = None;
    let mut rest = line.as_slice();
    while let [word, after @ ..] = rest {
        rest = after;
        if word == "--" {
            kept.push(word.clone());
            kept.extend_from_slice(after);
            break;
        }
        let is_open = verb.as_ref().is_none_or(|verb| verb == "upgradesstables");
        match connection(word).filter(|_| is_open) {
            None => {
                if verb.is_none() && is_verb(word) {
                    verb = Some(word.clone());
                }
                kept.push(word.clone());
            }
            Some(Connection { name, takes_value: false }) => ignored.push(name),
            Some(Connection { name, takes_value: true }) => match after {
                [value, more @ ..] if is_value(name, value, more, verb.is_some(), &is_verb) => {
                    ignored.push(name);
                    rest = more;
                }
                _ => kept.push(word.clone()),
            },
        }
    }
    Words { words: kept, ignored }
}

/// Whether what follows an option is its value.
fn is_value(
    name: &str,
    value: &OsString,
    more: &[OsString],
    has_verb: bool,
    is_verb: &impl Fn(&OsString) -> bool,
) -> bool {
    let is_option = value.as_encoded_bytes().starts_with(b"-");
    match name {
        "-h" if has_verb => !is_option,
        "-h" => !is_option && !is_verb(value) && more.iter().any(is_verb),
        // A password may begin with anything.
        _ => true,
    }
}

struct Connection {
    name: &'static str,
    takes_value: bool,
}

fn connection(word: &OsString) -> Option<Connection> {
    let word = word.to_str()?;
    let of = |name, takes_value| Some(Connection { name, takes_value });
    for name in WITH_VALUE {
        if word == name {
            return of(name, true);
        }
        if name.starts_with("--") && word.strip_prefix(name).is_some_and(|w| w.starts_with('=')) {
            return of(name, false);
        }
    }
    WITHOUT.into_iter().find(|name| word == *name).and_then(|name| of(name, false))
}

const WITH_VALUE: [&str; 10] = [
    "-h",
    "--host",
    "-p",
    "--port",
    "-u",
    "--username",
    "-pw",
    "--password",
    "-pwf",
    "--password-file",
];
const WITHOUT: [&str; 2] = ["-pp", "--print-port"];

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(line: &str) -> (String, String) {
        let words = std::iter::once("s").chain(line.split(' ')).map(OsString::from);
        let Words { words, ignored } = strip(words);
        let words: Vec<_> = words[1..].iter().map(|word| word.to_str().unwrap()).collect();
        (words.join(" "), ignored.join(" "))
    }

    #[test]
    fn nodetool_s_connection_is_taken_out_on_both_sides() {
        for (line, left, ignored) in [
            ("-h db1 upgradesstables -a", "upgradesstables -a", "-h"),
            ("--host=db1 -p 7199 upgradesstables ks t", "upgradesstables ks t", "--host -p"),
            (
                "-u me -pw secret -pp upgradesstables -a -- ks",
                "upgradesstables -a -- ks",
                "-u -pw -pp",
            ),
            ("upgradesstables -h db1 -pwf /f -a ks", "upgradesstables -a ks", "-h -pwf"),
            ("upgradesstables -pw -x -a", "upgradesstables -a", "-pw"),
            ("upgradesstables -a -- -h x", "upgradesstables -a -- -h x", ""),
            ("-h db1 plan", "plan", "-h"),
        ] {
            assert_eq!(stripped(line), (left.to_owned(), ignored.to_owned()), "{line}");
        }
    }

    #[test]
    fn help_stays_help() {
        for line in [
            "-h",
            "-h upgradesstables",
            "-h nonsense",
            "upgradesstables -h",
            "upgradesstables -a -h",
            "upgradesstables -h -a",
            "plan -h",
            "census -h ks",
        ] {
            assert_eq!(stripped(line), (line.to_owned(), String::new()), "{line}");
        }
    }
}
