//! A fact about the node, and what says so: an operator must be able to see a wrong guess.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Something known about the node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact<T> {
    /// What is known.
    pub value: T,
    /// What says so.
    pub origin: Origin,
}

/// What says that something is so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// An argument of this program, such as `--conf`.
    Argument(&'static str),
    /// An environment variable, by its name.
    Variable(&'static str),
    /// A line of a configuration file, counted from 1.
    Line {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
    },
    /// A system property (`-Dname=value`) for the node's JVM.
    Word {
        /// The file that sets it.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// That this file or directory is there.
    Presence(PathBuf),
    /// What the database does where nothing is set, or where it is usually installed.
    Rule(Cow<'static, str>),
}

impl<T> Fact<T> {
    /// Creates a fact.
    #[must_use]
    pub const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// The same origin for what follows from the value.
    pub(super) fn map<U>(self, of: impl FnOnce(T) -> U) -> Fact<U> {
        Fact { value: of(self.value), origin: self.origin }
    }
}

impl Origin {
    /// The kind's stable name in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Argument(_) => "argument",
            Self::Variable(_) => "variable",
            Self::Line { .. } => "file",
            Self::Word { .. } => "property",
            Self::Presence(_) => "presence",
            Self::Rule(_) => "rule",
        }
    }

    pub(super) fn rule(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Rule(text.into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Line { file, line } => write!(f, "{}, line {line}", file.display()),
            Self::Word { file, line } => write!(f, "-D in {}, line {line}", file.display()),
            Self::Presence(path) => write!(f, "{} is there", path.display()),
            Self::Rule(rule) => f.write_str(rule),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_as_a_place() {
        let file = || PathBuf::from("/c/cassandra.yaml");
        for (origin, text) in [
            (Origin::Argument("--conf"), "--conf"),
            (Origin::Variable("CASSANDRA_CONF"), "$CASSANDRA_CONF"),
            (Origin::Line { file: file(), line: 3 }, "/c/cassandra.yaml, line 3"),
            (Origin::Word { file: "/e".into(), line: 9 }, "-D in /e, line 9"),
            (Origin::Presence("/h/lib/a.jar".into()), "/h/lib/a.jar is there"),
            (Origin::rule("as usual"), "as usual"),
        ] {
            assert_eq!(origin.to_string(), text);
            assert_eq!(Fact::new(1, origin.clone()).map(|one| one + 1), Fact::new(2, origin));
        }
    }
}
