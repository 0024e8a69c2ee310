//! How much is said.

use crate::ui::Loudness;

/// How much is said.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LoudnessArgs {
    /// Print results, warnings and errors only: no notes, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Print a line for every SSTable that is done, too, and how long things took
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl LoudnessArgs {
    pub(crate) const fn loudness(self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Usual,
        }
    }
}
