//! Everything that is printed. Standard output has the result, standard error the rest. With
//! `--json` everything is lines on standard output, as described in `cli/docs/JSON.md`.

mod census;
mod command_line;
mod end;
mod json;
mod keys;
mod output;
mod plan;
mod run;
mod state;
mod target;
mod text;

use rekey_engine::Error;
use rekey_engine::keys::KeySources;
use rekey_engine::upgrade::Session;

pub(crate) use command_line::keys_command;
#[cfg(feature = "demo")]
pub(crate) use command_line::program;
pub(crate) use end::{Verb, usage};
pub(crate) use keys::{Check, KeyRow};
pub(crate) use run::BOTH_PASSES;
pub(crate) use text::sstables;

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

    /// A remark in addition to the result.
    pub(crate) fn note(self, note: &str) {
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
            self.note(&format!("{}; {hint}", error.chain()));
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
