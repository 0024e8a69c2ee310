//! `generate`: completions and manual pages, from the definitions of the commands.

use clap::CommandFactory as _;
use rekey_engine::{Error, Result};

use crate::args::{Args, CompletionsArgs, GenerateCommand, ManArgs};
use crate::exit_code::{self, Code};
use crate::ui;

pub(crate) fn run(command: &GenerateCommand) -> Result<Code> {
    match command {
        GenerateCommand::Completions(args) => completions(args),
        GenerateCommand::Man(args) => man(args)?,
    }
    Ok(exit_code::DONE)
}

fn completions(args: &CompletionsArgs) {
    let mut script = Vec::new();
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    ui::script(&script);
}

fn man(args: &ManArgs) -> Result<()> {
    clap_mangen::generate_to(Args::command(), &args.directory).map_err(|error| {
        Error::io("cannot write the manual pages", &args.directory, error)
            .hint("name a directory that is there and may be written to")
    })
}
