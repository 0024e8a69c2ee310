//! Whether keys may be destroyed, and what that is known from.

mod json;
mod text;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rekey_engine::evidence::{Cluster, Evidence, Step, Verdict};

use super::command_line::quoted;
use super::json::lines;
use super::{Output, output};
use crate::args::ServerArgs;

/// Where a command of this program, which is given as advice, finds the data: the words for that.
#[derive(Debug, Default)]
pub(crate) struct Place(Vec<OsString>);

impl Place {
    pub(crate) fn new(data_dirs: &[PathBuf], not_a_node: bool) -> Self {
        let mut words: Vec<OsString> = Vec::new();
        for data_dir in data_dirs {
            words.extend(["--data-dir".into(), data_dir.clone().into_os_string()]);
        }
        words.extend(not_a_node.then(|| "--not-a-node".into()));
        Self(words)
    }

    /// With an option, if it was given.
    pub(crate) fn path(mut self, option: &str, value: Option<&PathBuf>) -> Self {
        if let Some(value) = value {
            self.0.extend([option.into(), value.clone().into_os_string()]);
        }
        self
    }

    /// With what was said of servers.
    pub(crate) fn servers(mut self, servers: &ServerArgs) -> Self {
        self.0.extend(servers.words());
        self
    }

    /// A step as it can be done.
    fn step(&self, step: &Step) -> String {
        match step {
            Step::Own(commands) => {
                let all: Vec<_> = commands.iter().map(|words| self.command(words)).collect();
                all.join(" && ")
            }
            Step::Other(command) => command.clone(),
            Step::Do(words) => words.clone(),
            _ => String::new(),
        }
    }

    fn command(&self, words: &[String]) -> String {
        let program = std::env::args_os().next().unwrap_or_else(|| "sstablerekey".into());
        // Names of tables come last.
        let flags = words.iter().skip(1).take_while(|word| is_flag(word)).count();
        let (first, names) = words.split_at(flags.saturating_add(1).min(words.len()));
        let mut all = vec![program];
        all.extend(first.iter().map(OsString::from));
        all.extend(self.0.iter().cloned());
        all.extend(names.iter().map(OsString::from));
        all.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

fn is_flag(word: &str) -> bool {
    word.starts_with('-') || word.contains('=')
}

impl Output {
    /// The answers, and why.
    pub(crate) fn verdicts(self, verdicts: &[Verdict], place: &Place) {
        match self {
            Self::Json => lines(json::verdicts(verdicts, place)),
            Self::Text => output::out(&text::verdicts(verdicts, place)),
        }
    }

    /// The same, where they hold up something else.
    pub(crate) fn objections(self, verdicts: &[Verdict], place: &Place) {
        match self {
            Self::Json => lines(json::verdicts(verdicts, place)),
            Self::Text => output::err(&text::verdicts(verdicts, place)),
        }
    }

    /// What was looked at.
    pub(crate) fn evidence(self, evidence: &Evidence, verdicts: &[Verdict], kept: Option<&Path>) {
        match self {
            Self::Json => output::keep_summary(json::summary(evidence, verdicts, kept)),
            Self::Text => output::out(&text::evidence(evidence, kept)),
        }
    }

    /// Which nodes were put together.
    pub(crate) fn cluster(self, cluster: &Cluster, verdicts: &[Verdict]) {
        match self {
            Self::Json => {
                lines(json::missing(cluster));
                output::keep_summary(json::merged(cluster, verdicts));
            }
            Self::Text => output::out(&text::cluster(cluster)),
        }
    }
}
