//! `abandon`: undoes what an unfinished run has begun.

use rekey_engine::Result;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::upgrade::{self, Session};

use crate::args::StateArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &StateArgs) -> Result<Code> {
    let style = Style::new(args.json);
    let session =
        Session::open(Box::new(LocalStorage), &args.data_dirs, LeaseMode::Exclusive, true)?
            .with_state_dir(args.state_dir.clone());
    let done = upgrade::abandon(&session)?;
    style.recovered(&done.recovered);
    // What could be neither finished nor undone stays.
    if let Some(error) = done.recovered.stuck.into_iter().next() {
        return Err(error);
    }
    style.abandoned(done.had_journal);
    Ok(exit_code::DONE)
}
