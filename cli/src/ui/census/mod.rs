//! The output of a census.

mod json;
mod text;

use rekey_engine::keys::KeyRef;
use rekey_engine::plan::KeyCensus;

use super::json::lines;
use super::{Output, output};

impl Output {
    pub(crate) fn census(self, census: &KeyCensus) {
        match self {
            Self::Text => output::out(&text::census(census)),
            Self::Json => {
                lines(json::census(census));
                output::keep_summary(json::summary(census));
            }
        }
    }

    /// Says where a key is or may be in use, and returns whether it is. `done` is what was to be
    /// done to it, such as "destroyed".
    pub(crate) fn in_use(
        self,
        done: &'static str,
        key: &KeyRef,
        census: &KeyCensus,
        forced: bool,
    ) -> bool {
        let in_use = census.keys.contains_key(key) || !census.unknown.is_empty();
        match self {
            Self::Json => lines(json::in_use(key, census)),
            Self::Text => output::err(&text::in_use(key, census)),
        }
        if in_use && !forced {
            self.note(&format!(
                "nothing was {done}. Re-encrypt these tables (upgradesstables), remove snapshots \
                 and backups that are no longer wanted, then try again; --force goes ahead all the \
                 same, and that data is lost with the key"
            ));
        }
        in_use
    }
}
