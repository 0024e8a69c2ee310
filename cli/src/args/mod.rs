//! The command line: syntax only. [`crate::resolve`] turns it into things that do something.

mod generate;
mod keys;
#[cfg(test)]
mod readme;
mod shared;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use generate::{CompletionsArgs, GenerateCommand, ManArgs};
pub(crate) use keys::{
    DestroyArgs, ExpireArgs, GroupArgs, KeyIdArgs, KeysCommand, ListArgs, ProofArgs, Reason,
    RevokeArgs, TestArgs,
};
pub(crate) use shared::{
    ArchiveArgs, CheckpointArg, DataArgs, Io, KeyArgs, ServerArgs, StateArgs, StoppedArgs,
    TargetArgs, UserArgs,
};
pub(crate) use watch::{Rate, WatchArgs};

use crate::ui::Verb;

/// Re-encrypts the SSTables of a stopped Cassandra, DSE or HCD node under a new key.
///
/// Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some SSTables failed and the
/// rest were done, 4 the key is still in use or may be, 5 a node or another run holds the data, 6 a key or a key
/// server cannot be had, 7 not enough space, 8 verification mismatch, 75 stopped on request, 130 interrupted; after
/// the last two the same command resumes.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Undo what an unfinished run has begun; the node must be stopped
    Abandon(AbandonArgs),
    /// Count which keys encrypt which SSTables; needs no key
    Census(CensusArgs),
    #[cfg(feature = "demo")]
    /// Show the main job on bundled SSTables, in a temporary directory; resume one that was cut
    /// off
    Demo(DemoArgs),
    /// Make what packages install beside the program: completions and manual pages
    #[command(subcommand)]
    Generate(GenerateCommand),
    /// List, test, expire, revoke and destroy the keys of KMIP servers
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show what upgradesstables would do, and change nothing
    Plan(PlanArgs),
    /// Show how far an unfinished run is, also while it works
    Status(StatusArgs),
    /// Re-encrypt SSTables, verify them and swap them in; the node must be stopped
    Upgradesstables(UpgradeArgs),
    /// Decrypt every chunk and check everything that can be checked
    Verify(VerifyArgs),
}

impl Command {
    /// Whether standard output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Abandon(args) => args.of.json,
            Self::Census(args) => args.data.json,
            #[cfg(feature = "demo")]
            Self::Demo(_) => false,
            Self::Generate(_) => false,
            Self::Keys(command) => command.is_json(),
            Self::Plan(args) => args.data.json,
            Self::Status(args) => args.of.json,
            Self::Upgradesstables(args) => args.data.json,
            Self::Verify(args) => args.data.json,
        }
    }
}

impl Command {
    /// The data directories that it works on, if it does, and as whom.
    pub(crate) fn data(&self) -> Option<(&[PathBuf], &UserArgs)> {
        match self {
            Self::Abandon(args) => Some((&args.of.data_dirs, &args.of.user)),
            Self::Census(args) => Some((&args.data.data_dirs, &args.data.user)),
            #[cfg(feature = "demo")]
            Self::Demo(_) => None,
            Self::Generate(_) => None,
            Self::Keys(command) => command.data(),
            Self::Plan(args) => Some((&args.data.data_dirs, &args.data.user)),
            Self::Status(args) => Some((&args.of.data_dirs, &args.of.user)),
            Self::Upgradesstables(args) => Some((&args.data.data_dirs, &args.data.user)),
            Self::Verify(args) => Some((&args.data.data_dirs, &args.data.user)),
        }
    }

    /// What it is called, and what its output is worth.
    pub(crate) fn verb(&self) -> Verb {
        let report = |name| Verb { name, is_report: true };
        let change = |name| Verb { name, is_report: false };
        match self {
            Self::Abandon(_) => change("abandon"),
            Self::Census(_) => report("census"),
            #[cfg(feature = "demo")]
            Self::Demo(_) => report("demo"),
            Self::Generate(GenerateCommand::Completions(_)) => report("generate completions"),
            Self::Generate(GenerateCommand::Man(_)) => report("generate man"),
            Self::Keys(KeysCommand::List(_)) => report("keys list"),
            Self::Keys(KeysCommand::Test(_)) => report("keys test"),
            Self::Keys(KeysCommand::Expire(_)) => change("keys expire"),
            Self::Keys(KeysCommand::Revoke(_)) => change("keys revoke"),
            Self::Keys(KeysCommand::Destroy(_)) => change("keys destroy"),
            Self::Plan(_) => report("plan"),
            Self::Status(_) => report("status"),
            Self::Upgradesstables(_) => change("upgradesstables"),
            Self::Verify(_) => report("verify"),
        }
    }
}

/// Arguments of `abandon`.
#[derive(Debug, clap::Args)]
pub(crate) struct AbandonArgs {
    #[command(flatten)]
    pub(crate) stopped: StoppedArgs,
    #[command(flatten)]
    pub(crate) of: StateArgs,
}

/// Arguments of `census`.
#[derive(Debug, clap::Args)]
pub(crate) struct CensusArgs {
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Arguments of `demo`.
#[cfg(feature = "demo")]
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Keep what it has made, until the next demo, and say where it is
    #[arg(long)]
    pub(crate) keep: bool,

    /// Add a table of 64 MiB and take some twenty seconds over it: time to look at it with status, and
    /// to kill it
    #[arg(long)]
    pub(crate) slow: bool,

    /// Where the demo lives, and where the next one resumes it should it be cut off: a directory
    /// that does not exist, is empty, or is a demo's; sstablerekey-demo-UID below the temporary
    /// directory without it. It is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) stopped: StoppedArgs,
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,

    /// Where the run will keep its journal; below the first data directory without it
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Show every SSTable that was begun, and not only those in work; --json always does
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) of: StateArgs,
}

/// Arguments of `upgradesstables`.
#[derive(Debug, clap::Args)]
pub(crate) struct UpgradeArgs {
    /// Take SSTables of the current version, too: always needed, since no version is changed here
    #[arg(short = 'a', long = "include-all-sstables", required = true)]
    pub(crate) include_all: bool,

    /// Resume an unfinished run; begin no new one
    #[arg(long)]
    pub(crate) resume_only: bool,

    /// How much work of an SSTable a kill may cost: so many MiB, or so many seconds, as in 256,10s
    #[arg(long, value_name = "MIB,SECONDS", default_value = "1024,30s")]
    pub(crate) checkpoint: CheckpointArg,

    /// Where the run keeps its journal; below the first data directory without it
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) watch: WatchArgs,

    #[command(flatten)]
    pub(crate) stopped: StoppedArgs,
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Args::command().debug_assert();
    }
}
