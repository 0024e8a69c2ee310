//! `plan`: what `upgradesstables` would do.

use std::time::{Duration, Instant};

use rekey_engine::Result;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Plan;
use rekey_engine::schema::Schema;
use rekey_engine::upgrade::{self, Session, Work};

use crate::args::PlanArgs;
use crate::exit_code::{self, Code};
use crate::resolve::Scope;
use crate::ui::{Estimate, Output};

pub(crate) fn run(args: &PlanArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let began = Instant::now();
    let sources = args.keys.sources(&args.data, args.target.flavor)?;
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
    let beside = args.system.settle(&args.data, &sources, output)?;
    let scope = Scope {
        selection: &selection,
        archives,
        threads,
        data: &args.data,
        tables: args.system.takes_tables(),
        beside: beside.as_ref(),
    };
    let (plan, schema) = match scope.tables {
        false => (Plan::of_no_tables(), Schema::default()),
        true => {
            let settled = args.target.settle(&session, &sources, found.history(), scope, output)?;
            (upgrade::plan(&session, &settled.request(scope, &sources))?, settled.schema)
        }
    };
    let files = args.target.ask((&sources, &schema), scope, |request| {
        upgrade::plan_system(&session, found.history(), request)
    })?;
    output.servers(&sources);
    output.plan(&plan, found.status().as_ref(), args.all);
    if let Some(files) = &files {
        output.files(files);
    }
    output.nothing_to_rotate(&plan, &args.keys);
    let suffices = match args.measure || args.window.is_some() {
        true => measure(args, output, &session, &plan, began.elapsed())?,
        false => true,
    };
    output.exposure();
    Ok(match exit_code::of_plan(&plan, files.as_ref()) {
        exit_code::DONE if !suffices => exit_code::TOO_LONG,
        code => code,
    })
}

/// Measures what the run would take; returns whether the window suffices, if there is one. The run
/// plans, too.
fn measure(
    args: &PlanArgs,
    output: Output,
    session: &Session,
    plan: &Plan,
    planning: Duration,
) -> Result<bool> {
    if plan.blocker().is_some() {
        output.note("nothing was measured: the plan is blocked");
        return Ok(true);
    }
    if !session.lease().holders().is_empty() {
        output.note(
            "what works on this data and the measurement slow each other down; without it a run is \
             faster than measured",
        );
    }
    let Some(measured) = upgrade::measure(session, plan, args.data.threads())? else {
        output.note("nothing was measured: nothing is to be rewritten");
        return Ok(true);
    };
    let work = Work::of(plan);
    let time = measured.time_for(work).saturating_add(planning);
    let estimate = Estimate { measured, work, time, window: args.window.map(|window| window.0) };
    output.estimate(&estimate);
    Ok(estimate.suffices() != Some(false))
}
