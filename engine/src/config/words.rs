//! System properties of the node's JVM: the `-D` words in the files that start it.
//!
//! These are shell scripts and lists of options. They are read as text and never run, so what a word
//! has in the end cannot always be told: it may use a variable, stand in a branch, or come twice.
//! Then nothing is guessed.
//!
//! ```text
//! *.options   lines that begin with "-"; words are separated by blanks
//! others      shell: "#" begins a comment where a word could; quotes are taken off
//! ```

use std::path::{Path, PathBuf};

use super::document::MAX_LENGTH;
use super::fact::{Fact, Origin};
use super::file::read as read_file;
use super::installation::is_there;
use crate::error::{Error, Result};
use crate::options::shown;

/// The words of some files, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<Word>);

#[derive(Debug, Clone)]
struct Word {
    name: String,
    value: String,
    /// Why the value cannot be told, if it cannot.
    doubt: Option<&'static str>,
    file: PathBuf,
    line: usize,
}

impl Words {
    /// Reads those of the files that are there.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self> {
        let mut words = Self::default();
        for file in files {
            if is_there(file)? {
                let bytes = read_file(file, "a file that starts the node", MAX_LENGTH)?;
                words.parse(&String::from_utf8_lossy(&bytes), file);
            }
        }
        Ok(words)
    }

    /// Adds those of a text.
    pub(super) fn parse(&mut self, text: &str, file: &Path) {
        let is_list = file.extension().is_some_and(|extension| extension == "options");
        let mut depth = 0_usize;
        for (number, line) in text.lines().enumerate() {
            let line_number = number.saturating_add(1);
            let mut add = |name: &str, value: String, doubt| {
                if self.0.len() < MAX_WORDS {
                    let (name, file) = (name.to_owned(), file.to_owned());
                    self.0.push(Word { name, value, doubt, file, line: line_number });
                }
            };
            if is_list {
                if line.starts_with('-') {
                    line.split_whitespace().for_each(|word| of_list(word, &mut add));
                }
            } else {
                let code = without_comment(line);
                let in_branch = branch(code, &mut depth);
                of_shell(code, in_branch, &mut add);
            }
        }
    }

    /// The one value of a property.
    pub(super) fn value(&self, name: &str) -> Result<Option<Fact<String>>> {
        let mut found = self.0.iter().filter(|word| word.name == name);
        let Some(first) = found.next() else { return Ok(None) };
        for word in std::iter::once(first).chain(found) {
            if let Some(doubt) = word.doubt {
                return Err(word.cannot_be_told(doubt));
            }
            if word.value != first.value {
                return Err(word.cannot_be_told("it has several values"));
            }
        }
        let origin = Origin::Word { file: first.file.clone(), line: first.line };
        Ok(Some(Fact::new(first.value.clone(), origin)))
    }
}

impl Word {
    fn cannot_be_told(&self, doubt: &'static str) -> Error {
        let Self { name, line, .. } = self;
        let what = format!("line {line}: what -D{} is cannot be told: {doubt}", shown(name));
        Error::invalid(what)
            .at(&self.file)
            .hint("say it yourself: --data-dir for each data directory, or --conf FILE")
    }
}

/// A word of a list of options.
fn of_list(word: &str, add: &mut impl FnMut(&str, String, Option<&'static str>)) {
    if let Some((name, value)) = word.strip_prefix("-D").and_then(|word| word.split_once('='))
        && concerns(name)
    {
        let value = value.trim_matches(['"', '\'']);
        add(name, value.to_owned(), doubt(value));
    }
}

/// The words of a line of shell.
fn of_shell(code: &str, in_branch: bool, add: &mut impl FnMut(&str, String, Option<&'static str>)) {
    let mut rest = code;
    while let Some(at) = rest.find("-D") {
        let (before, found) = rest.split_at(at);
        rest = found.get(2..).unwrap_or_default();
        let begins = before.chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric());
        let Some((name, value)) = rest.split_once('=').filter(|(name, _)| concerns(name)) else {
            continue;
        };
        if begins {
            let quote = before.chars().rev().find(|c| matches!(c, '"' | '\''));
            let value = unquoted(value, quote);
            let doubt = match in_branch || before.contains("&&") || before.contains("||") {
                true => Some("it stands in a branch of a script"),
                false => doubt(&value),
            };
            add(name, value, doubt);
        }
    }
}

/// A value up to the blank or the quote that ends it; quotes within are taken off.
fn unquoted(text: &str, around: Option<char>) -> String {
    let mut value = String::new();
    let mut inside: Option<char> = None;
    let mut escaped = false;
    for c in text.chars() {
        match (inside, c) {
            _ if escaped => {
                escaped = false;
                // What the shell makes of it depends on what is around it.
                if !matches!(c, '"' | '\'') {
                    value.extend(['\\', c]);
                }
            }
            (_, '\\') => escaped = true,
            (Some(quote), c) if c == quote => inside = None,
            (None, '"' | '\'') if around == Some(c) => break,
            (None, '"' | '\'') => inside = Some(c),
            (None, c) if c.is_whitespace() || c == ';' => break,
            _ => value.push(c),
        }
    }
    value
}

/// Why a value is not what the node sees.
fn doubt(value: &str) -> Option<&'static str> {
    value.contains(['$', '`', '\\', '*', '?']).then_some("it is made by a shell")
}

