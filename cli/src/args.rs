//! The command line: syntax only. [`crate::resolve`] turns it into things that do something.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use rekey_engine::txn::Flavor;

/// Re-encrypts the SSTables of a stopped Cassandra, DSE or HCD node under a new key.
///
/// Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some SSTables failed and the rest
/// went on, 5 a node or another run holds the data, 6 a key cannot be had, 7 not enough space,
/// 8 verification mismatch, 130 interrupted.
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
    /// Count which keys encrypt which SSTables; needs no key
    Census(CensusArgs),
    /// Show the main job on bundled SSTables, in a temporary directory
    Demo(DemoArgs),
    /// Show what upgradesstables would do, and change nothing
    Plan(PlanArgs),
    /// Re-encrypt SSTables, verify them and swap them in; the node must be stopped
    Upgradesstables(UpgradeArgs),
    /// Decrypt every chunk and check everything that can be checked
    Verify(VerifyArgs),
}

impl Command {
    /// Whether standard output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Census(args) => args.data.json,
            Self::Demo(_) => false,
            Self::Plan(args) => args.data.json,
            Self::Upgradesstables(args) => args.data.json,
            Self::Verify(args) => args.data.json,
        }
    }
}

/// Which files.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// A data directory of the node (the one that holds keyspaces); repeat it for several
    #[arg(long = "data-dir", value_name = "DIR", required = true)]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// How files are read
    #[arg(long, value_enum, default_value_t = Io::Map)]
    pub(crate) io: Io,

    /// Worker threads; all cores without it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Keyspace; all of them without it
    pub(crate) keyspace: Option<String>,

    /// Tables of the keyspace; all of them without it
    pub(crate) tables: Vec<String>,
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Io {
    /// Memory maps: fastest
    Map,
    /// Positional reads: a disk error is an error, never a signal
    Read,
}

/// Where keys come from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// A file with keys of KMIP servers, one line 'id = hex' each, mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) kmip_keys: Option<PathBuf>,

    /// Where relative paths of local key files start; the working directory without it
    #[arg(long, value_name = "DIR")]
    pub(crate) key_base: Option<PathBuf>,
}

/// What SSTables are to become.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// The new compression options, as in CQL: "{'class': 'Encryptor', ...}"
    #[arg(long, value_name = "MAP", required = true)]
    pub(crate) compression: String,

    /// The id of the KMIP key to write with
    #[arg(long, value_name = "ID")]
    pub(crate) key_id: Option<String>,

    /// The product that runs on the node, where its files do not tell: apache-3 (Cassandra 3.x),
    /// apache-4 (Cassandra 4.0 and later), converged-core (HCD), dse (DSE 6)
    #[arg(long, value_name = "FLAVOR")]
    pub(crate) flavor: Option<Flavor>,
}

/// Arguments of `census`.
#[derive(Debug, clap::Args)]
pub(crate) struct CensusArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Keep the temporary directory and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Plan as if upgradesstables were given --create-key
    #[arg(long)]
    pub(crate) create_key: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// Arguments of `upgradesstables`.
#[derive(Debug, clap::Args)]
pub(crate) struct UpgradeArgs {
    /// Take SSTables of the current version, too: always needed, since no version is changed here
    #[arg(short = 'a', long = "include-all-sstables", required = true)]
    pub(crate) include_all: bool,

    /// Make the target's local key if its key file does not have it
    #[arg(long)]
    pub(crate) create_key: bool,

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
