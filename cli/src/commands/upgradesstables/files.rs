//! The files beside the tables, after them.

use rekey_engine::Result;
use rekey_engine::keys::KeySources;
use rekey_engine::pipeline::Control;
use rekey_engine::schema::Schema;
use rekey_engine::upgrade::{self, Report, Session};

use crate::args::UpgradeArgs;
use crate::resolve::Scope;
use crate::ui::{BOTH_PASSES, Output, Times};
use crate::watch::{self, Signals};

/// What a run has by then.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) args: &'a UpgradeArgs,
    pub(super) output: Output,
    pub(super) session: &'a Session,
    pub(super) keys: (&'a KeySources, &'a Schema),
    pub(super) scope: Scope<'a>,
    pub(super) control: &'a Control,
    pub(super) signals: &'a Signals,
}

/// Plans and re-encrypts those that are selected.
pub(super) fn run(stage: Stage<'_>, times: &mut Times) -> Result<Report> {
    let Stage { args, output, session, .. } = stage;
    let files = args
        .target
        .ask(stage.keys, stage.scope, |request| upgrade::prepare_system(session, None, request))?;
    let Some(files) = files else { return Ok(Report::default()) };
    output.files_before(&files);
    watch::over(
        stage.control,
        stage.signals,
        args.watch.control.as_deref(),
        |line| output.note(line),
        || files.run(session, stage.scope.threads, &mut times.note(output.observer(BOTH_PASSES))),
    )
}
