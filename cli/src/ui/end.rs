//! How a command ends: its last line, and its exit status.

use std::io;

use clap::error::ErrorKind as Usage;
use rekey_engine::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::text::duration;
use super::{Output, json, loudness, output};
use crate::exit_code::{self, Code};

/// The name of a command, and what its output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verb {
    /// As typed: `keys list`.
    pub(crate) name: &'static str,
    /// Whether its output is its only purpose. Then lost output is a failure; a run that has made
    /// its changes has succeeded even if its output is lost.
    pub(crate) is_report: bool,
}

impl Output {
    /// Prints what comes last, and returns the status.
    pub(crate) fn end(self, verb: Verb, result: Result<Code>) -> Code {
        let code = match &result {
            Ok(code) => *code,
            Err(error) => exit_code::of_error(error),
        };
        let summary = output::take_summary();
        match (self, &result) {
            (Self::Text, Ok(_)) => {}
            (Self::Text, Err(error)) => self.error(error),
            (Self::Json, Ok(_)) => {
                let summary = summary.unwrap_or_else(|| json!({"type": "summary"}));
                json::lines([last(summary, verb.name, code)]);
            }
            (Self::Json, Err(error)) => {
                json::lines([last(json::error(error), verb.name, code)]);
            }
        }
        if let (Self::Text, Some(elapsed)) = (self, loudness::elapsed()) {
            self.note(&format!("{} took {}", verb.name, duration(elapsed.as_secs_f64())));
        }
        written(verb, code)
    }
}

/// What clap prints instead of a command: help, the version, or what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error, words: impl Iterator<Item = String>) -> Code {
    let help = Verb { name: "help", is_report: true };
    if matches!(error.kind(), Usage::DisplayHelp | Usage::DisplayVersion) {
        if let Err(error) = error.print().and_then(|()| io::Write::flush(&mut io::stdout())) {
            output::note_failure(error);
        }
        return written(help, exit_code::DONE);
    }
    let asks_for_json = words.take_while(|word| word != "--").any(|word| word == "--json");
    let text = error.render().to_string();
    if !asks_for_json {
        // In colours, if the text is only from this program and the operator.
        match output::plain(&text) == text {
            true => drop(error.print()),
            false => output::err(&text),
        }
        return exit_code::USAGE;
    }
    let mut parts = text.trim().split("\n\n").map(one_line);
    let fact = parts.next().unwrap_or_default();
    let fact = fact.strip_prefix("error: ").unwrap_or(&fact).to_owned();
    let hint = parts.collect::<Vec<_>>().join("; ");
    Output::Json.end(help, Err(Error::new(ErrorKind::Invalid, fact).hint(hint)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields that every last line has.
#[expect(clippy::indexing_slicing, reason = "an index into a serde_json object adds the field")]
fn last(mut line: Value, verb: &str, code: Code) -> Value {
    line["schema_version"] = json!(json::SCHEMA_VERSION);
    line["command"] = json!(verb);
    line["exit_status"] = json!(code.number());
    line
}

/// Says that a part of the output is lost; for a report that is a failure.
fn written(verb: Verb, code: Code) -> Code {
    let Some(error) = output::lost() else { return code };
    let (hint, code) = match verb.is_report {
        true => (
            "what is there is not the whole report: make room for it, and run the command again",
            if code == exit_code::DONE { exit_code::FAILED } else { code },
        ),
        false => (
            "what the command has done is done, and its status is as if that had been written",
            code,
        ),
    };
    let error =
        Error::new(ErrorKind::Io, "standard output cannot be written").caused_by(error).hint(hint);
    Output::Text.error(&error);
    code
}
