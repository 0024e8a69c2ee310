//! `upgradesstables`: the main job.

use std::time::Instant;

use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{KeyCreation, KeyRef};
use rekey_engine::plan::{KeySources, Target};
use rekey_engine::upgrade::{self, Outcome, PlanRequest, Session};
use rekey_engine::{Error, Result};

use crate::args::UpgradeArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &UpgradeArgs) -> Result<Code> {
    let style = Style::new(args.data.json);
    let started = Instant::now();
    let target = args.target.target()?;
    let sources = args.keys.sources()?;
    let selection = args.data.selection();
    let session = args.data.session(LeaseMode::Exclusive)?;
    if args.create_key {
        create_key(style, &sources, &target, &session)?;
    }
    style.recovered(&upgrade::recover(&session, &selection)?);
    let request = PlanRequest {
        selection: &selection,
        target: &target,
        flavor: args.target.flavor,
        sources: &sources,
        threads: args.data.threads(),
        create_key: args.create_key,
    };
    let plan = upgrade::plan(&session, &request)?;
    let report = upgrade::run(&session, &plan, args.data.threads(), style.observer().as_mut())?;
    style.report(&report, started.elapsed().as_secs_f64());
    if report.sstables.iter().any(|line| matches!(line.outcome, Outcome::Rewritten { .. })) {
        style.note(
            "alter the compression of these tables to the same options, or the node goes on \
             writing with the old key; snapshots and backups keep the key that they have",
        );
    }
    Ok(exit_code::of_report(&report))
}

fn create_key(
    style: Style,
    sources: &KeySources,
    target: &Target,
    session: &Session,
) -> Result<()> {
    if !matches!(target.key(), KeyRef::LocalFile { .. }) {
        return Err(Error::invalid("--create-key makes local keys, and the target key is none")
            .cure("leave it out; make the key on its server"));
    }
    let Some(owner) = session.data_dirs().first() else { return Ok(()) };
    if sources.local.create(target.key(), owner)? == KeyCreation::Created {
        style.note(&format!("made a new key: {}", target.key()));
    }
    Ok(())
}
