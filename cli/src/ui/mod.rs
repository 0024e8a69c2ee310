//! Everything that is printed. Standard output has the result, standard error the rest.

mod bars;
mod command_line;
mod json;
mod keys;
mod state;
mod text;

use std::io::Write;

use rekey_engine::Error;
use rekey_engine::event::Observer;
use rekey_engine::journal::History;
use rekey_engine::keys::KeySources;
use rekey_engine::plan::{KeyCensus, Plan};
use rekey_engine::txn::Recovery;
use rekey_engine::upgrade::{Report, Session, Status};

pub(crate) use keys::{Check, KeyRow};

/// What a rewriting does to bytes.
pub(crate) const BOTH_PASSES: &str = "to write and to read back";

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
            Self::Text => text::plan(plan).for_each(|piece| out(&piece)),
            Self::Json => lines(json::plan(plan)),
        }
    }

    pub(crate) fn census(self, census: &KeyCensus) {
        match self {
            Self::Text => out(&text::census(census)),
            Self::Json => lines(json::census(census)),
        }
    }

    /// The result of a run or a verification.
    pub(crate) fn report(self, report: &Report, seconds: f64) {
        match self {
            Self::Text => out(&text::report(report, seconds)),
            Self::Json => lines(json::report(report, seconds)),
        }
    }

    pub(crate) fn recovered(self, recovered: &[Recovery]) {
        match self {
            Self::Text => err(&text::recovered(recovered)),
            Self::Json => lines(json::recovered(recovered)),
        }
    }

    /// How far an unfinished run is; in words without the SSTables that nobody works on, unless all
    /// are wanted.
    pub(crate) fn status(self, status: Option<&Status>, all: bool) {
        match self {
            Self::Text => out(&state::text::status(status, all)),
            Self::Json => lines(state::json::status(status)),
        }
    }

    /// Says that an unfinished run is gone on with.
    pub(crate) fn resuming(self, history: &History) {
        match self {
            Self::Text => self.note(&state::text::resuming(history)),
            Self::Json => lines([state::json::resuming(history)]),
        }
    }

    pub(crate) fn abandoned(self, had_journal: bool) {
        match self {
            Self::Text => out(&state::text::abandoned(had_journal)),
            Self::Json => lines([state::json::abandoned(had_journal)]),
        }
    }

    /// Says that a node is at work beside a command that only reads.
    pub(crate) fn holders(self, session: &Session) {
        for holder in session.lease().holders() {
            self.note(&format!(
                "process {} ({}) works on this data; what it writes from now on is not seen",
                holder.pid, holder.command
            ));
        }
    }

    /// A remark beside the result.
    pub(crate) fn note(self, note: &str) {
        err(&format!("note: {note}\n"));
    }

    /// Says where keys or plaintext may be on a disk that nobody meant them for.
    pub(crate) fn exposure(self) {
        if let Some(error) = rekey_engine::memory::exposure() {
            let advice = error.advice().unwrap_or_default();
            self.note(&format!("{}; {advice}", error.chain()));
        }
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
            Self::Text => err(&text::warnings(plan)),
            Self::Json => lines(json::warnings(plan)),
        }
    }

    /// Puts a question on the terminal, without a line's end.
    pub(crate) fn ask(self, question: &str) {
        err(question);
    }

    /// Says how a run that was ended before it was done is gone on with.
    pub(crate) fn go_on(self, why: &str) {
        self.note(&format!(
            "{why}; nothing is lost. To go on, run the same command again:\n  {}",
            command_line::own()
        ));
    }

    /// Who watches a run; `work` is what is done to bytes: "to read".
    pub(crate) fn observer(self, work: &'static str) -> Box<dyn Observer> {
        match self {
            Self::Text => Box::new(bars::Bars::new(work)),
            Self::Json => Box::new(json::Events),
        }
    }
}

/// Prints an error and what can be done about it.
pub(crate) fn error(error: &Error, as_json: bool) {
    if as_json {
        lines([json::error(error)]);
        return;
    }
    err(&format!("error: {}\n", error.chain()));
    if let Some(advice) = error.advice() {
        err(&format!("hint: {advice}\n"));
    }
}

/// Prints a sentence of the demo.
pub(crate) fn say(sentence: &str) {
    out(&format!("{sentence}\n"));
}

fn lines(values: impl IntoIterator<Item = impl std::fmt::Display>) {
    for value in values {
        out(&format!("{value}\n"));
    }
}

fn out(text: &str) {
    write(&mut std::io::stdout().lock(), text);
}

fn err(text: &str) {
    write(&mut std::io::stderr().lock(), text);
}

/// Nobody may be there to read any more: a pipe was closed, a terminal is gone. That is no reason to
/// end a run in the middle.
fn write(to: &mut impl Write, text: &str) {
    let _nobody_listens = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
