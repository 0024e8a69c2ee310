//! `verify`: decrypts every chunk and checks everything that can be checked.

use std::time::Instant;

use rekey_engine::Result;
use rekey_engine::upgrade;

use crate::args::VerifyArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &VerifyArgs) -> Result<Code> {
    let style = Style::new(args.data.json);
    let started = Instant::now();
    let sources = args.keys.sources()?;
    let session = args.data.session()?;
    style.place(&session);
    let selection = args.data.selection(style)?;
    args.data.note_empty(style, &session, &selection);
    let report = upgrade::verify(
        &session,
        &selection,
        args.archives.archives(),
        &sources,
        args.data.threads(),
        style.observer("to read").as_mut(),
    )?;
    style.servers(&sources);
    style.report(&report, None, started.elapsed().as_secs_f64());
    style.exposure();
    Ok(exit_code::of_report(&report))
}
