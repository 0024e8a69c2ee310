//! The command line: syntax only. [`crate::resolve`] turns it into things that do something.

mod generate;
mod keys;
mod look;
mod loudness;
mod may_destroy;
pub(crate) mod nodetool;
#[cfg(test)]
mod readme;
mod report;
mod shared;
mod watch;
mod window;
mod wish;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use rekey_engine::config::Origin;

pub(crate) use generate::{CompletionsArgs, GenerateCommand, ManArgs};
pub(crate) use keys::{
    DestroyArgs, ExpireArgs, GroupArgs, KeyIdArgs, KeysCommand, ListArgs, ProofArgs, Reason,
    RevokeArgs, TestArgs,
};
pub(crate) use look::LookArgs;
pub(crate) use loudness::LoudnessArgs;
pub(crate) use may_destroy::MayDestroyArgs;
pub(crate) use report::ReportArgs;
pub(crate) use shared::{
    ArchiveArgs, BesideArgs, CheckpointArg, DataArgs, Io, KeyArgs, NodeArgs, Only, ServerArgs,
    StateArgs, StoppedArgs, SystemArgs, TargetArgs, UserArgs,
};
pub(crate) use watch::{Rate, WatchArgs};
pub(crate) use window::Window;
pub(crate) use wish::Wish;

use crate::ui::Verb;

/// Re-encrypts the SSTables of a stopped Cassandra, DSE or HCD node under a new key.
///
/// Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some SSTables failed and the
/// rest were done, or the window is too short, 4 the key is still in use or may be, 5 a node or another run holds the data, 6 a key or a key
/// server cannot be had, 7 not enough space, 8 verification mismatch, 75 stopped on request, 130 interrupted; after
/// the last two the same command resumes.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) loudness: LoudnessArgs,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What gave the options that name configuration files.
#[derive(Debug)]
pub(crate) struct Sources {
    /// Of `--conf`.
    pub(crate) conf: Origin,
    /// Of `--config`.
    pub(crate) config: Origin,
}

impl Args {
    /// Reads a command line, whose first word is the program.
    pub(crate) fn read(words: &[OsString]) -> Result<(Self, Sources), clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let args = Self::from_arg_matches(&matches)?;
        let mut deepest = &matches;
        while let Some((_, inner)) = deepest.subcommand() {
            deepest = inner;
        }
        let by = |id, option, variable| match source(deepest, id) {
            Some(ValueSource::EnvVariable) => Origin::Variable(variable),
            _ => Origin::Argument(option),
        };
        let conf = by("conf", "--conf", "SSTABLEREKEY_CONF");
        let config = by("config", "--config", "SSTABLEREKEY_CONFIG");
        Ok((args, Sources { conf, config }))
    }
}

