//! What both passes over an SSTable share.

use super::input::Layout;
use super::resume::{Ledger, Progress};
use super::staging::StagingArea;
use crate::journal::{RangeSet, State};

/// A rewrite in progress: from the first chunk to the end, however often it was resumed.
#[derive(Debug)]
pub(super) struct Successor<'a> {
    pub(super) staging: StagingArea,
    pub(super) ledger: Ledger<'a>,
    pub(super) layout: Layout,
    /// The seed of the digests of its plaintext.
    pub(super) seed: u64,
    /// How far an earlier run was.
    pub(super) resumed: State,
    /// The first pass.
    pub(super) written: Progress,
    /// The second pass, and the ranges of it that an earlier run has done.
    pub(super) read_back: Progress,
    pub(super) read_before: RangeSet,
}
