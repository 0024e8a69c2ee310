//! What `generate` makes of this very command line.

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;

/// The files that packages install.
#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages: one for each command
    Man(ManArgs),
}

/// Arguments of `generate completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Arguments of `generate man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// A directory that is there, such as man1 below the root of a package
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}