/// What gave an option, if the command has it.
fn source(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    matches.ids().any(|known| known.as_str() == id).then(|| matches.value_source(id))?
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Undo what an unfinished run has begun; the node must be stopped
    Abandon(AbandonArgs),
    /// Count which keys encrypt what; needs no key
    Census(CensusArgs),
    /// Show what the node's configuration says, and where each fact comes from
    Config(ConfigArgs),
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
    /// May a key be destroyed? 0: yes; 4: no; 3: nobody can tell, or after the next start
    MayDestroy(MayDestroyArgs),
    /// Show what upgradesstables would do, and change nothing
    Plan(PlanArgs),
    /// Show a run, a census or the evidence of may-destroy: as text, or as a page
    Report(ReportArgs),
    /// Show which tables the node keeps writing with other options than their target's
    Schema(SchemaArgs),
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
            Self::Config(args) => args.json,
            #[cfg(feature = "demo")]
            Self::Demo(_) => false,
            Self::Generate(_) => false,
            Self::Keys(command) => command.is_json(),
            Self::MayDestroy(args) => args.json,
            Self::Plan(args) => args.data.json,
            Self::Report(args) => args.of.json,
            Self::Schema(args) => args.data.json,
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
            Self::Config(_) | Self::Generate(_) => None,
            Self::Keys(command) => command.data(),
            Self::MayDestroy(args) => args.data(),
            Self::Plan(args) => Some((&args.data.data_dirs, &args.data.user)),
            Self::Report(args) => args.data(),
            Self::Schema(args) => Some((&args.data.data_dirs, &args.data.user)),
            Self::Status(args) => Some((&args.of.data_dirs, &args.of.user)),
            Self::Upgradesstables(args) => Some((&args.data.data_dirs, &args.data.user)),
            Self::Verify(args) => Some((&args.data.data_dirs, &args.data.user)),
        }
    }

    /// What it takes from the node's configuration, if anything.
    pub(crate) fn wish(&mut self) -> Option<Wish<'_>> {
        Some(match self {
            Self::Abandon(args) => {
                Wish::new(&mut args.of.node).data(&mut args.of.data_dirs).node_if_there()
            }
            Self::Census(CensusArgs { data, look, .. }) => Wish::new(&mut data.node)
                .data(&mut data.data_dirs)
                .config(&mut look.config)
                .node_if_there(),
            Self::Config(args) => Wish::new(&mut args.node).config(&mut args.config).always(),
            #[cfg(feature = "demo")]
            Self::Demo(_) => return None,
            Self::Generate(_) => return None,
            Self::Keys(command) => command.wish(),
            Self::MayDestroy(args) => return args.wish(),
            Self::Plan(PlanArgs { data, keys, .. })
            | Self::Schema(SchemaArgs { data, keys, .. })
            | Self::Upgradesstables(UpgradeArgs { data, keys, .. })
            | Self::Verify(VerifyArgs { data, keys, .. }) => {
                Wish::new(&mut data.node).data(&mut data.data_dirs).config(&mut keys.config)
            }
            Self::Report(args) => return args.wish(),
            Self::Status(args) => Wish::new(&mut args.of.node).data(&mut args.of.data_dirs),
        })
    }

    /// What it is called, and what its output is worth.
    pub(crate) fn verb(&self) -> Verb {
        let report = |name| Verb { name, is_report: true };
        let change = |name| Verb { name, is_report: false };
        match self {
            Self::Abandon(_) => change("abandon"),
            Self::Census(_) => report("census"),
            Self::Config(_) => report("config"),
            #[cfg(feature = "demo")]
            Self::Demo(_) => report("demo"),
            Self::Generate(GenerateCommand::Completions(_)) => report("generate completions"),
            Self::Generate(GenerateCommand::Man(_)) => report("generate man"),
            Self::Keys(KeysCommand::List(_)) => report("keys list"),
            Self::Keys(KeysCommand::Test(_)) => report("keys test"),
            Self::Keys(KeysCommand::Expire(_)) => change("keys expire"),
            Self::Keys(KeysCommand::Revoke(_)) => change("keys revoke"),
            Self::Keys(KeysCommand::Destroy(_)) => change("keys destroy"),
            Self::MayDestroy(_) => report("may-destroy"),
            Self::Plan(_) => report("plan"),
            Self::Report(_) => report("report"),
            Self::Schema(_) => report("schema"),
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
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// The node's hcd.yaml or dse.yaml, in place of the one that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Show every SSTable, and not only sums of each table; --json always does
    #[arg(long)]
    pub(crate) all: bool,

    /// Try parts of the SSTables for some seconds, and say how long the run would take; needs the
    /// rights to write to the data directories. What it writes there is encrypted, and removed
    #[arg(long)]
    pub(crate) measure: bool,

    /// How long the maintenance window is (3h, 90m): measure, and exit with 3 if it is too short
    #[arg(long, value_name = "TIME")]
    pub(crate) window: Option<Window>,

    #[command(flatten)]
    pub(crate) stopped: StoppedArgs,
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,

    /// Where the run will keep its journal; below the first data directory without it
    #[arg(long, value_name = "DIR", env = "SSTABLEREKEY_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,
}

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// Show tables that are not encrypted, too; --json always does
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
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
    /// As nodetool has it, and makes no difference: with and without it, every SSTable is
    /// re-encrypted that is not under its target yet, whatever its version, and no other
    #[arg(short = 'a', long = "include-all-sstables")]
    pub(crate) include_all: bool,

    /// As nodetool has it: the same as --threads, and 0 for all cores
    #[arg(short = 'j', long, value_name = "N", value_parser = shared::jobs)]
    pub(crate) jobs: Option<usize>,

    /// As nodetool has it, and refused: SSTables are not chosen by their age here
    #[arg(short = 't', long, value_name = "MILLISECONDS")]
    pub(crate) max_timestamp: Option<String>,

    /// Resume the unfinished run with the arguments that it was begun with; begin no new one
    #[arg(long, conflicts_with_all = [
        "compression", "changes", "schema", "decrypt", "key_id", "create_key", "snapshots", "backups",
        "keyspace", "only", "commitlog_dirs", "hints_dirs",
    ])]
    pub(crate) resume: bool,

    /// How much work of an SSTable a kill may cost: so many MiB, or so many seconds, as in 256,10s
    #[arg(long, value_name = "MIB,SECONDS", default_value = "1024,30s")]
    pub(crate) checkpoint: CheckpointArg,

    /// Where the run keeps its journal; below the first data directory without it
    #[arg(long, value_name = "DIR", env = "SSTABLEREKEY_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,

    /// Where the report of the run is kept, a JSON file; beside the journal without it
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) watch: WatchArgs,

    #[command(flatten)]
    pub(crate) stopped: StoppedArgs,
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
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
    pub(crate) system: SystemArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn an_option_s_origin_is_known() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["s plan --conf x --compression {}", "s keys list", "s census --data-dir d"] {
            let (_, sources) = Args::read(&words(line)).unwrap();
            assert_eq!(sources.conf, Origin::Argument("--conf"), "{line}");
            assert_eq!(sources.config, Origin::Argument("--config"), "{line}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
