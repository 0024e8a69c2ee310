//! Asks before something is done that cannot be undone.

use std::io::{BufRead as _, IsTerminal as _, stdin};

use rekey_engine::{Error, Result};

use crate::args::KeyIdArgs;
use crate::ui::Output;

impl KeyIdArgs {
    /// Has the id typed again, unless `--yes` was given.
    ///
    /// Without a terminal nobody is there to type, and what comes in instead is somebody's script:
    /// it must say `--yes`.
    pub(super) fn confirm(&self, output: Output, what: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let unconfirmed = |why: &'static str| {
            Error::invalid(why)
                .key(self.id.escape_debug())
                .hint("nothing was done; --yes skips the question")
        };
        if !stdin().is_terminal() {
            return Err(unconfirmed("there is no terminal to confirm this on"));
        }
        output.ask(&format!("{what}\nType the key's id to continue: "));
        let mut typed = String::new();
        stdin()
            .lock()
            .read_line(&mut typed)
            .map_err(|e| unconfirmed("the answer cannot be read").caused_by(e))?;
        match typed.trim_end_matches(['\r', '\n']) == self.id {
            true => Ok(()),
            false => Err(unconfirmed("what was typed is not the key's id")),
        }
    }
}
