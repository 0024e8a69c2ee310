//! `plan`: what `upgradesstables` would do.

use rekey_engine::Result;
use rekey_engine::io::LeaseMode;
use rekey_engine::upgrade::{self, PlanRequest};

use super::used_keys;
use crate::args::PlanArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &PlanArgs) -> Result<Code> {
    let style = Style::new(args.data.json);
    let sources = args.keys.sources()?;
    let session = args.data.session(LeaseMode::Shared)?.with_state_dir(args.state_dir.clone());
    style.holders(&session);
    let selection = args.data.selection(style)?;
    let archives = args.archives.archives();
    let used = || used_keys(&session, &selection, archives, args.data.threads());
    let target = args.target.target(&sources, None, used)?;
    let plan = upgrade::plan(
        &session,
        &PlanRequest {
            selection: &selection,
            archives,
            target: &target,
            flavor: args.target.flavor,
            sources: &sources,
            threads: args.data.threads(),
        },
    )?;
    style.servers(&sources);
    style.plan(&plan);
    style.exposure();
    Ok(exit_code::of_plan(&plan))
}
