//! `--resume`: the arguments that the unfinished run was begun with.
//!
//! The journal keeps the words of that command and the directory in which it was given. What this
//! command says of the process itself (how it may be ended, where its output goes) is its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rekey_engine::io::LocalStorage;
use rekey_engine::upgrade;
use rekey_engine::{Error, Result};
use serde_json::{Value, json};

use crate::args::{Args, Command, DataArgs, UpgradeArgs, WatchArgs};
use crate::node;
use crate::ui::Output;

/// The words of a command for the journal; none if it is not all text.
pub(super) fn recorded(words: &[OsString]) -> Option<String> {
    let directory = std::env::current_dir().ok()?;
    let words = words.iter().map(|word| word.to_str()).collect::<Option<Vec<_>>>()?;
    Some(json!({"directory": directory.to_str()?, "words": words}).to_string())
}

/// Takes everything but the process itself from the journal.
///
/// # Errors
/// [`rekey_engine::ErrorKind::Invalid`] when there is no unfinished run, or its journal does not have
/// its command.
pub(super) fn arguments(now: UpgradeArgs, output: Output) -> Result<UpgradeArgs> {
    let data_dirs = upgrade::canonical(&now.data.data_dirs)?;
    let state_dir = now.state_dir.as_deref().map(absolute).transpose()?;
    let control = now.watch.control.as_deref().map(absolute).transpose()?;
    let status = upgrade::status(&LocalStorage, &data_dirs, state_dir.as_deref())?;
    let Some(status) = status else {
        return Err(Error::invalid("there is no unfinished run to resume").hint(
            "leave --resume out and give the arguments to begin one; or give the --state-dir of the \
             other",
        ));
    };
    let unknown = || {
        Error::invalid("the journal does not have the command that the run was begun with")
            .at(&status.state_dir)
            .hint("leave --resume out, and give the same arguments again")
    };
    let (directory, words) = status.command().and_then(parsed).ok_or_else(unknown)?;
    // Relative paths among the words start there.
    std::env::set_current_dir(&directory).map_err(|error| {
        Error::io("cannot enter the directory that the run was begun in", &directory, error)
    })?;
    let (args, sources) = Args::read(&words).map_err(|_other_release| unknown())?;
    let Command::Upgradesstables(then) = args.command else { return Err(unknown()) };
    let resumed = UpgradeArgs {
        resume: true,
        state_dir,
        jobs: now.jobs.or(then.jobs),
        watch: WatchArgs { control, ..now.watch },
        stopped: now.stopped,
        data: DataArgs {
            data_dirs,
            json: now.data.json,
            user: now.data.user,
            threads: now.data.threads.or(then.data.threads),
            ..then.data
        },
        ..then
    };
    let mut command = Command::Upgradesstables(resumed);
    node::settle(&mut command, &sources, output)?;
    match command {
        Command::Upgradesstables(resumed) => Ok(resumed),
        _ => Err(unknown()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("cannot resolve the path", path, error))
}

fn parsed(text: &str) -> Option<(PathBuf, Vec<OsString>)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let directory = value.get("directory")?.as_str()?;
    let words = value.get("words")?.as_array()?.iter();
    let words = words.map(|word| word.as_str().map(OsString::from)).collect::<Option<_>>()?;
    Some((PathBuf::from(directory), words))
}
