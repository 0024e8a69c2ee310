//! The output about an unfinished run.

mod json;
mod text;

use rekey_engine::journal::History;
use rekey_engine::upgrade::Status;

use super::json::lines;
use super::{Output, output};

impl Output {
    /// How far an unfinished run is; as text without SSTables that are not in work, unless all are
    /// requested.
    pub(crate) fn status(self, status: Option<&Status>, all: bool) {
        match self {
            Self::Text => output::out(&text::status(status, all)),
            Self::Json => {
                lines(status.into_iter().flat_map(json::sstables));
                output::keep_summary(json::summary(status));
            }
        }
    }

    /// Says that an unfinished run is resumed.
    pub(crate) fn resuming(self, history: &History) {
        match self {
            Self::Text => self.note(&text::resuming(history)),
            Self::Json => lines([json::resuming(history)]),
        }
    }

    pub(crate) fn abandoned(self, had_journal: bool) {
        match self {
            Self::Text => output::out(&text::abandoned(had_journal)),
            Self::Json => output::keep_summary(json::abandoned(had_journal)),
        }
    }
}
