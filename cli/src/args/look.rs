//! What a census looks at beside the tables.

use std::path::PathBuf;

use super::{BesideArgs, ServerArgs};

/// Where else keys may be in use.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LookArgs {
    /// The node's hcd.yaml or dse.yaml: its kmip_hosts are asked for the states of keys. Without it, the
    /// one of the configuration that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

    /// Where relative paths of local key files start; the working directory without it
    #[arg(long, value_name = "DIR", env = "SSTABLEREKEY_KEY_BASE", hide_env_values = true)]
    pub(crate) key_base: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) dirs: BesideArgs,
}
