//! How much is said: `--quiet`, `--verbose`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How much is said beside results and errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// Nothing.
    Quiet,
    /// Remarks and progress.
    #[default]
    Usual,
    /// Every SSTable, and how long things took, too.
    Verbose,
}

/// What was asked for, and when the command began.
static ASKED: OnceLock<(Loudness, Instant)> = OnceLock::new();

/// Settles it for the whole process; the first word counts.
pub(crate) fn settle(loudness: Loudness) {
    let _first = ASKED.set((loudness, Instant::now()));
}

/// What was asked for.
pub(super) fn loudness() -> Loudness {
    ASKED.get().map_or_else(Loudness::default, |(loudness, _)| *loudness)
}

pub(super) fn is_quiet() -> bool {
    loudness() == Loudness::Quiet
}

/// How long the command has worked, if somebody wants to know.
pub(super) fn elapsed() -> Option<Duration> {
    let (loudness, began) = ASKED.get()?;
    (*loudness == Loudness::Verbose).then(|| began.elapsed())
}
