//! `verify`: decrypts every chunk and checks everything that can be checked.

use std::time::Instant;

use rekey_engine::Result;
use rekey_engine::upgrade::{self, Report};

use crate::args::VerifyArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &VerifyArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let started = Instant::now();
    let sources = args.keys.sources(&args.data, None)?;
    let session = args.data.session()?;
    output.place(&session);
    let selection = args.data.selection(output)?;
    args.data.note_empty(output, &session, &selection);
    let beside = args.system.settle(&args.data, &sources, output)?;
    let threads = args.data.threads();
    let mut report = match args.system.takes_tables() {
        false => Report::default(),
        true => upgrade::verify(
            &session,
            &selection,
            args.archives.archives(),
            &sources,
            threads,
            output.observer("to read").as_mut(),
        )?,
    };
    if let Some(beside) = &beside {
        report.join(upgrade::verify_system(
            &session,
            &beside.request(),
            &sources,
            threads,
            output.observer("to read").as_mut(),
        )?);
    }
    output.servers(&sources);
    output.report(&report, None, started.elapsed().as_secs_f64());
    output.exposure();
    Ok(exit_code::of_report(&report))
}
