//! `sstablerekey`: re-encrypts the SSTables of a stopped node under a new key.

#![forbid(unsafe_code)]

mod args;
mod beside;
mod commands;
mod documents;
mod exit_code;
mod harden;
mod names;
mod node;
mod overview;
mod resolve;
mod ui;
mod watch;

use std::alloc::System;
use std::process::ExitCode;

use rekey_engine::io::act_as_owner;
use zeroizing_alloc::ZeroAlloc;

use crate::args::{Args, Command, UserArgs, nodetool};
use crate::exit_code::Code;
use crate::ui::Output;

/// Wipes freed memory. Keys and passwords pass through libraries that do not: records received by
/// TLS, opened key stores, texts that outgrew their buffer.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    harden::forbid_core_dumps();
    harden::fail_where_files_are_limited();
    let line = nodetool::strip(std::env::args_os());
    ui::remember(&line.words);
    let (mut args, sources) = match Args::read(&line.words) {
        Ok(read) => read,
        Err(error) => {
            let words = line.words.iter().map(|word| word.to_string_lossy().into_owned());
            return ui::usage(&error, words).into();
        }
    };
    ui::settle(args.loudness.loudness());
    let (output, verb) = (Output::new(args.command.is_json()), args.command.verb());
    output.ignored(&line.ignored);
    let result = node::settle(&mut args.command, &sources, output)
        // Before any data is examined, and before there is a second thread.
        .and_then(|()| work_as_owner(&args.command, output))
        .and_then(|()| run(args.command));
    output.end(verb, result).into()
}

/// Gives up root's rights for those of the data's owner.
fn work_as_owner(command: &Command, output: Output) -> rekey_engine::Result<()> {
    let Some((data_dirs, UserArgs { user })) = command.data() else { return Ok(()) };
    if let Some(name) = act_as_owner(data_dirs, user.as_deref())? {
        output.note(&format!("started as root, working as {name}"));
    }
    Ok(())
}

fn run(command: Command) -> rekey_engine::Result<Code> {
    match command {
        Command::Abandon(args) => commands::abandon::run(&args),
        Command::Census(args) => commands::census::run(&args),
        Command::Config(args) => commands::config::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => commands::demo::run(&args),
        Command::Generate(command) => commands::generate::run(&command),
        Command::Keys(command) => commands::keys::run(&command),
        Command::MayDestroy(args) => commands::may_destroy::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Status(args) => commands::status::run(&args),
        Command::Upgradesstables(args) => commands::upgradesstables::run(args),
        Command::Verify(args) => commands::verify::run(&args),
    }
}
