//! Arguments of `keys`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::BesideArgs;
use super::shared::{NodeArgs, ServerArgs, UserArgs};
use super::wish::Wish;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the symmetric keys of a group, or of all
    List(ListArgs),
    /// Try the connection to each server step by step, and say what is wrong and what helps
    Test(TestArgs),
    /// Set the date from which the database no longer encrypts with a key (Protect Stop Date)
    Expire(ExpireArgs),
    /// Revoke a key: nothing is encrypted with it any more, and many servers stop giving it out
    Revoke(RevokeArgs),
    /// Destroy a key, once nothing is under it any more
    Destroy(DestroyArgs),
}

impl KeysCommand {
    /// The data directories that it looks at, if it does, and as whom.
    pub(super) fn data(&self) -> Option<(&[PathBuf], &UserArgs)> {
        match self {
            Self::List(_) | Self::Expire(_) => None,
            Self::Test(args) => Some((&args.data_dirs, &args.user)),
            Self::Revoke(args) => Some((&args.proof.data_dirs, &args.proof.user)),
            Self::Destroy(args) => Some((&args.proof.data_dirs, &args.proof.user)),
        }
    }

    /// What it takes from the node's configuration.
    pub(super) fn wish(&mut self) -> Wish<'_> {
        match self {
            Self::List(args) => Wish::new(&mut args.node).servers(&mut args.config),
            Self::Test(args) => {
                let is_named = args.node.conf.is_some();
                let wish = Wish::new(&mut args.node).servers(&mut args.config);
                if is_named { wish.data(&mut args.data_dirs) } else { wish }
            }
            Self::Expire(args) => Wish::new(&mut args.group.node).servers(&mut args.group.config),
            Self::Revoke(RevokeArgs { proof, group, .. })
            | Self::Destroy(DestroyArgs { proof, group, .. }) => {
                let wish = Wish::new(&mut group.node).servers(&mut group.config).node_if_there();
                match proof.force {
                    true => wish.data_if_there(&mut proof.data_dirs),
                    false => wish.data(&mut proof.data_dirs),
                }
            }
        }
    }

    pub(super) fn is_json(&self) -> bool {
        match self {
            Self::List(args) => args.json,
            Self::Test(args) => args.json,
            Self::Expire(args) => args.group.json,
            Self::Revoke(args) => args.group.json,
            Self::Destroy(args) => args.group.json,
        }
    }
}

/// A group of servers.
#[derive(Debug, clap::Args)]
pub(crate) struct GroupArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are. Without it, the one of
    /// the configuration that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// The group of kmip_hosts
    pub(crate) group: String,
}

/// A key, and whether to ask before something is done to it.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyIdArgs {
    /// The key's id, as `keys list` shows it
    pub(crate) id: String,

    /// Do not ask for the id to be typed again
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Arguments of `keys list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only keys of this namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are. Without it, the one of
    /// the configuration that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// The group of kmip_hosts; all of them without it
    pub(crate) group: Option<String>,
}

/// Arguments of `keys test`.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are. Without it, the one of
    /// the configuration that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

    /// A data directory of the node: the keys that its SSTables name are tried, too. Without it,
    /// $SSTABLEREKEY_DATA_DIR, and those of the configuration if --conf names it
    #[arg(long = "data-dir", value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// The data directories hold copied or restored data: no system keyspace has to be there
    #[arg(long)]
    pub(crate) not_a_node: bool,

    #[command(flatten)]
    pub(crate) user: UserArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// The group of kmip_hosts; all of them without it
    pub(crate) group: Option<String>,
}

/// Arguments of `keys expire`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExpireArgs {
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) key: KeyIdArgs,

    /// The date, as 2026-04-13 or 2026-04-13T20:05:00Z; now without it
    pub(crate) date: Option<String>,
}

/// Why a key is revoked (KMIP 1.4, 9.1.3.2.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    Unspecified,
    /// Others may know the key
    KeyCompromise,
    /// The authority that vouched for it is broken
    CaCompromise,
    AffiliationChanged,
    /// Another key took its place
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

/// What must show that a key may go.
#[derive(Debug, clap::Args)]
pub(crate) struct ProofArgs {
    /// A data directory of the node; all of them. Nothing there, and in the other directories of the
    /// node's configuration, must use the key. Without it, $SSTABLEREKEY_DATA_DIR, and those of the configuration
    #[arg(long = "data-dir", value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// The data directories hold copied or restored data: no system keyspace has to be there
    #[arg(long)]
    pub(crate) not_a_node: bool,

    #[command(flatten)]
    pub(crate) dirs: BesideArgs,

    #[command(flatten)]
    pub(crate) user: UserArgs,

    /// Go ahead even if data is under the key, or nobody looked: that data may be lost
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `keys revoke`.
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArgs {
    /// The reason that the server records
    #[arg(long, value_enum, default_value_t = Reason::Superseded)]
    pub(crate) reason: Reason,

    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) key: KeyIdArgs,
}

/// Arguments of `keys destroy`.
#[derive(Debug, clap::Args)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) key: KeyIdArgs,
}
