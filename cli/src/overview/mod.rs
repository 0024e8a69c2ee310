//! What is shown of a document that this program has written, whatever its kind: as values, which
//! `ui/overview` puts into words and pictures.

mod census;
mod chart;
mod evidence;
mod places;
mod run;

use jiff::Timestamp;

pub(crate) use chart::{Bar, Chart, Columns, Row, Series};

use crate::documents::Document;

/// All that is shown, in its order.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    /// What it is.
    pub(crate) title: &'static str,
    /// What it is about: a node, a cluster.
    pub(crate) subject: Option<String>,
    /// When.
    pub(crate) time: Option<Timestamp>,
    /// What has written the document.
    pub(crate) tool: Option<String>,
    /// Who, and with what.
    pub(crate) facts: Vec<Fact>,
    /// What it comes to.
    pub(crate) verdicts: Vec<Verdict>,
    /// Reasons of all of them, said once.
    pub(crate) common: Vec<Reason>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) timeline: Option<Timeline>,
    /// What an operator should know, by heading.
    pub(crate) remarks: Vec<Remarks>,
    /// What was looked at.
    pub(crate) directories: Vec<Directory>,
    /// Nodes of the cluster of which there is no report.
    pub(crate) missing: Vec<String>,
    /// What other looks can be compared with, by what it is of.
    pub(crate) digests: Vec<Fact>,
}

/// A name and its value.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What a fact is.
#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Time(Timestamp),
    /// A command, in its words.
    Words(Vec<String>),
}

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    /// Something is left to be done, and nothing is wrong.
    Open,
    Unknown,
    Bad,
}

/// What it comes to, for one subject.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The key that it is about, if it is about one.
    pub(crate) of: Option<String>,
    pub(crate) tone: Tone,
    /// One big word.
    pub(crate) word: &'static str,
    /// A sentence.
    pub(crate) meaning: String,
    pub(crate) reasons: Vec<Reason>,
}

/// Why it is so, and what changes that.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) what: String,
    pub(crate) places: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// Whether one of the steps is enough.
    pub(crate) is_choice: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Commands of this program, each in its words, one after the other.
    Own(Vec<Vec<String>>),
    /// A command or a statement, as it is typed.
    Typed(String),
    Sentence(String),
}

/// When what happened.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) spans: Vec<Span>,
}

/// One line of it.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    /// Whether it is a part of the others' time: a table of an attempt.
    pub(crate) is_part: bool,
}

/// Things worth knowing under one heading.
#[derive(Debug)]
pub(crate) struct Remarks {
    pub(crate) heading: &'static str,
    pub(crate) remarks: Vec<Remark>,
    /// How many more there are.
    pub(crate) more: u64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) tone: Tone,
    /// The word in front.
    pub(crate) word: String,
    pub(crate) what: String,
    pub(crate) places: Vec<String>,
    pub(crate) cure: Option<String>,
}

/// A directory that was looked at.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) path: String,
    /// What it is for, and what says so.
    pub(crate) about: Vec<String>,
    /// How much is in it.
    pub(crate) found: String,
}

impl Overview {
    /// Of a document.
    pub(crate) fn of(document: Document) -> Self {
        match document {
            Document::Census(census) => census::overview(census),
            Document::Evidence(cluster) => evidence::overview(&cluster),
            Document::Run(report) => run::overview(*report),
        }
    }
}

impl Fact {
    fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Value::Text(value.into()) }
    }

    /// None without a value.
    fn some(name: &'static str, value: Option<impl Into<String>>) -> Option<Self> {
        value.map(|value| Self::new(name, value))
    }

    fn at(name: &'static str, time: Timestamp) -> Self {
        Self { name: name.to_owned(), value: Value::Time(time) }
    }
}

/// A number of things, in words.
fn count(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}
