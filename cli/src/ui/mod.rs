//! Everything that is printed. Standard output has the result, standard error the rest.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

mod bars;
mod json;
mod keys;
mod state;
mod text;

use rekey_engine::Error;
use rekey_engine::event::Observer;
use rekey_engine::journal::History;
use rekey_engine::keys::KeySources;
use rekey_engine::plan::{KeyCensus, Plan};
use rekey_engine::upgrade::{Recovered, Report, Session, Status};

pub(crate) use keys::{Check, KeyRow};

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Tables, bars, sentences.
    Text,
    /// JSON lines.
    Json,
}

impl Style {
    pub(crate) const fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    pub(crate) fn plan(self, plan: &Plan) {
        match self {
            Self::Text => print!("{}", text::plan(plan)),
            Self::Json => lines(&json::plan(plan)),
        }
    }

    pub(crate) fn census(self, census: &KeyCensus) {
        match self {
            Self::Text => print!("{}", text::census(census)),
            Self::Json => lines(&json::census(census)),
        }
    }

    /// The result of a run or a verification.
    pub(crate) fn report(self, report: &Report, seconds: f64) {
        match self {
            Self::Text => print!("{}", text::report(report, seconds)),
            Self::Json => lines(&json::report(report, seconds)),
        }
    }

    /// What was brought to rest before anything else.
    pub(crate) fn recovered(self, recovered: &Recovered) {
        match self {
            Self::Text => eprint!("{}", text::recovered(recovered)),
            Self::Json => lines(&json::recovered(recovered)),
        }
    }

    /// How far an unfinished run is.
    pub(crate) fn status(self, status: Option<&Status>) {
        match self {
            Self::Text => print!("{}", state::text::status(status)),
            Self::Json => lines(&state::json::status(status)),
        }
    }

    /// Says that an unfinished run is gone on with.
    pub(crate) fn resuming(self, history: &History) {
        match self {
            Self::Text => self.note(&state::text::resuming(history)),
            Self::Json => lines(&[state::json::resuming(history)]),
        }
    }

    pub(crate) fn abandoned(self, had_journal: bool) {
        match self {
            Self::Text => print!("{}", state::text::abandoned(had_journal)),
            Self::Json => lines(&[state::json::abandoned(had_journal)]),
        }
    }

    /// Says that a node is at work beside a command that only reads.
    pub(crate) fn holders(self, session: &Session) {
        for holder in session.lease().holders() {
            eprintln!(
                "note: process {} ({}) works on this data; what it writes from now on is not seen",
                holder.pid, holder.command
            );
        }
    }

    /// A remark beside the result.
    pub(crate) fn note(self, note: &str) {
        eprintln!("note: {note}");
    }

    /// Remarks beside the result.
    pub(crate) fn notes(self, notes: Vec<String>) {
        for note in notes {
            self.note(&note);
        }
    }

    /// What the configuration of key servers leaves to be said.
    pub(crate) fn servers(self, sources: &KeySources) {
        if let Some(servers) = &sources.servers {
            self.notes(servers.warnings());
        }
    }

    /// What a plan warns of, for a command that does not show the plan.
    pub(crate) fn warnings(self, plan: &Plan) {
        match self {
            Self::Text => eprint!("{}", text::warnings(plan)),
            Self::Json => lines(&json::warnings(plan)),
        }
    }

    /// Says of a run how many SSTables in snapshots and backups it was not asked to re-encrypt. A
    /// plan has it in its summary.
    pub(crate) fn archives_left(self, plan: &Plan) {
        if let Some(left) = text::archives_left(plan) {
            self.note(&left);
        }
    }

    /// Puts a question on the terminal, without a line's end.
    pub(crate) fn ask(self, question: &str) {
        eprint!("{question}");
    }

    /// Who watches a run.
    pub(crate) fn observer(self) -> Box<dyn Observer> {
        match self {
            Self::Text => Box::new(bars::Bars::new()),
            Self::Json => Box::new(json::Events),
        }
    }
}

/// Prints an error and what can be done about it.
pub(crate) fn error(error: &Error, as_json: bool) {
    if as_json {
        lines(&[json::error(error)]);
        return;
    }
    eprintln!("error: {}", error.chain());
    if let Some(advice) = error.advice() {
        eprintln!("hint: {advice}");
    }
}

/// Prints a sentence of the demo.
pub(crate) fn say(sentence: &str) {
    println!("{sentence}");
}

fn lines(values: &[serde_json::Value]) {
    for value in values {
        println!("{value}");
    }
}
