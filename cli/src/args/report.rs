//! Arguments of `report`.

use std::path::PathBuf;

use super::{StateArgs, UserArgs, Wish};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Write one page that needs nothing else: to read in a browser, to print, to hand on. It is readable
    /// by its user only
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Replace the file of --html, if it is a regular file
    #[arg(long, requires = "html")]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) of: StateArgs,

    /// The report of a run, what census --json has printed, or what may-destroy --report has written, also
    /// on several nodes; without it, the newest report of a run on this node
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
}

impl ReportArgs {
    pub(crate) fn data(&self) -> Option<(&[PathBuf], &UserArgs)> {
        self.sources.is_empty().then_some((&self.of.data_dirs, &self.of.user))
    }

    /// Nothing of the node, if documents are named.
    pub(crate) fn wish(&mut self) -> Option<Wish<'_>> {
        let of = &mut self.of;
        self.sources.is_empty().then(|| Wish::new(&mut of.node).data(&mut of.data_dirs))
    }
}
