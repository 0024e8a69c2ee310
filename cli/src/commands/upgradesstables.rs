//! `upgradesstables`: the main job.

use std::sync::Arc;
use std::time::Instant;

use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{KeyCreation, KeyRef, KeySources};
use rekey_engine::plan::Target;
use rekey_engine::upgrade::{self, PlanRequest, Session};
use rekey_engine::{Error, ErrorKind, Result};

use super::used_keys;
use crate::args::UpgradeArgs;
use crate::exit_code::{self, Code};
use crate::ui::{BOTH_PASSES, Style};
use crate::watch::{self, Signals};

pub(crate) fn run(args: &UpgradeArgs) -> Result<Code> {
    let style = Style::new(args.data.json);
    let started = Instant::now();
    let sources = args.keys.sources()?;
    let selection = args.data.selection(style)?;
    let signals = Signals::catch()?;
    let control = args.watch.control();
    let session = args
        .data
        .session(LeaseMode::Exclusive)?
        .with_state_dir(args.state_dir.clone())
        .with_checkpoint(args.checkpoint.0)
        .with_control(Arc::clone(&control));
    let unfinished = upgrade::unfinished(&session)?;
    if args.resume_only && unfinished.is_none() {
        return Err(Error::invalid("there is no unfinished run to go on with")
            .cure("leave --resume-only out to begin one, or give the --state-dir of the other"));
    }
    let resumed_key = unfinished.as_ref().and_then(upgrade::resumed_key);
    let archives = args.archives.archives();
    let used = || used_keys(&session, &selection, archives, args.data.threads());
    let mut target = args.target.target(&sources, resumed_key, used)?;
    if let Some(unfinished) = &unfinished {
        upgrade::check_target(&session, unfinished, &target)?;
        style.resuming(unfinished);
    }
    make_key(style, &sources, &mut target, &session)?;
    style.recovered(&upgrade::recover(&session, &selection)?);
    let request = PlanRequest {
        selection: &selection,
        archives,
        target: &target,
        flavor: args.target.flavor,
        sources: &sources,
        threads: args.data.threads(),
    };
    let plan = upgrade::plan(&session, &request)?;
    style.servers(&sources);
    style.warnings(&plan);
    let report = watch::over(
        &control,
        &signals,
        args.watch.control.as_deref(),
        |line| style.note(line),
        || upgrade::run(&session, &plan, args.data.threads(), style.observer(BOTH_PASSES).as_mut()),
    )?;
    style.report(&report, Some(&plan.target), started.elapsed().as_secs_f64());
    style.alterations(&upgrade::to_alter(&plan, &report));
    style.exposure();
    if report.failure_kind() == Some(ErrorKind::Interrupted) {
        style.go_on(&format!("ended before it was done (exit status {})", signals.status()));
        return Ok(signals.status());
    }
    style.archives_left(&plan);
    Ok(exit_code::of_report(&report))
}

fn make_key(
    style: Style,
    sources: &KeySources,
    target: &mut Target,
    session: &Session,
) -> Result<()> {
    let Some(owner) = session.data_dirs().first() else { return Ok(()) };
    if target.make_key(sources, owner)? == KeyCreation::Created {
        if let Some(key) = target.key() {
            style.note(&format!("made a new key: {key}"));
        }
        if let Some(KeyRef::Kmip { id, .. }) = target.key() {
            style.note(&format!(
                "should an SSTable fail, go on with --key-id '{id}' in place of --create-key"
            ));
        }
    }
    Ok(())
}
