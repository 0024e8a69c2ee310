//! Arguments of `may-destroy`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::shared::threads;
use super::{LookArgs, NodeArgs, UserArgs, Wish};

/// Which keys, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct MayDestroyArgs {
    /// A key as census prints it: GROUP/ID of a KMIP server, SYSTEM_KEY/UUID of the replicated provider,
    /// the path of a key file (all its keys, or one with TRANSFORMATION:STRENGTH), 'keystore ALIAS', or
    /// 'system NAME'
    #[arg(value_name = "KEY", required_unless_present = "merge")]
    pub(crate) keys: Vec<String>,

    /// Write what was found as JSON into this file, which must not be there yet
    #[arg(long, value_name = "FILE", conflicts_with = "merge")]
    pub(crate) report: Option<PathBuf>,

    /// Judge by the reports of several nodes, which --report has written, and look at nothing here; without
    /// a KEY, each key that is in one of them
    #[arg(long, value_name = "REPORT", num_args = 1.., conflicts_with_all = [
        "data_dirs", "conf", "not_a_node", "config", "commitlog_dirs", "hints_dirs",
    ])]
    pub(crate) merge: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// A data directory of the node; all of them. Without it, $SSTABLEREKEY_DATA_DIR, and those of the
    /// configuration
    #[arg(long = "data-dir", value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// The data directories hold copied or restored data: nothing else is looked for
    #[arg(long)]
    pub(crate) not_a_node: bool,

    #[command(flatten)]
    pub(crate) look: LookArgs,

    #[command(flatten)]
    pub(crate) user: UserArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// Worker threads; all cores without it
    #[arg(
        long, value_name = "N", env = "SSTABLEREKEY_THREADS", hide_env_values = true,
        value_parser = threads
    )]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl MayDestroyArgs {
    /// The data directories that it looks at, if it does, and as whom.
    pub(super) fn data(&self) -> Option<(&[PathBuf], &UserArgs)> {
        self.merge.is_empty().then_some((&self.data_dirs, &self.user))
    }

    /// What it takes from the node's configuration: all of it, unless reports say everything.
    pub(super) fn wish(&mut self) -> Option<Wish<'_>> {
        if !self.merge.is_empty() {
            return None;
        }
        let wish = Wish::new(&mut self.node).data(&mut self.data_dirs);
        Some(wish.config(&mut self.look.config).node_if_there())
    }
}
