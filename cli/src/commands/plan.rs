//! `plan`: what `upgradesstables` would do.

use rekey_engine::Result;
use rekey_engine::io::LeaseMode;
use rekey_engine::upgrade::{self, PlanRequest};

use crate::args::PlanArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &PlanArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let sources = args.keys.sources()?;
    let session = args
        .data
        .session_if_stopped(LeaseMode::Shared, args.stopped)?
        .with_state_dir(args.state_dir.clone());
    output.holders(&session);
    let selection = args.data.selection(output)?;
    args.data.note_empty(output, &session, &selection);
    let archives = args.archives.archives();
    let found = upgrade::find(&session)?;
    let threads = args.data.threads();
    let target = args.target.target(&sources, &session, found.history(), threads)?;
    let plan = upgrade::plan(
        &session,
        &PlanRequest {
            selection: &selection,
            archives,
            target: &target,
            flavor: args.target.flavor,
            sources: &sources,
            threads,
        },
    )?;
    output.servers(&sources);
    output.plan(&plan);
    output.nothing_to_rotate(&plan, &args.keys);
    output.exposure();
    Ok(exit_code::of_plan(&plan))
}
