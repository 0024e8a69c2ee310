//! `census`: which keys encrypt what.

use rekey_engine::Result;
use rekey_engine::upgrade;

use crate::args::CensusArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &CensusArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let session = args.data.session()?;
    output.place(&session);
    let (selection, archives) = (args.data.selection(output)?, args.archives.archives());
    args.data.note_empty(output, &session, &selection);
    let census = upgrade::census(&session, &selection, archives, args.data.threads())?;
    output.census(&census);
    // A census with unknown SSTables proves nothing about a key that it does not list.
    Ok(if census.unknown.is_empty() { exit_code::DONE } else { exit_code::SOME_FAILED })
}
