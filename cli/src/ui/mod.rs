//! Everything that is printed. Standard output has the result, standard error the rest. With
//! `--json` everything is lines on standard output, as described in `cli/docs/JSON.md`.

mod census;
mod command_line;
mod config;
mod end;
mod json;
mod keys;
mod loudness;
mod measure;
mod output;
mod overview;
mod paint;
mod plan;
mod run;
mod schema;
mod state;
mod target;
mod text;
mod verdict;
mod wrap;

use rekey_engine::Error;
use rekey_engine::keys::KeySources;
use rekey_engine::upgrade::Session;

#[cfg(feature = "demo")]
pub(crate) use command_line::program;
pub(crate) use command_line::{keys_command, remember, words};
pub(crate) use end::{Verb, usage};
pub(crate) use keys::{Check, KeyRow};
pub(crate) use loudness::{Loudness, settle};
pub(crate) use measure::Estimate;
pub(crate) use overview::{Shown, page};
pub(crate) use run::{BOTH_PASSES, RunRecord, Times};
pub(crate) use text::sstables;
pub(crate) use verdict::Place;

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Tables, bars, sentences.
    Text,
    /// JSON lines.
    Json,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    /// Says that a node is running during a command that only reads.
    pub(crate) fn holders(self, session: &Session) {
        for holder in session.lease().holders() {
            self.note(&format!(
                "process {} ({}) works on this data; what it writes from now on is not seen",
                holder.pid, holder.command
            ));
        }
    }

    /// The same, and what is doubtful about the data directories themselves.
    pub(crate) fn place(self, session: &Session) {
        for doubt in session.doubts() {
            self.note(&format!("{}; {}", doubt.chain(), doubt.hint_text().unwrap_or_default()));
        }
        self.holders(session);
    }

    /// A remark in addition to the result, for whoever wants to hear it.
    pub(crate) fn note(self, note: &str) {
        if !loudness::is_quiet() {
            self.insist(note);
        }
    }

    /// A remark for everybody.
    fn insist(self, note: &str) {
        match self {
            Self::Text => output::err(&format!("note: {note}\n")),
            Self::Json => json::lines([serde_json::json!({"type": "note", "message": note})]),
        }
    }

    /// Says where keys or plaintext may have reached a disk unintentionally.
    pub(crate) fn exposure(self) {
        let shortage = rekey_engine::pipeline::shortage();
        for error in rekey_engine::memory::exposure().into_iter().chain(shortage) {
            let hint = error.hint_text().unwrap_or_default();
            self.insist(&format!("{}; {hint}", error.chain()));
        }
    }

    /// Remarks in addition to the result.
    pub(crate) fn notes(self, notes: Vec<String>) {
        for note in notes {
            self.note(&note);
        }
    }

    /// New remarks about key servers since the last call.
    pub(crate) fn servers(self, sources: &KeySources) {
        if let Some(servers) = &sources.servers {
            self.notes(servers.take_warnings());
        }
    }

    /// Puts a question on the terminal, without a line's end.
    pub(crate) fn ask(self, question: &str) {
        output::err(question);
    }

    /// Prints an error and its hint. For programs it is the last line.
    pub(crate) fn error(self, error: &Error) {
        match self {
            Self::Text => output::err(&text::error(error)),
            Self::Json => json::lines([json::error(error)]),
        }
    }
}

/// Prints a sentence of the demo.
#[cfg(feature = "demo")]
pub(crate) fn say(sentence: &str) {
    output::out(&format!("{sentence}\n"));
}

/// Prints a script, which is the whole output.
pub(crate) fn script(bytes: &[u8]) {
    output::raw(bytes);
}
