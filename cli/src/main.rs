//! `sstablerekey`: re-encrypts the SSTables of a stopped node under a new key.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod exit_code;
mod harden;
mod resolve;
mod ui;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    harden::forbid_core_dumps();
    let args = Args::parse();
    let as_json = args.command.is_json();
    let code = match args.command {
        Command::Abandon(args) => commands::abandon::run(&args),
        Command::Census(args) => commands::census::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Keys(command) => commands::keys::run(&command),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Status(args) => commands::status::run(&args),
        Command::Upgradesstables(args) => commands::upgradesstables::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
    };
    code.unwrap_or_else(|error| {
        ui::error(&error, as_json);
        exit_code::of_error(&error)
    })
    .into()
}
