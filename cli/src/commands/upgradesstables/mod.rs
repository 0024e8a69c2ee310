//! `upgradesstables`: the main job.

mod files;
mod resume;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{KeyCreation, KeyRef, KeySources};
use rekey_engine::plan::Plan;
use rekey_engine::schema::Schema;
use rekey_engine::upgrade::{self, Prepared, Report, ReportDir, Session};
use rekey_engine::{Error, ErrorKind, Result};

use self::files::Stage;
use crate::args::{KeyArgs, UpgradeArgs};
use crate::exit_code::{self, Code};
use crate::resolve::Scope;
use crate::ui::{self, BOTH_PASSES, Output, RunRecord, Times};
use crate::watch::{self, Signals};

pub(crate) fn run(args: UpgradeArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let args = if args.resume { resume::arguments(args, output)? } else { args };
    let (started, began) = (Instant::now(), Timestamp::now());
    args.refuse_an_age()?;
    watch::check(args.watch.control.as_deref())?;
    let sources = args.keys.sources(&args.data, args.target.flavor)?;
    let selection = args.data.selection(output)?;
    let signals = Signals::catch()?;
    let control = args.watch.control();
    let session = args
        .data
        .session_if_stopped(LeaseMode::Exclusive, args.stopped)?
        .with_state_dir(args.state_dir.clone())
        .with_checkpoint(args.checkpoint.0)
        .with_command(resume::recorded(ui::words()))
        .with_control(Arc::clone(&control));
    let found = upgrade::find(&session)?;
    args.data.note_empty(output, &session, &selection);
    let archives = args.archives.archives();
    let threads = args.threads();
    let beside = args.system.settle(&args.data, &sources, output)?;
    let scope = Scope {
        selection: &selection,
        archives,
        threads,
        data: &args.data,
        tables: args.system.takes_tables(),
        beside: beside.as_ref(),
    };
    let reports = found.report_dir(args.report.as_deref());
    let mut times = Times::default();
    let (plan, mut report, schema) = match scope.tables {
        false => (Plan::of_no_tables(), Report::default(), Schema::default()),
        true => {
            let settled = args.target.settle(&session, &sources, found.history(), scope, output)?;
            let prepared = found.prepare(&settled.request(scope, &sources))?;
            say_before(output, &prepared, &sources, &settled.schema);
            let (plan, report) = watch::over(
                &control,
                &signals,
                args.watch.control.as_deref(),
                |line| output.note(line),
                || prepared.run(threads, &mut times.note(output.observer(BOTH_PASSES))),
            )?;
            (plan, report, settled.schema)
        }
    };
    if beside.is_some() {
        let keys = (&sources, &schema);
        let (args, session, control, signals) = (&args, &session, &*control, &signals);
        let stage = Stage { args, output, session, keys, scope, control, signals };
        let files = files::run(stage, &mut times);
        report.join_or_fail(files, scope.tables)?;
    }
    output.report(&report, Some(&plan.targets), started.elapsed().as_secs_f64());
    output.targets_again(&plan.targets);
    let alterations = upgrade::to_alter(&plan, &report, &schema);
    output.alterations(&alterations);
    output.exposure();
    let code = match is_interrupted(&report) {
        true => signals.status(),
        false => exit_code::of_report(&report),
    };
    let record = RunRecord {
        plan: &plan,
        report: &report,
        alterations: &alterations,
        local: schema.local(),
        data_dirs: session.data_dirs(),
        times: &times,
        began,
        ended: Timestamp::now(),
        code,
    };
    keep(output, &session, &reports, &record);
    say_after(output, &record, &args.keys);
    Ok(code)
}

fn is_interrupted(report: &Report) -> bool {
    report.failure_kind() == Some(ErrorKind::Interrupted)
}

/// What was found and settled before the run.
fn say_before(output: Output, prepared: &Prepared<'_>, sources: &KeySources, schema: &Schema) {
    if let Some(unfinished) = prepared.resumes() {
        output.resuming(unfinished);
    }
    say_keys(output, prepared, sources);
    output.recovered(&prepared.recovered);
    output.servers(sources);
    output.warnings(&prepared.plan);
    output.targets(&prepared.plan.targets);
    output.before(&prepared.plan, schema.local());
}

/// What is left to do after a run.
fn say_after(output: Output, record: &RunRecord<'_>, keys: &KeyArgs) {
    let RunRecord { plan, report, code, .. } = *record;
    if is_interrupted(report) {
        return output.go_on(&format!(
            "ended before it was done (exit status {code}); nothing is lost; run the same command to \
             resume",
        ));
    }
    output.archives_left(plan);
    output.nothing_to_rotate(plan, keys);
    if report.failures().any(is_worth_repeating) {
        output
            .go_on("some SSTables failed and are as they were; the same command tries them again");
    }
}

/// Keeps the report of a run. Where that fails, what the run has done is done all the same.
fn keep(output: Output, session: &Session, reports: &ReportDir, record: &RunRecord<'_>) {
    match reports.keep(session, &record.name(), &record.content()) {
        Ok(path) => output.kept(&path),
        Err(error) => {
            let fact = "the report of the run could not be kept";
            output.warn(&Error::new(error.kind(), fact).wrapping(error));
        }
    }
}

/// Whether the same command may do better when what was wrong is mended: not where the SSTable or the
/// options are of a kind that is refused.
fn is_worth_repeating(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid | ErrorKind::Internal)
}

fn say_keys(output: Output, prepared: &Prepared<'_>, sources: &KeySources) {
    for (key, how) in &prepared.made {
        match how {
            KeyCreation::Created => output.note(&format!("made a new key: {key}")),
            KeyCreation::TakenUp => output.note(&format!(
                "activated a key that was made earlier and was not active yet: {key}"
            )),
            _ => continue,
        }
        if let (KeyRef::Kmip { group, .. }, Some(servers)) = (key, &sources.servers)
            && let Some(host) = servers.answering(group)
        {
            output.note(&format!("the key server that did so: {host}"));
        }
    }
}