/// The properties that matter here.
fn concerns(name: &str) -> bool {
    let known = ["cassandra.storagedir", "cassandra.config", ALLOWED];
    known.contains(&name) || name.strip_prefix(SETTINGS).is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(plain)
}

/// A line of shell up to its comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return line.get(..at).unwrap_or(line),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

/// Whether a line stands in a branch, a loop or a function; keeps count of how deep.
fn branch(code: &str, depth: &mut usize) -> bool {
    let first = code.split_whitespace().next().unwrap_or_default();
    let opens = ["if", "case", "for", "while", "until", "select"].contains(&first)
        || code.trim_end().ends_with(['{', '(']);
    let last = code.split([' ', '\t', ';']).rfind(|word| !word.is_empty()).unwrap_or_default();
    let closes = |word: &str| ["fi", "esac", "done", "}", ")"].contains(&word);
    let was = *depth;
    if opens {
        *depth = depth.saturating_add(1);
    }
    if closes(first.trim_end_matches(';')) || opens && closes(last) {
        *depth = depth.saturating_sub(1);
    }
    was > 0 || opens
}

/// Lets `cassandra.settings.` have a meaning.
pub(super) const ALLOWED: &str = "cassandra.config.allow_system_properties";

/// Properties that stand for settings begin with this.
pub(super) const SETTINGS: &str = "cassandra.settings.";

/// Words that are kept.
const MAX_WORDS: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str, file: &str) -> Words {
        let mut words = Words::default();
        words.parse(text, Path::new(file));
        words
    }

    fn dir(text: &str, file: &str) -> Result<Option<String>, String> {
        let found = words(text, file).value("cassandra.storagedir");
        found.map(|fact| fact.map(|fact| fact.value)).map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_found_in_lists_and_in_scripts() {
        for (file, text) in [
            ("jvm.options", "-Xss256k\n-Dcassandra.storagedir=/d\n"),
            ("jvm.options", "-ea -Dcassandra.storagedir=/d -Dx=y\n"),
            ("env.sh", "JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir=/d\"\n"),
            ("env.sh", "JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir='/d' -Da=b\" # why\n"),
            ("env.sh", "JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir=\\\"/d\\\"\"\n"),
            ("env.sh", "export JVM_EXTRA_OPTS=-Dcassandra.storagedir=/d;\n"),
            ("env.sh", "if [ x ]; then\n  A=b\nfi\nO='-Dcassandra.storagedir=/d'\n"),
            ("env.sh", "if [ x ]; then A=b; fi\nO=\"-Dcassandra.storagedir=/d\"\n"),
            ("env.sh", "f() {\n  A=b\n}\nO=\"-Dcassandra.storagedir=/d\"\n"),
        ] {
            assert_eq!(dir(text, file), Ok(Some("/d".to_owned())), "{text}");
        }
    }

    #[test]
    fn comments_and_other_words_count_for_nothing() {
        for (file, text) in [
            ("jvm.options", "#-Dcassandra.storagedir=/d\n"),
            ("jvm.options", " -Dcassandra.storagedir=/d\n"),
            ("env.sh", "# JVM_OPTS=\"-Dcassandra.storagedir=/d\"\n"),
            ("env.sh", "A=b # -Dcassandra.storagedir=/d\n"),
            ("env.sh", "O=\"-Dcassandra.storagedirs=/d x-Dcassandra.storagedir2=/d\"\n"),
        ] {
            assert_eq!(dir(text, file), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        for (file, text, why) in [
            ("env.sh", "O=\"-Dcassandra.storagedir=$HOME/d\"\n", "made by a shell"),
            ("env.sh", "O=\"-Dcassandra.storagedir=`pwd`\"\n", "made by a shell"),
            ("jvm.options", "-Dcassandra.storagedir=${X}\n", "made by a shell"),
            ("env.sh", "if [ x ]; then\n  O=\"-Dcassandra.storagedir=/d\"\nfi\n", "a branch"),
            ("env.sh", "[ x ] && O=\"-Dcassandra.storagedir=/d\"\n", "a branch"),
            ("env.sh", "O=-Dcassandra.storagedir=/d\nO=-Dcassandra.storagedir=/e\n", "several"),
        ] {
            let error = dir(text, file).unwrap_err();
            assert!(error.contains(why) && error.contains("line "), "{error}");
        }
        let error = words("O=-Dcassandra.storagedir=$X\n", "env.sh");
        let error = error.value("cassandra.storagedir").unwrap_err();
        assert!(error.hint_text().unwrap().contains("--data-dir"), "{error}");
    }

    #[test]
    fn a_settings_word_keeps_its_name() {
        let text = "-Dcassandra.settings.data_file_directories=[/a,/b]\n";
        let found = words(text, "jvm-server.options");
        let fact = found.value("cassandra.settings.data_file_directories").unwrap().unwrap();
        assert_eq!(fact.value, "[/a,/b]");
        assert_eq!(fact.origin.to_string(), "-D in jvm-server.options, line 1");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "([-D=\"'#$ \\\\{}\n;é]|if|fi|cassandra.config){0,60}") {
            for file in ["a.options", "a.sh"] {
                drop(words(&text, file).value("cassandra.config"));
            }
        }
    }
}
