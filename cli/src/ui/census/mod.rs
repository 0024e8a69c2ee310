//! The output of a census.

mod json;
mod text;

use rekey_engine::keys::KeyRef;
use rekey_engine::upgrade::Gathered;

use super::json::lines;
use super::{Output, output};

impl Output {
    pub(crate) fn census(self, gathered: &Gathered) {
        match self {
            Self::Text => output::out(&text::census(gathered)),
            Self::Json => {
                lines(json::census(gathered));
                output::keep_summary(json::summary(gathered));
            }
        }
    }

    /// Says which SSTables are under a key, and what could not be looked at.
    pub(crate) fn in_use(self, key: &KeyRef, gathered: &Gathered) {
        match self {
            Self::Json => lines(json::in_use(key, gathered)),
            Self::Text => output::err(&text::beside(gathered)),
        }
    }
}
