//! `upgradesstables`: the main job.

use std::sync::Arc;
use std::time::Instant;

use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{KeyCreation, KeyRef, KeySources};
use rekey_engine::upgrade::{self, PlanRequest, Prepared};
use rekey_engine::{Error, ErrorKind, Result};

use crate::args::UpgradeArgs;
use crate::exit_code::{self, Code};
use crate::ui::{BOTH_PASSES, Output};
use crate::watch::{self, Signals};

pub(crate) fn run(args: &UpgradeArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let started = Instant::now();
    watch::check(args.watch.control.as_deref())?;
    let sources = args.keys.sources()?;
    let selection = args.data.selection(output)?;
    let signals = Signals::catch()?;
    let control = args.watch.control();
    let session = args
        .data
        .session_if_stopped(LeaseMode::Exclusive, args.stopped)?
        .with_state_dir(args.state_dir.clone())
        .with_checkpoint(args.checkpoint.0)
        .with_control(Arc::clone(&control));
    let found = upgrade::find(&session)?;
    if args.resume_only && found.history().is_none() {
        return Err(Error::invalid("there is no unfinished run to resume")
            .hint("leave --resume-only out to begin one, or give the --state-dir of the other"));
    }
    args.data.note_empty(output, &session, &selection);
    let archives = args.archives.archives();
    let threads = args.data.threads();
    let target = args.target.target(&sources, &session, found.history(), threads)?;
    let request = PlanRequest {
        selection: &selection,
        archives,
        target: &target,
        flavor: args.target.flavor,
        sources: &sources,
        threads: args.data.threads(),
    };
    let prepared = found.prepare(&request)?;
    if let Some(unfinished) = prepared.resumes() {
        output.resuming(unfinished);
    }
    say_key(output, &prepared, &sources);
    output.recovered(&prepared.recovered);
    output.servers(&sources);
    output.warnings(&prepared.plan);
    output.target(&prepared.plan.target);
    let (plan, report) = watch::over(
        &control,
        &signals,
        args.watch.control.as_deref(),
        |line| output.note(line),
        || prepared.run(args.data.threads(), output.observer(BOTH_PASSES).as_mut()),
    )?;
    output.report(&report, Some(&plan.target), started.elapsed().as_secs_f64());
    output.target_again(&plan.target);
    output.alterations(&upgrade::to_alter(&plan, &report));
    output.exposure();
    if report.failure_kind() == Some(ErrorKind::Interrupted) {
        output.go_on(&format!(
            "ended before it was done (exit status {}); nothing is lost; run the same command to resume",
            signals.status()
        ));
        return Ok(signals.status());
    }
    output.archives_left(&plan);
    output.nothing_to_rotate(&plan, &args.keys);
    if report.failures().any(is_worth_repeating) {
        output
            .go_on("some SSTables failed and are as they were; the same command tries them again");
    }
    Ok(exit_code::of_report(&report))
}

/// Whether the same command may do better when what was wrong is mended: not where the SSTable or the
/// options are of a kind that is refused.
fn is_worth_repeating(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid | ErrorKind::Internal)
}

fn say_key(output: Output, prepared: &Prepared<'_>, sources: &KeySources) {
    let Some(key) = prepared.plan.target.key() else { return };
    match prepared.key {
        KeyCreation::Created => output.note(&format!("made a new key: {key}")),
        KeyCreation::TakenUp => output
            .note(&format!("activated a key that was made earlier and was not active yet: {key}")),
        _ => return,
    }
    if let (KeyRef::Kmip { group, .. }, Some(servers)) = (key, &sources.servers)
        && let Some(host) = servers.answering(group)
    {
        output.note(&format!("the key server that did so: {host}"));
    }
}
