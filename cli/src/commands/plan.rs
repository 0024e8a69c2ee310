//! `plan`: what `upgradesstables` would do.

use rekey_engine::Result;
use rekey_engine::io::LeaseMode;
use rekey_engine::upgrade::{self, PlanRequest};

use crate::args::PlanArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &PlanArgs) -> Result<Code> {
    let style = Style::new(args.data.json);
    let target = args.target.target()?;
    let sources = args.keys.sources()?;
    let session = args.data.session(LeaseMode::Shared)?;
    style.holders(&session);
    let plan = upgrade::plan(
        &session,
        &PlanRequest {
            selection: &args.data.selection(),
            target: &target,
            flavor: args.target.flavor,
            sources: &sources,
            threads: args.data.threads(),
            create_key: args.create_key,
        },
    )?;
    style.plan(&plan);
    Ok(exit_code::of_plan(&plan))
}
